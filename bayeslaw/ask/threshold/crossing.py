"""Where a curve first crosses a value, or is steepest: for all draws at once, on a grid and then by bisection.

Curves need not be monotone, so a search between the two ends of a range would find some crossing; the grid finds the
first.  Crossings below the range are minus infinity and crossings above it infinity, so quantiles over draws treat them
correctly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# From places along the axis, of shape (1, points) or (draws, 1), to values, one row per draw.
Curve = Callable[[np.ndarray], np.ndarray]

# Steps of 7 % over the widest range of the catalogue, 1e14 to 1e30 FLOP.
POINTS = 513
# The step of a grid is below 0.1, so that this leaves 1e-13.
BISECTIONS = 40
# A fourth-order second difference, in units of the step squared.
STENCIL = ((-2, -1 / 12), (-1, 4 / 3), (0, -5 / 2), (1, 4 / 3), (2, -1 / 12))


def first_crossing(curve: Curve, grid: np.ndarray, value: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first place where each curve has crossed a value, to the side that most curves move to from their start.

    A curve that goes up and down again counts as moving to where it departs farthest.

    Parameters
    ----------
    grid
        Increasing places, fine enough to resolve all turns of a curve; shape ``(points,)``.
    value
        One for all draws, or one per draw, of shape ``(draws,)``; may be infinite.

    Returns
    -------
    places
        Shape ``(draws,)``; minus infinity where a curve has crossed at the first place already.
    back
        Whether a curve that crossed is back at the last place; shape ``(draws,)``.
    """
    heights = curve(grid[None, :])
    highest, lowest = np.nanmax(heights, axis=1), np.nanmin(heights, axis=1)
    side = 1.0 if np.nanmedian(highest + lowest - 2.0 * heights[:, 0]) >= 0 else -1.0
    across = side * heights >= side * np.reshape(value, (-1, 1))
    first = across.argmax(axis=1)
    low, high = grid[np.maximum(first - 1, 0)], grid[first]
    places = _bisect(lambda place: side * curve(place[:, None])[:, 0] < side * value, low, high)
    places[across[:, 0]] = -np.inf
    places[~across.any(axis=1)] = np.inf
    return places, across.any(axis=1) & ~across[:, -1]


def sign_change(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """The first place where each curve has another sign than at its start, shape ``(draws,)``; infinity where none.

    Parameters
    ----------
    grid
        As for :func:`first_crossing`.
    """
    heights = curve(grid[None, :])
    start = np.sign(heights[:, 0])
    changed = start[:, None] * heights < 0.0
    first = changed.argmax(axis=1)
    low, high = grid[np.maximum(first - 1, 0)], grid[first]
    places = _bisect(lambda place: start * curve(place[:, None])[:, 0] >= 0.0, low, high)
    return np.where(changed.any(axis=1), places, np.inf)


def steepest(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """The place where each curve rises or falls fastest, shape ``(draws,)``; infinite where that is at an end.

    Parameters
    ----------
    grid
        Places at equal steps; shape ``(points,)``.
    """
    slope = np.nan_to_num(np.gradient(curve(grid[None, :]), axis=1), posinf=0.0, neginf=0.0)
    at = np.abs(slope).argmax(axis=1)
    side = np.sign(slope[np.arange(len(at)), at])
    inner = np.clip(at, 1, len(grid) - 2)
    step = (grid[1] - grid[0]) / 2.0

    def bends_up(place: np.ndarray) -> np.ndarray:
        """Whether the slope still increases."""
        return np.asarray(side * sum(w * curve((place + i * step)[:, None])[:, 0] for i, w in STENCIL) > 0)

    places = _bisect(bends_up, grid[inner - 1], grid[inner + 1])
    places[at == 0] = -np.inf
    places[(at == len(grid) - 1) | (side == 0)] = np.inf
    return places


def _bisect(before: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Halve brackets, each of shape ``(draws,)``, towards the place where a condition stops holding."""
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        left = before(middle)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return np.asarray(0.5 * (low + high))
