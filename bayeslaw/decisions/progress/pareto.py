"""Pareto-smoothed importance sampling: draws of one posterior as draws of another, and whether that can be trusted.

It is written out, since importing ArviZ, which imports JAX, takes longer than any question of a saved fit.  A test
holds it to ArviZ.

References
----------
Vehtari, Simpson, Gelman, Yao and Gabry (2024), arXiv:1507.02646; Zhang and Stephens (2009),
doi:10.1198/tech.2009.08017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

# Beyond it importance sampling does not settle with any feasible number of draws.
LARGEST_KHAT = 0.7


@dataclass(frozen=True)
class Weights:
    """Weights of draws.

    Attributes
    ----------
    each
        They sum to 1; shape ``(size,)``.
    khat
        The Pareto k of the largest raw weights.
    """

    each: np.ndarray
    khat: float

    @property
    def ess(self) -> float:
        """How many draws of equal weight they are worth."""
        return float(1.0 / (self.each**2).sum())

    @property
    def largest_khat(self) -> float:
        """The largest Pareto k at which this many draws settle."""
        return float(min(1.0 - 1.0 / np.log10(len(self.each)), LARGEST_KHAT))

    @property
    def trusted(self) -> bool:
        """Whether the draws can stand for the other posterior."""
        return self.khat <= self.largest_khat

    def rows(self) -> np.ndarray:
        """As many draws of equal weight, each repeated by its weight; positions of shape ``(size,)``."""
        size = len(self.each)
        places = (np.arange(size) + 0.5) / size
        return np.minimum(np.searchsorted(np.cumsum(self.each), places), size - 1)


def smoothed(log_ratios: np.ndarray) -> Weights:
    """Smoothed weights from the logs of raw ones, which may lack a constant; shape ``(size,)``."""
    size = len(log_ratios)
    logs = log_ratios - log_ratios.max()
    tail = int(3.0 * size**0.5 if size > 225 else size / 5)
    order = np.argsort(logs)
    largest, cutoff = logs[order[-tail:]], logs[order[-tail - 1]]
    khat = 0.0
    if largest[-1] - largest[0] > np.finfo(float).tiny:
        beyond = np.exp(largest) - np.exp(cutoff)
        khat, scale = _pareto(beyond)
        if np.isfinite(khat) and scale > 0:
            levels = np.log1p(-np.arange(0.5, tail) / tail)
            excess = -scale * levels if khat == 0 else scale * np.expm1(-khat * levels) / khat
            logs = logs.copy()
            logs[order[-tail:]] = np.minimum(np.log(np.exp(cutoff) + excess), 0.0)
    return Weights(np.exp(logs - logsumexp(logs)), float(khat))


def _pareto(beyond: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, from sorted values beyond its start.

    The shape is drawn towards a half, by as much as ten values tell.
    """
    count = len(beyond)
    quartile = beyond[int(count / 4 + 0.5) - 1]
    if quartile <= beyond[0]:
        return np.inf, np.nan  # nearly all of the weight is that of a few draws
    grid = 30 + int(count**0.5)
    places = (1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3.0 * quartile) + 1.0 / beyond[-1]
    shapes = np.log1p(-places[:, None] * beyond).mean(axis=1)
    heights = count * (np.log(-places / shapes) - shapes - 1.0)
    weights = np.exp(heights - logsumexp(heights))
    kept = weights >= 10.0 * np.finfo(float).eps
    place = float((places[kept] * weights[kept]).sum() / weights[kept].sum())
    shape = float(np.log1p(-place * beyond).mean())
    return (count * shape + 5.0) / (count + 10.0), -shape / place
