"""Runs of one compute budget, as in an isoFLOP design."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note, Severity
from bayeslaw.runs.budgets import SAME_BUDGET, budgets_of
from bayeslaw.runs.notes.design import Design, counted, usable
from bayeslaw.words import short, worded

# Fewer runs are no design.
FEWEST = 6
# A best run at the edge that is better than its neighbour by less is there by noise.
BY_NOISE = 1e-3
# Two numbers for one budget are closer than this, relatively, and far from the next.
WRITTEN_TWICE = 0.025


def shared_budget(design: Design) -> Iterator[Note]:
    """Runs of one compute budget (isoFLOP) share the errors of that budget."""
    runs = design.runs
    if "flops" not in runs.data or runs.is_text("flops") or len(runs) < FEWEST:
        return
    flops = runs.data["flops"]
    known = np.all([usable(x) for x in (flops, *design.axes.values())], axis=0)
    if known.sum() < FEWEST:
        return
    first = next(iter(design.axes.values())) if design.axes else flops
    budget = budgets_of(flops[known], first[known])
    count, runs_on = int(budget.max()) + 1, int((budget >= 0).sum())
    if count < 2 or runs_on < 0.8 * known.sum():
        return
    exact = len(np.unique(flops[known])) <= 2 * count
    column = "flops" if exact else "budget"
    together = worded(f'law.with_group_effect("{column}")', f"--group-effect {column}")
    yield Note(
        "shared-budget", "warning",
        f"{runs_on} runs lie on {count} compute budgets (an isoFLOP design); what shifts a budget shifts all its runs, "
        "and errors that ignore it come out up to half of what they should be.",
        f"Compare with {together}." if exact else f"Add a column budget (flops rounded) and compare with {together}.",
    )  # fmt: skip


def budget_written_twice(design: Design) -> Iterator[Note]:
    """One budget under two numbers."""
    runs = design.runs
    if "flops" not in runs.data or runs.is_text("flops"):
        return
    flops = runs.data["flops"]
    values, counts = np.unique(flops[usable(flops)], return_counts=True)
    # Compute that is counted for each run has as many values as runs; a budget is a number that several share.
    if len(values) < 2 or counts.mean() < 2:
        return
    gaps = np.diff(np.log(values))
    apart = np.concatenate([[np.inf], gaps, [np.inf]])  # of each number from the one before it
    twice = [
        i for i in np.flatnonzero(gaps < WRITTEN_TWICE)
        if max(counts[i], counts[i + 1]) > 1 and min(apart[i], apart[i + 2]) > 4 * WRITTEN_TWICE
    ]  # fmt: skip
    if twice and len(twice) <= max(1, len(values) // 3):  # else runs are at every compute
        said = [f"{short(values[i], 6)} and {short(values[i + 1], 6)}" for i in twice]
        yield Note(
            "budget-twice", "info",
            f"Column flops has {listed(said, 3)}, which may be one budget written two ways; whatever groups runs by "
            "flops takes them for two.",
            "Write one number for one budget.",
        )  # fmt: skip


def minimum_at_edge(design: Design) -> Iterator[Note]:
    """Budgets whose best run is the smallest or the largest, so that the best size is not among the runs."""
    runs, y = design.runs, design.outcome
    columns = ("flops", "n_params")
    if y is None or not design.falls or not all(n in runs.data and not runs.is_text(n) for n in columns):
        return
    flops, size = (runs.data[n] for n in columns)
    known = usable(flops) & usable(size) & np.isfinite(y) & (y > 0)
    edges: dict[str, list[float]] = {"smallest": [], "largest": []}
    budgets = 0
    for group in np.unique(design.groups[1][known]):
        rows = np.flatnonzero(known & (design.groups[1] == group))
        budget = budgets_of(flops[rows], size[rows])
        for each in range(int(budget.max()) + 1):
            budgets += 1
            on = rows[budget == each]
            sizes = np.unique(size[on])
            best = np.array([y[on][size[on] == one].min() for one in sizes])
            for edge, at, beside in (("smallest", 0, 1), ("largest", -1, -2)):
                if len(sizes) > 1 and best.argmin() == at % len(best) and best[at] * (1 + BY_NOISE) < best[beside]:
                    edges[edge].append(float(np.median(flops[on])))
    reads = set() if design.law is None else {each.column for each in design.law.inputs.values()}
    about_bowls = "n_tokens" not in reads
    for edge, found in edges.items():
        if not found or (len(found) <= budgets / 2 and not about_bowls):
            continue
        beyond = "above" if edge == "largest" else "below"
        where = "" if len(found) == budgets else f" ({listed([short(each) for each in found], 4)})"
        severity: Severity = "info" if not about_bowls else "serious" if len(found) > budgets / 2 else "warning"
        yield Note(
            "edge-minimum", severity,
            f"In {len(found)} of {counted(budgets, 'budget')}{where} the {edge} size is the best, so the minimum lies "
            f"{beyond} the runs, and the best size there is extrapolated.",
            f"Add {'larger' if edge == 'largest' else 'smaller'} sizes at these budgets.",
        )  # fmt: skip


def few_sizes(design: Design) -> Iterator[Note]:
    """A law of bowls, and budgets of two sizes at most, of which no bowl is seen."""
    law = design.law
    if law is None or {law.inputs[name].column for name in law.mean_inputs} != {"flops", "n_params"}:
        return
    if set(design.axes) != {"flops", "n_params"}:
        return
    flops, size = design.axes["flops"], design.axes["n_params"]
    known = usable(flops) & usable(size)
    if known.sum() < 2 or (budgets_of(flops[known], size[known]) >= 0).any():
        return
    if len(np.unique(np.round(np.log(flops[known]) / SAME_BUDGET))) > 0.75 * known.sum():
        return  # no design of budgets
    yield Note(
        "few-sizes", "serious",
        "No budget has three sizes, so how loss rises to both sides of the best size will be the prior.",
        "Add sizes at some of the budgets, at least three at each and on both sides of the best.",
    )  # fmt: skip
