"""The laws that there are: by name, by what papers call them, by topic and by words about them."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path

from bayeslaw.errors import LawError, did_you_mean, listed, shown
from bayeslaw.language.files import Entry, entries, read_text, shipped_folder, variant_text
from bayeslaw.language.law import Input, Law
from bayeslaw.words import number_in, worded


def read_law(path: str | Path) -> Law:
    """Read a law file; the law takes the file's name.

    Raises
    ------
    FileError
        When the file cannot be read.
    LawError
        When it is not a law.
    """
    path = Path(path)
    text = read_text(path)
    return Law.parse(text, path.stem, str(path))


def law(name: str, along: str | None = None) -> Law:
    """Return a law of the catalogue by name.

    Parameters
    ----------
    name
        File name without ``.toml``, or what its paper calls it, such as ``"Densing Law"``; ``bayeslaw laws`` lists
        them.
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
    """The input of a shipped law that has a column, at the reference scale that most laws give it."""
    shipped = (_at(entry) for _, entry in sorted(entries().items()) if entry.path.parent == shipped_folder())
    known: dict[str, list[Input]] = {}
    for each in (each for one in shipped for each in one.inputs.values()):
        if each.reference is not None and each.formula is None:
            known.setdefault(each.column, []).append(each)
    if column not in known:
        usual = worded(f'along="{column}=1e3"', f"--along {column}=1e3")
        raise LawError(
            f"along: no law has a scale '{column}'{did_you_mean(column, known)}; known are {listed(known, 20)}; of "
            f"another, give a usual value: {usual}."
        )
    scales = Counter(each.reference for each in known[column])
    return max(known[column], key=lambda each: scales[each.reference])  # the first law's, of several


def _named(name: str) -> Law:
    known = entries()
    if name not in known:
        name = called(name)
    return _at(known[name])


def called(words: str) -> str:
    """The name of the law that papers call so.

    Raises
    ------
    LawError
        When none or several are called so, with the nearest name.
    """
    known = entries()
    said = {other: name for name, entry in known.items() for other in entry.called}
    found = {name for other, name in said.items() if _plain(other) == _plain(words)}
    found |= {name for name in known if _plain(name) == _plain(words)}
    if len(found) == 1:
        return found.pop()
    if found:
        raise LawError(f"several laws are called '{words}': {listed(sorted(found))}; take one by its name.")
    raise LawError(
        f"there is no law '{words}'{did_you_mean(words, {*known, *said})}; `bayeslaw laws` lists all {len(known)}."
    )


def _plain(words: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[\W_]", "", words.casefold())


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


def _at(entry: Entry) -> Law:
    return _read(entry.path, entry.variant, entry.path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _read(path: Path, variant: str | None, _changed: int) -> Law:
    if variant is None:
        return read_law(path)
    return Law.parse(variant_text(read_text(path), variant, str(path)), variant, f"{path} (variant {variant})")


def laws(topic: str | None = None, search: str | None = None) -> tuple[Law, ...]:
    """Laws of the catalogue, by name.

    Parameters
    ----------
    topic
        Only those listed under this topic.
    search
        Only those with all of these words in their name, title, aliases, topics, description or paper.

    Raises
    ------
    LawError
        When there is no such topic, or no law that has the words.
    """
    every = tuple(_at(entry) for _, entry in sorted(entries().items()))
    if topic is not None:
        topics = {t for each in every for t in each.topics}
        if topic not in topics:
            raise LawError(
                f"there is no topic '{topic}'{did_you_mean(topic, topics)}; topics: {', '.join(sorted(topics))}."
            )
        every = tuple(each for each in every if topic in each.topics)
    if search is None:
        return every
    texts = {each.name: _words_about(each) for each in every}
    found = tuple(each for each in every if all(word in texts[each.name] for word in search.casefold().split()))
    if not found:
        known = {word for text in texts.values() for word in re.findall(r"\w{3,}", text)}
        near = next((hint for word in search.split() if word.casefold() not in known
                     and (hint := did_you_mean(word, known))), "")  # fmt: skip
        raise LawError(f"no law is about '{search}'{near}; `bayeslaw laws` lists all {len(texts)}.")
    return found


def _words_about(law: Law) -> str:
    paper = bibliography().get(law.reference, {})
    about = (law.name, law.title, *law.aliases, *law.topics, law.summary, law.reference, law.output.column, law.status)
    return " ".join((*about, *map(str, paper.values()))).casefold()


def cited_as(key: str) -> str:
    """A source as it is cited in a sentence, ``Hoffmann et al. 2022``; the key itself where it is not known.

    Of several sets of numbers of one source the name of the set is added, as in ``Gadre et al. 2024 (c4)``.
    """
    known = bibliography()
    name, _, part = (key, "", "") if key in known else key.rpartition("_")
    if name not in known:
        return key
    surnames = [author.split()[-1] for author in known[name]["authors"].split(", ")]
    who = " and ".join(surnames) if len(surnames) < 3 else f"{surnames[0]} et al."
    return f"{who} {known[name]['year']}" + (f" ({part.replace('_', ' ')})" if part else "")


@lru_cache(maxsize=1)
def bibliography() -> dict[str, dict[str, str]]:
    """Return the entry of every reference key of the laws: authors, title, year and where to find it."""
    text = (Path(__file__).parent / "references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
