"""Where law files are: the package's own, then the folders named by ``BAYESLAW_LAWS``."""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path

from bayeslaw.errors import FileError, LawError, did_you_mean, listed, shown
from bayeslaw.language.law import Input, Law
from bayeslaw.language.reading import LARGEST_FILE
from bayeslaw.paths import law_file, why
from bayeslaw.words import number_in, worded

USER_FOLDERS = "BAYESLAW_LAWS"


def read_law(path: str | Path) -> Law:
    """Read a law file; the law takes the file's name.

    Raises
    ------
    FileError
        When the file cannot be read.
    LawError
        When it is not a law.
    """
    path = law_file(path)
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise LawError(f"{path}: a law file of {size:,} bytes; at most {LARGEST_FILE:,} are read.")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LawError(f"{path}: not a text file in UTF-8, so not a law file.") from None
    except OSError as error:
        raise FileError(f"{path}: cannot read this law file ({why(error)}).") from None
    return Law.parse(text, path.stem, str(path))


def shipped_folder() -> Path:
    """Return the folder of the shipped laws: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def folders() -> list[Path]:
    """All folders that are searched, the package's own first."""
    extra = os.environ.get(USER_FOLDERS, "")
    return [shipped_folder(), *(Path(f).expanduser() for f in extra.split(os.pathsep) if f)]


def paths() -> dict[str, Path]:
    """Law files by name.  A file of a user folder may not take the name of a shipped law."""
    found: dict[str, Path] = {}
    for folder in folders():
        if not folder.is_dir():
            raise LawError(f"{USER_FOLDERS} names '{folder}', which is not a folder.")
        for path in sorted(folder.glob("*.toml")):
            if path.stem in found:
                raise LawError(f"{path}: there is already a law '{path.stem}' at {found[path.stem]}; rename the file.")
            found[path.stem] = path
    return found


def law(name: str, along: str | None = None) -> Law:
    """Return a law of the catalogue by name.

    Parameters
    ----------
    name
        File name without ``.toml``; ``bayeslaw laws`` lists them.
    along
        The column that a law of one scale runs along in place of its own: ``"n_params"``, or one that no law knows with
        a usual value of it, ``"gpu_hours=1e3"``.  ``"power_law@n_params"`` is the same law as a name.

    Raises
    ------
    LawError
        When there is no such law, with the nearest name, or it cannot run along another scale.
    """
    name, _, own = name.partition("@")
    return run_along(_named(name), along or own)


def run_along(law: Law, along: str | None) -> Law:
    """A law along the scale of a column, see :func:`law`; the law itself without one.

    Raises
    ------
    LawError
        When it cannot, or no shipped law says what the column's scale is.
    """
    if not along:
        return law
    column, given, usual = (part.strip() for part in along.partition("="))
    if not given:
        return law.along(_scale(column))
    value = number_in(usual)
    if value is None:
        raise LawError(
            f"along {along}: '{usual}' is not a number; give a usual value of {column}, such as {column}=1e3."
        )
    return law.along(Input("x", column, "1", column.replace("_", " "), value))


def _scale(column: str) -> Input:
    """The first input of a shipped law that has a column and a reference scale."""
    shipped = (read_law(path) for path in sorted(shipped_folder().glob("*.toml")))
    known = {
        each.column: each for one in reversed([*shipped]) for each in one.inputs.values()
        if each.reference is not None and each.formula is None
    }  # fmt: skip
    if column not in known:
        usual = worded(f'along="{column}=1e3"', f"--along {column}=1e3")
        raise LawError(
            f"along: no law has a scale '{column}'{did_you_mean(column, known)}; known are {listed(known, 20)}; of "
            f"another, give a usual value: {usual}."
        )
    return known[column]


def _named(name: str) -> Law:
    known = paths()
    if name not in known:
        raise LawError(f"there is no law '{name}'{did_you_mean(name, known)}; `bayeslaw laws` lists all {len(known)}.")
    path = known[name]
    return _read(path, path.stat().st_mtime_ns)


def find(law_or_name: Law | str) -> Law:
    """Return a law as is, or look up its name in the catalogue.

    Raises
    ------
    LawError
        When there is no such law, or the argument is neither a law nor a name.
    """
    if isinstance(law_or_name, Law):
        return law_or_name
    if not isinstance(law_or_name, str):
        raise LawError(f"a law is a name such as 'chinchilla', or a Law, not {shown(law_or_name)}.")
    return law(law_or_name)


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int) -> Law:
    return read_law(path)


def laws(topic: str | None = None) -> tuple[Law, ...]:
    """All laws of the catalogue, or those of one topic, by name."""
    every = tuple(law(name) for name in sorted(paths()))
    if topic is None:
        return every
    topics = {t for each in every for t in each.topics}
    if topic not in topics:
        raise LawError(
            f"there is no topic '{topic}'{did_you_mean(topic, topics)}; topics: {', '.join(sorted(topics))}."
        )
    return tuple(each for each in every if topic in each.topics)


@lru_cache(maxsize=1)
def bibliography() -> dict[str, dict[str, str]]:
    """Return the entry of every reference key of the laws: authors, title, year and where to find it."""
    text = (Path(__file__).parent / "references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
