"""Inputs that do not vary enough, or only together, or beyond what a law is meant for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.law import Input
from bayeslaw.note import Note
from bayeslaw.runs.notes.design import Design, counted, usable
from bayeslaw.runs.ranges import in_range
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import short

# At a correlation of 0.95 a slope has 3.2 times the error it would have on independent axes (1 / sqrt(1 - r**2)).
COLLINEAR = 0.95
# A power law of exponent 0.35 changes by a factor 2.2 over a decade; over less, a floor imitates it within noise.
SHORTEST_RANGE = 10.0


def collinear(design: Design) -> Iterator[Note]:
    """The effects of two axes that rise together cannot be separated."""
    for (a, x), (b, y) in combinations(design.axes.items(), 2):
        keep = usable(x) & usable(y)
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
        known = values[usable(values)]
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


def _distinct(values: np.ndarray) -> int:
    """How many values differ by more than 1 %."""
    logs = np.sort(np.log(values))
    return 1 + int((np.diff(logs) > 0.01).sum())


def _possible(design: Design, each: Input, values: np.ndarray) -> bool:
    """Whether a fit takes the values of an input."""
    assert design.law is not None
    try:
        in_range(design.runs, design.law, each.name, each.column, values, each.range, each.units)
    except RunsError:
        return False
    return True


def outside_range(design: Design) -> Iterator[Note]:
    """Runs outside the range of a law."""
    if design.law is None:
        return
    for each in design.law.inputs.values():
        if each.range is None or each.column not in design.axes:
            continue
        values = design.axes[each.column]
        beyond = (values < each.range[0] * (1 - 1e-9)) | (values > each.range[1] * (1 + 1e-9))
        if beyond.any() and _possible(design, each, values):
            some = f"{counted(int(beyond.sum()), 'run')} ({rows_of(design.runs, beyond)})"
            rows = "all runs" if beyond.all() else some
            low, high = (short(bound) for bound in each.range)
            yield Note(
                "outside-range", "warning" if beyond.all() else "info",
                f"Column {each.column} of {rows} is outside {low} to {high}, for which law '{design.law.name}' is "
                f"meant; it is taken as it is.",
                "See that its unit is right, and that priors of the law's file suit such runs."
                if beyond.all()
                else "See whether the fit changes without them.",
            )  # fmt: skip
