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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from bayeslaw.fit.arrow import Arrow

# Value, gradient and Hessian of the potential at a flat vector.
Curvature = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
Arrays = Mapping[str, Any]
# A transport: from z and its arrays to x and the log determinant of its Jacobian.
Transport = Callable[[Any, Arrays], tuple[Any, Any]]


@dataclass(frozen=True)
class Geometry:
    """A transport from a standard ball to the posterior: a function, and the arrays it takes.

    Attributes
    ----------
    kind
        ``affine`` or ``conditional``, a key of ``TRANSPORTS``.
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
    z = arrays["pilot_centre"] + arrays["pilot_scale"] @ z
    count, (groups, each) = arrays["t"].shape[0], arrays["group_o"].shape
    t = arrays["t"] + arrays["t_scale"] @ z[:count]
    factor, group_slope, shared_slope = precision_root(t, arrays)
    group_z, shared_z = z[count : count + groups * each].reshape(groups, each), z[count + groups * each :]
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
        "place": np.zeros(size, dtype=int), "pilot_centre": np.zeros(size), "pilot_scale": np.eye(size),
    }  # fmt: skip


TRANSPORTS: Mapping[str, Transport] = {"affine": affine, "conditional": conditional}


def find_mode(
    curvature: Curvature, starts: Sequence[np.ndarray], tries: int = 3, free: np.ndarray | None = None
) -> np.ndarray:
    """The lowest of the modes reached from the best starts, by second-order trust-region steps.

    Parameters
    ----------
    curvature
        Value, gradient and Hessian.
    starts
        Flat vectors; the `tries` of lowest potential are followed.
    free
        The coordinates that may move; all unless given.
    """
    free = np.arange(len(starts[0])) if free is None else free
    potentials = [curvature(start)[0] for start in starts]
    order = [i for i in np.argsort(potentials) if np.isfinite(potentials[i])][:tries]
    if not order:
        raise FloatingPointError("the log density is not finite at any starting point")
    found = [_descend(curvature, starts[i], free) for i in order]
    return min(found, key=lambda x: curvature(x)[0])


def _descend(curvature: Curvature, start: np.ndarray, free: np.ndarray) -> np.ndarray:
    """A mode near `start` over the coordinates `free`."""
    last: dict[bytes, tuple[float, np.ndarray, np.ndarray]] = {}

    def at(part: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        key = part.tobytes()
        if key not in last:
            last.clear()
            x = start.copy()
            x[free] = part
            value, gradient, hessian = curvature(x)
            if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
                value, gradient, hessian = 1e300, np.zeros_like(gradient), np.eye(len(x))
            last[key] = (value, gradient[free], hessian[np.ix_(free, free)])
        return last[key]

    result = minimize(
        lambda p: at(p)[0], start[free], jac=lambda p: at(p)[1], hess=lambda p: at(p)[2],
        method="trust-exact", options={"gtol": 1e-6, "maxiter": 300, "initial_trust_radius": 1.0},
    )  # fmt: skip
    x = start.copy()
    x[free] = result.x
    return x


def _positive(matrix: np.ndarray, least: float) -> np.ndarray:
    """The nearest symmetric matrix with no eigenvalue below `least`."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def rewhitened(geometry: Geometry, z: np.ndarray) -> Geometry:
    """A conditional geometry whose ball is the one that draws ``z`` of it, shape ``(draws, size)``, say it is."""
    count, size = z.shape
    centre = z.mean(axis=0)
    # Shrunk towards the ball it is meant to be, as if `size` of its draws had been seen.
    covariance = (np.cov(z.T) * count + np.eye(size) * size) / (count + size)
    scale = np.linalg.cholesky(covariance)
    arrays = {
        **geometry.arrays, "pilot_centre": centre, "pilot_scale": scale,
        "log_det": geometry.arrays["log_det"] + float(np.log(np.diag(scale)).sum()),
    }  # fmt: skip
    return Geometry(geometry.kind, arrays, geometry.centre)


def _positive_arrow(groups: np.ndarray, cross: np.ndarray, shared: np.ndarray) -> tuple[np.ndarray, ...]:
    """The Hessian of a likelihood, an arrow, made positive as a Student-t's is not everywhere, and still an arrow.

    Directions of a group that curve the wrong way are dropped with their couplings; then what the groups leave of
    the shared part (its Schur complement) is made positive.
    """
    values, vectors = np.linalg.eigh(groups)
    kept = values > 1e-9 * np.abs(values).max(axis=1, initial=1e-300, keepdims=True)
    inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    along = np.einsum("gik,gir->gkr", vectors, cross) * kept[:, :, None]
    explained = np.einsum("gkr,gk,gks->rs", along, inverse, along)
    return (
        np.einsum("gik,gk,gjk->gij", vectors, np.where(kept, values, 0.0), vectors),
        np.einsum("gik,gkr->gir", vectors, along),
        _positive(shared - explained, 0.0) + explained,
    )


