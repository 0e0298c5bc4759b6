"""All for which a fit of a law to a table would stop, each cause once; a fit itself names the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.budgets import one_size_each
from bayeslaw.runs.schedule_sums import check_run_ids
from bayeslaw.words import argument, short, worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs


def empty_cells(runs: Runs, columns: Iterable[str]) -> dict[str, np.ndarray]:
    """Masks of the empty cells of numeric columns, each of shape ``(runs,)``; only for columns with empty cells."""
    numbers = {name: runs.column(name) for name in columns if runs.has(name) and not runs.is_text(name)}
    return {name: np.isnan(values) for name, values in numbers.items() if np.isnan(values).any()}


def needed_and_empty(runs: Runs, law: Law) -> dict[str, np.ndarray]:
    """Where columns that a fit of a law reads are empty; see :func:`empty_cells`."""
    _, faults = observations.read_inputs(runs, law)
    at_fault = [law.inputs[name].column for name in observations.stopping(runs, law, faults)]
    return empty_cells(runs, [*at_fault, law.output.column])


def faults_of(runs: Runs, law: Law, groups: np.ndarray | None = None) -> list[RunsError]:
    """All for which a fit would stop; of no runs, only what columns they lack.

    Parameters
    ----------
    groups
        The group of each run that a fit pools over, integers of shape ``(runs,)``.
    """
    if not len(runs):
        return _refused(observations.check_columns, runs, law)
    _, faults = observations.read_inputs(runs, law)
    inputs = [law.inputs[name] for name in observations.stopping(runs, law, faults)]
    found = [
        *_refused(check_run_ids, runs),
        *_refused(observations.check_columns, runs, law),
        *(faults[each.name] for each in inputs if each.formula is not None or runs.has(each.column)),
        *(_refused(observations.outcome, runs, law) if runs.has(law.output.column) else []),
        *(_refused(observations.standard_error, runs, law) if law.output.likelihood.family.scale is not None else []),
        *_refused(check_enough, runs, law),
        *_refused(check_bowls, runs, law, groups),
    ]
    # An outcome is checked against inputs that have been read before.
    return list({str(fault): fault for fault in found}.values())


# Parameters that are held first where runs are few: the limit of the outcome, and the tail of its noise, which few runs
# say least of.
HELD_FIRST = ("E", "floor", "chance", "nu")


def check_enough(runs: Runs, law: Law) -> None:
    """Refuse fewer runs than the law has free parameters.

    Raises
    ------
    RunsError
        With both numbers, and as many parameters to hold as are needed.
    """
    needed, fitted = len(law.free_parameters), int(np.count_nonzero(observations.weights(runs)))
    if fitted >= needed:
        return
    held = {name: f"Constant({short(law.parameters[name].prior.median())})" for name in _held(law, needed - fitted)}
    fixed = worded(
        f"law.with_priors({', '.join(f'{name}="{value}"' for name, value in held.items())})",
        " ".join(f'--prior "{name}={value}"' for name, value in held.items()),
    )
    what = "a parameter" if len(held) == 1 else f"{len(held)} parameters"
    raise RunsError(
        f"{runs.source}: {fitted} run{'s' * (fitted != 1)} cannot determine the {needed} free parameters of law "
        f"'{law.name}'; add {needed - fitted} or more, take a smaller law, or hold {what} at values that you know, "
        f"which here are the middles of their priors: {fixed}."
    )


def _held(law: Law, count: int) -> list[str]:
    """The parameters to hold: the first, then those of the mean from the last, which are exponents, then the noise."""
    free = law.free_parameters
    first = [name for name in HELD_FIRST if name in free]
    mean = [name for name in reversed(free) if name not in (*first, *law.noise_parameters)]
    return [*first, *mean, *(name for name in law.noise_parameters if name not in first)][:count]


def check_bowls(runs: Runs, law: Law, groups: np.ndarray | None = None) -> None:
    """Refuse a law of loss by size at given compute, where no group of runs has two sizes of one compute.

    Parameters
    ----------
    groups
        The group of each run, integers of shape ``(runs,)``; None for one group.

    Raises
    ------
    RunsError
        Which names laws that such runs can be fitted by.
    """
    columns = {law.inputs[name].column for name in law.mean_inputs}
    if columns != {"n_params", "flops"} or not all(runs.has(name) and not runs.is_text(name) for name in columns):
        return
    size, compute = runs.column("n_params"), runs.column("flops")
    if not ((size > 0) & (size < np.inf) & (compute > 0) & (compute < np.inf)).all():
        return
    index = np.zeros(len(runs), dtype=int) if groups is None else groups
    if all(one_size_each(compute[index == each], size[index == each]) for each in np.unique(index)):
        of = "" if len(np.unique(index)) == 1 else " of every group"
        raise RunsError(
            f"{runs.source}: there is one size at each compute{of}, so law '{law.name}', which is about how loss rises "
            f"to both sides of the best size, cannot be learned; fit loss by compute with law 'power_law' "
            f"({argument('law', 'power_law')}), or add runs of other sizes at the same compute."
        )


def _refused(check: Callable[..., Any], *args: Any) -> list[RunsError]:
    try:
        check(*args)
    except RunsError as fault:
        return [fault]
    return []
