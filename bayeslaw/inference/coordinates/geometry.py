"""Where a posterior is and how it is shaped, so that a sampler can walk on a round ball.

NUTS sees standard coordinates ``z``; a transport takes them to the flat vector ``x`` of the model.

``Affine``
    ``x = mode + chol(H^-1) z``: enough wherever the posterior is close to Gaussian.
``Conditional``
    The coordinates are split in two.  The *scales* ``t`` (log spreads between groups, noise) bend the posterior:
    a small spread squeezes its groups together, little noise squeezes everything.  Given the scales all the rest
    ``o`` is close to Gaussian, with a precision that is known as a function of them,

        Q(t) = noise(t)^-2 · H_likelihood + H_prior + diag(spread(t)^-2),      o = m(t) + Q(t)^-1/2 z,

    where ``m(t)`` is one Newton step from the mode.  In ``z`` the funnel is gone in both of its regimes: groups
    with many precise runs are in effect centred, groups with one or two non-centred, each direction of each group
    by as much as its data say (Papaspiliopoulos, Roberts & Skold 2007 for one direction; this is the matrix form).

The joint mode of a hierarchy does not exist (all spreads collapse to zero).  So the scales are placed at the mode
of their Laplace-approximated marginal, ``F(t) = U(m(t), t) + 1/2 log det Q(t)`` (Tierney & Kadane 1986).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from bayeslaw.inference.coordinates.block_arrow import Arrow, Blocks, Partition
from bayeslaw.inference.coordinates.mode import Curvature, descend, find_mode

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Geometry:
    """A transport from a standard ball to the posterior: a function, and the arrays it takes.

    Attributes
    ----------
    kind
        A key of ``transports.TRANSPORTS``.
    centre
        Flat vector of the mode; shape ``(size,)``.
    """

    kind: str
    arrays: Arrays
    centre: np.ndarray


def affine(z: Any, arrays: Arrays) -> tuple[Any, Any]:
    """``x = centre + scale z``; the constant determinant is left to ``arrays``."""
    return arrays["centre"] + arrays["scale"] @ z, arrays["log_det"]


def conditional(z: Any, arrays: Arrays) -> tuple[Any, Any]:
    """Scales first, then everything else given the scales."""
    count, (groups, each) = arrays["t"].shape[0], arrays["group_o"].shape
    scales_z, group_z, shared_z = jnp.split(z, [count, count + groups * each])
    return conditional_parts(scales_z, group_z.reshape(groups, each), shared_z, arrays)


def conditional_parts(scales_z: Any, group_z: Any, shared_z: Any, arrays: Arrays) -> tuple[Any, Any]:
    """The same of a ball in its parts, so that what does not depend on the groups is found once for many of them."""
    t = arrays["t"] + arrays["t_scale"] @ scales_z
    factor, group_slope, shared_slope = precision_root(t, arrays)
    group_y, shared_y = factor.solve_root(group_slope, shared_slope)
    group_step, shared_step = factor.solve_root_transposed(group_z - group_y, shared_z - shared_y)
    group_o, shared_o = arrays["group_o"] + group_step, arrays["shared_o"] + shared_step
    x = jnp.concatenate([t, group_o.reshape(-1), shared_o])[arrays["place"]]
    return x, arrays["log_det"] - factor.half_log_det


def precision_root(t: Any, arrays: Arrays) -> tuple[Arrow, Any, Any]:
    """The root of the precision given scales, and the slope of the potential at the centre under them."""
    quieter = jnp.exp(-2.0 * jnp.sum((t - arrays["t"]) * arrays["is_noise"]))
    tight = jnp.exp(-2.0 * t)
    group_tight = arrays["group_deviates"] * tight[arrays["group_spread"]]
    shared_tight = arrays["shared_deviates"] * tight[arrays["shared_spread"]]
    factor = Arrow.of(
        quieter * arrays["group_likelihood"] + arrays["group_prior"] + jnp.diag(group_tight),
        quieter * arrays["cross_likelihood"],
        quieter * arrays["shared_likelihood"] + arrays["shared_prior"] + jnp.diag(shared_tight),
    )
    group_slope = quieter * arrays["group_slope"] + arrays["group_prior_slope"] + group_tight * arrays["group_o"]
    shared_slope = quieter * arrays["shared_slope"] + arrays["shared_prior_slope"] + shared_tight * arrays["shared_o"]
    return factor, group_slope, shared_slope


def scales_alone(t: Any, arrays: Arrays) -> tuple[Any, Any]:
    """The conditional transport of scales, with everything else at its mode given them, by one Newton step."""
    z = jnp.zeros(arrays["place"].shape[0]).at[: t.shape[0]].set(t - arrays["t"])
    return conditional(z, {**arrays, "t_scale": jnp.eye(t.shape[0])})


def affine_arrays(size: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`affine` takes, to compile for."""
    return {"centre": np.zeros(size), "scale": np.eye(size), "log_det": 0.0}