def _root_of_inverse(hessian: np.ndarray, least: float) -> np.ndarray:
    """A lower triangular square root of the inverse of a Hessian."""
    return np.linalg.cholesky(np.linalg.inv(_positive(hessian, least)))


# The curvature that the weak default priors leave where data say nothing: a standard deviation of 10 on unbounded
# scales, beyond which nothing is looked for.
FLATTEST = 1e-2


def laplace(curvature: Curvature, starts: Sequence[np.ndarray]) -> Geometry:
    """The affine transport at the mode, for any model."""
    mode = find_mode(curvature, starts)
    return affine_at(curvature, mode)


def affine_at(curvature: Curvature, x: np.ndarray) -> Geometry:
    """The affine transport from the curvature at a point."""
    _, _, hessian = curvature(x)
    scale = _root_of_inverse(hessian, max(FLATTEST, 1e-14 * np.abs(np.diag(hessian)).max()))
    log_det = float(np.log(np.diag(scale)).sum())
    return Geometry("affine", {"centre": x, "scale": scale, "log_det": log_det}, x)


@dataclass(frozen=True)
class Scales:
    """Which coordinates of a plan are scales, which belong to one group, and which all share.

    Attributes
    ----------
    scales
        Flat positions of log spreads and noise parameters; shape ``(t,)``.
    noise
        The position, among `scales`, of the one that multiplies all noise; None when there is none.
    groups
        Flat positions of the coordinates of each group of the finest grouping; shape ``(groups, k)``.
    shared
        Flat positions of all the rest; shape ``(r,)``.
    spread_of
        By flat position of a deviation, the place of its spread among `scales`.
    """

    scales: np.ndarray
    noise: int | None
    groups: np.ndarray
    shared: np.ndarray
    spread_of: Mapping[int, int]


