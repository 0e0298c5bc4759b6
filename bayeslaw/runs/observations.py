"""What a law reads from a table of runs: its inputs and its outcome as arrays, with every value checked.

Values are checked here, before the first compilation, because a wrong unit gives a posterior as smooth as a right one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.formula.expression import Call, evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.formula.likelihoods import OUTCOMES
from bayeslaw.language.law import Input, Law
from bayeslaw.runs.columns import missing_column, missing_columns
from bayeslaw.runs.ranges import expected, in_range, outcome_in_range
from bayeslaw.runs.reading.cells import as_numbers
from bayeslaw.runs.reading.numerals import COMMA, POINT, UNKNOWN, number
from bayeslaw.runs.schedule_sums import check_run_ids, sum_along
from bayeslaw.runs.wording import amended, called, rescaled, rows_of
from bayeslaw.words import worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs


DECIBELS = re.compile(r"(?<![a-z])db(?![a-z])", re.IGNORECASE)


def inputs(runs: Runs, law: Law) -> dict[str, np.ndarray]:
    """Every input that a law needs, by the input's name.

    An input with a formula is computed where all its sources are present, and read from its column otherwise.  A sum
    along a run is read first, since its column may include records that the table lacks.  Inputs that neither the mean
    nor the noise uses are included where the table has them.

    Returns
    -------
    Arrays of float64, each of shape ``(runs,)``.

    Raises
    ------
    RunsError
        When a column is missing, not numeric, empty somewhere, or outside the input's range.
    """
    check_run_ids(runs)
    _check_there(runs, law, [])
    values, faults = read_inputs(runs, law)
    for fault in stopping(runs, law, faults).values():
        raise fault
    return values


def read_inputs(runs: Runs, law: Law) -> tuple[dict[str, np.ndarray], dict[str, RunsError]]:
    """The inputs that can be read, and what is wrong with each of the others; by the input's name."""
    values: dict[str, np.ndarray] = {}
    faults: dict[str, RunsError] = {}
    for each in law.inputs.values():
        try:
            values[each.name] = _input(runs, law, each, values, faults)
        except RunsError as fault:
            faults[each.name] = fault
    return values, faults


def stopping(runs: Runs, law: Law, faults: Mapping[str, RunsError]) -> dict[str, RunsError]:
    """The faults that stop a fit, by the faulty input itself and not by those that are computed from it."""
    found: dict[str, RunsError] = {}
    for each in _behind(runs, law):
        if each.name in faults and faults[each.name] not in found.values():
            found[each.name] = faults[each.name]
    return found


def _behind(runs: Runs, law: Law) -> list[Input]:
    """The inputs that a law needs, each after the inputs that it is computed from if it has no column."""

    def with_sources(name: str) -> Iterator[str]:
        each = law.inputs[name]
        if each.formula is not None and each.default is None and not runs.has(each.column):
            for source in names(each.formula):
                yield from with_sources(source)
        yield name

    needed = [name for name in law.inputs if name in law.mean_inputs | law.noise_inputs]
    return [law.inputs[name] for name in dict.fromkeys(each for name in needed for each in with_sources(name))]


def check_columns(runs: Runs, law: Law) -> None:
    """Refuse a table that lacks columns which a fit needs, of inputs and of the outcome.

    Raises
    ------
    RunsError
        Which names them all.
    """
    _check_there(runs, law, [law.output.column])


def columns_lacking(runs: Runs, law: Law, more: Sequence[str]) -> dict[str, str]:
    """The columns that a table lacks of a law's inputs and of some more, and what each is, in words before a law."""
    inputs = [each for each in _behind(runs, law) if each.formula is None and each.default is None]
    absent = {each.column: f"input '{each.name}' of " for each in inputs if not runs.has(each.column)}
    return absent | {column: "" for column in more if not runs.has(column)}


def _check_there(runs: Runs, law: Law, more: Sequence[str]) -> None:
    absent = columns_lacking(runs, law, more)
    if absent:
        of = next(iter(absent.values())) if len(absent) == 1 else ""
        raise missing_columns(list(absent), runs.names, runs.source, f"{of}law '{law.name}'")


