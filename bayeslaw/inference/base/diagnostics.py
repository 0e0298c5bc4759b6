"""Whether draws can be trusted: rank-normalised R-hat and effective sample sizes, divergences, energy.

Estimators are NumPyro's, of all quantities at once, on rank-normalised split chains (Vehtari et al. 2021).  They are
written out, since importing NumPyro starts JAX, which takes longer than a question.  A test holds them to NumPyro's to
the bit, and to ArviZ's, which ``summary`` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from bayeslaw.errors import ConvergenceError, listed
from bayeslaw.inference.base.mixing import autocovariance, fast_length, split
from bayeslaw.note import Note
from bayeslaw.words import argument, worded

# R-hat as Vehtari et al. (2021) recommend; their R-hat itself needs an effective sample size of 400.
LARGEST_RHAT = 1.01
LEAST_ESS = 400
# A Bayesian fraction of missing information below 0.2 means energies the sampler could not reach (Betancourt 2016).
LEAST_BFMI = 0.2
# Among many similar fits, those that do not converge even with patience are left out, as questions refuse them.  If
# they are more than this share, the others are no longer representative.
MOST_UNCONVERGED = 0.1


def rank_normalised(draws: np.ndarray) -> np.ndarray:
    """Draws of shape ``(chains, draws, quantities)`` as normal scores of their ranks over all chains."""
    from scipy.special import ndtri

    flat = draws.reshape(-1, *draws.shape[2:])
    ranks = np.empty(flat.shape)
    order = np.argsort(flat, axis=0, kind="stable")
    np.put_along_axis(ranks, order, np.arange(1.0, len(flat) + 1).reshape(-1, *[1] * (flat.ndim - 1)), axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(draws.shape))


def bulk_ess(draws: np.ndarray) -> np.ndarray:
    """Bulk effective sample size of each quantity; `draws` has shape ``(chains, draws, quantities)``."""
    return _ess(rank_normalised(split(draws)))


def tail_ess(draws: np.ndarray) -> np.ndarray:
    """The effective sample size in the worse tail of each quantity: of its 5 % and 95 % quantiles."""
    tails = np.quantile(draws, [0.05, 0.95], axis=(0, 1))
    low, high = (_ess(split((draws <= tail).astype(float))) for tail in tails)
    return np.asarray(np.minimum(low, high))


def _ess(halves: np.ndarray) -> np.ndarray:
    """The effective sample size of each quantity, or one where it cannot be estimated.

    For halves that do not move the estimate is NaN, and for a few alternating draws the sum of the autocorrelations can
    be negative.
    """
    count = halves.shape[1]
    with np.errstate(all="ignore"):
        within, total = _variances(halves)
        lags = np.swapaxes(autocovariance(np.swapaxes(halves, 1, -1), 2 * fast_length(count)), 1, -1).mean(axis=0)
        rho = 1.0 - (within - lags) / total
        rho[0] = 1.0
        # Geyer's initial monotone sequence of pairs of lags.
        pairs = rho[:-1:2] + rho[1::2]
        pairs[1:] = np.minimum.accumulate(np.clip(pairs[1:], 0.0, None), axis=0)
        found = np.asarray(np.prod(halves.shape[:2]) / (-1.0 + 2.0 * pairs.sum(axis=0)))
    return np.where(found > 1.0, found, 1.0)


def _variances(halves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variance of each quantity within halves, and over all of them."""
    count = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    return within, within * (count - 1) / count + halves.mean(axis=1).var(axis=0, ddof=1)


def mean_ess(terms: np.ndarray) -> float:
    """The effective sample size for the mean of one quantity, shape ``(chains, draws)``.

    At most the number of draws: the gain from antithetic chains is too uncertain to rely on.
    """
    return min(float(_ess(split(terms))), float(terms.size))


def rhat(draws: np.ndarray) -> np.ndarray:
    """The larger of bulk and tail rank-normalised split R-hat of each quantity."""
    halves = split(draws)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.asarray(np.maximum(_split_rhat(rank_normalised(halves)), _split_rhat(rank_normalised(folded))))


def _split_rhat(halves: np.ndarray) -> np.ndarray:
    within, total = _variances(halves)
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt(total / within))


def bfmi(energy: np.ndarray) -> np.ndarray:
    """The Bayesian fraction of missing information of each chain; `energy` has shape ``(chains, draws)``.

    It is 0 for a chain that does not move, which has reached no other energy.
    """
    steps, spread = np.square(np.diff(energy, axis=1)).mean(axis=1), energy.var(axis=1)
    return np.divide(steps, spread, out=np.zeros_like(spread), where=spread > 0.0)


