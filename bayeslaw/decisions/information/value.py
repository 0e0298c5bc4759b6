"""What information is worth to a decision, in the units of its utility, by regression on simulated outcomes.

Nobody has to fit anything again: the utility of each option that draws give is regressed on the outcome that the same
draws give to a run, and the fitted values are what would be expected of the options once the outcome is known.

References
----------
Strong, Oakley, Brennan and Breeze (2015), doi:10.1177/0272989X15575286.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Places where the regression may bend, as quantiles of the outcome, and resamples behind an error.
KNOTS = (0.1, 0.35, 0.65, 0.9)
RESAMPLES = 100


@dataclass(frozen=True)
class Value:
    """An expected value of information, with its Monte-Carlo standard error, in units of the utility."""

    value: float
    error: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "error": self.error}


def perfect(utility: np.ndarray) -> Value:
    """The expected value of perfect information: of knowing which draw is true before choosing.

    Parameters
    ----------
    utility
        Of each option under each draw; shape ``(size, options)``.
    """
    return Value(*_gain(utility, utility, _resamples(len(utility))))


def of_sample(scores: np.ndarray, utility: np.ndarray, resamples: int = RESAMPLES) -> Value:
    """The expected value of the information in the outcome of a run, before its cost.

    Parameters
    ----------
    scores
        Of its outcome, or of a combination of outcomes, on a scale where it is about normal; shape ``(size,)``.
    utility
        As for :func:`perfect`.
    resamples
        Bootstrap samples behind the error; without any it is NaN.
    """
    basis = _basis(scores)
    weights = _resamples(len(utility), resamples)
    # All resamples at once: products of the basis with itself and with the utilities, summed under each one's weights.
    columns, options = basis.shape[1], utility.shape[1]
    squares = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    crossed = (basis[:, :, None] * utility[:, None, :]).reshape(len(basis), -1)
    left = (weights @ squares).reshape(-1, columns, columns)
    right = (weights @ crossed).reshape(-1, columns, options)
    fitted = np.einsum("sc,rco->rso", basis, np.linalg.solve(left, right))
    return Value(*_gain(fitted, utility, weights))


def _gain(known: np.ndarray, utility: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """What is gained by choosing with expected utilities that are known, and its error.

    Parameters
    ----------
    known
        Shape ``(size, options)``, or ``(resamples, size, options)``.
    weights
        Of the draws in each resample, of which the first is the draws themselves; shape ``(resamples, size)``.
    """
    best = np.broadcast_to(known.max(axis=-1), weights.shape)
    gains = (weights * best).sum(axis=1) - (weights @ utility).max(axis=1)
    # The largest of two averages that are nearly equal is too large, which resamples repeat.
    error = float(np.sqrt(np.mean((gains[1:] - gains[0]) ** 2))) if len(gains) > 1 else math.nan
    return max(float(gains[0]), 0.0), error


def _resamples(size: int, count: int = RESAMPLES) -> np.ndarray:
    """Weights of the draws themselves, and of bootstrap samples of them; shape ``(1 + resamples, size)``."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(size, np.full(size, 1.0 / size), count)
    return np.vstack([np.ones(size), drawn]) / size


def _basis(x: np.ndarray) -> np.ndarray:
    """A cubic spline of a variable, as orthonormal columns; shape ``(size, columns)``."""
    bends = [np.maximum(x - knot, 0.0) ** 3 for knot in np.quantile(x, KNOTS)]
    return np.asarray(np.linalg.qr(np.stack([np.ones_like(x), x, x**2, x**3, *bends], axis=1))[0] * len(x) ** 0.5)
