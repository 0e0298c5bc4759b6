"""All checks of a table; each is a function of a :class:`Design` that yields notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bayeslaw.note import Note, in_order
from bayeslaw.runs.notes.axes import collinear, levels_of_axes, outside_range
from bayeslaw.runs.notes.cells import columns_taken, missing_cells
from bayeslaw.runs.notes.counts import another_count_of_parameters, compute_of_another_count
from bayeslaw.runs.notes.design import Design
from bayeslaw.runs.notes.families import families
from bayeslaw.runs.notes.isoflop import budget_written_twice, few_sizes, minimum_at_edge, shared_budget
from bayeslaw.runs.notes.outcome import errors_without_use, scatter
from bayeslaw.runs.notes.recipes import mixed_recipes, rate_within_run
from bayeslaw.runs.notes.repeats import checkpoints, copies, duplicate_rows, seeds
from bayeslaw.runs.notes.score import below_chance, other_outcomes, other_units, score_as_loss, share_as_loss
from bayeslaw.runs.notes.worse import worse_than_smaller

CHECKS: tuple[Callable[[Design], Iterator[Note]], ...] = (
    missing_cells, columns_taken, score_as_loss, other_units, other_outcomes, share_as_loss, below_chance, collinear,
    levels_of_axes, outside_range, errors_without_use, families, checkpoints, seeds, duplicate_rows, copies,
    worse_than_smaller, scatter, shared_budget, budget_written_twice, minimum_at_edge, few_sizes,
    compute_of_another_count, another_count_of_parameters, mixed_recipes, rate_within_run,
)  # fmt: skip


def notes(design: Design) -> tuple[Note, ...]:
    """All notes about a table, the most serious first."""
    with np.errstate(all="ignore"):  # what is not finite is left out by each check
        return in_order(note for check in CHECKS for note in check(design))
