"""The draws of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.pace import Crawl
from bayeslaw.inference.sampler.settings import Settings

if TYPE_CHECKING:
    from bayeslaw.inference.coordinates.protocol import Coordinates


@dataclass(frozen=True)
class Draws:
    """Draws of a flat vector with the sampler's statistics.

    Attributes
    ----------
    flat
        Unbounded coordinates; shape ``(chains, draws, size)``.
    stats
        By ArviZ's names (``diverging``, ``n_steps``, ``energy``, ``acceptance_rate``, ``lp``), each of shape
        ``(chains, draws)``.
    coordinates
        The coordinates of the sampling; None for draws that were kept in a file, or made by another process.
    seconds
        Wall time by stage.
    patient
        Whether they are those of a second attempt; see :func:`bayeslaw.inference.choice.next_choice`.
    crawl
        Why the fit was given up, if it crawled: its draws are then NaN.
    """

    model: FlatModel
    flat: np.ndarray
    stats: dict[str, np.ndarray]
    coordinates: Coordinates | None
    settings: Settings
    seed: int
    seconds: dict[str, float]
    patient: bool = False
    crawl: Crawl | None = None

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Draws by site of the model, each of shape ``(chains, draws, *shape)``."""
        return self.model.constrain(self.flat)

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Whether the draws can be trusted."""
        return Diagnostics.of(self.flat, self.model.names, self.stats)
