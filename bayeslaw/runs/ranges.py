"""Whether the values of a column are possible, and in the unit of a law.

A law's range of a count is what it is meant for: numbers beyond it are noted and used, and only what no run can have
is refused.  A wrong unit gives a posterior as smooth as a right one, so numbers that are in another unit are asked
about; where several units are possible, all are named and none is chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.law import Law
from bayeslaw.runs.columns import is_count, understood
from bayeslaw.runs.headers import PERPLEXITY
from bayeslaw.runs.wording import FACTORS, amended, called, rescaled, rows_of
from bayeslaw.words import argument, exact, short, worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

# No run of a language model has fewer: such numbers are in another unit.  From here on they may be small, as in a
# course project.
LEAST = {"parameter": 1e3, "token": 1e3, "FLOP": 1e10}
# How far above the range of a count, and beyond that of anything else in single rows, values may lie.
TOLERANCE = 100.0
# Where the losses of language models are, which a multiple of another loss is brought to.
USUAL_LOSS = 2.0
PERCENT = 1e-2


def expected(interval: tuple[float, float] | None, units: str) -> str:
    """What a column should hold, in words."""
    counted = bool(units) and "/" not in units and units != "1"
    if interval is None:
        return f"numbers in {units}" if counted else "numbers"
    what = f"values in {units}" if units not in ("", "1") else "values"
    if counted and interval[0] >= 1:
        what = f"a count of {units}s"
    return f"{what} between {short(interval[0])} and {short(interval[1])}"


def in_range(
    runs: Runs, law: Law, what: str, column: str | None, values: np.ndarray,
    interval: tuple[float, float] | None, units: str, how: str = "correct it",
) -> np.ndarray:  # fmt: skip
    """The values of an input, if all are possible.

    Parameters
    ----------
    what
        The input, for a message.
    column
        Its column, if the values are not computed.
    how
        What to do about a wrong value.

    Raises
    ------
    RunsError
        When a value is not.
    """
    if interval is None:
        return values
    low, high = interval
    wanted = expected(interval, units)
    bad = values <= 0
    if low > 0 and bad.any():
        raise _refusal(runs, law, what, column, values, bad, wanted, f"{column or 'x'} > 0", how)
    if _is_count(interval, units):
        least = min(LEAST.get(units, 1.0), low)
        bad = (values < least) | (values > high * (1.0 if (values > high).all() else TOLERANCE))
    else:
        bad = outside(values, interval)
        if low > 0 and not bad.all():
            bad = (values < low / TOLERANCE) | (values > high * TOLERANCE)
    if not bad.any():
        return values
    another = understood(runs.wording.reading(column).own) if column else None
    if column and another != column and is_count(another) and len(law.mean_inputs) == 1:
        # A unit would be against the name.
        along = worded(f'law "{law.name}@{another}"', f"--along {another}")
        raise RunsError(
            f"{runs.source}: {what} is another quantity by its name than law '{law.name}' expects, {wanted}; to fit "
            f"along it, leave '{column}' out of {argument('columns')} and take {along}."
        )
    factors = _units(runs, values, interval, column, units) if column else []
    if factors and column:
        raise RunsError(
            f"{runs.source}: {what} reaches {short(float(values.max()))}, but law '{law.name}' expects {wanted}; "
            f"{rescaled(runs, column, factors)}."
        )
    raise _refusal(runs, law, what, column, values, bad, wanted, _condition(column, interval, values), how)


def outcome_in_range(runs: Runs, law: Law, column: str, values: np.ndarray) -> np.ndarray:
    """The outcomes, if all are in the law's range and none is a perplexity by its name.

    Raises
    ------
    RunsError
        When one is not.
    """
    interval, units, what = law.output.range, law.output.units, called(runs, column)
    own = runs.wording.reading(column).own
    if units.startswith("nat") and PERPLEXITY.search(own.lower()) and "log" not in own.lower():
        raise RunsError(
            f"{runs.source}: {what} is a perplexity by its name, but law '{law.name}' expects {units}, which is its "
            f"logarithm: {_read_as(column, f'log({own})')}."
        )
    if interval is None or not (bad := outside(values, interval)).any():
        return values
    given = runs.wording.reading(column).unit
    if given is not None and not outside(values / given, interval).any():
        factor = 1.0 / given
        raise RunsError(
            f"{runs.source}: {what} reaches {short(float(values.max()))}, but law '{law.name}' expects "
            f"{expected(interval, units)}; {rescaled(runs, column, [factor])}."
        )
    how = "correct it"
    if units.startswith("nat"):
        ways = []
        if bad.mean() > 0.5 and (values > 1).all() and not outside(np.log(values), interval).any():
            ways.append(f"If it is a perplexity, take its log, which is the loss: {_read_as(column, f'log({own})')}")
        if bad.all() and (multiple := _multiple(values, interval)) is not None:
            unit = exact(multiple * (given or 1.0))
            right = worded(f"units={{'{column}': {unit}}}", f"--units {column}={unit}")
            ways.append(f"If it is another loss, fit a multiple of it, which has the same exponents: {right}")
        if ways:
            how = f"its floor and amplitudes have priors for these. {'. '.join(ways)}; else correct it"
    raise _refusal(
        runs, law, what, column, values, bad, expected(interval, units), _condition(column, interval, values), how
    )


def outside(values: np.ndarray, interval: tuple[float, float]) -> np.ndarray:
    """Which values are outside a range, with a slack of 1e-9, so that a bound that was written to a file is inside."""
    low, high = interval
    return (values < low - 1e-9 * abs(low)) | (values > high + 1e-9 * abs(high))


def _read_as(column: str, formula: str) -> str:
    """How a caller says that a column is a formula of the file's own."""
    return worded(f"columns={{'{column}': '{formula}'}}", f'--columns "{column}={formula}"')