@dataclass(frozen=True)
class Diagnostics:
    """The diagnostics of chains.

    Attributes
    ----------
    rhat, ess
        The worst over all sampled quantities, with their names.
    """

    chains: int
    draws: int
    rhat: float
    rhat_of: str
    ess: float
    ess_of: str
    divergences: int
    bfmi: float
    leapfrogs: float

    @staticmethod
    def of(draws: np.ndarray, names: list[str], stats: Mapping[str, np.ndarray]) -> Diagnostics:
        """Diagnostics of flat draws of shape ``(chains, draws, size)``."""
        with np.errstate(all="ignore"):
            rhats, sizes = rhat(draws), bulk_ess(draws)
        rhats = np.nan_to_num(rhats, nan=np.inf)
        worst, least = int(rhats.argmax()), int(sizes.argmin())
        return Diagnostics(
            chains=draws.shape[0], draws=draws.shape[1],
            rhat=float(rhats[worst]), rhat_of=names[worst], ess=float(sizes[least]), ess_of=names[least],
            divergences=int(stats["diverging"].sum()), bfmi=float(bfmi(stats["energy"]).min()),
            leapfrogs=float(stats["n_steps"].mean()),
        )  # fmt: skip

    @staticmethod
    def of_independent(chains: int, draws: int, name: str) -> Diagnostics:
        """Of draws that are independent by construction, of which `name` is any quantity."""
        size = float(chains * draws)
        return Diagnostics(chains, draws, 1.0, name, size, name, divergences=0, bfmi=1.0, leapfrogs=0.0)

    @staticmethod
    def worst(every: Iterable[Diagnostics]) -> Diagnostics:
        """The least trustworthy of several diagnostics."""
        return max(every, key=lambda each: (not each.converged, each.rhat))

    @property
    def complaints(self) -> tuple[str, ...]:
        """What is wrong, in words; empty when the draws can be trusted."""
        found = []
        if self.rhat > LARGEST_RHAT:
            found.append(f"R-hat of {self.rhat_of} is {self.rhat:.3f} (at most {LARGEST_RHAT})")
        if self.ess < LEAST_ESS:
            found.append(f"the effective sample size of {self.ess_of} is {self.ess:.0f} (at least {LEAST_ESS})")
        # A few divergences in a thousand draws bias a forecast less than its Monte-Carlo error; more point at a
        # region that was not explored.
        if self.divergences > 0.002 * self.chains * self.draws:
            found.append(f"{self.divergences} of {self.chains * self.draws} draws diverged")
        if self.bfmi < LEAST_BFMI:
            found.append(f"E-BFMI is {self.bfmi:.2f} (at least {LEAST_BFMI})")
        return tuple(found)

    @property
    def converged(self) -> bool:
        """Whether the draws can be trusted."""
        return not self.complaints

    def with_draws(self, times: float) -> Diagnostics:
        """The expected diagnostics after `times` as many draws of the same chains."""
        return replace(self, rhat=1.0 + (self.rhat - 1.0) / times, ess=times * self.ess)

    @property
    def notes(self) -> tuple[Note, ...]:
        """A note if the chains have not converged."""
        if self.converged:
            return ()
        text = f"The fit has not converged: {listed(self.complaints)}."
        remedy = f"Fit again with more {argument('draws')} or a simpler hierarchy."
        return (Note("unconverged", "serious", text, remedy),)

    @property
    def verdict(self) -> str:
        """Why the chains have not converged, and what to do, without the full stop; empty if they have converged."""
        return " ".join(f"{note.text} {note.remedy.removesuffix('.')}" for note in self.notes)

    def require(self, allow_unconverged: bool = False, name: str = "") -> None:
        """Refuse to answer from chains that have not converged, unless that is allowed.

        Parameters
        ----------
        name
            The name of the fit, if there are several.

        Raises
        ------
        ConvergenceError
            When they have not converged; the message gives the reason and both remedies.
        """
        if not self.converged and not allow_unconverged:
            lead = f"{name}: " if name else ""
            anyway = worded("allow_unconverged=True", "--allow-unconverged")
            raise ConvergenceError(f"{lead}{self.verdict}, or pass {anyway} to see the answer anyway.")

    def as_dict(self) -> dict[str, float | int | str | bool]:
        """For JSON."""
        return {
            "converged": self.converged, "rhat": self.rhat, "rhat_of": self.rhat_of, "ess": self.ess,
            "ess_of": self.ess_of, "divergences": self.divergences, "bfmi": self.bfmi,
            "chains": self.chains, "draws": self.draws, "leapfrogs": self.leapfrogs,
        }  # fmt: skip


def read_diagnostics(record: Mapping[str, Any], shape: tuple[int, ...]) -> Diagnostics:
    """Diagnostics from a record of their fields, such as a file has.

    Parameters
    ----------
    shape
        Of the draws that they are about: ``(chains, draws, size)``.

    Raises
    ------
    ValueError, TypeError
        When they are none, or about other draws.
    """
    found = Diagnostics(**record)
    if (found.chains, found.draws) != tuple(shape[:2]):
        raise ValueError(f"diagnostics of {found.chains} x {found.draws} draws, not of {shape[0]} x {shape[1]}")
    for field in fields(found):
        if not isinstance(getattr(found, field.name), str if field.type == "str" else (int, float)):
            raise TypeError(f"diagnostics: {field.name} is {getattr(found, field.name)!r}")
    return found
