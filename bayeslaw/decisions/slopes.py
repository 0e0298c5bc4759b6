"""How the drift of one run is related to that of another, of the same draw.

A forecast needs the drift of one run, and takes one slope for all points.  What a run tells of another needs more: a
small network on very many tokens, or a large one on few, lies beyond the runs too, but its error says nothing of the
errors along compute.  So a slope is normal in its own quantiles, and is made of a part along compute and a part off
that path, on either side of the fitted tokens per parameter, in the proportion in which the point's distance is:

    slope = quantile(w z + sqrt(1 - w2) z_off)          w = distance in compute / whole distance

Each point's slope has the distribution that the forecast gives it; runs along compute share one, the forecast's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from bayeslaw.ask.forecast.drift import Drift, distance, distance_along
from bayeslaw.ask.where.extrapolation import params_and_tokens
from bayeslaw.inference.base.streams import OFF_PATH, generator
from bayeslaw.inference.posterior.posterior import Posterior


def slopes_at(drift: Drift, posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The slope of the drift at some points for every draw; shape ``(size, points)``.

    Parameters
    ----------
    inputs
        Of the points, each of shape ``(points,)``.
    """
    shared = drift.slopes(posterior)[:, None]
    along, whole = distance_along(posterior, inputs), distance(posterior, inputs)
    share = np.divide(along, whole, out=np.ones_like(whole), where=whole > 0)
    if drift.scale == 0.0 or (share == 1.0).all():
        return np.broadcast_to(shared, (posterior.size, len(whole)))
    z = ndtri(stdtr(drift.df, (shared - drift.direction) / drift.scale))
    off = generator(posterior.seed, OFF_PATH).standard_normal((posterior.size, 2))[:, _many_tokens(posterior, inputs)]
    mixed = share * z + np.sqrt(1.0 - share**2) * off
    each = drift.direction + drift.scale * stdtrit(drift.df, ndtr(mixed))
    return np.asarray(np.where(share == 1.0, shared, each))


def _many_tokens(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether each point has more tokens per parameter than the runs have in their middle, as 0 or 1."""
    here, there = (params_and_tokens(posterior.law, each) for each in (inputs, posterior.plan.fitted))
    if here is None or there is None:
        return np.zeros(len(next(iter(inputs.values()))), dtype=int)
    return np.asarray(here[1] / here[0] > np.median(there[1] / there[0]), dtype=int)
