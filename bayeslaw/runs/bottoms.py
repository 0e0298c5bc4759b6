"""Where each compute budget has its lowest loss, from its own runs and no law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

from bayeslaw.runs.budgets import budgets_of

# Bowls are lopsided: the bottom of a parabola is up to a quarter off, that of a cubic is not.  It holds near the bottom
# only, within a factor of about six of the best run on either side.
DEGREE, WINDOW = 3, 1.75
# A cubic has four coefficients, so this many sizes leave one to tell its error by.
FEWEST_SIZES = DEGREE + 2
# So many sizes have to lie on either side, or the bottom is extrapolated.
ON_EITHER_SIDE = 2


@dataclass(frozen=True)
class Bottom:
    """The lowest point of the runs of one budget.

    Attributes
    ----------
    compute
        The budget: the median of its runs.
    size
        The size of the lowest loss.
    error
        The standard error of the log of `size`.
    loss
        The loss there.
    log_sizes, losses
        All runs of the budget, in the order of their sizes; each of shape ``(runs,)``.
    curve
        The loss by log size near the bottom.
    """

    compute: float
    size: float
    error: float
    loss: float
    log_sizes: np.ndarray
    losses: np.ndarray
    curve: Polynomial

    def excess(self, size: float) -> float:
        """The loss at a size above the lowest: by the curve near the bottom, else between runs; NaN beyond all runs."""
        at = np.log(size)
        if self.curve.domain[0] <= at <= self.curve.domain[1]:
            return float(self.curve(at)) - self.loss
        return float(np.interp(at, self.log_sizes, self.losses, np.nan, np.nan)) - self.loss


def bottoms_of(compute: np.ndarray, size: np.ndarray, loss: np.ndarray) -> list[Bottom]:
    """The bottoms of all budgets that have theirs among their runs, by rising compute.

    Parameters
    ----------
    compute, size, loss
        Of each run, positive, of shape ``(runs,)``.

    Notes
    -----
    The error is the larger of two: that of least squares with the residuals of all budgets together, since one budget
    leaves too few, and the jackknife over runs, which sees what a cubic misses.
    """
    budget = budgets_of(compute, size)
    each = (_Cubic.of(*(x[budget == i] for x in (compute, size, loss))) for i in range(int(budget.max(initial=-1)) + 1))
    found = [one for one in each if one is not None]
    freedom = sum(each.freedom for each in found)
    noise = np.sqrt(sum(each.squares for each in found) / freedom) if freedom else 0.0
    return [each.bottom(noise) for each in found]


@dataclass(frozen=True)
class _Cubic:
    """A cubic in log size through the runs near the best one of a budget, with its lowest point."""

    compute: float
    x: np.ndarray
    y: np.ndarray
    curve: Polynomial
    lowest: float
    everything: tuple[np.ndarray, np.ndarray]

    @staticmethod
    def of(compute: np.ndarray, size: np.ndarray, loss: np.ndarray) -> _Cubic | None:
        order = np.argsort(size)
        x, y = np.log(size[order]), loss[order]
        near = np.abs(x - x[y.argmin()]) < WINDOW
        found = _fitted(x[near], y[near])
        if found is None:
            return None
        return _Cubic(float(np.median(compute)), x[near], y[near], *found, (x, y))

    @property
    def squares(self) -> float:
        """The sum of squared residuals."""
        return float(((self.y - self.curve(self.x)) ** 2).sum())

    @property
    def freedom(self) -> int:
        return len(self.x) - DEGREE - 1

    def bottom(self, noise: float) -> Bottom:
        """The lowest point with its error, for runs that scatter by `noise`."""
        error = max(noise * self._leverage(), self._jackknife())
        size, loss = float(np.exp(self.lowest)), float(self.curve(self.lowest))
        return Bottom(self.compute, size, error, loss, *self.everything, self.curve)

    def _leverage(self) -> float:
        """The standard error of the lowest point per standard deviation of the runs."""
        moved = np.vander(self.x - self.lowest, DEGREE + 1, increasing=True)
        # About the lowest point the slope is the second coefficient, so it alone moves the point.
        covariance = np.linalg.inv(moved.T @ moved)
        return float(np.sqrt(covariance[1, 1]) / self.curve.deriv(2)(self.lowest))

    def _jackknife(self) -> float:
        without = (_fitted(np.delete(self.x, i), np.delete(self.y, i), inside=False) for i in range(len(self.x)))
        lowest = np.array([each[1] for each in without if each is not None])
        return float(np.sqrt(max(len(lowest) - 1, 0)) * lowest.std()) if len(lowest) else 0.0


def _fitted(x: np.ndarray, y: np.ndarray, inside: bool = True) -> tuple[Polynomial, float] | None:
    """A cubic and its lowest point, if it has one among the runs."""
    fewest = FEWEST_SIZES if inside else FEWEST_SIZES - 1
    if len(np.unique(x)) < fewest:
        return None
    curve = Polynomial.fit(x, y, DEGREE)
    lowest = _minimum(curve)
    if lowest is None or (inside and min((x < lowest).sum(), (x > lowest).sum()) < ON_EITHER_SIDE):
        return None
    return curve, lowest


def _minimum(curve: Polynomial) -> float | None:
    """The place where the slope of a cubic rises through zero, if any; right for a parabola too."""
    c, b, a = (float(each) for each in curve.deriv().coef)
    inside = b * b - 4.0 * a * c
    if inside <= 0.0:
        return None
    root = np.sqrt(inside)
    place = -2.0 * c / (b + root) if b > 0.0 else (root - b) / (2.0 * a)
    shift, scale = curve.mapparms()
    return float((place - shift) / scale)
