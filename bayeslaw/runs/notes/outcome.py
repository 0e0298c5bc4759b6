"""What the outcome is, and how far runs lie from a smooth surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.runs.notes.design import Design, counted, named_rows, usable
from bayeslaw.runs.notes.leaving_out import without
from bayeslaw.runs.observations import standard_error_column
from bayeslaw.runs.regression import residuals

# Robust z. A cubic in the logs differs from a law with a floor by up to 8 where runs scatter by 0.1 % only (tried on
# published sweeps); the diverged runs of two sweeps lie beyond 10, Student-t noise of 4 degrees once in 3,000 rows.
OUTLYING = 10.0
# Beyond this share, "outliers" mean that the plain regression does not fit the rows, not that the rows are wrong.
MOST_OUTLIERS = 0.15
# Runs do not scatter by less, and what is off by less than ten times as much spoils no fit.
LEAST_SCATTER = 5e-4
# Rounding adds step**2 / 12 to the variance: a step of 0.7 scatters adds 4 %.
ROUNDED = 0.7


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


@dataclass(frozen=True)
class Surface:
    """Outcomes about a plain regression on the axes.

    Attributes
    ----------
    rows
        The rows that it is of, positions of shape ``(rows,)``.
    z
        How many robust deviations each lies above it; 0 where it cannot judge.
    spread
        One such deviation, on the scale of the regression.
    on_log
        Whether that scale is the log of the outcome.
    """

    rows: np.ndarray
    z: np.ndarray
    spread: float
    on_log: bool


def surface(design: Design) -> Surface | None:
    """A plain regression of the outcome on the axes; None without enough rows."""
    y = design.outcome
    if y is None or not design.axes:
        return None
    keep = np.isfinite(y) & np.all([usable(x) for x in design.axes.values()], axis=0)
    logs = np.array([np.log(x[keep]) for x in design.axes.values()])
    y = y[keep]
    on_log = bool(len(y)) and bool((y > 0).all())
    residual = residuals(logs, np.log(y) if on_log else y, design.groups[1][keep])
    if residual is None:
        return None
    middle = float(np.nanmedian(residual))
    # Of a smooth curve (checkpoints, a made-up table) what is left is how a polynomial misses it.
    spread = max(1.4826 * float(np.nanmedian(np.abs(residual - middle))), LEAST_SCATTER)
    return Surface(np.flatnonzero(keep), np.nan_to_num((residual - middle) / spread), spread, on_log)


def outlying(design: Design) -> np.ndarray:
    """The few runs that lie far from the others, which are named as such; a mask of shape ``(runs,)``."""
    found, out = surface(design), np.zeros(len(design.runs), dtype=bool)
    if found is not None:
        far = np.abs(found.z) > OUTLYING
        out[found.rows[far]] = far.mean() <= MOST_OUTLIERS
    return out


def scatter(design: Design) -> Iterator[Note]:
    """Outcomes far from a plain regression on the axes, or rounded more coarsely than their scatter."""
    found = surface(design)
    if found is None:
        return
    assert design.outcome is not None
    y, on_log, spread = design.outcome[found.rows], found.on_log, found.spread
    yield from _outliers(design, found.rows, y, found.z)
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
    shown = [named_rows(design, [rows[i]]) for i in worst]
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
    lost = np.zeros(len(design.runs), dtype=bool)
    lost[rows[far]] = True
    diverged = " Diverged or overfitted runs look like this." if above > 0.8 * far.sum() else ""
    yield Note(
        "outlier", "warning",
        f"{counted(int(far.sum()), 'run')} {'lies' if far.sum() == 1 else 'lie'} more than {OUTLYING:g} robust "
        f"deviations from a plain regression of {name} on {listed(design.axes)}: {listed(shown, 4)}.{diverged}",
        f"Check {'it' if len(worst) == 1 else 'them'}; if {'it' if len(worst) == 1 else 'they'} went wrong or had "
        f"another recipe, {without(design.runs, lost, name, tuple(design.axes))}.",
    )  # fmt: skip