def _input(runs: Runs, law: Law, each: Input, known: dict[str, np.ndarray], faults: dict[str, RunsError]) -> np.ndarray:
    sources = [] if each.formula is None else list(names(each.formula))
    summed = each.along_runs and runs.has(each.column)
    if each.formula is not None and all(name in known for name in sources) and not summed:
        if isinstance(each.formula, Call) and each.along_runs:
            sums = sum_along(runs, law, each.formula, known)
            columns = " and ".join(f"'{law.inputs[name].column}'" for name in sources)
            what = f"input '{each.name}' (summed along each run from {columns})"
            return in_range(runs, law, what, None, sums, each.range, each.units, how=f"correct {columns}")
        computed = np.broadcast_to(evaluate(each.formula, known, NUMPY_WORDS), (len(runs),)).astype(np.float64)
        bad = ~np.isfinite(computed)
        if bad.any():
            shown = ", ".join(f"{n} = {known[n][bad][0]:g}" for n in sources)
            raise RunsError(
                f"{runs.source}: input '{each.name}' of law '{law.name}' is not finite in {rows_of(runs, bad)} "
                f"({shown}); {amended(runs, 'correct these values')}."
            )
        return in_range(runs, law, f"input '{each.name}'", None, computed, each.range, each.units)
    if not runs.has(each.column):
        if each.default is not None:
            return np.full(len(runs), each.default)
        for name in sources:
            if name in faults:
                raise faults[name]
        raise missing_column(each.column, runs.names, runs.source, f"input '{each.name}' of law '{law.name}'")
    values = numbers(runs, each.column, f"law '{law.name}'", expected(each.range, each.units))
    return in_range(runs, law, called(runs, each.column), each.column, values, each.range, each.units)


def numbers(runs: Runs, name: str, wanted_by: str, wanted: str) -> np.ndarray:
    """A column that must be finite numbers, shape ``(runs,)``.

    Raises
    ------
    RunsError
        When a value is text, empty or infinite; the message names the row.
    """
    values = runs.column(name, wanted_by)
    if values.dtype == object:
        said = as_numbers(values, UNKNOWN)
        values = values if said is None else said
    if values.dtype == object:
        at = next((i for i, cell in enumerate(values) if number(cell, UNKNOWN, sizes=True) is None), 0)
        raise RunsError(
            f"{runs.source}: row {runs.rows[at]} of {called(runs, name)} is '{values[at]}', but {wanted_by} "
            f"expects {wanted}; {_either(values[at])}write plain numbers, such as 1.5e9."
        )
    bad = ~np.isfinite(values)
    if bad.any():
        found = values[bad][0]
        what, how, keep = f"{found:g}", "correct it", f"{name} < 1e300"
        if math.isnan(found):
            what, how, keep = "empty", "fill it in", f"{name} is known"
        raise RunsError(
            f"{runs.source}: {called(runs, name)} is {what} in {rows_of(runs, bad)}, but {wanted_by} expects "
            f"{wanted}; {amended(runs, how, keep)}."
        )
    return values


def _either(cell: str) -> str:
    """That the comma in a cell may separate thousands or decimals, if so."""
    readings = [number(cell, mark) for mark in (POINT, COMMA)]
    return "" if None in readings else f"it may be {readings[0]:g} or {readings[1]:g}, and no other cell tells: "