class Hierarchy:
    """The conditional transport of a plan, from the curvature of its posterior and of its prior.

    Parameters
    ----------
    posterior, prior
        Curvature with all data, and with none.
    """

    def __init__(self, posterior: Curvature, prior: Curvature, scales: Scales) -> None:
        self.posterior, self.prior = posterior, prior
        self.t_at, self.groups, self.shared = scales.scales, scales.groups, scales.shared
        self.o_at = np.concatenate([scales.groups.reshape(-1), scales.shared])
        self.fixed = {
            "is_noise": np.array([float(i == scales.noise) for i in range(len(self.t_at))]),
            "group_deviates": np.array([float(i in scales.spread_of) for i in self._first_group]),
            "group_spread": np.array([scales.spread_of.get(i, 0) for i in self._first_group], dtype=int),
            "shared_deviates": np.array([float(i in scales.spread_of) for i in self.shared]),
            "shared_spread": np.array([scales.spread_of.get(i, 0) for i in self.shared], dtype=int),
            "place": np.argsort(np.concatenate([self.t_at, self.o_at])),
        }

    @property
    def _first_group(self) -> list[int]:
        return self.groups[0].tolist() if len(self.groups) else []

    def fit(self, starts: Sequence[np.ndarray], rounds: int = 8) -> Geometry:
        """Scales at the mode of their marginal, the rest at its mode given them."""
        starts = [start.copy() for start in starts]
        for start in starts:
            start[self.t_at] = starts[0][self.t_at]
        x = find_mode(self.posterior, starts, free=self.o_at)
        for _ in range(rounds):
            arrays = self.local(x)
            before = x[self.t_at].copy()
            t = self.marginal_mode(arrays, before)
            x[self.t_at] = t
            x[self.o_at] = self.predicted(arrays, t)[0]
            x = _descend(self.posterior, x, self.o_at)
            if np.abs(t - before).max() < 0.05:
                break
        arrays = self.local(x)
        # A log scale that the data leave open falls off slowly on one side; beyond a standard deviation of 1 the
        # sampler's own warm-up knows better.
        arrays["t_scale"] = _root_of_inverse(self.marginal_hessian(arrays, x[self.t_at]), 1.0)
        arrays["log_det"] = float(np.log(np.diag(arrays["t_scale"])).sum())
        return Geometry("conditional", arrays, x)

    def local(self, x: np.ndarray) -> dict[str, Any]:
        """The pieces of the precision at a point, as :func:`conditional` takes them."""
        _, slope, hessian = self.posterior(x)
        _, prior_slope, prior_hessian = self.prior(x)
        t, fixed = x[self.t_at], self.fixed
        tight = np.exp(-2.0 * t)
        group_tight = fixed["group_deviates"] * tight[fixed["group_spread"]]
        shared_tight = fixed["shared_deviates"] * tight[fixed["shared_spread"]]

        groups, cross, shared = _positive_arrow(
            (hessian - prior_hessian)[self.groups[:, :, None], self.groups[:, None, :]],
            (hessian - prior_hessian)[self.groups[:, :, None], self.shared[None, None, :]],
            (hessian - prior_hessian)[np.ix_(self.shared, self.shared)],
        )
        prior_groups = prior_hessian[self.groups[:, :, None], self.groups[:, None, :]] - np.diag(group_tight)
        prior_shared = prior_hessian[np.ix_(self.shared, self.shared)] - np.diag(shared_tight)
        return {
            **fixed, "pilot_centre": np.zeros(len(x)), "pilot_scale": np.eye(len(x)),
            "t": t, "t_scale": np.eye(len(t)), "log_det": 0.0,
            "group_o": x[self.groups], "shared_o": x[self.shared],
            "group_likelihood": groups, "cross_likelihood": cross, "shared_likelihood": shared,
            "group_prior": np.maximum(prior_groups, 0.0) * np.eye(self.groups.shape[1]),
            "shared_prior": _positive(prior_shared, FLATTEST),
            "group_slope": (slope - prior_slope)[self.groups],
            "shared_slope": (slope - prior_slope)[self.shared],
            "group_prior_slope": prior_slope[self.groups] - group_tight * x[self.groups],
            "shared_prior_slope": prior_slope[self.shared] - shared_tight * x[self.shared],
        }  # fmt: skip

    def predicted(self, arrays: Arrays, t: np.ndarray) -> tuple[np.ndarray, float]:
        """The mode of everything else given scales, by one Newton step, and half the log determinant there."""
        size, tight = self.groups.size, np.exp(-2.0 * t)
        groups, each = self.groups.shape
        quieter = np.exp(-2.0 * ((t - arrays["t"]) * arrays["is_noise"]).sum())
        group_tight = arrays["group_deviates"] * tight[arrays["group_spread"]]
        shared_tight = arrays["shared_deviates"] * tight[arrays["shared_spread"]]
        precision = np.zeros((len(self.o_at), len(self.o_at)))
        blocks = quieter * arrays["group_likelihood"] + arrays["group_prior"] + np.diag(group_tight)
        for g in range(groups):
            own = slice(g * each, (g + 1) * each)
            precision[own, own] = blocks[g]
        cross = quieter * arrays["cross_likelihood"].reshape(size, len(self.shared))
        precision[:size, size:], precision[size:, :size] = cross, cross.T
        precision[size:, size:] = quieter * arrays["shared_likelihood"] + arrays["shared_prior"] + np.diag(shared_tight)
        group_slope = quieter * arrays["group_slope"] + arrays["group_prior_slope"] + group_tight * arrays["group_o"]
        shared_slope = (
            quieter * arrays["shared_slope"] + arrays["shared_prior_slope"] + shared_tight * arrays["shared_o"]
        )
        slope = np.concatenate([group_slope.reshape(-1), shared_slope])
        o = np.concatenate([arrays["group_o"].reshape(-1), arrays["shared_o"]])
        root, lower = cho_factor(precision, lower=True)
        return o - cho_solve((root, lower), slope), float(np.log(np.diag(root)).sum())

    def marginal(self, arrays: Arrays, t: np.ndarray) -> float:
        """Minus the log marginal of the scales, up to a constant."""
        # Beyond e^-30 and e^30 the arithmetic breaks.
        if np.abs(t).max() > 30.0:
            return 1e300
        o, half_log_det = self.predicted(arrays, t)
        x = np.empty(len(t) + len(o))
        x[self.t_at], x[self.o_at] = t, o
        value = self.posterior(x)[0] + half_log_det
        return value if np.isfinite(value) else 1e300

    def marginal_mode(self, arrays: Arrays, t: np.ndarray) -> np.ndarray:
        """A step towards the mode of the marginal, no further than the local pieces can be believed."""
        bounds = [(value - 1.5, value + 1.5) for value in t]
        result = minimize(
            lambda s: self.marginal(arrays, s), t, method="L-BFGS-B", bounds=bounds,
            options={"eps": 1e-3, "maxiter": 15, "ftol": 1e-6},
        )  # fmt: skip
        return np.asarray(result.x)

    def marginal_hessian(self, arrays: Arrays, t: np.ndarray, step: float = 0.25) -> np.ndarray:
        """The curvature of the marginal by finite differences wide enough to see past its wiggles."""
        count = len(t)
        unit = step * np.eye(count)
        value = self.marginal(arrays, t)
        up = np.array([self.marginal(arrays, t + unit[i]) for i in range(count)])
        down = np.array([self.marginal(arrays, t - unit[i]) for i in range(count)])
        hessian = np.diag((up - 2.0 * value + down) / step**2)
        for i in range(count):
            for j in range(i):
                both = self.marginal(arrays, t + unit[i] + unit[j])
                hessian[i, j] = hessian[j, i] = (both - up[i] - up[j] + value) / step**2
        return hessian
