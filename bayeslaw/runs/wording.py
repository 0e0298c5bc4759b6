"""How messages describe a table: its rows and columns, and what to do about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.words import argument, exact, worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

# Usual units of stored numbers; a unit is suggested only if it brings the whole column into the law's range.
FACTORS = {
    1e3: "in thousands", 1e6: "in millions", 1e9: "in billions", 1e12: "in trillions", 1e15: "in units of 1e15",
    1e18: "in units of 1e18", 1e21: "in units of 1e21", 1e-2: "in percent", 1e-3: "in units of 0.001",
    1e-6: "in units of 1e-6", 1e-9: "in units of 1e-9",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How a column was read.

    Attributes
    ----------
    own
        Its own name in the file.
    unit, by_header
        The factor that it was multiplied by, and whether its header gave that or the caller.
    chosen
        Whether the caller said that it is this column.
    """

    own: str
    unit: float | None = None
    by_header: bool = False
    chosen: bool = False


@dataclass(frozen=True)
class Wording:
    """How messages describe one table.

    Attributes
    ----------
    readings
        How columns were read, by name, where it is known.
    by_hand
        Whether the rows are points that the caller wrote down: the remedy is then to rewrite them, not to change units
        or leave them out.
    """

    readings: Mapping[str, Reading] = field(default_factory=dict)
    by_hand: bool = False

    def reading(self, column: str) -> Reading:
        """How a column was read; as it is by default."""
        return self.readings.get(column, Reading(column))


def rows_of(runs: Runs, mask: np.ndarray) -> str:
    """Which rows a mask selects, by their numbers in the file."""
    rows, row = runs.rows[mask], "point" if runs.wording.by_hand else "row"
    return f"{row} {rows[0]}" if len(rows) == 1 else f"{row}s {listed(map(str, rows), 3)}"


def called(runs: Runs, column: str) -> str:
    """A column, by the caller's own name first."""
    own = runs.wording.reading(column).own
    if runs.wording.by_hand:
        return f"'{own}'"
    return f"column '{own}'" if own == column else f"column '{own}' ({column})"


def rescaled(runs: Runs, column: str, factors: Sequence[float]) -> str:
    """The remedy for a column that each of `factors` brings into the law's unit: all are named, none is chosen."""
    reading = runs.wording.reading(column)
    question = f"is it {or_(FACTORS.get(factor, exact(factor)) for factor in factors)}?"
    if runs.wording.by_hand:
        value = float(runs.column(column)[0])
        return f"{question} Write {or_(f'{reading.own}={exact(value * factor)}' for factor in factors)}"
    given = None if reading.by_header else reading.unit
    if given is not None and any(math.isclose(factor * given, 1.0) for factor in factors):
        return f"it was multiplied by {exact(given)} as units say: leave '{column}' out of {argument('units')}"
    units = [exact(factor * (reading.unit or 1.0)) for factor in factors]
    right = or_(worded(f"units={{'{column}': {unit}}}", f"--units {column}={unit}") for unit in units)
    if reading.unit is None:
        return f"{question} Pass {right}"
    said = "its header says" if reading.by_header else "units say"
    return f"it was multiplied by {exact(reading.unit)} as {said}: pass {right} instead"


def or_(words: Iterable[str]) -> str:
    """Alternatives: ``a``, ``a or b``, ``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def amended(runs: Runs, how: str, condition: str | None = None) -> str:
    """The remedy for rows that cannot be used.

    Parameters
    ----------
    how
        How to keep the rows.
    condition
        A condition that the other rows meet, if one can be written.
    """
    if runs.wording.by_hand:
        return how
    out = f"{how}, or leave such rows out"
    return out if condition is None else f"{out} with {worded(f'where("{condition}")', f'--where "{condition}"')}"
