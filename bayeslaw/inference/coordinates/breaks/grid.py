"""The path of a ridge: everything else at its mode along one coordinate, with the width and the mass there.

The coordinate is put on a grid, and for each of its values everything else is at its mode given that value.  The
Laplace approximation there (Tierney & Kadane 1986) gives the marginal density of the coordinate, whose distribution
function maps values to ``z``, and the normal of the rest.  Between two knots the log density is taken to be linear;
knots are added where they gain most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtr

from bayeslaw.inference.coordinates.block_arrow import Blocks, Partition
from bayeslaw.inference.coordinates.breaks.ridge import Ridge
from bayeslaw.inference.coordinates.mode import Curvature, descend

# The number of knots of a ridge, fixed for compiled programs.
KNOTS = 65
# Knots that are spread over the prior, before others are added where they are needed.
FIRST = 25
# The span of the first knots, in the prior's standard deviations, and the prior's share of the density: chains should
# also visit places where the approximation sees no mass.
REACH, SHARE = 4.0, 0.1
# A knot is needed where much mass lies between two, and more so the further a knot is from the interpolation of its
# neighbours, in nats: the base, and the most.
EVEN, FURTHEST = 0.1, 5.0
# The least mass of an interval: a normal score of -8.
LEAST = 1e-15


@dataclass(frozen=True)
class Knot:
    """A value of the coordinate, with the mode of everything else there.

    Attributes
    ----------
    value
        The value of the coordinate.
    at
        The flat vector.
    height
        The log marginal density, without its constant.
    root
        A root of the covariance of the other outer coordinates.
    """

    value: float
    at: np.ndarray
    height: float
    root: np.ndarray


# From a value, and a flat vector near the mode given it.
MakeKnot = Callable[[float, np.ndarray], Knot]


def find_knots(curvature: Curvature, x: np.ndarray, split: Ridge) -> list[Knot]:
    """Knots over the prior's span and through a mode, and between them where they are needed."""
    place, others = split.outer[0], np.delete(np.arange(len(x)), split.outer[0])
    off, scale, curvature = np.searchsorted(others, split.outer[1:]), split.spread[others], _without(curvature, others)

    def knot(value: float, near: np.ndarray) -> Knot:
        start = near.copy()
        start[place] = value
        at = descend(curvature, start)
        potential, _, hessian = curvature.at(at)
        values, vectors = np.linalg.eigh(0.5 * (hessian.shared + hessian.shared.T) * np.outer(scale, scale))
        # No wider than the priors, in any direction.
        values = np.maximum(values, 1.0)
        covariance = (scale[:, None] * vectors / values) @ vectors.T * scale
        root = np.linalg.cholesky(covariance[np.ix_(off, off)])
        return Knot(value, at, -potential - 0.5 * float(np.log(values).sum()), root)

    grid = split.middle[place] + REACH * split.spread[place] * np.linspace(-1.0, 1.0, FIRST)
    knots = _over(knot, x, place, grid)
    while len(knots) < KNOTS:
        wrong = np.minimum(_errors(knots, split.outer[1:]), FURTHEST)
        wanted = masses(knots, split)[1:-1] * (EVEN + np.maximum(wrong[1:], wrong[:-1]))
        after = int(wanted.argmax()) + 1
        left, right = knots[after - 1 : after + 1]
        value = 0.5 * (left.value + right.value)
        knots.insert(after, max((knot(value, each.at) for each in (left, right)), key=lambda each: each.height))
    return knots


def _without(curvature: Curvature, others: np.ndarray) -> Curvature:
    """A curvature of some coordinates alone, from a dense one."""
    none = np.zeros((0, 0), dtype=int)

    def at(x: np.ndarray) -> tuple[float, np.ndarray, Blocks]:
        value, slope, hessian = curvature.at(x)
        own = hessian.shared[np.ix_(others, others)]
        return value, slope, Blocks(np.zeros((0, 0, 0)), np.zeros((0, 0, len(others))), own)

    return Curvature(at, Partition(none, others))


def _over(knot: MakeKnot, x: np.ndarray, place: int, grid: np.ndarray) -> list[Knot]:
    """Knots on a grid and at a mode, each the highest of those found from the mode's side and from both ends."""
    values = np.union1d(grid, x[place])
    start, last = int(np.searchsorted(values, x[place])), len(values) - 1
    knots = {start: knot(float(x[place]), x)}
    outwards = [(i, i - 1) for i in range(start + 1, last + 1)] + [(i, i + 1) for i in range(start - 1, -1, -1)]
    back = [(i, i + 1) for i in range(last - 1, -1, -1)] + [(i, i - 1) for i in range(1, last + 1)]
    for i, neighbour in outwards + back:
        found = knot(float(values[i]), knots[neighbour].at)
        if i not in knots or found.height > knots[i].height:
            knots[i] = found
    return [knots[i] for i in range(last + 1)]


def _errors(knots: Sequence[Knot], others: np.ndarray) -> np.ndarray:
    """The distance of each knot from the interpolation of its neighbours, in nats; 0 at the ends."""
    off = []
    for left, own, right in zip(knots, knots[1:], knots[2:], strict=False):
        share = (own.value - left.value) / (right.value - left.value)
        height = left.height + share * (right.height - left.height)
        middle = left.at + share * (right.at - left.at)
        away = solve_triangular(own.root, (middle - own.at)[others], lower=True)
        off.append(abs(height - own.height) + 0.5 * float(away @ away))
    return np.array([0.0, *off, 0.0])


def masses(knots: Sequence[Knot], split: Ridge) -> np.ndarray:
    """The mass below the first knot, between each and the next, and above the last; the sum is 1."""
    values, heights = (np.array(each) for each in zip(*((k.value, k.height) for k in knots), strict=True))
    scores = (values - split.middle[split.outer[0]]) / split.spread[split.outer[0]]
    between = np.array(
        [
            # The logarithmic mean, by its limit where the two are equal.
            np.exp(right) * (step if abs(right - left) < 1e-6 else step * -np.expm1(left - right) / (right - left))
            for (left, right), step in zip(pairwise(heights - heights.max()), np.diff(values), strict=True)
        ]
    )
    prior = np.diff(ndtr(np.concatenate([[-np.inf], scores, [np.inf]])))
    own = np.concatenate([[0.0], between / between.sum(), [0.0]])
    # A mode that the prior excludes still has some mass on either side.
    return np.asarray(np.maximum((1.0 - SHARE) * own + SHARE * prior, LEAST))
