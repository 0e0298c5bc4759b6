"""The minimum of a function for thousands of draws at once: a grid finds the valley, Newton steps its bottom.

SciPy minimises either one function at a time or, element by element, in one coordinate.  A search that compares values
of a function locates its minimum only to the square root of their rounding error.  The zero of slopes by central
differences is within about 1e-8 of an e-fold, and slopes cost no more than values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Takes coordinates of shape (coordinates, points, draws or 1) to values of shape (points, draws).
Function = Callable[[np.ndarray], np.ndarray]

# In e-folds.  Rounding moves a zero of the slope by eps / STEP over the relative curvature, which is about 0.01 for a
# loss at its compute optimum: by 1e-8.  Where the curvature jumps, as at the best teacher, it moves by up to STEP / 2.
STEP = 2e-6
# Rounding leaves the curvature right to a tenth or better, so that an error this small is a tenth of it a step later.
SHORT = 1e-7
# Less curvature than this counts as none: the bound keeps the division finite, and the box keeps the step.
FLAT = 1e-100
# Enough to close in on a kink by quarters, and to walk along a bent valley.
MOST_STEPS = 100


@dataclass(frozen=True)
class Lowest:
    """The minimum of a function, for each draw.

    Attributes
    ----------
    at
        Coordinates; shape ``(coordinates, draws)``.
    value
        Shape ``(draws,)``.
    at_low, at_high
        Whether a coordinate is at an end of its range; shape ``(coordinates, draws)``.
    """

    at: np.ndarray
    value: np.ndarray
    at_low: np.ndarray
    at_high: np.ndarray


def lowest(function: Function, low: np.ndarray, high: np.ndarray) -> Lowest:
    """Find the minimum of a function within a box, for each draw.

    Valleys are resolved if they are wider than the box's range over 32 in one coordinate, 16 in two, 8 in three.

    Parameters
    ----------
    low, high
        The box; shape ``(coordinates,)``.
    """
    low, high = low[:, None], high[:, None]
    x, spacing = _best_on_grid(function, low, high)
    radius = np.broadcast_to(spacing, x.shape).copy()
    here = _Stencil.at(function, x)
    for _ in range(MOST_STEPS):
        step = here.newton(x <= low, x >= high)
        step *= np.minimum(1.0, radius / np.maximum(np.abs(step), FLAT)).min(axis=0)
        ahead = np.clip(x + step, low, high)
        there = _Stencil.at(function, ahead)
        # Within rounding error a step may appear to lead upwards.
        better = there.value <= here.value + 4.0 * np.finfo(float).eps * np.abs(here.value)
        done = np.all(np.abs(ahead - x) < SHORT, axis=0)
        x, here = np.where(better, ahead, x), here.replaced(there, better)
        radius = np.where(better, 2.0 * radius, 0.25 * radius)
        if done.all():
            break
    return Lowest(x, here.value, x <= low, x >= high)


def _best_on_grid(function: Function, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best point of a grid over the box for each draw, and the distance between its points."""
    count = len(low)
    points = max((32 >> (count - 1)) + 1, 5)
    share = np.array(list(itertools.product(np.linspace(0.0, 1.0, points), repeat=count))).T
    grid = np.clip(low + share * (high - low), low, high)
    values = function(grid[:, :, None])
    return grid[:, np.where(np.isnan(values), np.inf, values).argmin(axis=0)], (high - low) / (points - 1)


@dataclass(frozen=True)
class _Stencil:
    """A function with its slope and curvature, for each draw.

    ``value (draws,)``, ``slope (coordinates, draws)``, ``curvature (draws, coordinates, coordinates)``.
    """

    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray

    @staticmethod
    def at(function: Function, x: np.ndarray) -> _Stencil:
        """Central differences at `x`, shape ``(coordinates, draws)``."""
        count = len(x)
        unit = np.eye(count)
        pairs = list(itertools.combinations(range(count), 2))
        ahead = np.array([*unit, *(unit[i] + unit[j] for i, j in pairs)])
        moves = np.concatenate([np.zeros((1, count)), ahead, -ahead])
        values = function(x[:, None, :] + STEP * moves.T[:, :, None])
        centre, up, down = values[0], values[1 : 1 + len(ahead)], values[1 + len(ahead) :]
        second = (up + down - 2.0 * centre) / STEP**2
        curvature = np.empty((x.shape[1], count, count))
        for i in range(count):
            curvature[:, i, i] = second[i]
        for (i, j), both in zip(pairs, second[count:], strict=True):
            curvature[:, i, j] = curvature[:, j, i] = 0.5 * (both - second[i] - second[j])
        return _Stencil(centre, (up[:count] - down[:count]) / (2.0 * STEP), curvature)

    def newton(self, at_low: np.ndarray, at_high: np.ndarray) -> np.ndarray:
        """The Newton step; shape ``(coordinates, draws)``.  Negative curvature counts as positive."""
        # A coordinate that is pressed against its end stays there, and the others are solved without it.
        held = (at_low & (self.slope > 0)) | (at_high & (self.slope < 0))
        slope = np.nan_to_num(np.where(held, 0.0, self.slope))
        free = np.moveaxis(~held, -1, 0)
        curvature = np.nan_to_num(np.where(free[:, :, None] & free[:, None, :], self.curvature, 0.0))
        if len(slope) == 1:
            return np.asarray(-slope / np.maximum(np.abs(curvature[None, :, 0, 0]), FLAT))
        sizes, axes = np.linalg.eigh(curvature)
        along = np.einsum("dij,id->dj", axes, slope) / np.maximum(np.abs(sizes), FLAT)
        return np.asarray(-np.einsum("dij,dj->id", axes, along))

    def replaced(self, other: _Stencil, where: np.ndarray) -> _Stencil:
        """The other stencil for some draws."""
        return _Stencil(
            np.where(where, other.value, self.value),
            np.where(where, other.slope, self.slope),
            np.where(where[:, None, None], other.curvature, self.curvature),
        )
