"""A hierarchy's density by what its groups share, each group's own coordinates averaged out.

Given the shared coordinates, groups are independent, so the integral over all of the groups' own coordinates is a
product of small ones.  Each is estimated by importance sampling: the mean of density over proposal at a few points,
which is unbiased however few they are (Andrieu & Roberts 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.batched import in_chunks
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.split import finest_grouping
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Structure
from bayeslaw.inference.model.plan_model import log_prior_by_group

# Points that a group's own coordinates are averaged over: the error of the average is a quarter of a single point's.
POINTS = 16
# Runs at points that are worked on together, so that intermediate arrays fit in memory.
RUNS_AT_ONCE = 65_536


@dataclass(frozen=True)
class ByGroup:
    """The log density of a hierarchy's ball, by what its groups share."""

    problem: Problem
    coordinates: Conditional

    @property
    def own(self) -> np.ndarray:
        """Positions on the ball of the coordinates of each group; shape ``(groups, k)``."""
        return self.coordinates.own

    @property
    def shared(self) -> np.ndarray:
        """Positions on the ball of what groups share; shape ``(r,)``."""
        return np.setdiff1d(np.arange(self.problem.model.size), self.own)

    def averaged(
        self, z: np.ndarray, mean: np.ndarray, root: np.ndarray, kept: bool, seed: int
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Log densities of what is shared, up to the noise of the averages over groups.

        Parameters
        ----------
        z
            Points of the ball; shape ``(n, size)``.
        mean, root
            Of the normal proposal of each group: shapes ``(groups, k)`` and, lower triangular, ``(groups, k, k)``.
        kept
            Whether the first point of every average is what `z` has there, and not the proposal's: draws of the
            posterior are then draws of the averaged density too.

        Returns
        -------
        Callable
            From values of what is shared, shape ``(n, r)``, to log densities ``(n,)``.  The points that are averaged
            over depend on the row and the seed alone.
        """
        program = _averaged(self.problem.plan, self.problem.model)
        with devices.float64():
            key = jax.random.key_data(jax.random.key(seed))
        constants = self.coordinates, self.problem.args, (mean, root), key, np.array(kept)

        def density(shared: np.ndarray) -> np.ndarray:
            points = z.copy()
            points[:, self.shared] = shared
            numbered = np.column_stack([points, np.arange(len(z))])
            about = "averaged", self.problem.model.described
            return np.asarray(in_chunks(program, numbered, constants, about=about))

        return density


@lru_cache(maxsize=PROGRAMS_KEPT)
def _averaged(structure: Structure, model: FlatModel) -> Callable[[Any, Any], Any]:
    def averaged(row: Any, constants: Any) -> Any:
        coordinates, args, (mean, root), key, kept = constants
        z, index = jnp.split(row, [len(row) - 1])
        scales_z, own_z, shared_z = coordinates.in_parts(z)
        key = jax.random.fold_in(jax.random.wrap_key_data(key), index[0].astype(jnp.uint32))
        standard = jax.random.normal(key, (POINTS, *own_z.shape))
        at_own = solve_triangular(root, (own_z - mean)[..., None], lower=True)[..., 0]
        # An argument, so that one program serves draws and proposals.
        standard = standard.at[0].set(jnp.where(kept, at_own, standard[0]))
        half_log_det = jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
        proposed = norm.logpdf(standard).sum(-1) - half_log_det[None]
        points = mean[None] + jnp.einsum("gij,mgj->mgi", root, standard)
        shared, own = jax.lax.map(
            lambda group_z: in_parts(structure, model, coordinates, (scales_z, group_z, shared_z), args),
            points,
            batch_size=max(1, min(POINTS, RUNS_AT_ONCE // structure.rows)),
        )
        return shared[0] + (logsumexp(own - proposed, axis=0) - jnp.log(POINTS)).sum()

    return averaged


def in_parts(
    structure: Structure, model: FlatModel, coordinates: Conditional, z: tuple[Any, Any, Any], args: Any
) -> tuple[Any, Any]:
    """The log density of a point of the ball: what groups share, and what is each group's own, ``(groups,)``.

    Parameters
    ----------
    z
        The point as :meth:`Conditional.in_parts` gives it.
    """
    finest = finest_grouping(structure)
    x, log_det = coordinates.forward_parts(*z)
    whole, likelihood = _by_run(model, x, args)
    own = log_prior_by_group(structure, finest, lambda name: x[model.site[name].stretch])
    own += jax.ops.segment_sum(likelihood, args[0]["groups"][finest], structure.size_of[finest])
    return whole + log_det - own.sum(), own


def _by_run(model: FlatModel, x: Any, args: Any) -> tuple[Any, Any]:
    """The log density, and what each run contributes to it: it is linear in the runs' weights."""
    (data,) = args

    def density(weights: Any) -> Any:
        return -model.potential(x, ({**data, "weights": weights},))

    whole, slope = jax.value_and_grad(density)(data["weights"])
    return whole, data["weights"] * slope
