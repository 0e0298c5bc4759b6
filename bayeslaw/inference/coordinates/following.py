"""Coordinates that follow the predictions: a posterior that few runs make thin and bent is round in them.

A handful of runs pins down a few predictions and nothing else, so the posterior is a thin sheet along which amplitudes
trade off against exponents; the sheet bends, and no linear map follows a bend.  But it is thin exactly in the
predictions ``p(o)``.  Given the scales ``t`` (see ``split``), with the mode ``c``, the Jacobian ``J`` of the
predictions there, the weight ``W`` of each run and the precision ``P(t)`` of the priors, ``o`` solves

    P(t) (o - c) + q(t) Jᵀ W (p(o) - p(c)) + s(t) = R(t) z,      R Rᵀ = P(t) + q(t) Jᵀ W J,

``s`` being the slope of the potential at the mode and ``q`` the noise's share in the weights.  The left side is the
score of a least-squares fit, so a linear law gives back the affine map, and in any other ``z`` stays a round ball
where ``o`` does not.  Runs of any likelihood have weights: the curvature of their log density over their mean.

``z`` is a function of ``o``; ``o`` is found by Newton steps, four or five from the affine map.  The derivatives are
those of the implicit function.  This is the map of randomise-then-optimise (Bardsley, Solonen, Haario & Laine 2014)
as a change of coordinates, its determinant included, so that NUTS corrects what it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve
from jax.scipy.linalg import solve_triangular

from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.pieces import Rest, Scales
from bayeslaw.inference.coordinates.predictions import predictions_at
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.split import Split
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Kernel, Nuts
from bayeslaw.inference.sampler.settings import FEW_RUNS, Settings

# Newton steps end at this length, in posterior standard deviations; as they converge quadratically, the remaining error
# is near its square.  Where many steps are not enough the map is torn, and the point is refused.
CLOSE, STEPS = 1e-5, 20


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Following:
    """Everything else as the predictions and the priors determine it, given the scales.

    Attributes
    ----------
    rest
        All coordinates but the scales.
    mean, weight, jacobian
        Mean, weight and Jacobian of every run at the mode: shapes ``(rows,)``, ``(rows,)`` and ``(rows, r)``.
    likelihood
        ``Jᵀ W J``; shape ``(r, r)``.
    order
        The position of each flat coordinate among scales and the rest; shape ``(size,)``.
    """

    scales: Scales
    rest: Rest
    mean: Any
    weight: Any
    jacobian: Any
    likelihood: Any
    order: Any

    settings: ClassVar[Settings] = FEW_RUNS
    kernel: ClassVar[type[Kernel]] = Nuts
    folds: ClassVar[bool] = True

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """Coordinates of the shapes that those of a problem have, to compile for."""
        blank = Conditional.blank(_split(problem))
        count, rows = len(blank.shared.at), problem.plan.rows
        return cls._after(blank, np.zeros(rows), np.zeros(rows), np.zeros((rows, count)))

    @classmethod
    def at_mode(cls, problem: Problem, starts: Sequence[np.ndarray]) -> Self:
        """Around the mode of the conditional coordinates of the same plan without groups."""
        return cls._at(problem, Conditional.of_split(problem, _split(problem), starts))

    @classmethod
    def around(cls, problem: Problem, x: np.ndarray) -> Self:
        """Scales where they are at a flat vector, the rest around its mode given them."""
        return cls._at(problem, Conditional.of_split_around(problem, _split(problem), x))

    @classmethod
    def _at(cls, problem: Problem, known: Conditional) -> Self:
        (data,) = problem.args
        mean, jacobian, weight = predictions_at(problem.model, data, known.centre)
        return cls._after(known, mean, weight, jacobian[:, np.argsort(known.order)[known.scales.count :]])

    @classmethod
    def _after(cls, known: Conditional, mean: np.ndarray, weight: np.ndarray, jacobian: np.ndarray) -> Self:
        likelihood = jacobian.T * weight @ jacobian
        return cls(known.scales, known.shared, mean, weight, jacobian, likelihood, known.order)

    @property
    def centre(self) -> np.ndarray:
        """The flat vector of the mode; shape ``(size,)``."""
        return np.asarray(np.concatenate([self.scales.at, self.rest.at])[self.order])

    def forward(self, z: Any, model: FlatModel, args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """Scales first, then everything else by Newton's steps."""
        count = self.scales.count
        t = self.scales.forward(z[:count])
        root, quieter, slope = self.precision_root(t)
        identity = jnp.eye(len(root))
        # All below in u, with o = centre + scale u: there every matrix is near the identity.
        scale = triangular_solve(root, identity, left_side=True, lower=True).T
        target = z[count:] - scale.T @ slope
        jacobian = self.jacobian @ scale
        weighted = quieter * jacobian.T * self.weight[None]

        def at(u: Any, t: Any, scale: Any) -> Any:
            return jnp.concatenate([t, self.rest.at + scale @ u])[self.order]

        def predict(x: Any) -> Any:
            return model.mean(x, args)

        def linear(u: Any, t: Any, scale: Any) -> tuple[Any, Any]:
            means, push = jax.linearize(lambda u: predict(at(u, t, scale)), u)
            return means, jax.vmap(push, out_axes=1)(identity)

        def excess(u: Any, means: Any, target: Any, jacobian: Any, weighted: Any) -> Any:
            return u - target + weighted @ (means - self.mean - jacobian @ u)

        # The solution, and the search for it, are constants to differentiation.
        still = jax.lax.stop_gradient((t, scale, target, jacobian, weighted))

        def newton(state: tuple[Any, ...]) -> tuple[Any, ...]:
            done, u, _, _, _ = state
            fixed_t, fixed_scale, *rest = still
            means, tangent = linear(u, fixed_t, fixed_scale)
            matrix = identity + rest[2] @ (tangent - rest[1])
            factor = cholesky(matrix.T @ matrix, symmetrize_input=False)
            step = _solve(factor, matrix, excess(u, means, *rest))
            return done + 1, u - step, jnp.sqrt(step @ step), matrix, factor

        start = (0, still[2], jnp.inf, identity, identity)
        _, u, left, matrix, factor = jax.lax.stop_gradient(
            jax.lax.while_loop(lambda state: (state[0] < STEPS) & (state[2] > CLOSE), newton, start)
        )
        # One more step, which carries the derivatives of the implicit function.
        u = u - _solve(factor, matrix, excess(u, predict(at(u, t, scale)), target, jacobian, weighted))
        _, tangent = linear(u, t, scale)
        matrix = identity + weighted @ (tangent - jacobian)
        log_det = self.scales.log_det - log_det_of_triangular(root) - log_abs_det(matrix)
        return at(u, t, scale), jnp.where(left <= CLOSE, log_det, -jnp.inf)

    def inverse(self, x: Any, model: FlatModel, args: tuple[Any, ...], /) -> Any:
        """The left side of the equation: there is nothing to solve."""
        t, o = jnp.split(x[jnp.argsort(self.order)], [self.scales.count])
        root, quieter, slope = self.precision_root(t)
        step, means = o - self.rest.at, model.mean(x, args)
        bent = quieter * self.jacobian.T @ (self.weight * (means - self.mean - self.jacobian @ step))
        rest = root.T @ step + solve_triangular(root, bent + slope, lower=True)
        return jnp.concatenate([self.scales.inverse(t), rest])

    def precision_root(self, t: Any) -> tuple[Any, Any, Any]:
        """The root ``R`` of the precision given scales, the noise's share ``q``, and the slope ``s`` at the mode."""
        quieter, tight = self.scales.quieter(t), self.rest.tight(t)
        precision = self.rest.prior + jnp.diag(tight) + quieter * self.likelihood
        return cholesky(precision, symmetrize_input=False), quieter, self.rest.slope_given(quieter, tight)


