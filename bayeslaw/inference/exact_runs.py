"""Runs without noise that only the mode of a fit tells: those with families, which share what they have in common.

Most are refused before a program is compiled; see ``runs/faults/exact.py``.
"""

from __future__ import annotations

import numpy as np

from bayeslaw.inference.coordinates.protocol import Coordinates, Problem
from bayeslaw.inference.coordinates.split import noise_scale
from bayeslaw.runs.faults.exact import LEAST_NOISE, noise_of, without_noise


def refuse_exact_runs(problem: Problem, coordinates: Coordinates) -> None:
    """Refuse runs whose noise at the mode is too little to come from a measurement.

    Raises
    ------
    RunsError
        When they lie on the law to nine digits.
    """
    noise = _relative_noise(problem, coordinates.centre)
    if noise is not None and noise < LEAST_NOISE and problem.structure is not None:
        raise without_noise(problem.structure.law.output.column, noise)


def _relative_noise(problem: Problem, x: np.ndarray) -> float | None:
    """The scale of the noise at a flat vector, relative to the outcomes; None where something else adds to it."""
    if problem.structure is None:
        return None
    law, name = problem.structure.law, noise_scale(problem.structure)
    if name is None or noise_of(law) != name:
        return None
    noise = float(problem.model.site[name].constrain(x[problem.model.site[name].stretch]))
    outcomes = np.abs(np.asarray(problem.args[0]["outcome"]))
    return noise if law.output.likelihood.family.link == "log" else noise / max(float(outcomes.max()), 1e-300)
