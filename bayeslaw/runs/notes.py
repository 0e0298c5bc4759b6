"""Notes on what a table of runs can and cannot identify, before a fit.

Each check is a function of a :class:`Design` that yields notes; ``CHECKS`` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.language.law import Law
from bayeslaw.note import Note, Severity, in_order
from bayeslaw.runs.budgets import budgets_of
from bayeslaw.runs.observations import standard_error_column
from bayeslaw.runs.regression import residuals
from bayeslaw.runs.stand_ins import STAND_INS
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import argument, worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

# At a correlation of 0.95 a slope has 3.2 times the error it would have on independent axes (1 / sqrt(1 - r**2)).
COLLINEAR = 0.95
# A power law of exponent 0.35 changes by a factor 2.2 over a decade; over less, a floor imitates it within noise.
SHORTEST_RANGE = 10.0
# A standard deviation estimated from k groups has a relative error of about 1 / sqrt(2 (k - 1)): 0.4 at four.
FEWEST_GROUPS = 4
# Robust z. A cubic in the logs differs from a law with a floor by up to 8 where runs scatter by 0.1 % only (tried on
# published sweeps); the diverged runs of two sweeps lie beyond 10, Student-t noise of 4 degrees once in 3,000 rows.
OUTLYING = 10.0
# Beyond this share, "outliers" mean that the plain regression does not fit the rows, not that the rows are wrong.
MOST_OUTLIERS = 0.15
# Rounding adds step**2 / 12 to the variance: a step of 0.7 scatters adds 4 %.
ROUNDED = 0.7


@dataclass(frozen=True)
class Design:
    """The data that the checks examine.

    Attributes
    ----------
    axes
        The inputs of the outcome, by column name, each positive and of shape ``(runs,)``; NaN where empty.
    outcome, outcome_name
        The outcome, shape ``(runs,)``; None where the table has no such column.
    family
        The grouping column, or None.
    groups
        Its levels and the level of each run; no levels without a grouping column.
    pooled
        Whether a fit pools over it, or only could.
    empty
        Where the columns that a fit needs are empty, by name; masks of shape ``(runs,)``.
    """

    runs: Runs
    law: Law | None
    axes: Mapping[str, np.ndarray]
    outcome_name: str
    outcome: np.ndarray | None
    family: str | None
    groups: tuple[tuple[str, ...], np.ndarray]
    pooled: bool = True
    empty: Mapping[str, np.ndarray] = field(default_factory=dict)


def collinear(design: Design) -> Iterator[Note]:
    """The effects of two axes that rise together cannot be separated."""
    for (a, x), (b, y) in combinations(design.axes.items(), 2):
        keep = _usable(x) & _usable(y)
        if keep.sum() < 3:
            continue
        x, y = np.log(x[keep]), np.log(y[keep])
        if np.ptp(x) < 1e-9 or np.ptp(y) < 1e-9:
            continue
        r = float(np.corrcoef(x, y)[0, 1])
        if abs(r) > COLLINEAR:
            how = "rise together" if r > 0 else "move in opposite directions"
            yield Note(
                "collinear", "serious",
                f"Columns {a} and {b} {how} (correlation of logs {r:.2f}), so the term of one (A, alpha) cannot be "
                f"separated from the term of the other (B, beta).",
                f"Add runs that change {a} at fixed {b}, or fix one exponent with a prior.",
            )  # fmt: skip


def levels_of_axes(design: Design) -> Iterator[Note]:
    """An axis needs three levels and a decade to separate an exponent from a floor."""
    for name, values in design.axes.items():
        known = values[_usable(values)]
        if not len(known):
            continue
        levels = _distinct(known)
        if levels == 1:
            yield Note(
                "few-levels", "serious",
                f"Column {name} has one value, {known[0]:.4g}, in all runs, so everything about it will be the prior.",
                f"Add runs with other {name}, or take a law without it.",
            )  # fmt: skip
            continue
        if levels == 2:
            yield Note(
                "few-levels", "warning",
                f"Column {name} has two values only, so an exponent and a floor cannot both be learned from it.",
                f"Add a third {name}, best far from the other two.",
            )  # fmt: skip
        span = float(np.ptp(np.log(known)))
        if span < np.log(SHORTEST_RANGE):
            yield Note(
                "short-range", "warning",
                f"Column {name} spans a factor {np.exp(span):.3g} only; over less than a decade a floor and an "
                f"exponent imitate each other.",
                f"Add runs with much smaller {name} (they are cheap), or use an informative prior for its exponent.",
            )  # fmt: skip


def _usable(values: np.ndarray) -> np.ndarray:
    """Which values have a logarithm."""
    return (values > 0) & (values < np.inf)


def _distinct(values: np.ndarray) -> int:
    """How many values differ by more than 1 %."""
    logs = np.sort(np.log(values))
    return 1 + int((np.diff(logs) > 0.01).sum())


def outside_range(design: Design) -> Iterator[Note]:
    """Runs outside the range of a law."""
    if design.law is None:
        return
    for each in design.law.inputs.values():
        if each.range is None or each.column not in design.axes:
            continue
        values = design.axes[each.column]
        beyond = (values < each.range[0] * (1 - 1e-9)) | (values > each.range[1] * (1 + 1e-9))
        if beyond.any() and not beyond.all():
            yield Note(
                "outside-range", "info",
                f"Column {each.column} of {_count(int(beyond.sum()), 'run')} ({rows_of(design.runs, beyond)}) is "
                f"outside {each.range[0]:g} to {each.range[1]:g}, for which law '{design.law.name}' is meant.",
                "See whether the fit changes without them.",
            )  # fmt: skip


def errors_without_use(design: Design) -> Iterator[Note]:
    """Known errors of counts, whose noise is already given by the counts."""
    if design.law is None:
        return
    column, likelihood = standard_error_column(design.runs, design.law), design.law.output.likelihood
    if column is not None and likelihood.family.scale is None:
        yield Note(
            "error-unused", "info",
            f"Column '{column}' is not used: a {likelihood.name} likelihood has no scale that a known error could "
            f"add to.",
            "Give counts, or take a law with additive or relative noise.",
        )  # fmt: skip


def families(design: Design) -> Iterator[Note]:
    """Whether there are enough groups for a hierarchy."""
    names, index = design.groups
    if design.family is None:
        if design.runs.has("family"):
            yield Note(
                "missing-family", "info", "Not every run has a family, so a fit cannot pool over the column family.",
                "Fill it in to pool over it.",
            )  # fmt: skip
        return
    # Problems of a hierarchy do not affect a fit without one.
    lead = "" if design.pooled else f"With {argument('family', design.family)}: "
    severity: Severity = "warning" if design.pooled else "info"
    if len(names) == 1:
        yield Note(
            "one-group", "info",
            f"All runs have {design.family} '{names[0]}', so there is nothing to pool.",
            "Fit without pooling.",
        )  # fmt: skip
    elif len(names) < FEWEST_GROUPS:
        yield Note(
            "few-groups", severity,
            f"{lead}Column {design.family} has {len(names)} groups, so how far groups differ will be mostly the prior.",
            "Check the spread priors of pooled parameters, or pool completely or not at all.",
        )  # fmt: skip
    for each in STAND_INS:
        if each.word in names:
            yield Note(
                "stand-in", "info",
                f"{lead}{design.family} has a group called '{each}', which a question for '{each}' is then about.",
                f"For {each.meaning} write '{each.beside(names)}'.",
            )  # fmt: skip
    if design.law is not None and len(names) > 1:
        counts = np.bincount(index, minlength=len(names))
        needed = len(design.law.free_parameters)
        thin = [f"{name} ({n})" for name, n in zip(names, counts, strict=True) if n < needed]
        if thin:
            yield Note(
                "thin-family", severity,
                f"{lead}{_count(len(thin), 'group')} of {design.family} {'has' if len(thin) == 1 else 'have'} fewer "
                f"runs than the {needed} parameters of law '{design.law.name}': {listed(thin, 5)}.",
                "Pool partially, so that they borrow from the others; without pooling they would be mostly prior.",
            )  # fmt: skip


def repeated_runs(design: Design) -> Iterator[Note]:
    """Checkpoints of one run share errors."""
    runs = design.runs
    name = next((n for n in ("run", "run_id") if n in runs.data), None)
    if name is not None:
        ids = runs.data[name].tolist()
        known = [i for i in ids if i not in ("",) and i == i]
        extra = len(known) - len(set(known))
        if extra:
            yield Note(
                "repeated-run", "warning",
                f"{len(known)} rows are of {len(set(known))} runs: rows of one run err together, so they tell "
                "less than as many independent runs.",
                f'Use law.with_group_effect("{name}"), or keep the last row of each run.',
            )  # fmt: skip
    elif "step" in runs.data and not runs.is_text("step"):
        rest = [n for n in runs.names if runs.is_text(n)]
        keys = list(zip(*(runs.data[n].tolist() for n in rest), strict=True)) if rest else [()] * len(runs)
        if len({*zip(keys, runs.data["step"].tolist(), strict=True)}) == len(runs) and len(set(keys)) < len(runs):
            yield Note(
                "repeated-run", "warning",
                f"There is a column step and {len(runs)} rows differ by it within {len(set(keys))} groups: "
                "they look like checkpoints, which err together.",
                'Add a column run that tells runs apart and use law.with_group_effect("run"), or keep the '
                'last row of each.',
            )  # fmt: skip


def shared_budget(design: Design) -> Iterator[Note]:
    """Runs of one compute budget (isoFLOP) share the errors of that budget."""
    runs = design.runs
    if "flops" not in runs.data or runs.is_text("flops") or len(runs) < 6:
        return
    flops = runs.data["flops"]
    known = np.all([_usable(x) for x in (flops, *design.axes.values())], axis=0)
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


def duplicate_rows(design: Design) -> Iterator[Note]:
    """A duplicated row counts twice."""
    rows = list(zip(*(_cells(values) for values in design.runs.data.values()), strict=True))
    seen: dict[tuple[object, ...], int] = {}
    again = []
    for i, row in enumerate(rows):
        if seen.setdefault(row, i) != i:
            again.append(f"{design.runs.rows[i]} (as {design.runs.rows[seen[row]]})")
    if again:
        yield Note(
            "duplicate-rows", "warning",
            f"{_count(len(again), 'row')} {'repeats' if len(again) == 1 else 'repeat'} another in every column: "
            f"{listed(again, 4)}.",
            "Drop the repeats, or add the column that tells them apart (seed, step).",
        )  # fmt: skip


def _cells(values: np.ndarray) -> list[object]:
    """Cells for comparison, in which empty cells are equal, unlike NaN."""
    return [None if cell != cell else cell for cell in values.tolist()]


def scatter(design: Design) -> Iterator[Note]:
    """Outcomes far from a plain regression on the axes, or rounded more coarsely than their scatter."""
    y = design.outcome
    if y is None or not design.axes:
        return
    keep = np.isfinite(y) & np.all([_usable(x) for x in design.axes.values()], axis=0)
    logs = np.array([np.log(x[keep]) for x in design.axes.values()])
    y = y[keep]
    on_log = bool(len(y)) and bool((y > 0).all())
    residual = residuals(logs, np.log(y) if on_log else y, design.groups[1][keep])
    if residual is None:
        return
    middle = float(np.nanmedian(residual))
    # A perfect fit (a made-up table) has no scatter: rounding errors of the arithmetic are not deviations.
    spread = max(1.4826 * float(np.nanmedian(np.abs(residual - middle))), 1e-6)
    yield from _outliers(design, np.flatnonzero(keep), y, np.nan_to_num((residual - middle) / spread))
    levels = np.unique(y)
    if len(levels) < 0.6 * len(y) and len(levels) > 1:
        # The gap next to a typical run, in the units of the residual.
        gaps = np.diff(np.log(levels) if on_log else levels)
        step = float(np.median(gaps[np.clip(np.searchsorted(levels, y), 0, len(gaps) - 1)]))
        if step > ROUNDED * spread:
            yield Note(
                "rounded-outcome", "info",
                f"Column {design.outcome_name} has {len(levels)} distinct values in {len(y)} rows: it was rounded, "
                "or read off a figure, about as coarsely as runs scatter.",
                "Take values with more digits if there are any; otherwise read sigma as scatter plus rounding.",
            )  # fmt: skip


def _outliers(design: Design, rows: np.ndarray, y: np.ndarray, z: np.ndarray) -> Iterator[Note]:
    far = np.abs(z) > OUTLYING
    if not far.any():
        return
    worst = np.flatnonzero(far)[np.argsort(-np.abs(z[far]), kind="stable")]
    shown = [f"row {design.runs.rows[rows[i]]} ({y[i]:.4g})" for i in worst]
    name = design.outcome_name
    if far.mean() > MOST_OUTLIERS:
        yield Note(
            "outlier", "info",
            f"Column {name} is far from a plain regression on {listed(design.axes)} in {far.sum()} of {len(y)} rows: "
            f"something else moves it.",
            "Look for the column that does (learning rate, epochs, ...), and take a law that has it or keep "
            "one setting.",
        )  # fmt: skip
        return
    above = int((z[far] > 0).sum())
    diverged = " Diverged or overfitted runs look like this." if above > 0.8 * far.sum() else ""
    yield Note(
        "outlier", "warning",
        f"{_count(int(far.sum()), 'run')} {'lies' if far.sum() == 1 else 'lie'} more than {OUTLYING:g} robust "
        f"deviations from a plain regression of {name} on {listed(design.axes)}: {listed(shown, 4)}.{diverged}",
        f"Check these rows; leave out diverged runs with {argument('where')}, or use a likelihood with heavy tails.",
    )  # fmt: skip


def missing_cells(design: Design) -> Iterator[Note]:
    """Empty cells, which a fit refuses in the columns that it needs."""
    if not design.empty:
        return
    found = [
        f"{'column' if i else 'Column'} {name} is empty in {_count(int(empty.sum()), 'row')} of {len(empty)} "
        f"({rows_of(design.runs, empty)})"
        for i, (name, empty) in enumerate(design.empty.items())
    ]
    kept = f'"{" and ".join(f"{name} is known" for name in design.empty)}"'
    yield Note(
        "missing-cells", "serious", f"{'; '.join(found)}.",
        f"Fill in these cells, or leave such rows out with {worded(f'where({kept})', f'--where {kept}')}.",
    )  # fmt: skip


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


CHECKS: tuple[Callable[[Design], Iterator[Note]], ...] = (
    missing_cells, collinear, levels_of_axes, outside_range, errors_without_use, families, repeated_runs, shared_budget,
    duplicate_rows, scatter,
)  # fmt: skip


def notes(design: Design) -> tuple[Note, ...]:
    """All notes about a table, the most serious first."""
    return in_order(note for check in CHECKS for note in check(design))
