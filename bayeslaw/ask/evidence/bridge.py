"""The marginal likelihood by bridge sampling: a density with an unknown normaliser, against one that is normalised.

With draws of ``q / Z`` and of a proposal ``g``, every function ``h`` for which the integrals exist gives

    Z = E_g[q h] / E_q[g h],      and with the least error      h = 1 / (s1 q + s2 Z g)

(Meng & Wong 1996), where ``s1 : s2`` is the ratio of the effective numbers of draws.  The best ``h`` contains ``Z``, so
``Z`` is the root of an equation in one unknown.  One side rises with ``Z`` and the other falls, so there is exactly one
root.

The proposal is the normal distribution with the mean and covariance of the draws.  *Warp-III* (Meng & Schilling 2002)
averages ``q`` with its mirror image about the mean first, which leaves ``Z`` as it is and takes its skewness away.

One half of each chain shapes the proposal and the other half is averaged over, and then the roles are swapped: draws
that had shaped the proposal would fit it too well (Gronau et al. 2017).  The errors are those of Micaletto & Vehtari
(2025): the delta method on the two means, the draws' with the effective sample size of the very terms that are
averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import brentq

from bayeslaw.ask.evidence.by_group import ByGroup
from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.base.streams import PROPOSALS

# The log of a density that need not be normalised: points of shape (n, size) to values of shape (n,).
LogDensity = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A log evidence from one half of the draws, with its diagnostics.

    Attributes
    ----------
    of_draws, of_proposals
        The squared relative errors of the two means, whose quotient it is.
    ess
        The effective number of terms of either mean: independent and equally large ones.
    khat
        The larger Pareto k of the terms of either mean, which are what is averaged: the k of the ratios of posterior
        to proposal would ask for what only importance sampling needs.  The terms are bounded, so that even a large k
        can do harm only where few of them carry the mean.
    """

    log_evidence: float
    of_draws: float
    of_proposals: float
    ess: float
    khat: float

    @property
    def se(self) -> float:
        """The Monte-Carlo standard error, the evidence taken as log-normal."""
        return float(np.sqrt(np.log1p(self.of_draws + self.of_proposals)))


@dataclass(frozen=True)
class CrossFit:
    """The mean of two estimates, each from the draws that shaped the proposal of the other.

    Their proposals are independent, but their draws err alike: were the target normal, the error of a half would be
    ``tr(a b)`` to first order, with ``a`` and ``b`` how far the covariances of the two halves are off, and so the same
    whichever made the proposal.  So the draws' errors are averaged and not their squares; a target that is not normal
    errs less than that.
    """

    halves: tuple[Estimate, Estimate]

    @property
    def log_evidence(self) -> float:
        """The log evidence."""
        return float(np.mean([half.log_evidence for half in self.halves]))

    @property
    def se(self) -> float:
        """Its Monte-Carlo standard error."""
        of_draws = np.mean([np.sqrt(half.of_draws) for half in self.halves]) ** 2
        of_proposals = np.mean([half.of_proposals for half in self.halves]) / 2
        return float(np.sqrt(np.log1p(of_draws + of_proposals)))

    @property
    def ess(self) -> float:
        """The smaller effective number of terms."""
        return min(half.ess for half in self.halves)

    @property
    def khat(self) -> float:
        """The larger Pareto k."""
        return max(half.khat for half in self.halves)

    @property
    def disagreement(self) -> float:
        """How far the halves are apart, in standard errors of their difference."""
        one, other = self.halves
        return abs(one.log_evidence - other.log_evidence) / float(np.hypot(one.se, other.se))


