"""Coordinates that follow the predictions: what few runs hold thin and bent is straight and round in them.

A handful of runs pins down a few predictions and nothing else, so the posterior is a thin sheet along which
amplitudes trade against exponents; the sheet bends, and no linear map follows a bend.  But the predictions ``p(o)``
themselves are what the sheet is thin in.  Given the scales ``t`` (see ``geometry``), with the mode ``c``, the Jacobian
``J`` of the predictions there, the weight ``W`` of each run and the precision ``P(t)`` of the priors, ``o`` solves

    P(t) (o - c) + q(t) Jᵀ W (p(o) - p(c)) + s(t) = R(t) z,      R Rᵀ = P(t) + q(t) Jᵀ W J,

``s`` being the slope of the potential at the mode and ``q`` the noise's share in the weights.  The left side is the
score of a least-squares fit, so a linear law gives back the affine map, and in any other ``z`` stays a round ball
where ``o`` does not.  Runs of any likelihood have weights: the curvature of their log density over their mean.

``z`` is a function of ``o``; ``o`` is found by Newton steps, four or five from the affine map.  The derivatives are
those of the implicit function.  This is the map of randomise-then-optimise (Bardsley, Solonen, Haario & Laine 2014)
as a change of coordinates, its determinant included, so that NUTS corrects what it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve

from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.coordinates.geometry import Arrays, Geometry, Scales
from bayeslaw.inference.model.flat_model import FlatModel

# From a flat vector to the mean of each run.
Predict = Callable[[Any], Any]

# Newton steps end at this length, in posterior standard deviations; as they converge quadratically, the error left is
# near the square of it.  Where many steps do not get there the map is torn, and the point is refused.
CLOSE, STEPS = 1e-5, 20


def following(z: Any, arrays: Arrays, predict: Predict) -> tuple[Any, Any]:
    """Scales first, then everything else where the predictions and the priors want it."""
    count = arrays["t"].shape[0]
    t = arrays["t"] + arrays["t_scale"] @ z[:count]
    root, quieter, slope = root_of(t, arrays)
    identity = jnp.eye(len(root))
    # All below in u, with o = centre + scale u: there every matrix is near the identity.
    scale = triangular_solve(root, identity, left_side=True, lower=True).T
    target = z[count:] - scale.T @ slope
    jacobian = arrays["jacobian"] @ scale
    weighted = quieter * jacobian.T * arrays["weight"]

    def at(u: Any, t: Any, scale: Any) -> Any:
        return jnp.concatenate([t, arrays["o"] + scale @ u])[arrays["place"]]

    def linear(u: Any, t: Any, scale: Any) -> tuple[Any, Any]:
        means, push = jax.linearize(lambda u: predict(at(u, t, scale)), u)
        return means, jax.vmap(push, out_axes=1)(identity)

    def excess(u: Any, means: Any, target: Any, jacobian: Any, weighted: Any) -> Any:
        return u - target + weighted @ (means - arrays["mean"] - jacobian @ u)

    # The solution is a constant to differentiation, and so is all that finds it.
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
    # One more step, that carries the derivatives of the implicit function.
    u = u - _solve(factor, matrix, excess(u, predict(at(u, t, scale)), target, jacobian, weighted))
    _, tangent = linear(u, t, scale)
    matrix = identity + weighted @ (tangent - jacobian)
    factor = cholesky(matrix.T @ matrix, symmetrize_input=False)
    log_det = arrays["log_det"] + jnp.log(jnp.diag(scale)).sum() - jnp.log(jnp.diag(factor)).sum()
    return at(u, t, scale), jnp.where(left <= CLOSE, log_det, -jnp.inf)


def root_of(t: Any, arrays: Arrays) -> tuple[Any, Any, Any]:
    """The root ``R`` of the precision given scales, the noise's share ``q``, and the slope ``s`` at the mode."""
    quieter = jnp.exp(-2.0 * jnp.sum((t - arrays["t"]) * arrays["is_noise"]))
    tight = arrays["deviates"] * jnp.exp(-2.0 * t)[arrays["spread"]]
    precision = arrays["prior"] + jnp.diag(tight) + quieter * arrays["likelihood"]
    slope = quieter * arrays["slope"] + arrays["prior_slope"] + tight * arrays["o"]
    return cholesky(precision, symmetrize_input=False), quieter, slope


def _solve(factor: Any, matrix: Any, right: Any) -> Any:
    """``matrix⁻¹ right`` from the Cholesky factor of ``matrixᵀ matrix``.

    JAX's own solution by LU permutes rows one by one, which costs more on a CPU than all the rest; the square of a
    matrix near the identity does no harm.
    """
    right = triangular_solve(factor, (matrix.T @ right)[:, None], left_side=True, lower=True)
    return triangular_solve(factor, right, left_side=True, lower=True, transpose_a=True)[:, 0]


def following_arrays(scales: Scales, rows: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`following` takes, to compile for."""
    t, o = len(scales.scales), len(scales.shared)
    return {
        "t": np.zeros(t), "t_scale": np.eye(t), "is_noise": np.zeros(t), "log_det": 0.0,
        "o": np.zeros(o), "prior": np.eye(o), "likelihood": np.zeros((o, o)),
        "deviates": np.zeros(o), "spread": np.zeros(o, dtype=int),
        "slope": np.zeros(o), "prior_slope": np.zeros(o), "place": np.zeros(t + o, dtype=int),
        "mean": np.zeros(rows), "weight": np.zeros(rows), "jacobian": np.zeros((rows, o)),
    }  # fmt: skip


def follow(geometry: Geometry, model: FlatModel, data: Any) -> Geometry:
    """The transport that follows the predictions, from the conditional one of the same plan without groups."""
    known = geometry.arrays
    mean, jacobian, weight = predictions(model, data, geometry.centre)
    jacobian = jacobian[:, np.argsort(known["place"])[len(known["t"]) :]]
    arrays = {
        **{name: known[name] for name in ("t", "t_scale", "is_noise", "log_det", "place")},
        "o": known["shared_o"], "prior": known["shared_prior"],
        "deviates": known["shared_deviates"], "spread": known["shared_spread"],
        "slope": known["shared_slope"], "prior_slope": known["shared_prior_slope"],
        "mean": mean, "weight": weight, "jacobian": jacobian, "likelihood": jacobian.T * weight @ jacobian,
    }  # fmt: skip
    return Geometry("following", arrays, geometry.centre)


def predictions(model: FlatModel, data: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of every run at a flat vector, its Jacobian, and the weight of every run."""
    mean, jacobian, weight = map(np.asarray, _predictions(model, Shapes.of(data))(x, data))
    return mean, jacobian, weight


@lru_cache(maxsize=PROGRAMS_KEPT)
def _predictions(model: FlatModel, shapes: Shapes) -> Any:

    def predictions(x: Any, data: Any) -> tuple[Any, Any, Any]:
        def slope(shift: Any) -> Any:
            return jax.grad(lambda shift: model.potential(x, ({**data, "shift": shift},)))(shift)

        # A run's density depends on its own shift alone, so one product with ones is the diagonal of the Hessian.
        ones = jnp.ones_like(data["shift"])
        _, curvature = jax.jvp(slope, (data["shift"],), (ones,))
        mean = model.deterministic("mean", x, (data,))
        jacobian = jax.jacfwd(lambda x: model.deterministic("mean", x, (data,)))(x)
        # A run far in the tails of a Student-t curves the other way: it says nothing here.
        return mean, jacobian, jnp.maximum(curvature, 0.0)

    vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
    return jax.jit(predictions).lower(vector, shapes.structs()).compile()
