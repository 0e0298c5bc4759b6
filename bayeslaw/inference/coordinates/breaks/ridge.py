"""The split of coordinates along a ridge, and their priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.coordinates.breaks.detection import switched_in
from bayeslaw.inference.coordinates.split import noise_scale
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Structure
from bayeslaw.inference.model.starts import prior_draws


@dataclass(frozen=True)
class Ridge:
    """Which coordinates are inner and which outer, and their priors.

    Attributes
    ----------
    inner, outer
        Flat positions; the ridge leads along the first of the outer ones.
    noise
        The place, among `outer`, of the one that multiplies all noise; None when there is none.
    middle, spread
        Of the priors, unbounded: medians, and half the width of the central 68 %; each of shape ``(size,)``.
    """

    inner: np.ndarray
    outer: np.ndarray
    noise: int | None
    middle: np.ndarray
    spread: np.ndarray

    @staticmethod
    def of(structure: Structure, model: FlatModel) -> Ridge:
        """The split of a plan without families whose law has a part that may be absent."""
        inner, absent = (np.array([model.site[name].start for name in names]) for names in switched_in(structure))
        low, middle, high = np.quantile(prior_draws(structure, model, 0), [0.16, 0.5, 0.84], axis=0)
        spread, noise = (high - low) / 2.0, noise_scale(structure)
        # The coordinate with the widest prior has the most modes.
        along = absent[spread[absent].argmax()]
        outer = np.concatenate([[along], np.setdiff1d(np.arange(model.size), [along, *inner])])
        at = None if noise is None else int(np.flatnonzero(outer == model.site[noise].start)[0])
        return Ridge(inner, outer, at, middle, spread)
