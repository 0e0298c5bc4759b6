"""Runs of one compute budget, as in an isoFLOP design."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.note import Note
from bayeslaw.runs.budgets import budgets_of
from bayeslaw.runs.notes.design import Design, usable


def shared_budget(design: Design) -> Iterator[Note]:
    """Runs of one compute budget (isoFLOP) share the errors of that budget."""
    runs = design.runs
    if "flops" not in runs.data or runs.is_text("flops") or len(runs) < 6:
        return
    flops = runs.data["flops"]
    known = np.all([usable(x) for x in (flops, *design.axes.values())], axis=0)
    if known.sum() < 6:
        return
    first = next(iter(design.axes.values())) if design.axes else flops
    budget = budgets_of(flops[known], first[known])
    count, runs_on = int(budget.max()) + 1, int((budget >= 0).sum())
    if count < 2 or runs_on < 0.8 * known.sum():
        return
    exact = len(np.unique(flops[known])) <= 2 * count
    remedy = (
        'law.with_group_effect("flops")'
        if exact
        else 'a column budget (flops rounded) and law.with_group_effect("budget")'
    )
    yield Note(
        "shared-budget", "warning",
        f"{runs_on} runs lie on {count} compute budgets (an isoFLOP design); what shifts a budget shifts all its runs, "
        "and errors that ignore it come out up to half of what they should be.",
        f"Compare with {remedy}.",
    )  # fmt: skip
