"""How well a law predicts runs that it has not seen: each run from the others, and each family from the others.

Leaving one run out hardly moves a posterior, so its draws can be reweighted (PSIS-LOO, Vehtari, Gelman & Gabry 2017).
Where the Pareto k of the weights is too large for that, the law is fitted again without the run.  Leaving a family out
moves the posterior far, so there the law is always fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayeslaw.errors import QuestionError
from bayeslaw.inference.holdout import Refit, refits
from bayeslaw.inference.posterior.pointwise import pointwise_log_likelihood
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import HERE, Workplace
from bayeslaw.words import argument

# Beyond it importance sampling does not settle with any feasible number of draws (Vehtari et al. 2024).
LARGEST_KHAT = 0.7
# Runs that are left out by a refit, the worst first: with more of them, single runs are the wrong unit for this law.
MOST_REFITS = 20


@dataclass(frozen=True)
class Loo:
    """Expected log predictive densities, in nats.

    Attributes
    ----------
    log_density
        The log density of each run given all the others; shape ``(runs,)``.
    weights
        How many runs each counts for; shape ``(runs,)``.
    khat
        The Pareto k of each run's importance weights; shape ``(runs,)``.
    refitted
        The runs that were left out exactly; a mask of shape ``(runs,)``.
    unconverged
        The number of fits without them that have not converged.
    """

    log_density: np.ndarray
    weights: np.ndarray
    khat: np.ndarray
    refitted: np.ndarray
    unconverged: int = 0

    @property
    def parts(self) -> np.ndarray:
        """What each run adds to the score; shape ``(runs,)``."""
        return np.asarray(self.weights * self.log_density)

    @property
    def elpd(self) -> float:
        """The sum over runs."""
        return float(self.parts.sum())

    @property
    def se(self) -> float:
        """The standard error of the sum, if runs are independent."""
        return standard_error(self.parts)

    @property
    def doubtful(self) -> int:
        """How many runs have a bad Pareto k and were not left out exactly."""
        return int(((self.khat > LARGEST_KHAT) & ~self.refitted).sum())


def loo(posterior: Posterior, *, most_refits: int = MOST_REFITS, place: Workplace = HERE, patience: bool = True) -> Loo:
    """Predict each run from all the others.

    Parameters
    ----------
    most_refits
        How many runs with a bad Pareto k are left out exactly, by one fit each.
    place, patience
        Of the fits; see :func:`bayeslaw.inference.holdout.refits`.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4; Vehtari et al. (2024), arXiv:1507.02646.
    """
    plan = posterior.plan
    found, khat = psis(pointwise_log_likelihood(plan, posterior.values).reshape(posterior.size, -1), plan.weights)
    worst = [i for i in np.argsort(-khat) if khat[i] > LARGEST_KHAT][:most_refits]
    place.watch.expect(len(worst))
    exact = refits(posterior, [np.arange(len(found)) == i for i in worst], place=place, patience=patience)
    found[worst] = [each.log_density[0] for each in exact]
    refitted = np.isin(np.arange(len(found)), worst)
    return Loo(found, plan.weights, khat, refitted, sum(not each.diagnostics.converged for each in exact))


def psis(log_likelihood: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log density of each run given all the others by importance weights, and their Pareto k; both ``(runs,)``.

    Parameters
    ----------
    log_likelihood
        Shape ``(draws, runs)``.
    weights
        The number of runs behind each row, all of which are left out together; shape ``(runs,)``.
    """
    from arviz_stats.base.array import array_stats

    log_weights, khat = array_stats.psislw(weights * log_likelihood, axis=0)
    return logsumexp(log_weights + log_likelihood.T, axis=1), np.asarray(khat)


@dataclass(frozen=True)
class FamilyLoo:
    """Expected log predictive densities of families that were not seen, in nats.

    Attributes
    ----------
    by_family
        By family, the sum over its runs, each scored separately and multiplied by its weight.
    refits
        By family, the fit without it.
    """

    by_family: dict[str, float]
    refits: dict[str, Refit]

    @property
    def parts(self) -> np.ndarray:
        """What each family adds to the score; shape ``(families,)``."""
        return np.array(list(self.by_family.values()))

    @property
    def elpd(self) -> float:
        """The sum over families."""
        return float(self.parts.sum())

    @property
    def se(self) -> float:
        """The standard error of the sum, if families are independent: runs of one family share errors."""
        return standard_error(self.parts)

    @property
    def unconverged(self) -> int:
        """How many of the fits have not converged."""
        return sum(not each.diagnostics.converged for each in self.refits.values())


def leave_families_out(posterior: Posterior, *, place: Workplace = HERE, patience: bool = True) -> FamilyLoo:
    """Predict each family from the others, as runs of a new family.

    Parameters
    ----------
    place, patience
        Of the fits; see :func:`bayeslaw.inference.holdout.refits`.

    Raises
    ------
    QuestionError
        When the fit has no families.
    """
    grouping = posterior.family_grouping
    if grouping is None:
        raise QuestionError(
            f"the fit of law '{posterior.law.name}' has no families to leave out; fit again with "
            f"{argument('family', 'COLUMN')}."
        )
    masks = [grouping.index == i for i in range(len(grouping.labels))]
    found = refits(posterior, masks, place=place, patience=patience)
    by_family, weights = dict(zip(grouping.labels, found, strict=True)), posterior.plan.weights
    return FamilyLoo({name: float(weights[one.hidden] @ one.log_density) for name, one in by_family.items()}, by_family)


def standard_error(parts: np.ndarray) -> float:
    """The standard error of a sum of independent parts."""
    return float(np.sqrt(len(parts) * np.var(parts, ddof=1)))
