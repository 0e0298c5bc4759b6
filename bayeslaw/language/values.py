"""The kinds of values in a law file: texts, numbers, intervals, formulas, priors and calls.

A value of the wrong kind raises a :class:`LawError` with file, line, column and what was expected.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, TypeVar

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.formula import expression as expr
from bayeslaw.language.formula.expression import Node, Number, Place
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from bayeslaw.language.formula.priors import PRIORS
from bayeslaw.language.parts import Prior
from bayeslaw.language.toml_positions import place_of

Read = TypeVar("Read")

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
# A formula cannot tell these from words of the language.  Only 'step' may be both: laws of training curves read the
# steps of a run, and the function is recognised by its call.
RESERVED = (frozenset(FUNCTIONS) | frozenset(keyword.kwlist)) - {"step"}
# Tables whose formulas are computed one after the other.
IN_ORDER = ("input", "terms", "derived")
KEYS = {
    "input": ("column", "units", "meaning", "reference", "range", "formula", "default"),
    "output": ("likelihood", "units", "meaning", "range", "best"),
    "parameter": ("prior", "pool", "spread", "units", "meaning"),
    "published": ("formula", "inverse", "values", "source", "errors", "log_errors"),
    "terms": ("root", "between"),
}


def parse_call(
    text: str, place: Place | None = None, known: Collection[str] = tuple(LIKELIHOODS)
) -> tuple[str, tuple[Node, ...]]:
    """``"LogNormal(mean, sigma)"`` as its word and its arguments."""
    place = place or Place("likelihood")
    match = re.fullmatch(r"\s*([A-Za-z]\w*)\s*\((.*)\)\s*", text, re.DOTALL)
    if match is None:
        raise expr.fault(text, place, 0, f"expected a call such as {next(iter(known))}(...)")
    word, inside = match[1], match[2]
    if word not in known:
        raise expr.fault(
            text, place, match.start(1), f"unknown word '{word}'{did_you_mean(word, known)}; known: {listed(known, 20)}"
        )
    pieces, start = _split(inside), match.start(2)
    arguments = []
    for piece in pieces:
        if not piece.strip():
            raise expr.fault(text, place, start, "an argument is missing")
        lead = len(piece) - len(piece.lstrip())
        arguments.append(expr.parse(piece.strip(), Place(place.source, place.line, place.column + start + lead)))
        start += len(piece) + 1
    return word, tuple(arguments)


# Files share most of their priors.
@lru_cache(maxsize=1024)
def parse_prior(text: str, what: str, place: Place | None = None) -> Prior:
    """``"LogNormal(log(1.8), 0.3)"`` as a prior with its numbers."""
    place = place or Place(what)
    word, arguments = parse_call(text, place, (*PRIORS, "Constant"))
    numbers = []
    for argument in arguments:
        if not isinstance(argument, Number):
            raise expr.fault(text, place, 0, f"the arguments of {what} must be numbers")
        numbers.append(argument.value)
    expected = ("value",) if word == "Constant" else PRIORS[word].arguments
    if len(numbers) != len(expected):
        raise expr.fault(
            text, place, 0, f"{word} takes {len(expected)} numbers ({', '.join(expected)}), not {len(numbers)}"
        )
    positive = () if word == "Constant" else PRIORS[word].positive_arguments
    for role, number in zip(expected, numbers, strict=True):
        if role in positive and number <= 0:
            raise expr.fault(text, place, 0, f"the {role} of {word} must be positive, not {number:g}")
    return Prior(
        word,
        tuple(numbers),
        f"{word}({', '.join(_short(a) for a in _split(text[text.index('(') + 1 : text.rindex(')')]))})",
    )


def _split(inside: str) -> list[str]:
    """Split at the commas outside parentheses."""
    pieces, depth, start = [], 0, 0
    for i, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            pieces.append(inside[start:i])
            start = i + 1
    return [*pieces, inside[start:]]


class Values:
    """The values of one file: its text for positions, its table for values."""

    def __init__(self, text: str, name: str, source: str, table: dict[str, Any]) -> None:
        self.text, self.name, self.source, self.table = text, name, source, table

    def place(self, section: str | None, key: str | None = None, field: str | None = None) -> Place:
        """Where a value stands."""
        return place_of(self.text, self.source, section, key, field)

    def placed(self, read: Callable[[Place | None], Read], *at: str | None) -> Read:
        """What is read from a text; it is read again with its place for the message of a mistake.

        Looking up the place takes as long as the reading, and most texts are right.
        """
        try:
            return read(None)
        except LawError:
            return read(self.place(*at))

    def wrong(
        self, message: str, section: str | None = None, key: str | None = None, field: str | None = None
    ) -> LawError:
        """A mistake, with the place of its value."""
        return LawError(f"{self.place(section, key, field)}: {message}.")

    def entries(self, section: str, required: bool = True) -> dict[str, Any]:
        """The entries of a table of the file."""
        table = self.table.get(section, {})
        if not isinstance(table, dict) or (required and not table):
            raise self.wrong(f"a law needs a table [{section}] with at least one entry", section)
        return table

    def check_name(self, section: str, key: str) -> None:
        """Refuse a name that no formula could use."""
        if not NAME.match(key):
            raise self.wrong(f"'{key}' is not a name (letters, digits and '_', a letter first)", section, key)
        if key in RESERVED and section != "output":  # formulas call the outcome 'mean'
            raise self.wrong(f"'{key}' is a word of the law language, so nothing can be called so", section, key)

    def entry(self, section: str, key: str, value: Any) -> dict[str, Any]:
        """One entry of a table; unknown keys are refused."""
        self.check_name(section, key)
        if not isinstance(value, dict):
            raise self.wrong(f"[{section}] {key} must be a table {{ ... }}, not {value!r}", section, key)
        for field in value:
            if field not in KEYS[section]:
                raise self.wrong(
                    f"unknown key '{field}' in [{section}] {key}{did_you_mean(field, KEYS[section])}; "
                    f"known: {', '.join(KEYS[section])}",
                    section,
                    key,
                    field,
                )
        return value

    def string(self, value: Any, what: str, *at: str | None) -> str:
        """A text."""
        if not isinstance(value, str):
            raise self.wrong(f"{what} must be a text in quotes, not {value!r}", *at)
        return value

    def one_of(self, known: Collection[str], value: Any, what: str, *at: str | None) -> str:
        """A word of a list."""
        word = self.string(value, what, *at)
        if word not in known:
            raise self.wrong(f"unknown {what} '{word}'{did_you_mean(word, known)}; known: {', '.join(known)}", *at)
        return word

    def number(self, value: Any, what: str, *at: str | None) -> float:
        """A finite number."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300 or value != value:
            raise self.wrong(f"{what} must be a finite number, not {value!r}", *at)
        return float(value)

    def interval(self, value: Any, what: str, *at: str | None) -> tuple[float, float] | None:
        """Two increasing numbers, or None if not given."""
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(f"{what} must be two numbers [low, high], not {value!r}", *at)
        low, high = (self.number(v, what, *at) for v in value)
        if not low < high:
            raise self.wrong(f"{what} must rise, but is [{low:g}, {high:g}]", *at)
        return low, high

    def formula(self, value: Any, allowed: Collection[str], what: str, *at: str | None) -> Node:
        """A formula of allowed names."""
        text = self.string(value, what, *at)
        node = self.placed(lambda place: expr.parse(text, place), *at)
        for name, offset in expr.names(node).items():
            if name not in allowed:
                raise expr.fault(
                    text, self.place(*at), offset,
                    f"unknown name '{name}' in {what}{self.instead(name, allowed, at[0])}",
                )  # fmt: skip
        return node

    def instead(self, name: str, allowed: Collection[str], section: str | None) -> str:
        """The end of a message about a name that a formula of this table may not use."""
        if section in IN_ORDER and name in self.entries(section):
            return f": formulas of [{section}] may use only names that stand above them, and '{name}' does not"
        return f"{did_you_mean(name, allowed)}; known: {listed(allowed, 20)}"

    def prior(self, value: Any, what: str, *at: str | None) -> Prior:
        """A prior."""
        text = self.string(value, what, *at)
        return self.placed(lambda place: parse_prior(text, what, place), *at)


def _short(argument: str) -> str:
    return " ".join(argument.split())
