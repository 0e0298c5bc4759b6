"""Runs that lie on their law to the last digit, as the output of a formula does: there is no noise to learn.

The likelihood of such runs is unbounded.  The less noise, the more likely they are, down to the rounding errors of
floating-point numbers, which no coordinates make smooth.  So they are refused before a program is compiled for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import BayeslawError, RunsError
from bayeslaw.language.formula.expression import Name
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.language.law import Law, Root
from bayeslaw.runs import observations
from bayeslaw.words import worded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bayeslaw.runs.table import Runs

# Relative to the outcome.  Double precision keeps sixteen digits and the arithmetic of a law thirteen of them; single
# precision leaves noise of 3e-8, which is sampled as any other is.
LEAST_NOISE = 1e-9
# What six digits say of an outcome.
PRECISION = 1e-6
# Outcomes with fewer digits are rounded more coarsely than that.
DIGITS = 9
# Runs that are looked at first, and starts of the search; that it fails means that there is noise, or is found later.
LOOKED_AT, STARTS = 200, 2
# Where there is noise, the sum of squares stops to fall; without, it falls by orders of magnitude to the end.
STALLED = 1e-4


def without_noise(column: str, noise: float, source: str | None = None) -> RunsError:
    """The refusal of runs whose noise, relative to the outcome, is too little to come from a measurement."""
    digits = -np.log10(max(noise, 1e-16))
    precision = f"{column}_se={PRECISION:g} * {column}"
    stated = worded(f"columns={{'{column}_se': '{PRECISION:g} * {column}'}}", f'--columns "{precision}"')
    return RunsError(
        f"{'' if source is None else f'{source}: '}the runs lie on the law to {digits:.0f} digits, as the output of a "
        "formula does, so there is no noise to learn. Round the outcomes to the digits that a measurement would have "
        f"(six will do), or state their precision as a standard error: {stated}."
    )


def noise_of(law: Law) -> str | None:
    """The parameter that is all of the scale of a law's noise; None where something else adds to it."""
    likelihood = law.output.likelihood
    if likelihood.family.scale is None:
        return None
    scale = likelihood.arguments[likelihood.family.arguments.index(str(likelihood.family.scale))]
    return scale.id if isinstance(scale, Name) and scale.id in law.noise_parameters else None


def check_noise(
    runs: Runs, law: Law, groups: np.ndarray | None = None, inputs: Mapping[str, np.ndarray] | None = None
) -> None:
    """Refuse runs that lie on the law to nine digits.

    Parameters
    ----------
    groups
        The group of each run that a fit pools over, integers of shape ``(runs,)``; each may have its own parameters.
    inputs
        The inputs of runs that were checked; None for runs that were not, which may be refused for other reasons.

    Raises
    ------
    RunsError
        With how many digits they agree in.
    """
    implicit = any(isinstance(term, Root) for term in law.terms.values())  # too slow to search with
    if implicit or noise_of(law) is None or observations.standard_error_column(runs, law) is not None:
        return
    if inputs is None:
        try:
            observations.outcome(runs, law)
            inputs = observations.inputs(runs, law)
        except BayeslawError:
            return  # refused for another reason
    outcome = runs.column(law.output.column)
    fitted = observations.weights(runs) > 0
    written = [_digits(value) for value in outcome[fitted][:LOOKED_AT].tolist()]
    if not written or np.median(written) <= DIGITS:
        return
    free = [name for name in law.free_parameters if name not in law.noise_parameters]
    index = np.zeros(len(runs), dtype=int) if groups is None else groups
    judged = [fitted & (index == each) for each in np.unique(index[fitted])]
    judged = [rows for rows in judged if rows.sum() > len(free)]
    if np.sum(judged) <= 0.5 * fitted.sum():
        return
    worst = 0.0
    for rows in judged:
        noise = _misfit(law, free, {name: values[rows] for name, values in inputs.items()}, outcome[rows])
        if noise > LEAST_NOISE:
            return
        worst = max(worst, noise)
    raise without_noise(law.output.column, worst, runs.source)


def _digits(value: float) -> int:
    """The digits with which a number is written."""
    return len(repr(value).partition("e")[0].replace(".", "").strip("-0"))


def _misfit(law: Law, free: list[str], inputs: dict[str, np.ndarray], outcome: np.ndarray) -> float:
    """The root mean square of what least squares of a law leave, relative to the outcome."""
    from scipy.optimize import least_squares

    on_log = law.output.likelihood.family.link == "log"
    priors = [law.parameters[name].prior for name in free]
    held = {name: each.prior.median() for name, each in law.parameters.items() if name not in free}

    def residuals(x: np.ndarray, inputs: dict[str, np.ndarray], outcome: np.ndarray) -> np.ndarray:
        values = {name: UNLINKS[prior.link](each) for name, prior, each in zip(free, priors, x, strict=True)}
        mean = np.broadcast_to(law.mean(inputs, {**held, **values}), outcome.shape)
        with np.errstate(all="ignore"):
            off = np.log(mean / outcome) if on_log else (mean - outcome) / np.abs(outcome).max()
        finite: np.ndarray = np.clip(np.nan_to_num(off, nan=1e3), -1e3, 1e3)
        return finite

    some = np.unique(np.linspace(0, len(outcome) - 1, LOOKED_AT).astype(int))
    few = {name: values[some] for name, values in inputs.items()}
    rng, best = np.random.default_rng(0), np.inf
    for start in range(STARTS):
        begin = [float(prior.draw(rng, 1)[0]) if start else prior.median() for prior in priors]
        x = np.array([LINKS[prior.link](each) for prior, each in zip(priors, begin, strict=True)])
        with np.errstate(all="ignore"):
            found = least_squares(
                residuals, x, args=(few, outcome[some]), x_scale="jac", ftol=STALLED, xtol=None, gtol=None, max_nfev=100
            )
            if np.sqrt(np.mean(found.fun**2)) < LEAST_NOISE:
                best = min(best, float(np.sqrt(np.mean(residuals(found.x, inputs, outcome) ** 2))))
                break
    return best