def conditional_arrays(scales: Scales) -> dict[str, Any]:
    """Arrays of the shapes that :func:`conditional` takes, to compile for."""
    t, (groups, each), shared = len(scales.scales), scales.groups.shape, len(scales.shared)
    size = t + groups * each + shared
    return {
        "t": np.zeros(t), "t_scale": np.eye(t), "is_noise": np.zeros(t), "log_det": 0.0,
        "group_o": np.zeros((groups, each)), "shared_o": np.zeros(shared),
        "group_deviates": np.zeros(each), "group_spread": np.zeros(each, dtype=int),
        "shared_deviates": np.zeros(shared), "shared_spread": np.zeros(shared, dtype=int),
        "group_likelihood": np.zeros((groups, each, each)), "cross_likelihood": np.zeros((groups, each, shared)),
        "shared_likelihood": np.zeros((shared, shared)),
        "group_prior": np.zeros((groups, each, each)), "shared_prior": np.zeros((shared, shared)),
        "group_slope": np.zeros((groups, each)), "shared_slope": np.zeros(shared),
        "group_prior_slope": np.zeros((groups, each)), "shared_prior_slope": np.zeros(shared),
        "place": np.zeros(size, dtype=int),
    }  # fmt: skip


def with_pilot(arrays: Arrays) -> dict[str, Any]:
    """Arrays of a geometry before its pilot has been run; an affine one takes up what it teaches in its own."""
    return {**arrays, "pilot": affine_arrays(len(arrays["place"]))} if "place" in arrays else dict(arrays)


