"""A second opinion on the marginal likelihood from nothing but the draws: the truncated harmonic mean (THAMES).

Over any set ``A`` of volume ``V`` inside the support, with draws of ``q / Z``,

    1 / Z = E_q[ 1_A / q ] / V.

Metodiev et al. (2024) take the ellipsoid of the draws' covariance with radius ``sqrt(size + 1)``, where the error is
least for a normal posterior, so that, unlike the harmonic mean, the error is finite.  It needs no proposal, and
so errs for other reasons than a bridge does; it is less precise, and past thirty dimensions says little.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from bayeslaw.ask.evidence.bridge import (
    CrossFit,
    Estimate,
    LogDensity,
    Normal,
    equally_large,
    halved,
    pareto_k,
    relative_error,
)
from bayeslaw.inference.base.diagnostics import mean_ess


def thames(log_density: LogDensity, draws: np.ndarray) -> CrossFit:
    """Log evidence by the truncated harmonic mean, each half of the draws over the ellipsoid of the other.

    Parameters
    ----------
    log_density, draws
        As of :func:`bayeslaw.ask.evidence.bridge.bridge`.
    """
    size = draws.shape[-1]
    halves = []
    for shaping, kept in halved(draws):
        normal = Normal.of(shaping)
        own = kept.reshape(-1, size)
        inside = normal.squares(own) < size + 1
        log_terms = np.where(inside, -log_density(own), -np.inf)
        log_volume = 0.5 * size * np.log(np.pi * (size + 1)) - gammaln(0.5 * size + 1) + normal.log_det
        terms = np.exp(log_terms - log_terms.max()).reshape(kept.shape[:2])
        ess = mean_ess(terms)
        log_evidence = log_volume - logsumexp(log_terms) + np.log(len(own))
        worth = min(ess, equally_large(terms))
        halves.append(Estimate(float(log_evidence), relative_error(terms, ess), 0.0, worth, pareto_k(terms)))
    return CrossFit((halves[0], halves[1]))
