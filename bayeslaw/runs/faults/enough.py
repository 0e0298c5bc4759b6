"""Whether there are enough runs, and sizes among them, to learn a law from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.budgets import one_size_each
from bayeslaw.words import argument, short, worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

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
        best = worded("columns={'best_size': 'n_params'}", "--law optimum_power --columns best_size=n_params")
        of = "" if len(np.unique(index)) == 1 else " of every group"
        raise RunsError(
            f"{runs.source}: there is one size at each compute{of}, so law '{law.name}', which is about how loss rises "
            f"to both sides of the best size, cannot be learned; fit the best size by compute with law "
            f"'optimum_power' ({best}), loss by compute with law 'power_law' ({argument('law', 'power_law')}), or add "
            "runs of other sizes at the same compute."
        )