def _is_count(interval: tuple[float, float], units: str) -> bool:
    return bool(units) and "/" not in units and units != "1" and interval[0] >= 1


def _condition(column: str | None, interval: tuple[float, float], values: np.ndarray) -> str | None:
    """A condition that the rows in the range meet, if there are any."""
    if column is None or outside(values, interval).all():
        return None
    return f"{column} >= {exact(interval[0])} and {column} <= {exact(interval[1])}"


def _refusal(
    runs: Runs, law: Law, what: str, column: str | None, values: np.ndarray, bad: np.ndarray, wanted: str,
    keep: str | None, how: str,
) -> RunsError:  # fmt: skip
    return RunsError(
        f"{runs.source}: {what} is {values[bad][0]:g} in {rows_of(runs, bad)}, but law '{law.name}' expects "
        f"{wanted}; {how if column and keep is None else amended(runs, how, keep)}."
    )


def _multiple(values: np.ndarray, interval: tuple[float, float]) -> float | None:
    """The power of ten that brings all losses into a range, the smallest closest to a usual loss; None without one."""
    factors = [10.0**power for power in range(-12, 13)]
    fitting = [factor for factor in factors if not outside(values * factor, interval).any()]
    return min(fitting, key=lambda f: abs(math.log(f * float(values.min()) / USUAL_LOSS)), default=None)


def _units(runs: Runs, values: np.ndarray, interval: tuple[float, float], column: str, units: str) -> list[float]:
    """The factors that bring the whole column into the range.

    If the caller gave a unit although the file's own numbers were in the range already, the factor that undoes it.
    """
    low, high = interval
    if not (values > 0).all() or low < 0:
        return []

    def fits(factor: float) -> bool:
        with np.errstate(over="ignore"):  # overflow is outside the range
            return bool((values * factor >= low).all() and (values * factor <= high).all())

    given = runs.wording.reading(column).unit
    if given is not None and fits(1.0 / given):
        return [1.0 / given]
    whole = [factor for factor in FACTORS if factor != PERCENT or not _is_count(interval, units)]
    return [factor for factor in whole if fits(factor)]
