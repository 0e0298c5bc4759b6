"""Coordinates of a law with a part that may be absent: along the ridge of its posterior, and off it.

The posterior of the location of a break is multimodal: where the runs bend, before the first of them, beyond the last.
Everything else differs between modes, so no map made at one point fits the others.  The location therefore follows a
*ridge*, on which everything else is at its mode given the location; ``grid`` finds the path, its width and the mass
between two of its knots.  Of the rest, the *outer* coordinates ``t`` (width, floor, noise) are put around the ridge;
the log of a term is linear in the *inner* ones ``o`` (see ``detection``), which are nearly Gaussian given the outer
ones:

    d = d(z_1),      t = m(d) + L(d) z_t,      o = n(t) + Q(t)^-1/2 z_o.

``n(t)`` keeps the runs' means where they are on the ridge, as closely as the priors allow.  With the Jacobian ``J``,
the weight ``W`` of each run, the precision ``P`` of the priors and the noise's share ``q`` in the weights, ``Q`` is
``P + q J' W J``, and a few steps of Gauss and Newton from the ridge are nearly that least squares (variable projection:
Golub & Pereyra 1973).  Where data are uninformative, as about the size of a break beyond them, the priors decide.

Between knots everything is linear in ``z_1``, so the density jumps at them: the map is exact, but gradients cannot
follow it.  Chains jump along it instead (see ``kernels``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve
from jax.scipy.linalg import solve_triangular
from scipy.special import ndtri

from bayeslaw.inference.coordinates.breaks.grid import KNOTS, find_knots, masses
from bayeslaw.inference.coordinates.breaks.ridge import Ridge
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.mode import find_mode
from bayeslaw.inference.coordinates.predictions import predictions_at
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan_model import plan_model
from bayeslaw.inference.sampler.kernels import Jumping, Kernel
from bayeslaw.inference.sampler.settings import ENOUGH, Settings

# One step leaves bends where the break crosses the runs; a fourth costs more than it gains.
STEPS = 3


class Crest(NamedTuple):
    """A point of a ridge.

    Attributes
    ----------
    outer, inner
        The coordinates there.
    root
        A root of the covariance of the outer ones but the first.
    log_slope
        The log of how fast the first of them moves with its ``z``.
    """

    outer: Any
    inner: Any
    root: Any
    log_slope: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class BreakMap:
    """Along the ridge, then the other outer coordinates around it, then the inner ones given those.

    Attributes
    ----------
    z, knots
        Where knots are along ``z_1``, and everything there: outer coordinates, the root of their covariance, inner
        ones; shapes ``(KNOTS,)`` and ``(KNOTS, t + (t - 1)² + o)``.
    is_noise
        1 for the outer coordinate that multiplies all noise; shape ``(t,)``.
    middle, prior
        Where the priors of the inner ones are, and their precision; shape ``(o,)``.
    weight
        The weight of every run at the mode; shape ``(rows,)``.
    order
        The position of each flat coordinate among outer and inner ones; shape ``(size,)``.
    centre
        The flat vector of the mode; shape ``(size,)``.
    """

    z: Any
    knots: Any
    is_noise: Any
    middle: Any
    prior: Any
    weight: Any
    order: Any
    centre: Any

    # Jumps do the mixing; NUTS between them needs accurate steps, but no long trajectories.
    settings: ClassVar[Settings] = Settings(warmup=300, target_accept=0.98, max_tree_depth=5, enough=ENOUGH)
    kernel: ClassVar[type[Kernel]] = Jumping
    folds: ClassVar[bool] = False

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """Coordinates of the shapes that those of a problem have, to compile for."""
        split = Ridge.of(problem.plan, problem.model)
        t, o = len(split.outer), len(split.inner)
        return cls(
            np.zeros(KNOTS), np.zeros((KNOTS, t + (t - 1) ** 2 + o)), np.zeros(t), np.zeros(o), np.ones(o),
            np.zeros(problem.plan.rows), np.zeros(t + o, dtype=int), np.zeros(t + o),
        )  # fmt: skip

    @classmethod
    def at_mode(cls, problem: Problem, starts: Sequence[np.ndarray]) -> Self:
        """Along the ridge through the mode."""
        return cls.around(problem, find_mode(curvature_of(problem.model, problem.args), starts))

    @classmethod
    def around(cls, problem: Problem, x: np.ndarray) -> Self:
        """Along the ridge near a flat vector."""
        split, (data,) = Ridge.of(problem.plan, problem.model), problem.args
        inner, outer = split.inner, split.outer
        knots = find_knots(curvature_of(problem.model, problem.args), x, split)
        lying = masses(knots, split)
        below, above = np.cumsum(lying)[:-1], np.cumsum(lying[::-1])[::-1][1:]
        return cls(
            # The smaller of the two is the more accurate.
            z=np.where(below < 0.5, ndtri(below), -ndtri(above)),
            knots=np.array([np.concatenate([k.at[outer], k.root.reshape(-1), k.at[inner]]) for k in knots]),
            is_noise=np.array([float(i == split.noise) for i in range(len(outer))]),
            middle=split.middle[inner],
            prior=split.spread[inner] ** -2.0,
            weight=predictions_at(plan_model(problem.plan), data, x).weight,
            order=np.argsort(np.concatenate([outer, inner])),
            centre=x,
        )

    def forward(self, z: Any, model: FlatModel, args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """Along the ridge first."""
        count = self.is_noise.shape[0]
        here = self.crest(*cell_of(z[0], self.z))
        t = jnp.concatenate([here.outer[:1], here.outer[1:] + here.root @ z[1:count]])
        middle, root = self.best_inner(t, here, lambda x: model.mean(x, args))
        step = triangular_solve(root, z[count:, None], left_side=True, lower=True, transpose_a=True)[:, 0]
        log_det = here.log_slope + jnp.log(jnp.diag(here.root)).sum() - jnp.log(jnp.diag(root)).sum()
        return jnp.concatenate([t, middle + step])[self.order], log_det

    def inverse(self, x: Any, model: FlatModel, args: tuple[Any, ...], /) -> Any:
        """Along the ridge first here too."""
        t, o = jnp.split(x[jnp.argsort(self.order)], [self.is_noise.shape[0]])
        share, cell = cell_of(t[0], self.knots[:, 0])
        here = self.crest(share, cell)
        along = self.z[cell] + share * (self.z[cell + 1] - self.z[cell])
        middle, root = self.best_inner(t, here, lambda x: model.mean(x, args))
        off = solve_triangular(here.root, (t - here.outer)[1:], lower=True)
        return jnp.concatenate([along[None], off, root.T @ (o - middle)])

    def crest(self, share: Any, cell: Any) -> Crest:
        """The point of the ridge at a share of the way from one knot to the next."""
        others, (left, right) = self.is_noise.shape[0] - 1, (self.knots[cell + i] for i in (0, 1))
        along = left[:1] + share * (right[:1] - left[:1])
        middle, root, inner = jnp.split(
            (left + jnp.clip(share, 0.0, 1.0) * (right - left))[1:], [others, others + others**2]
        )
        slope = (right[0] - left[0]) / (self.z[cell + 1] - self.z[cell])
        return Crest(jnp.concatenate([along, middle]), inner, root.reshape(others, others), jnp.log(slope))

    def best_inner(self, t: Any, here: Crest, predict: Callable[[Any], Any]) -> tuple[Any, Any]:
        """The inner coordinates that fit the runs given the outer ones, and the root of their precision."""

        def quieter(than: Any) -> Any:
            return jnp.exp(-2.0 * jnp.sum((t - than) * self.is_noise))

        def means(o: Any) -> Any:
            return predict(jnp.concatenate([t, o])[self.order])

        known = predict(jnp.concatenate([here.outer, here.inner])[self.order])
        at_mode = self.centre[jnp.argsort(self.order)][: self.is_noise.shape[0]]
        # On the ridge the runs pull as strongly as the priors; with less noise than there, more strongly.
        rest = self.middle + quieter(here.outer) * (here.inner - self.middle)
        o, identity = here.inner, jnp.eye(len(here.inner))
        for _ in range(STEPS):
            mean, push = jax.linearize(means, o)
            jacobian = jax.vmap(push, out_axes=1)(identity)
            weighted = quieter(at_mode) * jacobian.T * self.weight[None]
            root = cholesky(jnp.diag(self.prior) + weighted @ jacobian, symmetrize_input=False)
            uphill = weighted @ (known - mean) - self.prior * (o - rest)
            half = triangular_solve(root, uphill[:, None], left_side=True, lower=True)
            o = o + triangular_solve(root, half, left_side=True, lower=True, transpose_a=True)[:, 0]
        return o, root


def cell_of(value: Any, knots: Any) -> tuple[Any, Any]:
    """How far a value is from one knot to the next, and which that one is; the ends go on as their neighbours do."""
    cell = jnp.clip(jnp.searchsorted(knots, value, side="right", method="compare_all") - 1, 0, len(knots) - 2)
    return (value - knots[cell]) / (knots[cell + 1] - knots[cell]), cell
