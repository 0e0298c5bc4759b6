"""Where law files are, and what the text of one says with its base and its variants written out.

The package's own folder comes first, then those named by ``BAYESLAW_LAWS``.  A law is found by what stands above the
first table of its file (title, aliases, topics, status), so that a file is read whole only when its law is asked for.
"""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bayeslaw.errors import FileError, LawError, did_you_mean
from bayeslaw.language.formula.expression import parse, substitute, to_text
from bayeslaw.paths import law_file, why

USER_FOLDERS = "BAYESLAW_LAWS"
LARGEST_FILE = 100_000

# A table of a variant, and the first table of any kind.
_VARIANT = re.compile(r"(?m)^\[variant\.([A-Za-z]\w*)\]")
_FIRST_TABLE = re.compile(r"(?m)^\[")


@dataclass(frozen=True)
class Entry:
    """A law that is there to be read: its file, the name of its variant if it is one, and how else it is called."""

    path: Path
    variant: str | None
    called: tuple[str, ...]


def read_text(path: str | Path) -> str:
    """The text of a law file.

    Raises
    ------
    FileError
        When the file cannot be read.
    LawError
        When it is too large, or no text.
    """
    path = law_file(path)
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise LawError(f"{path}: a law file of {size:,} bytes; at most {LARGEST_FILE:,} are read.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LawError(f"{path}: not a text file in UTF-8, so not a law file.") from None
    except OSError as error:
        raise FileError(f"{path}: cannot read this law file ({why(error)}).") from None


def shipped_folder() -> Path:
    """Return the folder of the shipped laws: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def folders() -> list[Path]:
    """All folders that are searched, the package's own first."""
    extra = os.environ.get(USER_FOLDERS, "")
    return [shipped_folder(), *(Path(f).expanduser() for f in extra.split(os.pathsep) if f)]


def entries() -> dict[str, Entry]:
    """The laws by name, variants included.  A file of a user folder may not take the name of a shipped law."""
    found: dict[str, Entry] = {}
    for folder in folders():
        if not folder.is_dir():
            raise LawError(f"{USER_FOLDERS} names '{folder}', which is not a folder.")
        for path in sorted(folder.glob("*.toml")):
            for name, entry in _entries_of(path, path.stat().st_mtime_ns).items():
                if name in found:
                    raise LawError(
                        f"{path}: there is already a law '{name}' at {found[name].path}; rename "
                        f"{'the variant' if entry.variant else 'the file'}."
                    )
                found[name] = entry
    return found


@lru_cache(maxsize=1024)
def _entries_of(path: Path, _changed: int) -> dict[str, Entry]:
    """The laws of one file; of a file that cannot be read only its name, so that whoever asks for it is told why."""
    try:
        text = read_text(path)
        first = _FIRST_TABLE.search(text)
        head = tomllib.loads(text[: first.start()] if first else text)
    except (LawError, FileError, tomllib.TOMLDecodeError):
        return {path.stem: Entry(path, None, ())}
    aliases = head.get("aliases", [])
    called = [head.get("title"), *(aliases if isinstance(aliases, list) else ())]
    own = Entry(path, None, tuple(one for one in called if isinstance(one, str)))
    return {path.stem: own, **{name: Entry(path, name, ()) for name in _VARIANT.findall(text)}}


def text_of(name: str) -> str:
    """The text of a law by its name.

    Raises
    ------
    LawError
        When there is no law of this name.
    """
    known = entries()
    if name not in known:
        raise LawError(f"there is no law '{name}'{did_you_mean(name, known)}")
    entry = known[name]
    text = read_text(entry.path)
    return text if entry.variant is None else variant_text(text, entry.variant, str(entry.path))


def variant_text(text: str, variant: str, source: str) -> str:
    """The text of a variant: that of its file, with what the variant says in the place of what the file says."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"{source}: not TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    changes = dict(table.pop("variant")[variant])
    about = str(changes.pop("about", ""))
    table.pop("aliases", None)  # which are names of the file's own law
    return _as_text(_merged(table, changes), about)


def _merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with some values changed, at any depth; an empty table or text takes a value away."""
    merged = dict(table)
    for key, value in changes.items():
        if value in ("", {}):
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(table.get(key), dict):
            merged[key] = _merged(table[key], value)
        else:
            merged[key] = value
    return merged


def _as_text(table: Mapping[str, Any], about: str) -> str:
    import tomli_w

    return "".join(f"# {line}\n" for line in about.splitlines()) + tomli_w.dumps(table)


def with_base(text: str, table: dict[str, Any], name: str, above: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """A law that takes another as its term, written out: its text and its table without ``base``.

    ``base = "chinchilla"`` makes the loss of that law a term of its name.  ``base = { chinchilla = { N = "N * k" } }``
    does so at other inputs.  Inputs, parameters and the outcome are those of the base where the law has none of its
    own; what is then of no use is left out, and so are the base's derived and published values.

    Raises
    ------
    LawError
        When there is no such base, it is itself, or a name is taken twice.
    """
    own, base = dict(table), table["base"]
    called, by = next(iter(base.items()), ("", {})) if isinstance(base, dict) else (base, {})
    if not (called and isinstance(called, str) and isinstance(by, dict) and all(map(_is_text, by.values()))):
        raise LawError('base is the name of a law, as in base = "chinchilla", or { chinchilla = { N = "N * k" } }')
    if called == name:
        raise LawError(f"base: '{name}' cannot be its own base")
    if called in above:
        raise LawError(f"base: {' is of '.join((*above, name, called))}, in a circle")
    base_text = text_of(called)
    below = tomllib.loads(base_text)
    if "base" in below:
        _, below = with_base(base_text, below, called, (*above, name))
    del own["base"]
    unknown = [each for each in by if each not in below["input"]]
    if unknown:
        raise LawError(f"base: law '{called}' has no input '{unknown[0]}'{did_you_mean(unknown[0], below['input'])}")
    nodes = {each: parse(text) for each, text in by.items()}

    def at(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: at(each) for key, each in part.items()}
        if isinstance(part, list):
            return [at(each) for each in part]
        return to_text(substitute(parse(part), nodes)) if nodes and isinstance(part, str) else part

    inner = {**at(below.get("terms", {})), called: at(below["formula"])}
    mine = own.get("terms", {})
    taken = {*own.get("input", ()), *own.get("parameter", ()), *mine} & set(inner)
    if taken:
        raise LawError(f"base: law '{called}' has a term '{min(taken)}' already; give yours another name")
    first = next((i for i, term in enumerate(mine.values()) if called in _names(term)), len(mine))
    placed = list(mine.items())
    own["terms"] = dict([*placed[:first], *inner.items(), *placed[first:]])
    own.setdefault("output", below["output"])
    used = {each for part in (own["formula"], own["terms"], own["output"]) for each in _names(part)}
    inputs = {**below["input"], **own.get("input", {})}
    for one, entry in reversed(inputs.items()):  # an input that is computed uses those above it
        if one in used or f"{one}0" in used:
            used |= _names(entry.get("formula", ""))
    own["input"] = {one: entry for one, entry in inputs.items() if one in own.get("input", ()) or one in used
                    or f"{one}0" in used}  # fmt: skip
    mine = own.get("parameter", {})
    inherited = {one: entry for one, entry in below["parameter"].items() if one in used and one not in mine}
    own["parameter"] = {**inherited, **mine}
    opening = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    return _as_text(own, "\n".join(line.lstrip("# ") for line in opening)), own


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _names(part: Any) -> set[str]:
    """The words in all formulas of a part of a law, among which are the names that it uses."""
    if isinstance(part, dict):
        return set().union(*(_names(each) for key, each in part.items() if key not in ("units", "meaning")))
    if isinstance(part, list):
        return set().union(*map(_names, part))
    return set(re.findall(r"[A-Za-z]\w*", part)) if isinstance(part, str) else set()
