"""The mode of a potential by second-order steps, whose cost grows with the groups of its Hessian and not their cube.

Each step is the least of the local quadratic within a trusted distance (More & Sorensen 1983).  Narrow valleys want
curvature: L-BFGS takes thousands of steps where this takes tens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.errors import InputError
from bayeslaw.inference.coordinates.block_arrow import Blocks, Partition

# Starts that are followed: most posteriors have one mode, which the best start nearly always leads to; a second and a
# third reveal where it does not.
FOLLOWED = 3
# Steps a descent may take; forty are usual.
MOST_STEPS = 300
# The widest step that is tried: unbounded coordinates are logs, whose priors are a few units wide.
WIDEST = 1000.0
# A decrease of the potential that is within rounding error, as a fraction of the potential: a step that promises no
# more is the last.
ROUNDING = 1e-12
# Of the fall that a step promised, the share from which it is taken, below which less is trusted, and above which more
# (Nocedal & Wright 2006, algorithm 4.1; any numbers near these do).
TAKEN, POOR, GOOD = 0.15, 0.25, 0.75
# A step counts as being on the radius from this share of it, and is at most a tenth longer: finding the exact damping
# is not worth the cost.
REACHED, LONGEST = 0.8, 1.1
# Dampings tried for one step; three are usual, and an indefinite Hessian takes a few more to be made positive.
DAMPINGS = 60


@dataclass(frozen=True)
class Curvature:
    """A potential with its derivatives at a flat vector.

    Attributes
    ----------
    at
        From a flat vector to value, gradient, both over all coordinates, and the Hessian over those of `partition`.
    """

    at: Callable[[np.ndarray], tuple[float, np.ndarray, Blocks]]
    partition: Partition


def find_mode(curvature: Curvature, starts: Sequence[np.ndarray]) -> np.ndarray:
    """The lowest of the modes reached from the best starts.

    Parameters
    ----------
    curvature
        Coordinates outside its partition stay where they start.
    starts
        Flat vectors; those with the lowest potential are followed.

    Raises
    ------
    InputError
        When the potential is finite at none of them.
    """
    potentials = [curvature.at(start)[0] for start in starts]
    order = [i for i in np.argsort(potentials) if np.isfinite(potentials[i])][:FOLLOWED]
    if not order:
        raise InputError(
            f"The priors and the runs have no finite density at any of {len(starts)} starting points, so that there is "
            "nothing to fit: arithmetic overflows wherever the priors let the parameters be, or an outcome is "
            "impossible there. Check the units of the columns and the priors of the law."
        )
    return min((descend(curvature, starts[i]) for i in order), key=lambda x: curvature.at(x)[0])


def descend(curvature: Curvature, start: np.ndarray) -> np.ndarray:
    """A mode near `start`."""
    x, here, radius, free = start.copy(), curvature.at(start), 1.0, curvature.partition.positions
    for _ in range(MOST_STEPS if _finite(here) else 0):
        value, slope, hessian = here
        step, promised = trust_step(hessian, slope[free], radius)
        tried = x.copy()
        tried[free] += step
        there = curvature.at(tried)
        kept = (value - there[0]) / promised if promised and _finite(there) else -np.inf
        last = promised <= ROUNDING * max(1.0, abs(value))
        if kept > TAKEN or (last and _finite(there)):
            x, here = tried, there
        if last:
            break
        length = float(np.linalg.norm(step))
        if kept < POOR:
            radius = 0.25 * length
        elif kept > GOOD and length > REACHED * radius:
            radius = min(2.0 * radius, WIDEST)
    return x


def _finite(local: tuple[float, np.ndarray, Blocks]) -> bool:
    value, slope, hessian = local
    return bool(np.isfinite(value)) and all(np.isfinite(part).all() for part in (slope, *hessian))


def trust_step(hessian: Blocks, slope: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """The minimum of a quadratic within `radius`, and the decrease to there.

    It is the Newton step where that is short enough and the Hessian positive; else the Hessian is damped by the
    multiple of the identity that makes the step about `radius` long.
    """
    diagonals = [np.abs(np.einsum("...ii->...i", block)) for block in (hessian.groups, hessian.shared)]
    smallest = 1e-12 * max(float(diagonal.max(initial=1e-300)) for diagonal in diagonals)
    failed, damping = -np.inf, 0.0  # the largest damping known not to be enough, and the next to try
    for _ in range(DAMPINGS):
        step, root = _damped_step(hessian, slope, damping)
        if not np.isfinite(step).all():
            failed, damping = damping, max(10.0 * damping, smallest)
            continue
        length = float(np.linalg.norm(step))
        if length <= LONGEST * radius and (length >= REACHED * radius or damping <= max(smallest, 1.1 * failed)):
            break
        # Newton's step on 1/length - 1/radius, which is nearly linear in the damping.
        wanted = damping + (length / float(np.linalg.norm(root))) ** 2 * (length - radius) / radius
        damping = max(wanted, 0.0, 0.5 * (failed + damping))
    return step, 0.5 * float(damping * step @ step - slope @ step)


def _damped_step(hessian: Blocks, slope: np.ndarray, damping: float) -> tuple[np.ndarray, np.ndarray]:
    """``-(H + damping I)^-1 slope``, and the inverse Cholesky factor's product with it; NaN if not positive.

    This is :class:`bayeslaw.inference.coordinates.block_arrow.Arrow` in NumPy: to compile that takes longer than all
    steps of a small fit.
    """
    count, each, shared = hessian.cross.shape
    try:
        own = np.linalg.cholesky(hessian.groups + damping * np.eye(each))
        cross = np.linalg.solve(own, hessian.cross)
        rest = hessian.shared + damping * np.eye(shared) - np.einsum("gkr,gks->rs", cross, cross)
        root = np.linalg.cholesky(rest)
    except np.linalg.LinAlgError:
        return np.full_like(slope, np.nan), np.full_like(slope, np.nan)

    def down(groups: np.ndarray, shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        above = np.linalg.solve(own, groups[..., None])[..., 0]
        return above, np.linalg.solve(root, shared - np.einsum("gkr,gk->r", cross, above))

    def up(groups: np.ndarray, shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        below = np.linalg.solve(root.T, shared)
        return np.linalg.solve(own.swapaxes(-1, -2), (groups - cross @ below)[..., None])[..., 0], below

    step = up(*down(-slope[: count * each].reshape(count, each), -slope[count * each :]))
    return _flat(step), _flat(down(*step))


def _flat(parts: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])