def outcome(runs: Runs, law: Law) -> np.ndarray:
    """The outcome that a law predicts.

    Returns
    -------
    Array of float64, shape ``(runs,)``, in the output's units.

    Raises
    ------
    RunsError
        When the column is missing, or a value is outside the likelihood's support or the output's range.
    """
    column, family = law.output.column, law.output.likelihood.family
    kind, likelihood = OUTCOMES[family.outcome], law.output.likelihood.name
    wanted = f"outcome '{column}' of law '{law.name}' ({likelihood} likelihood)"
    if not runs.has(column):
        raise missing_column(column, runs.names, runs.source, f"law '{law.name}'")
    values = numbers(runs, column, wanted, kind.words)
    bad = ~kind.holds(values)
    if bad.any():
        remedy = "correct it" if bad.all() else amended(runs, "correct it", KEPT[family.outcome].format(column))
        if family.outcome == "positive" and (values < 0).all() and not runs.wording.by_hand:
            remedy = _sign_or_scale(runs, column)
        elif family.outcome == "unit" and (values > 0).all() and 1 < values.max() < 100:
            remedy = rescaled(runs, column, [0.01])
        elif family.outcome == "unit" and np.isin(values[bad], (0.0, 1.0)).all():
            # All or none of a few questions: leaving them out selects by outcome, so it is the last resort and says so.
            other = "average over tasks, or fit counts by a law with a Binomial likelihood, which allows all and none"
            remedy = f"{amended(runs, other, f'{column} > 0 and {column} < 1')}, which favours the middle"
        raise RunsError(
            f"{runs.source}: {called(runs, column)} is {values[bad][0]:g} in {rows_of(runs, bad)}, but the "
            f"{likelihood} likelihood of law '{law.name}' expects {kind.words}; {remedy}."
        )
    if family.outcome == "count":
        _check_trials(runs, law, values)
    return outcome_in_range(runs, law, column, values)


# Conditions that outcomes of a kind meet.
KEPT = {"positive": "{0} > 0", "unit": "{0} > 0 and {0} < 1", "count": "{0} >= 0", "real": "{0} is known"}


def _sign_or_scale(runs: Runs, column: str) -> str:
    """The remedy for an outcome that is negative in all rows: a turned sign, or decibels by the name."""
    own = runs.wording.reading(column).own
    level = DECIBELS.search(own) is not None
    formula = f"10**([{own}] / 10)" if level else f"-[{own}]"
    right = worded(f"columns={{'{column}': '{formula}'}}", f'--columns "{column}={formula}"')
    return f"{'take it out of decibels' if level else 'if it is a log-likelihood, turn its sign'}: {right}"


def _check_trials(runs: Runs, law: Law, successes: np.ndarray) -> None:
    """Refuse more successes than trials, where the trials do not depend on parameters."""
    likelihood = law.output.likelihood
    node = likelihood.arguments[likelihood.family.arguments.index("trials")]
    if not set(names(node)) <= set(law.inputs):
        return
    trials = np.broadcast_to(evaluate(node, inputs(runs, law), NUMPY_WORDS), successes.shape)
    bad = successes > trials
    if bad.any():
        raise RunsError(
            f"{runs.source}: column '{law.output.column}' counts {successes[bad][0]:g} successes in "
            f"{trials[bad][0]:g} trials in {rows_of(runs, bad)}; expected no more successes "
            "than trials: correct the counts."
        )


def weights(runs: Runs) -> np.ndarray:
    """The column ``weight``, or ones; shape ``(runs,)``.  A run of weight 0 is in the table but not fitted.

    Raises
    ------
    RunsError
        When a weight is not a number from 0.
    """
    if "weight" not in runs.data:
        return np.ones(len(runs))
    values = numbers(runs, "weight", "the weight of a run", "numbers from 0")
    bad = values < 0
    if bad.any():
        raise RunsError(
            f"{runs.source}: column 'weight' is {values[bad][0]:g} in {rows_of(runs, bad)}, but a run counts for 0 or "
            f"more; {amended(runs, 'correct it', 'weight >= 0')}."
        )
    return values


def standard_error_column(runs: Runs, law: Law) -> str | None:
    """The column of known standard errors of the outcome: ``<outcome>_se``, else ``se``; None without either."""
    return next((name for name in (f"{law.output.column}_se", "se") if name in runs.data), None)


def standard_error(runs: Runs, law: Law) -> np.ndarray | None:
    """Known standard errors of the outcome, in its units; None without a column of them.

    Raises
    ------
    RunsError
        When one is not a positive number.
    """
    name = standard_error_column(runs, law)
    return None if name is None else _positive(runs, name, "a standard error")


def _positive(runs: Runs, name: str, what: str) -> np.ndarray:
    values = numbers(runs, name, what, "positive numbers")
    bad = values <= 0
    if bad.any():
        raise RunsError(
            f"{runs.source}: column '{name}' is {values[bad][0]:g} in {rows_of(runs, bad)}, but {what} is positive; "
            f"{amended(runs, 'correct it', f'{name} > 0')}."
        )
    return values
