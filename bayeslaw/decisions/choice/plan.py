"""What is at stake: the runs that can be bought, a target, what they cost and what their outcome is worth.

A plan is a TOML text, read as a law is: nothing of it is executed, and a mistake is answered with its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.decisions.cost import Cost
from bayeslaw.errors import FileError, QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import Node, Number, Place, parse
from bayeslaw.language.toml_positions import place_of
from bayeslaw.paths import why
from bayeslaw.words import number_in, short

KEYS = ("title", "target", "cost", "utility", "money", "go", "stop", "tail", "family", "option", "look")
TAIL = 0.05
LARGEST_FILE = 100_000


@dataclass(frozen=True)
class Target:
    """A value that the outcome of a run should be below or above."""

    outcome: str
    side: str
    value: float

    def met(self, draws: np.ndarray) -> np.ndarray:
        """Whether outcomes meet it, of their shape."""
        return np.asarray(draws < self.value if self.side == "below" else draws > self.value)

    def __str__(self) -> str:
        return f"{self.outcome} {self.side} {short(self.value, 12)}"


@dataclass(frozen=True)
class Plan:
    """What is at stake.

    Attributes
    ----------
    options
        The runs that can be bought, by name: their inputs as a question takes them.
    cost
        Of an option; None where nothing depends on it.
    utility
        A formula of the outcome, ``cost`` and ``met``; None where only the chance of the target is asked for.
    money
        What cost and utility are counted in.
    go, stop
        An option is a go where the chance of its target is at least `go`, and a stop where it is at most `stop`; None
        for a plan without thresholds.
    tail
        The share of the worst cases that value at risk and expected shortfall speak of.
    look
        The inputs of a run that could be made before; None for one halfway to the largest option.
    source
        The name of the plan in messages.
    """

    options: Mapping[str, Mapping[str, float | str]]
    target: Target
    cost: Cost | None
    utility: Node | None
    money: str
    go: float | None
    stop: float | None
    tail: float
    family: str | Mapping[str, str] | None
    look: Mapping[str, float | str] | None
    source: str


def read_plan(plan: Plan | Mapping[str, Any] | str | Path) -> Plan:
    """Read a plan from a TOML file, or from a mapping with the same keys.

    Raises
    ------
    FileError
        When the file cannot be read.
    QuestionError
        When it is no plan: not TOML, an unknown key, a target, number or option that is none.
    LawError
        When a formula does not follow the law language.
    """
    if isinstance(plan, Plan):
        return plan
    if isinstance(plan, Mapping):
        return _Reader("", "plan", dict(plan)).plan()
    try:
        text = Path(plan).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise FileError(
            f"{plan}: cannot read this plan ({why(error)}); `bayeslaw decide --example` prints one."
        ) from None
    if len(text) > LARGEST_FILE:
        raise FileError(f"{plan}: a plan of {len(text):,} characters; at most {LARGEST_FILE:,} are read.")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise QuestionError(f"{plan}: not TOML: {reason[:1].lower()}{reason[1:]}.") from None
    return _Reader(text, str(plan), table).plan()


class _Reader:
    """One plan being read."""

    def __init__(self, text: str, source: str, table: Mapping[str, Any]) -> None:
        self.text, self.source, self.table = text, source, table

    def plan(self) -> Plan:
        for key in self.table:
            if key not in KEYS:
                raise self.wrong(f"unknown key '{key}'{did_you_mean(key, KEYS)}; a plan has {listed(KEYS, 20)}", key)
        for key, such in (("target", '"loss below 2.0"'), ("option", '{ large = { N = "7B", D = "140B" } }')):
            if key not in self.table:
                raise self.wrong(f"a plan needs its {key}, such as {key} = {such}", key)
        go, stop = (self.probability(key) for key in ("go", "stop"))
        if (go is None) != (stop is None):
            raise self.wrong("go and stop are two thresholds of one rule; give both, or neither", "go")
        if go is not None and stop is not None and not stop < go:
            raise self.wrong(f"stop = {stop:g} is not below go = {go:g}; the grey zone lies between them", "stop")
        family = self.table.get("family")
        if not (family is None or isinstance(family, str) or _is_table_of(family, str)):
            raise self.wrong('family is a name in quotes, or one by column such as { corpus = "c4" }', "family")
        tail = self.probability("tail")
        return Plan(
            options={name: self.run(at, "option", name) for name, at in self.entries("option").items()},
            target=self.target(), cost=self.cost(), utility=self.utility(),
            money=self.string("money") if "money" in self.table else "", go=go, stop=stop,
            tail=TAIL if tail is None else tail, family=family,
            look=self.run(self.table["look"], "look") if "look" in self.table else None, source=self.source,
        )  # fmt: skip

    def place(self, section: str | None, key: str | None = None) -> Place:
        """Where a value stands."""
        return place_of(self.text, self.source, section, key) if self.text else Place(self.source)

    def wrong(self, message: str, key: str, section: str | None = None) -> QuestionError:
        """A mistake, with the place of its value where there is a text."""
        at = self.place(section, key) if self.text and (section or key) in self.table else self.source
        return QuestionError(f"{at}: {message}.")

    def string(self, key: str) -> str:
        """A text."""
        if not isinstance(self.table[key], str):
            raise self.wrong(f"{key} must be a text in quotes, not {self.table[key]!r}", key)
        return str(self.table[key])

    def probability(self, key: str) -> float | None:
        """A number between 0 and 1, if it is given."""
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:
            raise self.wrong(f"{key} is a probability between 0 and 1, such as 0.8, not {value!r}", key)
        return float(value)

    def target(self) -> Target:
        """An outcome, a side and a value."""
        text = self.string("target")
        found = re.fullmatch(r"\s*(\w+)\s+(below|above)\s+(\S+)\s*", text)
        value = None if found is None else number_in(found[3])
        if found is None or value is None:
            raise self.wrong(f"target '{text}' is not of the form 'loss below 2.0' or 'score above 0.7'", "target")
        return Target(found[1], found[2], value)

    def entries(self, key: str) -> dict[str, Any]:
        """The entries of a table."""
        table = self.table[key]
        if not isinstance(table, Mapping) or not table:
            raise self.wrong(f"[{key}] must be a table with at least one entry", key)
        return dict(table)

    def run(self, at: Any, key: str, name: str | None = None) -> dict[str, float | str]:
        """The inputs of one run: numbers, or texts such as ``"70B"``."""
        what = key if name is None else f"{key} '{name}'"
        if not isinstance(at, Mapping) or not at:
            raise self.wrong(f'{what} must be a table of inputs such as {{ N = 1e9, D = "20B" }}, not {at!r}',
                             name or key, None if name is None else key)  # fmt: skip
        for word, value in at.items():
            number = number_in(value) if isinstance(value, str) else value
            if isinstance(number, bool) or not isinstance(number, int | float) or not np.isfinite(number):
                raise self.wrong(f'{what}: {word} is {value!r}, not a number such as 7e9, or "7B"', name or key,
                                 None if name is None else key)  # fmt: skip
        return dict(at)

    def cost(self) -> Cost | None:
        """A formula, a number, or prices by option."""
        given = self.table.get("cost")
        if given is None:
            return None
        prices = _is_table_of(given, int | float)
        if isinstance(given, bool) or not (prices or isinstance(given, str | int | float)):
            raise self.wrong(
                'cost is a formula in quotes such as "2e-18 * flops", or a table of prices by option', "cost"
            )
        return Cost.read(given, self.place(None, "cost"))

    def utility(self) -> Node | None:
        """A formula, or a number."""
        given = self.table.get("utility")
        if isinstance(given, int | float) and not isinstance(given, bool):
            return Number(float(given))
        return None if given is None else parse(self.string("utility"), self.place(None, "utility"))


def _is_table_of(value: Any, kind: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(v, kind) and not isinstance(v, bool) for v in value.values())
