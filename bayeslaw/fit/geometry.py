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
from jax.scipy.linalg import solve_triangular
from scipy.optimize import minimize

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
    count = arrays["t"].shape[0]
    t = arrays["t"] + arrays["t_scale"] @ z[:count]
    quieter = jnp.exp(-2.0 * jnp.sum((t - arrays["t"]) * arrays["is_noise"]))
    # The precision of deviations, by which scale they hang on; 0 for what is no deviation.
    deviations = arrays["is_deviation"] * jnp.exp(-2.0 * t[arrays["spread_of"]])
    precision = quieter * arrays["likelihood"] + arrays["prior"] + jnp.diag(deviations)
    slope = quieter * arrays["likelihood_slope"] + arrays["prior_slope"] + deviations * arrays["o"]
    root = jnp.linalg.cholesky(precision)
    step = z[count:] - solve_triangular(root, slope, lower=True)
    o = arrays["o"] + solve_triangular(root, step, lower=True, trans=1)
    x = jnp.concatenate([t, o])[arrays["place"]]
    return x, arrays["log_det"] - jnp.sum(jnp.log(jnp.diag(root)))


def affine_arrays(size: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`affine` takes, to compile for."""
    return {"centre": np.zeros(size), "scale": np.eye(size), "log_det": 0.0}


def conditional_arrays(size: int, scales: int) -> dict[str, Any]:
    """Arrays of the shapes that :func:`conditional` takes, to compile for."""
    rest = size - scales
    return {
        "t": np.zeros(scales), "t_scale": np.eye(scales), "is_noise": np.zeros(scales), "log_det": 0.0,
        "o": np.zeros(rest), "is_deviation": np.zeros(rest), "spread_of": np.zeros(rest, dtype=int),
        "likelihood": np.eye(rest), "likelihood_slope": np.zeros(rest),
        "prior": np.eye(rest), "prior_slope": np.zeros(rest), "place": np.arange(size),
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
    """Which coordinates of a plan are scales, and what hangs on them.

    Attributes
    ----------
    scales
        Flat positions of log spreads and noise parameters.
    noise
        The position, among `scales`, of the one that multiplies all noise; None when there is none.
    deviations
        Flat positions of each effect's deviations, with the place of its spread among `scales`.
    """

    scales: np.ndarray
    noise: int | None
    deviations: tuple[tuple[slice, int], ...]


class Hierarchy:
    """The conditional transport of a plan, from the curvature of its posterior and of its prior.

    Parameters
    ----------
    posterior, prior
        Curvature with all data, and with none.
    """

    def __init__(self, posterior: Curvature, prior: Curvature, size: int, scales: Scales) -> None:
        self.posterior, self.prior, self.scales = posterior, prior, scales
        self.t_at = scales.scales
        self.o_at = np.setdiff1d(np.arange(size), self.t_at)
        self.spread_of = np.zeros(size, dtype=int)
        self.is_deviation = np.zeros(size)
        for stretch, spread in scales.deviations:
            self.spread_of[stretch] = spread
            self.is_deviation[stretch] = 1.0
        self.spread_of, self.is_deviation = self.spread_of[self.o_at], self.is_deviation[self.o_at]
        self.is_noise = np.zeros(len(self.t_at))
        if scales.noise is not None:
            self.is_noise[scales.noise] = 1.0

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
        o, t = x[self.o_at], x[self.t_at]
        block = np.ix_(self.o_at, self.o_at)
        _, slope, hessian = self.posterior(x)
        _, prior_slope, prior_hessian = self.prior(x)
        deviations = self.is_deviation * np.exp(-2.0 * t[self.spread_of])
        return {
            "t": t, "o": o, "is_noise": self.is_noise,
            "is_deviation": self.is_deviation, "spread_of": self.spread_of,
            "likelihood": _positive((hessian - prior_hessian)[block], 0.0),
            "likelihood_slope": (slope - prior_slope)[self.o_at],
            "prior": _positive(prior_hessian[block] - np.diag(deviations), 0.0) + FLATTEST * np.eye(len(o)),
            "prior_slope": prior_slope[self.o_at] - deviations * o,
            "place": np.argsort(np.concatenate([self.t_at, self.o_at])),
        }  # fmt: skip

    def predicted(self, arrays: Arrays, t: np.ndarray) -> tuple[np.ndarray, float]:
        """The mode of everything else given scales, by one Newton step, and half the log determinant there."""
        quieter = np.exp(-2.0 * ((t - arrays["t"]) * self.is_noise).sum())
        deviations = self.is_deviation * np.exp(-2.0 * t[self.spread_of])
        precision = quieter * arrays["likelihood"] + arrays["prior"] + np.diag(deviations)
        slope = quieter * arrays["likelihood_slope"] + arrays["prior_slope"] + deviations * arrays["o"]
        root = np.linalg.cholesky(precision)
        step = np.linalg.solve(root.T, np.linalg.solve(root, slope))
        return arrays["o"] - step, float(np.log(np.diag(root)).sum())

    def marginal(self, arrays: Arrays, t: np.ndarray) -> float:
        """Minus the log marginal of the scales, up to a constant."""
        # e^-12 and e^8 are zero and infinity for every purpose; beyond them the arithmetic breaks.
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
