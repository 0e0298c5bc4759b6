"""Coordinates that follow the predictions: a posterior that few runs make thin and bent is round in them.

A handful of runs pins down a few predictions and nothing else, so the posterior is a thin sheet along which amplitudes
trade off against exponents; the sheet bends, and no linear map follows a bend.  But it is thin exactly in the
predictions ``p(o)``.  Given the scales ``t`` (see ``split``), with the mode ``c``, the Jacobian ``J`` of the
predictions there, the weight ``W`` of each run and the precision ``P(t)`` of the priors, ``o`` solves

    P(t) (o - c) + q(t) Jᵀ W (p(o) - p(c)) + s(t) = R(t) z,      R Rᵀ = P(t) + q(t) Jᵀ W J,

``s`` being the slope of the potential at the mode and ``q`` the noise's share in the weights.  The left side is the
score of a least-squares fit, so a linear law gives back the affine map, and in any other ``z`` stays a round ball
where ``o`` does not.  Runs of any likelihood have weights: the curvature of their log density over their mean.

``z`` is a function of ``o``; ``o`` is found by two or three Newton steps.  This is the map of randomise-then-optimise
(Bardsley, Solonen, Haario & Laine 2014) as a change of coordinates, its determinant included, so that NUTS corrects
what it leaves.

The derivatives are those of the implicit function, by hand: with ``A = P + q Jᵀ W dp/do``,

    A ȯ = R ż + Ṙ z - Ė,     log |dx/dz| = log |R| - log |A|,

where ``Ė`` is the change of the left side with the scales at fixed ``o``.  A prediction depends on its run's own
parameters alone, which are linear in ``o``: one product with the second derivatives of all runs is all that the slope
of ``log |A|`` takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve
from jax.scipy.linalg import solve_triangular

from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.pieces import Rest, Scales
from bayeslaw.inference.coordinates.predictions import Predictions, means_with_slopes, predictions_at
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.split import Split
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan_model import PlanModel, plan_model
from bayeslaw.inference.model.predict import of_the_mean
from bayeslaw.inference.sampler.kernels import Kernel, Nuts
from bayeslaw.inference.sampler.settings import FEW_RUNS, Settings

# Newton steps end at this length, in posterior standard deviations; as they converge quadratically, the remaining error
# is near its square.  Where many steps are not enough the map is torn, and the point is refused.
CLOSE, STEPS = 1e-5, 20
# Steps before these, each with the matrix of the mode: one costs a fourth of a Newton step, and three save 1.3 of 3.6.
# Where the last is not this much shorter than the first, they lead astray, and Newton steps begin at the affine map.
STEPS_OF_THE_MODE, SHORTER = 3, 0.1


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
    own
        The parameters of the mean of every run at the mode, on the scale without bounds; ``(parameters, rows)``.
    of, touches
        1 where a coordinate is of a parameter, shape ``(parameters, r)``, and where it moves a run, ``(rows, r)``.
    order
        The position of each flat coordinate among scales and the rest; shape ``(size,)``.
    """

    scales: Scales
    rest: Rest
    mean: Any
    weight: Any
    jacobian: Any
    likelihood: Any
    own: Any
    of: Any
    touches: Any
    order: Any

    settings: ClassVar[Settings] = FEW_RUNS
    kernel: ClassVar[type[Kernel]] = Nuts
    folds: ClassVar[bool] = True

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """Coordinates of the shapes that those of a problem have, to compile for."""
        blank = Conditional.blank(_split(problem))
        count, rows = len(blank.shared.at), problem.plan.rows
        parameters = sum(map(len, of_the_mean(problem.plan).values()))
        nothing = Predictions(
            np.zeros(rows), np.zeros(rows), np.zeros((parameters, rows)), np.zeros((parameters, rows, count)),
            np.zeros((parameters, rows)),
        )  # fmt: skip
        return cls._after(blank, nothing)

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
        found = predictions_at(plan_model(problem.plan), data, known.centre)
        rest = np.argsort(known.order)[known.scales.count :]
        return cls._after(known, found._replace(design=found.design[..., rest]))

    @classmethod
    def _after(cls, known: Conditional, found: Predictions) -> Self:
        jacobian = (found.slopes[..., None] * found.design).sum(axis=0)
        likelihood = jacobian.T * found.weight @ jacobian
        of, touches = 1.0 * found.design.any(axis=1), found.design.sum(axis=0)
        return cls(
            known.scales, known.shared, found.mean, found.weight, jacobian, likelihood, found.own, of, touches,
            known.order,
        )  # fmt: skip

    @property
    def centre(self) -> np.ndarray:
        """The flat vector of the mode; shape ``(size,)``."""
        return np.asarray(np.concatenate([self.scales.at, self.rest.at])[self.order])

    def forward(self, z: Any, model: FlatModel, args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """Scales first, then everything else by Newton's steps."""
        return _forward(z, model, self, args)

    def own_at(self, step: Any) -> Any:
        """The own parameters of every run, ``(parameters, rows)``, this far from the mode; shape ``(r,)``."""
        return self.own + (self.of * step[None]) @ self.touches.T

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


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _forward(z: Any, model: PlanModel, coordinates: Following, args: tuple[Any, ...]) -> tuple[Any, Any]:
    solution = _Solution.of(z, model, coordinates, args)
    return solution.x, solution.log_det


@_forward.defjvp
def _forward_jvp(model: PlanModel, at: tuple[Any, ...], towards: tuple[Any, ...]) -> tuple[Any, Any]:
    """Differentiates by the point of the ball alone: coordinates and data are constants."""
    solution = _Solution.of(at[0], model, *at[1:])
    return (solution.x, solution.log_det), solution.along(towards[0])


class _Solution(NamedTuple):
    """The solution at a point of the ball, and its derivatives as matrices and vectors.

    With ``u̇`` for a change of ``u``, and so on: ``ȯ = back (ż + turn ṫ)``, and the log determinant falls by
    ``by_scales · ṫ + by_rest · ȯ``.

    Attributes
    ----------
    found
        Whether the search has come to its end.  Where the map is torn, `x` is the centre and the rest not numbers.
    root
        That of the scales, ``ṫ = root ż``.
    """

    x: Any
    log_det: Any
    found: Any
    order: Any
    root: Any
    turn: Any
    back: Any
    by_scales: Any
    by_rest: Any

    def along(self, z: Any) -> tuple[Any, Any]:
        """The derivatives in a direction; linear, so that JAX's transpose of it is the adjoint."""
        # What is not a number passes neither of the choices, in neither direction.
        scales, rest = jnp.split(jnp.where(self.found, z, 0.0), [len(self.root)])
        t = self.root @ scales
        o = self.back @ (rest + self.turn @ t)
        x, log_det = jnp.concatenate([t, o])[self.order], -(self.by_scales @ t + self.by_rest @ o)
        return jnp.where(self.found, x, 0.0), jnp.where(self.found, log_det, 0.0)

    @classmethod
    def of(cls, z: Any, model: PlanModel, at: Following, args: tuple[Any, ...]) -> Self:
        """Solve the equation, in ``u`` with ``o = centre + scale u``: there every matrix is near the identity."""
        scales, rest = at.scales, at.rest
        z_scales, z = jnp.split(z, [scales.count])
        t = scales.forward(z_scales)
        root, quieter, slope = at.precision_root(t)
        identity = jnp.eye(len(root))
        scale = triangular_solve(root, identity, left_side=True, lower=True).T
        target, jacobian = z - scale.T @ slope, at.jacobian @ scale
        weighted = (quieter * at.weight)[:, None] * jacobian

        def excess(u: Any, means: Any) -> Any:
            return u - target + weighted.T @ (means - at.mean - jacobian @ u)

        def as_at_the_mode(u: Any, _: Any) -> tuple[Any, Any]:
            step = excess(u, model.mean_by_run(at.own_at(scale @ u), args))
            return u - step, step @ step

        def newton(state: tuple[Any, ...]) -> tuple[Any, ...]:
            done, _, u, step, _, _ = state
            u = u + step
            means, slopes = means_with_slopes(model, at.own_at(scale @ u), args)
            tangent = at.touches * (slopes.T @ at.of)
            matrix = identity + weighted.T @ ((tangent - at.jacobian) @ scale)
            factor = cholesky(matrix.T @ matrix, symmetrize_input=False)
            step = -_solve(factor, matrix, excess(u, means))
            return done + 1, jnp.sqrt(step @ step), u, step, matrix, factor

        def unfinished(state: tuple[Any, ...]) -> Any:
            return (state[0] < STEPS) & (state[1] > CLOSE)

        near, lengths = jax.lax.scan(as_at_the_mode, target, length=STEPS_OF_THE_MODE)
        begin = jnp.where(lengths[-1] < SHORTER**2 * lengths[0], near, target)
        _, left, u, step, matrix, factor = jax.lax.while_loop(
            unfinished, newton, (0, jnp.inf, begin, jnp.zeros_like(z), identity, identity)
        )
        # The last step is taken without another look: it is short enough for the determinant to be linear in it.
        found: Any = left <= CLOSE
        step = scale @ step
        o = rest.at + scale @ u + step
        half = triangular_solve(factor, matrix.T, left_side=True, lower=True)
        back = scale @ triangular_solve(factor, half, left_side=True, lower=True, transpose_a=True)
        # Every run's row of A⁻¹ q Jᵀ W over its own parameters, and how its slopes change in this direction.
        pull = at.of @ (at.touches * (weighted @ back.T)).T
        (means, slopes), (_, bent) = jax.jvp(
            lambda own: means_with_slopes(model, own, args), (at.own_at(scale @ u),), (pull,)
        )
        by_rest = ((bent @ at.touches) * at.of).sum(axis=0)
        log_det = scales.log_det - jnp.log((root * factor * identity).sum(axis=0)).sum() - by_rest @ step
        found &= jnp.isfinite(log_det)

        # d(R) = R Φ(R⁻¹ d(K) R⁻ᵀ), with Φ the lower triangle and half the diagonal.
        half_upper = jnp.triu(jnp.ones_like(root), 1) + 0.5 * identity
        data = weighted.T @ jacobian
        by_tight = scale * ((scale * z[None]) @ half_upper - o[:, None])
        by_quieter = (half_upper.T * data) @ z - weighted.T @ (means - at.mean) - quieter * (scale.T @ rest.slope)
        tight, quiet = jax.jacfwd(rest.tight)(t), jax.grad(scales.quieter)(t) / quieter
        turn = by_tight.T @ tight + by_quieter[:, None] * quiet[None]
        by_scales = ((back - 0.5 * scale) * scale).sum(axis=1) @ tight
        by_scales += ((pull * slopes).sum() - 0.5 * jnp.trace(data)) * quiet
        x = jnp.where(found, jnp.concatenate([t, o]), jnp.concatenate([scales.at, rest.at]))[at.order]
        return cls(x, jnp.where(found, log_det, -jnp.inf), found, at.order, scales.root, turn, back, by_scales, by_rest)


def _solve(factor: Any, matrix: Any, right: Any) -> Any:
    """``matrix⁻¹ right`` from the Cholesky factor of ``matrixᵀ matrix``.

    JAX's own solver by LU permutes rows one by one, which on a CPU costs more than everything else; squaring a matrix
    near the identity does no harm.
    """
    right = triangular_solve(factor, (matrix.T @ right)[:, None], left_side=True, lower=True)
    return triangular_solve(factor, right, left_side=True, lower=True, transpose_a=True)[:, 0]
