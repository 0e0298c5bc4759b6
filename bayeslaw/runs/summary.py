"""The summary of a table of runs on one page: rows, ranges, families, and the notes of ``notes``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.note import Note
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.runs import observations
from bayeslaw.runs.faults.every import empty_cells, faults_of, needed_and_empty
from bayeslaw.runs.notes.checks import notes
from bayeslaw.runs.notes.design import Design
from bayeslaw.words import plain

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

# The axes without a law: the inputs of nearly all laws, or compute if neither is there.
USUAL_AXES = ("n_params", "n_tokens")
FAMILY = "family"
MOST_FAMILIES_SHOWN = 12
# What a fit refuses.
UNUSABLE = "unusable"
STOPPING = (UNUSABLE, "missing-cells", "restarts")


@dataclass(frozen=True)
class ColumnRange:
    """The smallest and largest value of a column, and the numbers of distinct values and of empty cells."""

    name: str
    low: float
    high: float
    distinct: int
    empty: int


@dataclass(frozen=True)
class Family:
    """One group: its rows, and the range of the first axis in it (NaN without an axis)."""

    name: str
    rows: int
    smallest: float
    largest: float

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest."""
        return self.smallest, self.largest


@dataclass(frozen=True)
class RunsSummary:
    """The summary of a table; prints as a page, and gives a dict for JSON.

    Attributes
    ----------
    ranges
        The axes, then the outcome.
    family
        The grouping column, or None.
    families
        Its groups, the largest first.
    notes
        What limits a fit, the most serious first.
    law
        The name of the law that it was checked against; None without one.
    command
        How its reader fits the law, at a terminal.
    """

    source: str
    rows: int
    ranges: tuple[ColumnRange, ...]
    family: str | None
    families: tuple[Family, ...]
    notes: tuple[Note, ...]
    law: str | None = None
    command: str | None = None

    @property
    def verdict(self) -> str:
        """``FAIL`` where a fit would stop, ``LOOK`` where it would be wrong or too sure, else ``PASS``."""
        if any(note.code in STOPPING for note in self.notes):
            return "FAIL"
        return "LOOK" if any(note.severity != "info" for note in self.notes) else "PASS"

    @property
    def next(self) -> str:
        """The verdict and what to do next, in one line."""
        law = self.command or f"bl.fit({self.law or 'auto'!r}, runs)"
        heeded = [i for i, note in enumerate(self.notes, start=1) if note.severity != "info"]
        shown = f"note {heeded[0]}" if len(heeded) == 1 else f"notes {heeded[0]} to {heeded[-1]}" if heeded else ""
        match self.verdict:
            case "FAIL":
                return f"FAIL: a fit would stop; do what note {self._stopping} says and look again."
            case "LOOK":
                return f"LOOK: a fit works, but heed {shown} first; then {law}."
            case _:
                return f"PASS: nothing stands against a fit; next {law}."

    @property
    def _stopping(self) -> int:
        return next(i for i, note in enumerate(self.notes, start=1) if note.code in STOPPING)

    @property
    def converged(self) -> bool:
        """True: nothing was sampled."""
        return True

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values; a missing number is None."""
        found: dict[str, Any] = plain(
            {**asdict(self), "verdict": self.verdict, "next": self.next, "converged": self.converged}
        )
        return found

    def _page(self) -> Page:
        page: list[Block] = [f"{self.source}: {self.rows} {'run' if self.rows == 1 else 'runs'}."]
        if self.ranges:
            rows = [
                (each.name, f"{each.low:.4g}", f"{each.high:.4g}", str(each.distinct), str(each.empty or ""))
                for each in self.ranges
            ]
            page.append([("column", "from", "to", "distinct", "empty"), *rows])
        if self.family is not None:
            groups = [
                (each.name, str(each.rows), *("" if size != size else f"{size:.3g}" for size in each.range))
                for each in self.families[:MOST_FAMILIES_SHOWN]
            ]
            page.append([(self.family, "runs", "smallest", "largest"), *groups])
            if (more := len(self.families) - MOST_FAMILIES_SHOWN) > 0:
                page.append(f"  ... and {more} more")
        said = [f"{i}. {note}" for i, note in enumerate(self.notes, start=1)]
        return [*page, *(said or ["Nothing to note."]), self.next]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())


def summarise(runs: Runs, law: Law | str | None = None, family: str | None = None) -> RunsSummary:
    """Summarise a table.

    Parameters
    ----------
    law
        The law whose inputs and outcome to summarise, or its name (default: the standard columns).
    family
        The grouping column (default: ``family``, if the table has it; notes on pooling are then about it).

    Raises
    ------
    RunsError
        When `family` is given and is not a column.  Other reasons for a fit to refuse the table become notes.
    """
    law = None if law is None else catalogue.find(law)
    groups, unfit = None, []
    if family is not None:
        runs.column(family, "the grouping")
        try:
            groups = runs.levels(family)
        except RunsError as error:
            unfit.append(error)
    inputs, empty, faults = ({}, {}, []) if law is None else _read(runs, law, None if groups is None else groups[1])
    faults += unfit
    design = design_of(runs, law, inputs, family, groups)
    if law is None:
        empty = empty_cells(runs, [*design.axes, design.outcome_name])
    design = replace(design, empty=empty)
    first = next(iter(design.axes.values()), np.full(len(runs), np.nan))
    looked_at = {**design.axes} if design.outcome is None else {**design.axes, design.outcome_name: design.outcome}
    return RunsSummary(
        source=runs.source,
        rows=len(runs),
        ranges=tuple(_range(key, values) for key, values in looked_at.items()),
        family=design.family,
        families=_families(design.groups, first),
        notes=(*map(unusable, faults), *notes(design)),
        law=None if law is None else law.name,
    )


def design_of(
    runs: Runs,
    law: Law | None,
    inputs: Mapping[str, np.ndarray],
    family: str | None = None,
    groups: tuple[tuple[str, ...], np.ndarray] | None = None,
) -> Design:
    """The data that ``notes`` examine.

    Parameters
    ----------
    inputs
        The law's inputs of the runs; only sums along training runs are needed.
    family, groups
        The grouping that a fit pools over; otherwise one that it could pool over, the column ``family`` if valid.
    """
    pooled = groups is not None
    if groups is None and runs.has(FAMILY):
        with contextlib.suppress(RunsError):  # an empty cell becomes a note
            family, groups = FAMILY, runs.levels(FAMILY)
    if groups is None:
        family, groups = None, ((), np.zeros(len(runs), dtype=int))
    axes = _usual_axes(runs) if law is None else _axes_of(runs, law, inputs)
    name = "loss" if law is None else law.output.column
    outcome = runs.column(name) if runs.has(name) and not runs.is_text(name) else None
    return Design(runs, law, axes, name, outcome, family, groups, pooled)


def _read(
    runs: Runs, law: Law, groups: np.ndarray | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[RunsError]]:
    """The inputs of a law, as far as they can be read; the empty cells among them; and what else a fit would refuse.

    Empty cells are a fault of their own, so other faults are searched for in the remaining rows.
    """
    empty = needed_and_empty(runs, law)
    whole = ~np.any([np.zeros(len(runs), dtype=bool), *empty.values()], axis=0)
    left = runs.take(whole)
    found = observations.read_inputs(left, law)[0] if len(left) else {}
    inputs = {name: np.full(len(runs), np.nan) for name in found}
    for name, values in found.items():
        inputs[name][whole] = values
    return inputs, empty, faults_of(left, law, None if groups is None else groups[whole])


def unusable(error: RunsError) -> Note:
    """The note on a fault for which a fit would stop."""
    return Note(
        "unusable",
        "serious",
        f"A fit would stop: {error}",
        "Do what it says, or take a law that reads what the table has.",
    )


def _usual_axes(runs: Runs) -> dict[str, np.ndarray]:
    there = [n for n in (*USUAL_AXES, "flops") if runs.has(n) and not runs.is_text(n)]
    usual = [n for n in there if n in USUAL_AXES]
    return {n: runs.column(n) for n in usual or there}


def _axes_of(runs: Runs, law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs of the mean of a law, where they are positive numbers.

    An input that is computed from others is included only if the table has its column, or if it is a sum along a
    training run, which is an axis of its own.
    """
    summed = {each.column: inputs[each.name] for each in law.inputs.values() if each.along_runs and each.name in inputs}
    axes = {}
    for each in law.inputs.values():
        column = each.column
        if each.name in law.mean_inputs and (column in summed or (runs.has(column) and not runs.is_text(column))):
            values = summed[column] if column in summed else runs.column(column)
            if (values > 0).any() and not (values <= 0).any():
                axes[column] = values
    return axes


def _range(name: str, values: np.ndarray) -> ColumnRange:
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)
    return ColumnRange(name, low, high, len(np.unique(known)), int(np.isnan(values).sum()))


def _families(groups: tuple[tuple[str, ...], np.ndarray], size: np.ndarray) -> tuple[Family, ...]:
    found = []
    for i, name in enumerate(groups[0]):
        values = size[groups[1] == i]
        rows, values = len(values), values[~np.isnan(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)
        found.append(Family(name, rows, low, high))
    return tuple(sorted(found, key=lambda f: (-f.rows, f.name)))
