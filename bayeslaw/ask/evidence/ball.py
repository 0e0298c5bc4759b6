"""From saved draws back to the ball that they were sampled on, without fitting again.

A hierarchy's draws lie in a funnel and other laws' along thin ridges, which a normal distribution fitted to draws
covers badly.  The transports of ``geometry`` and ``following`` straighten both, and all they take is the curvature at
one point: the mean of the draws, or, in a hierarchy, the mean of the scales and the mode of everything else given them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from bayeslaw.ask.evidence.batched import in_chunks
from bayeslaw.ask.evidence.by_group import ByGroup
from bayeslaw.inference.base import devices
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.coordinates.breaks.grid import ridge_through
from bayeslaw.inference.coordinates.breaks.map import Ridge, best_inner, cell_of, crest
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.following import follow, root_of
from bayeslaw.inference.coordinates.geometry import Arrays, Geometry, affine_at, precision_root
from bayeslaw.inference.coordinates.mode import descend
from bayeslaw.inference.coordinates.transports import TRANSPORTS, transported
from bayeslaw.inference.infer import flat_model, hierarchy_of, kind_of, split_for
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.posterior.posterior import Posterior


@dataclass(frozen=True)
class Whitened:
    """Draws in coordinates in which they are roughly a ball, with their log density there.

    Attributes
    ----------
    draws
        Shape ``(chains, draws, size)``.
    log_density
        From points ``(n, size)`` to values ``(n,)``, with all constants: its integral is the marginal likelihood.
    geometry
        The transport from here to the flat coordinates.
    by_group
        The density by what groups share, where the transport keeps their own coordinates apart.
    """

    draws: np.ndarray
    log_density: Callable[[np.ndarray], np.ndarray]
    geometry: Geometry
    by_group: ByGroup | None = None


def whitened(posterior: Posterior) -> Whitened:
    """The draws of a posterior on the ball of a transport."""
    plan, centre = posterior.plan, posterior.flat.mean(axis=(0, 1))
    with devices.float64():
        data = jax.tree.map(jnp.asarray, plan.data())
        model, kind = flat_model(plan.structure), kind_of(plan)
        split = split_for(kind, plan.structure, model)
        if split is None:
            geometry = affine_at(curvature_of(model, (data,)), centre)
        elif isinstance(split, Ridge):
            geometry = ridge_through(curvature_of(model, (data,)), centre, split, model, data)
        else:
            hierarchy = hierarchy_of(model, data, split)
            centre = descend(hierarchy.posterior, centre)
            geometry = Geometry("conditional", hierarchy.local(centre), centre)
            geometry = follow(geometry, model, data) if kind == "following" else geometry
    ball = on_ball(model, (data,), posterior.flat, geometry)
    if kind != "conditional":
        return ball
    return replace(ball, by_group=ByGroup(plan.structure, model, geometry, (data,)))


def on_ball(model: FlatModel, args: tuple[Any, ...], flat: np.ndarray, geometry: Geometry) -> Whitened:
    """Flat draws of any model, shape ``(chains, draws, size)``, on the ball of a transport."""
    constants = dict(geometry.arrays), args
    draws = in_chunks(_inverse(model, geometry.kind), flat.reshape(-1, model.size), constants)
    density = partial(in_chunks, _density(model, geometry.kind), constants=constants)
    return Whitened(draws.reshape(flat.shape), density, geometry)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _density(model: FlatModel, kind: str) -> Callable[[Any, Any], Any]:
    def density(z: Any, constants: Any) -> Any:
        arrays, args = constants
        x, log_det = transported(kind, z, arrays, model, args)
        return log_det - model.potential(x, args)

    return density


@lru_cache(maxsize=PROGRAMS_KEPT)
def _inverse(model: FlatModel, kind: str) -> Callable[[Any, Any], Any]:
    def inverse(x: Any, constants: Any) -> Any:
        arrays, args = constants
        z = INVERSES[kind](x, arrays, model, args)
        return _affine(z, arrays["pilot"]) if "pilot" in arrays else z

    return inverse


def _affine(x: Any, arrays: Arrays, *_: Any) -> Any:
    return jnp.linalg.solve(arrays["scale"], x - arrays["centre"])


def _conditional(x: Any, arrays: Arrays, *_: Any) -> Any:
    count, (groups, each) = arrays["t"].shape[0], arrays["group_o"].shape
    t, group_o, shared_o = jnp.split(x[jnp.argsort(arrays["place"])], [count, count + groups * each])
    factor, group_slope, shared_slope = precision_root(t, arrays)
    group_y, shared_y = factor.solve_root(group_slope, shared_slope)
    group_step = group_o.reshape(groups, each) - arrays["group_o"]
    group_z, shared_z = factor.root_transposed(group_step, shared_o - arrays["shared_o"])
    return jnp.concatenate([_scales(t, arrays), (group_z + group_y).reshape(-1), shared_z + shared_y])


def _following(x: Any, arrays: Arrays, model: FlatModel, args: tuple[Any, ...]) -> Any:
    t, o = jnp.split(x[jnp.argsort(arrays["place"])], [arrays["t"].shape[0]])
    root, quieter, slope = root_of(t, arrays)
    step, means = o - arrays["o"], model.deterministic("mean", x, args)
    bent = quieter * arrays["jacobian"].T @ (arrays["weight"] * (means - arrays["mean"] - arrays["jacobian"] @ step))
    return jnp.concatenate([_scales(t, arrays), root.T @ step + solve_triangular(root, bent + slope, lower=True)])


def _ridge(x: Any, arrays: Arrays, model: FlatModel, args: tuple[Any, ...]) -> Any:
    t, o = jnp.split(x[jnp.argsort(arrays["place"])], [arrays["t"].shape[0]])
    share, cell = cell_of(t[0], arrays["knots"][:, 0])
    here = crest(share, cell, arrays)
    along = arrays["z"][cell] + share * (arrays["z"][cell + 1] - arrays["z"][cell])
    middle, root = best_inner(t, here, arrays, lambda x: model.deterministic("mean", x, args))
    off = solve_triangular(here.root, (t - here.outer)[1:], lower=True)
    return jnp.concatenate([along[None], off, root.T @ (o - middle)])


def _scales(t: Any, arrays: Arrays) -> Any:
    return jnp.linalg.solve(arrays["t_scale"], t - arrays["t"])


# The inverses of the transports, from the flat vector to ``z``.
INVERSES: Mapping[str, Callable[..., Any]] = {
    "affine": _affine, "conditional": _conditional, "following": _following, "ridge": _ridge,
}  # fmt: skip
assert INVERSES.keys() == TRANSPORTS.keys()
