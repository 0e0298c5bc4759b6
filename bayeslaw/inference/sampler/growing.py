"""The draws of one fit while its chains are walked: as flat vectors, and whether they are enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.inference.base.batched import in_chunks
from bayeslaw.inference.base.diagnostics import Diagnostics, tail_ess
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.settings import Settings

if TYPE_CHECKING:
    from bayeslaw.inference.coordinates.protocol import Coordinates

# Whether draws are enough is asked first when there are as many per chain, then after every fifth more: so often that
# few draws are in vain, and so seldom that asking costs little.
FIRST_LOOK, NEXT_LOOK = 200, 1.2
# A fit that stops early has a round number of draws.
ROUND = 50

# Draws by name, each of shape ``(chains, draws, ...)``.
Walked = dict[str, np.ndarray]


class Growing:
    """The draws of one fit, whose chains have walked some blocks.

    Parameters
    ----------
    chains
        The rows of the fit in the draws of all chains.
    constants
        Its coordinates and the arguments of its model.
    """

    def __init__(
        self, model: FlatModel, chains: np.ndarray, constants: tuple[Coordinates, Any], settings: Settings
    ) -> None:
        self.model, self.chains, self.constants, self.settings = model, chains, constants, settings
        self.flat = np.zeros((len(chains), 0, model.size))
        self.log_det = np.zeros((len(chains), 0))
        self.count, self.look = settings.draws, FIRST_LOOK

    def enough(self, kept: Walked, walked: int) -> bool:
        """Whether the draws so far are enough, after which no more are taken.

        Parameters
        ----------
        kept
            Draws of all chains, warm-up included.
        walked
            How many of them there are.
        """
        least, count = self.settings.enough, (walked - self.settings.warmup) // ROUND * ROUND
        if least is None or not self.look <= count < self.settings.draws:
            return False
        self.look = int(NEXT_LOOK * count)
        draws = self._until(kept, count)
        found = Diagnostics.of(draws["flat"], self.model.names, draws)
        if not found.converged or found.ess < least or tail_ess(draws["flat"]).min() < least:
            return False
        self.count = count
        return True

    def draws(self, kept: Walked) -> Walked:
        """The draws after warm-up: flat vectors, the log density there, and the sampler's statistics."""
        return self._until(kept, self.count)

    def _until(self, kept: Walked, count: int) -> Walked:
        """The first draws after warm-up, which are mapped to flat vectors once."""
        warmup, known = self.settings.warmup, self.flat.shape[1]
        own = {name: values[self.chains, warmup : warmup + count] for name, values in kept.items()}
        z, potential = own.pop("z"), own.pop("potential")
        if count > known:
            new = z[:, known:]
            flat, log_det = in_chunks(_forward(self.model), new.reshape(-1, z.shape[-1]), self.constants, hasty=True)
            self.flat = np.concatenate([self.flat, flat.reshape(*new.shape[:2], -1)], axis=1)
            self.log_det = np.concatenate([self.log_det, log_det.reshape(new.shape[:2])], axis=1)
        return {"flat": self.flat[:, :count], "lp": -(potential + self.log_det[:, :count]), **own}


@lru_cache(maxsize=PROGRAMS_KEPT)
def _forward(model: FlatModel) -> Callable[[Any, Any], Any]:
    def forward(z: Any, constants: tuple[Coordinates, Any]) -> Any:
        coordinates, args = constants
        return coordinates.forward(z, model, args)

    return forward