def _split(problem: Problem) -> Split:
    """Without groups: predictions couple all of them."""
    return Split.of(problem.plan, problem.model, by_group=False)


def log_det_of_triangular(root: Any) -> Any:
    """Sums over the whole matrix, since the gradient of taking a diagonal is a scatter."""
    return jnp.log(jnp.where(jnp.eye(len(root), dtype=bool), root, 1.0)).sum()


@jax.custom_jvp
def log_abs_det(matrix: Any) -> Any:
    """The log determinant of a matrix near the identity; its derivative takes one inverse, and no factor's."""
    return log_det_of_triangular(cholesky(matrix.T @ matrix, symmetrize_input=False))


@log_abs_det.defjvp
def _log_abs_det_jvp(at: tuple[Any], towards: tuple[Any]) -> tuple[Any, Any]:
    (matrix,), (change,) = at, towards
    factor = cholesky(matrix.T @ matrix, symmetrize_input=False)
    half = triangular_solve(factor, matrix.T, left_side=True, lower=True)
    inverse = triangular_solve(factor, half, left_side=True, lower=True, transpose_a=True)
    return log_det_of_triangular(factor), (inverse.T * change).sum()


def _solve(factor: Any, matrix: Any, right: Any) -> Any:
    """``matrix⁻¹ right`` from the Cholesky factor of ``matrixᵀ matrix``.

    JAX's own solver by LU permutes rows one by one, which on a CPU costs more than everything else; squaring a matrix
    near the identity does no harm.
    """
    right = triangular_solve(factor, (matrix.T @ right)[:, None], left_side=True, lower=True)
    return triangular_solve(factor, right, left_side=True, lower=True, transpose_a=True)[:, 0]
