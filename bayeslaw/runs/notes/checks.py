"""All checks of a table; each is a function of a :class:`Design` that yields notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bayeslaw.note import Note, in_order
from bayeslaw.runs.notes.axes import collinear, levels_of_axes, outside_range
from bayeslaw.runs.notes.cells import missing_cells
from bayeslaw.runs.notes.design import Design
from bayeslaw.runs.notes.families import families
from bayeslaw.runs.notes.isoflop import shared_budget
from bayeslaw.runs.notes.outcome import errors_without_use, scatter
from bayeslaw.runs.notes.repeats import duplicate_rows, repeated_runs

CHECKS: tuple[Callable[[Design], Iterator[Note]], ...] = (
    missing_cells, collinear, levels_of_axes, outside_range, errors_without_use, families, repeated_runs, shared_budget,
    duplicate_rows, scatter,
)  # fmt: skip


def notes(design: Design) -> tuple[Note, ...]:
    """All notes about a table, the most serious first."""
    return in_order(note for check in CHECKS for note in check(design))
