"""A fit with some runs hidden: the same plan, with weight 0 on their rows.

Leaving out one run, a family, or all expensive runs is then the same operation.  Shapes do not change, so nothing is
compiled again, and a hidden family takes its deviations from the population automatically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.many import infer_many
from bayeslaw.inference.posterior.pointwise import pointwise_log_likelihood
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import HERE, Workplace


@dataclass(frozen=True)
class Refit:
    """The predictions of a fit for runs that it did not see.

    Attributes
    ----------
    hidden
        The hidden runs; a mask of shape ``(runs,)``.
    log_likelihood
        The log density of each hidden outcome under each draw; shape ``(chains, draws, hidden runs)``.
    diagnostics
        Whether the draws can be trusted.
    """

    hidden: np.ndarray
    log_likelihood: np.ndarray
    diagnostics: Diagnostics

    @property
    def log_density(self) -> np.ndarray:
        """The log predictive density of each hidden outcome, parameters integrated out; shape ``(hidden runs,)``."""
        chains, draws = self.log_likelihood.shape[:2]
        return np.asarray(logsumexp(self.log_likelihood, axis=(0, 1)) - np.log(chains * draws))


def refit(posterior: Posterior, hidden: np.ndarray, seed: int | None = None) -> Refit:
    """Fit again without some runs, with as many draws as before, or the default if the fit took patience.

    Parameters
    ----------
    hidden
        A mask of shape ``(runs,)``.
    seed
        Seed of the fit (default: the posterior's).
    """
    return refits(posterior, [hidden], seed)[0]


def refits(
    posterior: Posterior,
    masks: Sequence[np.ndarray],
    seed: int | None = None,
    place: Workplace = HERE,
    patience: bool = True,
) -> list[Refit]:
    """Fit again without some runs, once per mask; see :func:`refit`.

    Parameters
    ----------
    masks
        Each of shape ``(runs,)``.
    place
        Where the fits are made.
    patience
        Repeat fits that have not converged; see :class:`bayeslaw.Sampling`.
    """
    plans = [posterior.plan.hiding(hidden) for hidden in masks]
    found = infer_many(
        plans,
        [posterior.seed if seed is None else seed] * len(plans),
        start=posterior.flat.mean(axis=(0, 1)),
        patient=patience,
        chains=posterior.flat.shape[0],
        draws=posterior.draws_again,
        target_accept=posterior.target_accept,
        **place.part(len(plans)),
    )
    by_mask = {
        i: Refit(masks[i], pointwise_log_likelihood(plans[i], each.values)[..., masks[i]], each.diagnostics)
        for i, each in found
    }
    return [by_mask[i] for i in range(len(masks))]
