"""The mode of a density of a few coordinates and its curvature there, from its values alone.

The values are those of a Laplace approximation (Tierney & Kadane 1986), which jumps a little wherever its own mode
does: steps are wide enough to see past that, and tolerances are no finer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

# From some coordinates to minus the log of their density, up to a constant, and a flat vector of all at its mode there.
Marginal = Callable[[np.ndarray], tuple[float, np.ndarray]]

# Coordinates are logs: beyond e^-30 and e^30 the arithmetic breaks.
FURTHEST = 30.0
# A Laplace approximation made at one point is trusted within a factor of e^1.5, about 4.5, in each scale.
BELIEVED = 1.5
# A thousandth is far above rounding and far below the width of a log scale, which is 0.1 with a hundred runs.
SLOPE_STEP = 1e-3
# The next approximation is made where this search ends, so it need not be exact: its steps are few, and a fall of 1e-4
# of a nat is nothing.
STEPS, FALL = 15, 1e-4
# Half of a log scale's width with eight runs: a curvature over this step is that of the whole, not of a wiggle.
CURVATURE_STEP = 0.25


def step_to_mode(marginal: Marginal, at: np.ndarray) -> np.ndarray:
    """A step towards the mode, no further than an approximation made at `at` can be trusted, as a flat vector."""
    bounds = [(max(each - BELIEVED, -FURTHEST), min(each + BELIEVED, FURTHEST)) for each in at]
    start, _ = marginal(at)

    # Relative to the start: the tolerance is a fraction of the value, which would otherwise grow with the runs.
    def objective(t: np.ndarray) -> float:
        value, _ = marginal(t)
        return value - start if np.isfinite(value) else 1e300

    options = {"eps": SLOPE_STEP, "maxiter": STEPS, "ftol": FALL}
    found = minimize(objective, at, method="L-BFGS-B", bounds=bounds, options=options)
    return marginal(found.x)[1]


def hessian(marginal: Marginal, at: np.ndarray, step: float = CURVATURE_STEP) -> np.ndarray:
    """The curvature, by finite differences."""
    unit = step * np.eye(len(at))

    def moved(*steps: np.ndarray) -> float:
        return marginal(at + sum(steps))[0]

    here, up, down = moved(), np.array([moved(e) for e in unit]), np.array([moved(-e) for e in unit])
    found = np.diag((up - 2.0 * here + down) / step**2)
    for i, j in itertools.combinations(range(len(at)), 2):
        found[i, j] = found[j, i] = (moved(unit[i], unit[j]) - up[i] - up[j] + here) / step**2
    return found