@dataclass(frozen=True)
class Normal:
    """A normal distribution by its mean ``(size,)`` and a lower triangular root of its covariance ``(size, size)``."""

    mean: np.ndarray
    root: np.ndarray

    @staticmethod
    def of(draws: np.ndarray) -> Normal:
        """The normal with the moments of draws of shape ``(..., size)``, with shrunken correlations.

        A covariance of hundreds of coordinates from a few thousand draws is mostly noise, and its cost to a bridge
        grows with the square of their number.  The shrinkage with the least expected error is the ratio of the
        correlations' squared errors to their squares (Schafer & Strimmer 2005): nothing where they are real, most of
        the way on a ball.
        """
        flat = draws.reshape(-1, draws.shape[-1])
        sd = flat.std(axis=0)
        correlation = np.atleast_2d(np.corrcoef(flat.T))
        off = correlation - np.diag(np.diag(correlation))
        squares = np.square(off).sum()
        noise = (np.square(1.0 - np.square(off)).sum() - len(off)) / len(flat)
        kept = 1.0 - min(1.0, noise / squares) if squares else 1.0
        return Normal(flat.mean(axis=0), sd[:, None] * np.linalg.cholesky(kept * off + np.eye(len(off))))

    @cached_property
    def log_det(self) -> float:
        """The log determinant of the root."""
        return float(np.log(np.diag(self.root)).sum())

    def squares(self, x: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances from the mean; shape ``(n,)``."""
        return np.asarray(np.square(solve_triangular(self.root, (x - self.mean).T, lower=True)).sum(axis=0))

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log densities; shape ``(n,)``."""
        return np.asarray(-0.5 * (self.squares(x) + len(self.mean) * np.log(2 * np.pi)) - self.log_det)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draws of shape ``(count, size)``."""
        return np.asarray(self.mean + rng.standard_normal((count, len(self.mean))) @ self.root.T)


def bridge(log_density: LogDensity, draws: np.ndarray, seed: int = 0) -> dict[str, CrossFit]:
    """Log evidence by bridge sampling, in coordinates in which the draws are roughly a ball.

    Parameters
    ----------
    log_density
        The log density of the draws, with all constants: its integral is the evidence.
    draws
        Shape ``(chains, draws, size)``.
    seed
        Seed of the proposal's draws.

    Returns
    -------
    dict
        ``warp3``, the estimate to use, and ``normal``, which comes at no cost and has different errors.
    """
    rng = np.random.default_rng([PROPOSALS, seed])
    halves = []
    for shaping, kept in halved(draws):
        proposal = Normal.of(shaping)
        new = proposal.draw(rng, kept.shape[0] * kept.shape[1])
        halves.append(_half(proposal, kept, new, log_density, log_density))
    return _cross_fit(halves)


def bridge_by_group(density: ByGroup, draws: np.ndarray, seed: int = 0) -> dict[str, CrossFit]:
    """Log evidence of a hierarchy: a bridge over what groups share, each group's own coordinates averaged out.

    A bridge over everything pays for every group's departure from a normal distribution, and with many groups that is
    soon too much.  Averages over a few points are unbiased, so the bridge over points and shared coordinates together
    is as exact, and each group's departure is divided by the number of points.

    Parameters
    ----------
    draws
        On the ball; shape ``(chains, draws, size)``.

    Returns
    -------
    dict
        As :func:`bridge`.
    """
    rng = np.random.default_rng([PROPOSALS, seed])
    halves = []
    for shaping, kept in halved(draws):
        proposal = Normal.of(shaping[..., density.shared])
        each = [Normal.of(shaping[..., own]) for own in density.own]
        mean, root = np.stack([one.mean for one in each]), np.stack([one.root for one in each])
        own = kept.reshape(-1, kept.shape[-1])
        new = proposal.draw(rng, len(own))
        seeds = rng.integers(2**31, size=2)
        at_own = density.averaged(own, mean, root, True, int(seeds[0]))
        at_new = density.averaged(np.zeros_like(own), mean, root, False, int(seeds[1]))
        halves.append(_half(proposal, kept[..., density.shared], new, at_own, at_new))
    return _cross_fit(halves)


def _half(
    proposal: Normal, kept: np.ndarray, new: np.ndarray, at_kept: LogDensity, at_new: LogDensity
) -> dict[str, Estimate]:
    """The estimates from one half of the draws, given the density at them and at the proposal's."""
    own, shape = kept.reshape(-1, kept.shape[-1]), kept.shape[:2]
    of_own, of_new = finite(at_kept(own)), finite(at_new(new))
    mirrored_own, mirrored_new = finite(at_kept(2 * proposal.mean - own)), finite(at_new(2 * proposal.mean - new))
    g_own, g_new = proposal.log_density(own), proposal.log_density(new)
    warped_own = np.logaddexp(of_own, mirrored_own) - np.log(2)
    warped_new = np.logaddexp(of_new, mirrored_new) - np.log(2)
    return {
        "warp3": optimal((warped_own - g_own).reshape(shape), warped_new - g_new),
        "normal": optimal((of_own - g_own).reshape(shape), of_new - g_new),
    }


def _cross_fit(halves: Sequence[dict[str, Estimate]]) -> dict[str, CrossFit]:
    one, other = halves
    return {name: CrossFit((one[name], other[name])) for name in one}


def halved(draws: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """One half of the chains to shape a proposal and the other to average over, then swapped."""
    middle = draws.shape[1] // 2
    first, second = draws[:, :middle], draws[:, middle:]
    yield first, second
    yield second, first


def finite(log_density: np.ndarray) -> np.ndarray:
    """Where arithmetic overflows, far from all draws, there is no mass."""
    return np.where(np.isnan(log_density), -np.inf, log_density)


def optimal(at_draws: np.ndarray, at_proposals: np.ndarray) -> Estimate:
    """The optimal bridge from log ratios of target to proposal.

    Parameters
    ----------
    at_draws
        At draws of the target; shape ``(chains, draws)``.
    at_proposals
        At independent draws of the proposal; shape ``(n,)``.
    """
    log_evidence, over_draws, over_proposals = solve(at_draws, at_proposals, mean_ess(at_draws))
    ess = mean_ess(over_draws)
    return Estimate(
        log_evidence,
        of_draws=relative_error(over_draws, ess),
        of_proposals=relative_error(over_proposals, over_proposals.size),
        ess=min(ess, equally_large(over_draws), equally_large(over_proposals)),
        khat=max(pareto_k(over_draws), pareto_k(over_proposals)),
    )


def solve(at_draws: np.ndarray, at_proposals: np.ndarray, effective: float) -> tuple[float, np.ndarray, np.ndarray]:
    """The root of the bridge equation, and the terms of its two means, in arbitrary units.

    Parameters
    ----------
    effective
        The effective number of draws of the target.
    """
    log_s1, log_s2 = np.log([effective, at_proposals.size]) - np.log(effective + at_proposals.size)

    def terms(r: float) -> tuple[np.ndarray, np.ndarray]:
        over_draws = r - np.logaddexp(log_s1 + at_draws, log_s2 + r)
        return over_draws, at_proposals - np.logaddexp(log_s1 + at_proposals, log_s2 + r)

    def excess(r: float) -> float:
        over_draws, over_proposals = terms(r)
        return log_mean(over_draws) - log_mean(over_proposals)

    # Below all ratios the first mean is at most 1 and the second at least, above the other way round; the margin
    # makes room for proposals at which the target is 0.
    ratios = np.concatenate([at_draws.ravel(), at_proposals[np.isfinite(at_proposals)]])
    r = float(brentq(excess, ratios.min() - 40.0, ratios.max() + 1e-9, xtol=1e-12, rtol=1e-14))
    over_draws, over_proposals = terms(r)
    return r, np.exp(over_draws - over_draws.max()), np.exp(over_proposals - over_proposals.max())


def log_mean(logs: np.ndarray) -> float:
    """The log of the mean of terms that are given by their logs."""
    largest = logs.max()
    return float(largest + np.log(np.exp(logs - largest).mean()))


def relative_error(terms: np.ndarray, ess: float) -> float:
    """The squared relative error of a mean of terms whose effective number is `ess`."""
    return float(terms.var(ddof=1) / terms.mean() ** 2 / ess)


def equally_large(terms: np.ndarray) -> float:
    """How many equally large terms would have a mean with the same relative error (Kish 1965)."""
    return float(terms.sum() ** 2 / np.square(terms).sum())


def pareto_k(terms: np.ndarray) -> float:
    """The shape of the right tail of terms, by a generalised Pareto distribution (Vehtari et al. 2024)."""
    from arviz_stats.base.array import array_stats

    return float(array_stats.pareto_khat(terms.reshape(1, -1), r_eff=1.0, tail="right"))
