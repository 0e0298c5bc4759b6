"""Coordinates of a law with a part that may be absent: along the ridge of its posterior, and off it.

The place of a break has several homes: where the runs bend, before the first of them, beyond the last.  Everything else
sits differently in each, so that no map made at one point knows the others.  The place therefore goes along a *ridge*,
on which all else is at its mode given the place; `knots` say where that is, how wide it is there and how much lies
between two of them.  Of the rest, the *outer* coordinates ``t`` (width, floor, noise) are put around the ridge; the log
of a term is linear in the *inner* ones ``o`` (see ``switched``), which are nearly Gaussian given the outer ones:

    d = d(z_1),      t = m(d) + L(d) z_t,      o = n(t) + Q(t)^-1/2 z_o.

``n(t)`` leaves the runs' means where they are on the ridge, as nearly as the priors let it.  With the Jacobian ``J``,
the weight ``W`` of each run, the precision ``P`` of the priors and the noise's share ``q`` in the weights, ``Q`` is
``P + q J' W J``, and a few steps of Gauss and Newton from the ridge are nearly that least squares (variable projection:
Golub & Pereyra 1973).  Where data say nothing, as of the size of a break beyond them, priors are followed.

Between knots everything is straight in ``z_1``, so that the density jumps at them: the map is exact, but nothing for
slopes to lead along.  Chains jump along it (see ``kernels``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import cholesky, triangular_solve

from bayeslaw.inference.coordinates.geometry import Arrays

# How many knots a ridge has: compiled programs need to know.
KNOTS = 65
# One step leaves bends where the break crosses the runs; a fourth costs more than it brings.
STEPS = 3


@dataclass(frozen=True)
class Ridge:
    """Which coordinates are inner and which outer, and what the priors say of all.

    Attributes
    ----------
    inner, outer
        Flat positions; the ridge leads along the first of the outer ones.
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


class Crest(NamedTuple):
    """A point of a ridge.

    Attributes
    ----------
    outer, inner
        The coordinates there.
    root
        Of the covariance of the outer ones but the first.
    log_slope
        The log of how fast the first of them moves with its ``z``.
    """

    outer: Any
    inner: Any
    root: Any
    log_slope: Any


def ridge(z: Any, arrays: Arrays, predict: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Along the ridge, then the other outer coordinates around it, then inner ones where the runs want them."""
    count = arrays["t"].shape[0]
    here = crest(*cell_of(z[0], arrays["z"]), arrays)
    t = jnp.concatenate([here.outer[:1], here.outer[1:] + here.root @ z[1:count]])
    middle, root = best_inner(t, here, arrays, predict)
    step = triangular_solve(root, z[count:, None], left_side=True, lower=True, transpose_a=True)[:, 0]
    log_det = here.log_slope + jnp.log(jnp.diag(here.root)).sum() - jnp.log(jnp.diag(root)).sum()
    return jnp.concatenate([t, middle + step])[arrays["place"]], log_det


def cell_of(value: Any, knots: Any) -> tuple[Any, Any]:
    """How far a value is from one knot to the next, and which that one is; the ends go on as their neighbours do."""
    cell = jnp.clip(jnp.searchsorted(knots, value, side="right", method="compare_all") - 1, 0, len(knots) - 2)
    return (value - knots[cell]) / (knots[cell + 1] - knots[cell]), cell


def crest(share: Any, cell: Any, arrays: Arrays) -> Crest:
    """The point of a ridge at a share of the way from one knot to the next."""
    others, (left, right) = arrays["t"].shape[0] - 1, (arrays["knots"][cell + i] for i in (0, 1))
    along = left[:1] + share * (right[:1] - left[:1])
    middle, root, inner = jnp.split(
        (left + jnp.clip(share, 0.0, 1.0) * (right - left))[1:], [others, others + others**2]
    )
    slope = (right[0] - left[0]) / (arrays["z"][cell + 1] - arrays["z"][cell])
    return Crest(jnp.concatenate([along, middle]), inner, root.reshape(others, others), jnp.log(slope))


def best_inner(t: Any, here: Crest, arrays: Arrays, predict: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The inner coordinates that suit the runs given the outer ones, and the root of their precision."""

    def quieter(than: Any) -> Any:
        return jnp.exp(-2.0 * jnp.sum((t - than) * arrays["is_noise"]))

    def means(o: Any) -> Any:
        return predict(jnp.concatenate([t, o])[arrays["place"]])

    known = predict(jnp.concatenate([here.outer, here.inner])[arrays["place"]])
    # On the ridge the runs pull as much as the priors do; with less noise than there, more.
    rest = arrays["middle"] + quieter(here.outer) * (here.inner - arrays["middle"])
    o, identity = here.inner, jnp.eye(len(here.inner))
    for _ in range(STEPS):
        mean, push = jax.linearize(means, o)
        jacobian = jax.vmap(push, out_axes=1)(identity)
        weighted = quieter(arrays["t"]) * jacobian.T * arrays["weight"]
        root = cholesky(jnp.diag(arrays["prior"]) + weighted @ jacobian, symmetrize_input=False)
        uphill = weighted @ (known - mean) - arrays["prior"] * (o - rest)
        half = triangular_solve(root, uphill[:, None], left_side=True, lower=True)
        o = o + triangular_solve(root, half, left_side=True, lower=True, transpose_a=True)[:, 0]
    return o, root


def ridge_arrays(split: Ridge, rows: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`ridge` takes, to compile for."""
    t, o = len(split.outer), len(split.inner)
    return {
        "z": np.zeros(KNOTS), "knots": np.zeros((KNOTS, t + (t - 1) ** 2 + o)),
        "t": np.zeros(t), "is_noise": np.zeros(t), "middle": np.zeros(o), "prior": np.ones(o),
        "weight": np.zeros(rows), "place": np.zeros(t + o, dtype=int),
    }  # fmt: skip
