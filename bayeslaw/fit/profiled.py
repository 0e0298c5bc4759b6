"""Coordinates of a law with a part that may be absent: what is linear is sought anew wherever the rest is put.

A break far to the left of the runs leaves them its second slope, far to the right its first, and without a size it has
no place: no map made at one point knows the others.  Given the *outer* coordinates ``t`` (where and how wide the break
is, the floor, the noise), the log of a term is linear in the *inner* ones ``o`` (see ``switched``), so these are nearly
Gaussian there.  With the means ``p`` at the mode, the weight ``W`` of each run, the middle ``b`` and precision ``P`` of
the priors, and the noise's share ``q`` in the weights,

    m(t) = argmin ½ (o - b)ᵀ P (o - b) + ½ q(t) (p(t, o) - p)ᵀ W (p(t, o) - p),     o = m(t) + Q(t)^-1/2 z,

``Q`` being ``P + q Jᵀ W J`` with the Jacobian there.  A few Gauss-Newton steps from the mode are nearly that least
squares (variable projection: Golub & Pereyra 1973); whatever they leave is a map all the same, with an exact
determinant, which NUTS corrects.  Where data say nothing, as of the size of a break beyond them, priors are followed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve

from bayeslaw.fit.flat import FlatModel
from bayeslaw.fit.following import predictions
from bayeslaw.fit.geometry import Arrays, Geometry
from bayeslaw.fit.mode import Curvature

# One step leaves bends where the break crosses the runs, and trees three times as long; a fourth costs more than it
# brings.
STEPS = 3


@dataclass(frozen=True)
class Profile:
    """Which coordinates are inner and which outer, and what the priors say of all.

    Attributes
    ----------
    inner, outer
        Flat positions.
    noise
        The place, among `outer`, of the one that multiplies all noise; None when there is none.
    middle, spread
        Of the priors, unbounded: medians, and half of what the middle 68 % span; each of shape ``(size,)``.
    """

    inner: np.ndarray
    outer: np.ndarray
    noise: int | None
    middle: np.ndarray
    spread: np.ndarray


def profiled(z: Any, arrays: Arrays, predict: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Outer coordinates first, then inner ones around where the runs want them given those."""
    count = arrays["t"].shape[0]
    t = arrays["t"] + arrays["t_scale"] @ z[:count]
    middle, root = best_inner(t, arrays, predict)
    step = triangular_solve(root, z[count:, None], left_side=True, lower=True, transpose_a=True)[:, 0]
    log_det = arrays["log_det"] - jnp.log(jnp.diag(root)).sum()
    return jnp.concatenate([t, middle + step])[arrays["place"]], log_det


def best_inner(t: Any, arrays: Arrays, predict: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The inner coordinates that suit the runs given the outer ones, and the root of their precision."""
    quieter = jnp.exp(-2.0 * jnp.sum((t - arrays["t"]) * arrays["is_noise"]))
    o, identity = arrays["o"], jnp.eye(len(arrays["o"]))
    for _ in range(STEPS):
        means, push = jax.linearize(lambda o: predict(jnp.concatenate([t, o])[arrays["place"]]), o)
        jacobian = jax.vmap(push, out_axes=1)(identity)
        weighted = quieter * jacobian.T * arrays["weight"]
        root = cholesky(jnp.diag(arrays["prior"]) + weighted @ jacobian, symmetrize_input=False)
        uphill = weighted @ (arrays["mean"] - means) - arrays["prior"] * (o - arrays["middle"])
        half = triangular_solve(root, uphill[:, None], left_side=True, lower=True)
        o = o + triangular_solve(root, half, left_side=True, lower=True, transpose_a=True)[:, 0]
    return o, root


def profiled_arrays(profile: Profile, rows: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`profiled` takes, to compile for."""
    t, o = len(profile.outer), len(profile.inner)
    return {
        "t": np.zeros(t), "t_scale": np.eye(t), "is_noise": np.zeros(t), "log_det": 0.0,
        "o": np.zeros(o), "middle": np.zeros(o), "prior": np.ones(o),
        "mean": np.zeros(rows), "weight": np.zeros(rows), "place": np.zeros(t + o, dtype=int),
    }  # fmt: skip


def profile_at(curvature: Curvature, x: np.ndarray, profile: Profile, model: FlatModel, data: Any) -> Geometry:
    """The transport from the curvature at a mode."""
    inner, outer = profile.inner, profile.outer
    hessian = curvature.at(x)[2].shared
    # What the curvature leaves of the outer coordinates when the inner ones follow, no wider than the priors.
    cross, within = hessian[np.ix_(inner, outer)], hessian[np.ix_(inner, inner)]
    left = hessian[np.ix_(outer, outer)] - cross.T @ np.linalg.pinv(within, hermitian=True) @ cross
    spread = profile.spread[outer]
    values, vectors = np.linalg.eigh(0.5 * (left + left.T) * np.outer(spread, spread))
    widths = 1.0 / np.sqrt(np.maximum(values, 1.0))
    mean, _, weight = predictions(model, data, x)
    arrays = {
        "t": x[outer], "t_scale": spread[:, None] * vectors * widths,
        "is_noise": np.array([float(i == profile.noise) for i in range(len(outer))]),
        "log_det": float(np.log(spread).sum() + np.log(widths).sum()),
        "o": x[inner], "middle": profile.middle[inner], "prior": profile.spread[inner] ** -2.0,
        "mean": mean, "weight": weight, "place": np.argsort(np.concatenate([outer, inner])),
    }  # fmt: skip
    return Geometry("profiled", arrays, x)