def _positive(matrix: np.ndarray, least: float) -> np.ndarray:
    """The nearest symmetric matrix with no eigenvalue below `least`."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def rewhitened(geometry: Geometry, z: np.ndarray) -> Geometry:
    """A geometry behind a pilot: its ball is what draws ``z`` of shape ``(draws, size)`` say it is."""
    count, size = z.shape
    # Shrunk towards the ball it is meant to be, as if `size` of its draws had been seen.
    scale = np.linalg.cholesky((np.cov(z.T) * count + np.eye(size) * size) / (count + size))
    pilot = {"centre": z.mean(axis=0), "scale": scale, "log_det": float(np.log(np.diag(scale)).sum())}
    if geometry.kind == "affine":
        # One affine transport behind another is a third.
        centre, first = affine(pilot["centre"], geometry.arrays)[0], geometry.arrays
        arrays = {"centre": centre, "scale": first["scale"] @ scale, "log_det": first["log_det"] + pilot["log_det"]}
        return replace(geometry, arrays=arrays)
    return replace(geometry, arrays={**geometry.arrays, "pilot": pilot})


def _positive_arrow(groups: np.ndarray, cross: np.ndarray, shared: np.ndarray) -> Blocks:
    """The Hessian of a likelihood, an arrow, made positive as a Student-t's is not everywhere, and still an arrow.

    Directions of a group that curve the wrong way are dropped with their couplings; then what the groups leave of
    the shared part (its Schur complement) is made positive.
    """
    values, vectors = np.linalg.eigh(groups)
    kept = values > 1e-9 * np.abs(values).max(axis=1, initial=1e-300, keepdims=True)
    inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    along = np.einsum("gik,gir->gkr", vectors, cross) * kept[:, :, None]
    explained = np.einsum("gkr,gk,gks->rs", along, inverse, along)
    return Blocks(
        np.einsum("gik,gk,gjk->gij", vectors, np.where(kept, values, 0.0), vectors),
        np.einsum("gik,gkr->gir", vectors, along),
        _positive(shared - explained, 0.0) + explained,
    )


def _root_of_inverse(hessian: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    """A square root of the inverse of a Hessian, and its log determinant.

    Its axes are those of the Hessian, so that NUTS's own diagonal metric can stretch a ridge further than its curvature
    at one point says.
    """
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    kept = np.maximum(values, least)
    return vectors / np.sqrt(kept), -0.5 * float(np.log(kept).sum())


# The curvature that the weak default priors leave where data say nothing: a standard deviation of 10 on unbounded
# scales, beyond which nothing is looked for.
FLATTEST = 1e-2
# Scales are logs: beyond e^-30 and e^30 the arithmetic breaks.
FURTHEST = 30.0


def laplace(curvature: Curvature, starts: Sequence[np.ndarray]) -> Geometry:
    """The affine transport at the mode, for any model."""
    return affine_at(curvature, find_mode(curvature, starts))


def affine_at(curvature: Curvature, x: np.ndarray) -> Geometry:
    """The affine transport from the curvature at a point."""
    hessian = curvature.at(x)[2].shared
    scale, log_det = _root_of_inverse(hessian, max(FLATTEST, 1e-14 * np.abs(np.diag(hessian)).max()))
    return Geometry("affine", {"centre": x, "scale": scale, "log_det": log_det}, x)


# From scales, and the arrays of a conditional geometry, to minus the log marginal density of the scales up to a
# constant, and the flat vector with everything else at its mode given them.
Marginal = Callable[[np.ndarray, Arrays], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Scales(Partition):
    """Which coordinates of a plan are scales, which belong to one group of the finest grouping, and which all share.

    Attributes
    ----------
    scales
        Flat positions of log spreads and noise parameters; shape ``(t,)``.
    noise
        The position, among `scales`, of the one that multiplies all noise; None when there is none.
    spread_of
        By flat position of a deviation, the place of its spread among `scales`.
    """

    scales: np.ndarray
    noise: int | None
    spread_of: Mapping[int, int]


class Hierarchy:
    """The conditional transport of a plan, from the curvature of its posterior and of its prior.

    Parameters
    ----------
    posterior, prior
        Curvature with all data, and with none, over all but the scales.
    marginal
        The density of the scales.
    """

    def __init__(self, posterior: Curvature, prior: Curvature, marginal: Marginal, scales: Scales) -> None:
        self.posterior, self.prior, self.marginal = posterior, prior, marginal
        self.t_at, self.groups, self.shared = scales.scales, scales.groups, scales.shared
        self.fixed = {
            "is_noise": np.array([float(i == scales.noise) for i in range(len(self.t_at))]),
            "group_deviates": np.array([float(i in scales.spread_of) for i in self._first_group]),
            "group_spread": np.array([scales.spread_of.get(i, 0) for i in self._first_group], dtype=int),
            "shared_deviates": np.array([float(i in scales.spread_of) for i in self.shared]),
            "shared_spread": np.array([scales.spread_of.get(i, 0) for i in self.shared], dtype=int),
            "place": np.argsort(np.concatenate([self.t_at, scales.positions])),
        }

    @property
    def _first_group(self) -> list[int]:
        return self.groups[0].tolist() if len(self.groups) else []

    def fit(self, starts: Sequence[np.ndarray], rounds: int = 8) -> Geometry:
        """Scales at the mode of their marginal, the rest at its mode given them."""
        starts = [start.copy() for start in starts]
        for start in starts:
            start[self.t_at] = starts[0][self.t_at]
        x = find_mode(self.posterior, starts)
        for _ in range(rounds):
            before = x[self.t_at]
            x = descend(self.posterior, self.marginal_mode(self.local(x), before))
            if np.abs(x[self.t_at] - before).max() < 0.05:
                break
        arrays = self.local(x)
        # A log scale that the data leave open falls off slowly on one side; beyond a standard deviation of 1 the
        # sampler's own warm-up knows better.
        arrays["t_scale"], arrays["log_det"] = _root_of_inverse(self.marginal_hessian(arrays, x[self.t_at]), 1.0)
        return Geometry("conditional", arrays, x)

    def local(self, x: np.ndarray) -> dict[str, Any]:
        """The pieces of the precision at a point, as :func:`conditional` takes them."""
        _, slope, hessian = self.posterior.at(x)
        _, prior_slope, prior_hessian = self.prior.at(x)
        t, fixed = x[self.t_at], self.fixed
        tight = np.exp(-2.0 * t)
        group_tight = fixed["group_deviates"] * tight[fixed["group_spread"]]
        shared_tight = fixed["shared_deviates"] * tight[fixed["shared_spread"]]

        groups, cross, shared = _positive_arrow(*(a - b for a, b in zip(hessian, prior_hessian, strict=True)))
        prior_groups = prior_hessian.groups - np.diag(group_tight)
        prior_shared = prior_hessian.shared - np.diag(shared_tight)
        return {
            **fixed, "t": t, "t_scale": np.eye(len(t)), "log_det": 0.0,
            "group_o": x[self.groups], "shared_o": x[self.shared],
            "group_likelihood": groups, "cross_likelihood": cross, "shared_likelihood": shared,
            "group_prior": np.maximum(prior_groups, 0.0) * np.eye(self.groups.shape[1]),
            "shared_prior": _positive(prior_shared, FLATTEST),
            "group_slope": (slope - prior_slope)[self.groups],
            "shared_slope": (slope - prior_slope)[self.shared],
            "group_prior_slope": prior_slope[self.groups] - group_tight * x[self.groups],
            "shared_prior_slope": prior_slope[self.shared] - shared_tight * x[self.shared],
        }  # fmt: skip

    def marginal_mode(self, arrays: Arrays, t: np.ndarray) -> np.ndarray:
        """A step towards the mode of the marginal, no further than the local pieces can be believed.

        It is a flat vector, with everything else at its mode given the scales.
        """
        bounds = [(max(value - 1.5, -FURTHEST), min(value + 1.5, FURTHEST)) for value in t]

        start, _ = self.marginal(t, arrays)

        # From its start on: the tolerance is a part of the value, which otherwise grows with the runs.
        def objective(s: np.ndarray) -> float:
            value, _ = self.marginal(s, arrays)
            return value - start if np.isfinite(value) else 1e300

        result = minimize(
            objective, t, method="L-BFGS-B", bounds=bounds, options={"eps": 1e-3, "maxiter": 15, "ftol": 1e-4}
        )
        return self.marginal(result.x, arrays)[1]

    def marginal_hessian(self, arrays: Arrays, t: np.ndarray, step: float = 0.25) -> np.ndarray:
        """The curvature of the marginal by finite differences wide enough to see past its wiggles."""
        unit = step * np.eye(len(t))

        def at(*steps: np.ndarray) -> float:
            return self.marginal(t + sum(steps), arrays)[0]

        value, up, down = at(), np.array([at(e) for e in unit]), np.array([at(-e) for e in unit])
        hessian = np.diag((up - 2.0 * value + down) / step**2)
        for i, j in itertools.combinations(range(len(t)), 2):
            hessian[i, j] = hessian[j, i] = (at(unit[i], unit[j]) - up[i] - up[j] + value) / step**2
        return hessian
