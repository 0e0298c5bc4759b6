"""Runs that lie on their law to the last digit, as the output of a formula does: there is no noise to learn.

The likelihood of such runs is unbounded.  The less noise, the more likely they are, down to the rounding errors of
floating-point numbers, which no coordinates make smooth.
"""

from __future__ import annotations

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.inference.coordinates.protocol import Coordinates, Problem
from bayeslaw.inference.coordinates.split import noise_scale
from bayeslaw.language.formula.expression import Name

# Relative to the outcome.  Double precision keeps sixteen digits and the arithmetic of a law thirteen of them; single
# precision leaves noise of 3e-8, which is sampled as any other is.
LEAST_NOISE = 1e-9


def refuse_exact_runs(problem: Problem, coordinates: Coordinates) -> None:
    """Refuse runs whose noise at the mode is too little to come from a measurement.

    Raises
    ------
    RunsError
        When they lie on the law to nine digits.
    """
    noise = _relative_noise(problem, coordinates.centre)
    if noise is not None and noise < LEAST_NOISE:
        digits = -np.log10(max(noise, 1e-16))
        raise RunsError(
            f"the runs lie on the law to {digits:.0f} digits, as the output of a formula does, so there is no noise to "
            "learn. Round the outcomes to the digits that a measurement would have (six will do), or state their "
            "precision in a column of standard errors (loss_se, or se)."
        )


def _relative_noise(problem: Problem, x: np.ndarray) -> float | None:
    """The scale of the noise at a flat vector, relative to the outcomes; None where something else adds to it."""
    if problem.structure is None:
        return None
    output, name = problem.structure.law.output, noise_scale(problem.structure)
    likelihood = output.likelihood
    family = likelihood.family
    if name is None or likelihood.arguments[family.arguments.index(str(family.scale))] != Name(name):
        return None
    noise = float(problem.model.site[name].constrain(x[problem.model.site[name].stretch]))
    outcomes = np.abs(np.asarray(problem.args[0]["outcome"]))
    return noise if family.link == "log" else noise / max(float(outcomes.max()), 1e-300)
