"""How a log evidence depends on the widths of the priors: all of them halved, and doubled.

With draws of the posterior under one prior, the evidence under another is known up to the mean of a ratio,

    Z2 / Z1 = E[ prior2 / prior1 ],

so nothing is fitted again unless few draws carry that mean.  In that case the law is fitted with the other priors, and
bridged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayeslaw.ask.evidence.bridge import pareto_k, relative_error
from bayeslaw.ask.evidence.evidence import LARGEST_KHAT, Evidence, log_evidence
from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.fit import fit
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note

FACTORS = (0.5, 2.0)


@dataclass(frozen=True)
class Shift:
    """The effect of another width of all priors on a log evidence.

    Attributes
    ----------
    change, se
        In nats, with its Monte-Carlo standard error.
    refitted
        Whether the law was fitted again.
    notes
        What makes the refit's evidence unreliable.
    """

    change: float
    se: float
    refitted: bool
    notes: tuple[Note, ...] = ()


def prior_sensitivity(posterior: Posterior, found: Evidence) -> Mapping[float, Shift]:
    """The change of a log evidence when every prior is scaled in width, by factor.

    Parameters
    ----------
    found
        The evidence of the posterior.
    """
    return {factor: _shift(posterior, found, factor) for factor in FACTORS}


def _shift(posterior: Posterior, found: Evidence, factor: float) -> Shift:
    by_ratio, khat = reweighted(posterior, factor)
    if khat <= LARGEST_KHAT:
        return by_ratio
    again = fit(
        posterior.law.with_wider_priors(factor), posterior.runs, posterior.family, posterior.pool,
        chains=posterior.flat.shape[0], draws=posterior.draws_again, target_accept=posterior.target_accept,
        seed=posterior.seed,
    )  # fmt: skip
    other = log_evidence(again, allow_unconverged=True)
    return Shift(
        other.log_evidence - found.log_evidence, float(np.hypot(other.se, found.se)), True,
        tuple(note for note in other.notes if note not in again.notes),
    )  # fmt: skip


def reweighted(posterior: Posterior, factor: float) -> tuple[Shift, float]:
    """The change by the ratio of priors alone, and the Pareto k of the ratios."""
    log_ratio = np.zeros(posterior.flat.shape[:2])
    for name, prior, _ in posterior.plan.structure.sites:
        if prior is not None:
            values = posterior.values[name]
            change = prior.widened(factor).scipy().logpdf(values) - prior.scipy().logpdf(values)
            log_ratio += change.reshape(*log_ratio.shape, -1).sum(axis=-1)
    ratio = np.exp(log_ratio - log_ratio.max())
    se = np.sqrt(np.log1p(relative_error(ratio, mean_ess(ratio))))
    return Shift(float(logsumexp(log_ratio) - np.log(log_ratio.size)), float(se), False), pareto_k(ratio)
