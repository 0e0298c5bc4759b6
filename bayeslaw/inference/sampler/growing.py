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
    constants
        Its coordinates and the arguments of its model.
    """

    def __init__(self, model: FlatModel, constants: tuple[Coordinates, Any], settings: Settings) -> None:
        self.model, self.constants, self.settings = model, constants, settings
        self.kept: Walked = {}
        self.flat = np.zeros((settings.chains, 0, model.size))
        self.log_det = np.zeros((settings.chains, 0))
        self.count, self.look = settings.draws, FIRST_LOOK

    def put(self, chains: np.ndarray, done: int, block: Walked) -> None:
        """Keep a block of draws of some of the chains, by position, after those that are done, warm-up included."""
        total = self.settings.warmup + self.settings.draws
        for name, values in block.items():
            if name not in self.kept:
                self.kept[name] = np.zeros((self.settings.chains, total, *values.shape[2:]), values.dtype)
            self.kept[name][chains, done : done + values.shape[1]] = values[:, : total - done]

    def walked(self, draws: int) -> Walked:
        """What was put in the first draws, warm-up included."""
        return {name: values[:, :draws] for name, values in self.kept.items()}

    def enough(self, walked: int) -> bool:
        """Whether the draws so far, of which there are this many with warm-up, are enough: then no more are taken."""
        least, count = self.settings.enough, (walked - self.settings.warmup) // ROUND * ROUND
        if least is None or not self.look <= count < self.settings.draws:
            return False
        self.look = int(NEXT_LOOK * count)
        draws = self._until(count)
        found = Diagnostics.of(draws["flat"], self.model.names, draws)
        if not found.converged or found.ess < least or tail_ess(draws["flat"]).min() < least:
            return False
        self.count = count
        return True

    def draws(self) -> Walked:
        """The draws after warm-up: flat vectors, the log density there, and the sampler's statistics."""
        return self._until(self.count)

    def _until(self, count: int) -> Walked:
        """The first draws after warm-up, which are mapped to flat vectors once."""
        warmup, known = self.settings.warmup, self.flat.shape[1]
        own = {name: values[:, warmup : warmup + count].copy() for name, values in self.kept.items()}
        z, potential = own.pop("z"), own.pop("potential")
        if count > known:
            new = z[:, known:]
            flat, log_det = in_chunks(
                _forward(self.model), new.reshape(-1, z.shape[-1]), self.constants,
                about=("forward", self.model.described), hasty=True,
            )  # fmt: skip
            self.flat = np.concatenate([self.flat, flat.reshape(*new.shape[:2], -1)], axis=1)
            self.log_det = np.concatenate([self.log_det, log_det.reshape(new.shape[:2])], axis=1)
        return {"flat": self.flat[:, :count], "lp": -(potential + self.log_det[:, :count]), **own}


@lru_cache(maxsize=PROGRAMS_KEPT)
def _forward(model: FlatModel) -> Callable[[Any, Any], Any]:
    def forward(z: Any, constants: tuple[Coordinates, Any]) -> Any:
        coordinates, args = constants
        return coordinates.forward(z, model, args)

    return forward
