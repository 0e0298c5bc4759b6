"""Where the search for a mode begins: flat vectors drawn from the priors."""

from __future__ import annotations

import numpy as np

from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Structure, unbounded

# Draws that estimate the medians and widths of priors: their error is a thirtieth of a width.
PRIOR_DRAWS = 999
# Starts drawn from the priors, of which the best few are followed to their modes; the first start is the medians.
STARTS = 24


def starts_of(structure: Structure, model: FlatModel, seed: int) -> list[np.ndarray]:
    """Flat vectors drawn from the priors, the first at the priors' medians; groups start alike."""
    draws = prior_draws(structure, model, seed)
    return [np.median(draws, axis=0), *draws[: STARTS - 1]]


def prior_draws(structure: Structure, model: FlatModel, seed: int) -> np.ndarray:
    """Flat vectors drawn from the priors, all groups alike and without deviations; shape ``(PRIOR_DRAWS, size)``."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((PRIOR_DRAWS, model.size))
    for name, prior, _ in structure.sites:
        if prior is not None:
            drawn[:, model.site[name].stretch] = unbounded(prior, prior.draw(rng, PRIOR_DRAWS))[:, None]
    return drawn
