"""The layout of chains: which chain of which fit runs on which device, and when.

Chains are ordered by chain and then by fit, so that the chains of a few fits fall on different devices.  A program is
compiled for a number of fits and of chains; missing ones look like the last one and are not walked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.work import CHAINS

# Fits per program: enough that no device waits long for another, few enough that some finish soon.
TOGETHER = 8


@dataclass(frozen=True)
class Layout:
    """The chains of at most this many fits, of at most this many chains each, over devices."""

    fits: int
    chains: int

    @property
    def size(self) -> int:
        """The number of chains of all fits."""
        return self.fits * self.chains

    @cached_property
    def sharding(self) -> NamedSharding:
        """The number of chains per device."""
        mesh = Mesh(np.array(devices.chain_devices(self.size)), ("chains",), axis_types=(AxisType.Auto,))
        return NamedSharding(mesh, PartitionSpec("chains"))

    @staticmethod
    def with_room(fits: int, chains: int) -> Layout:
        """The layout of a program that serves fits of this many chains.

        On a CPU, one for four chains serves fewer too: a chain that is not walked costs nothing there.
        """
        return Layout(fits, -(-chains // CHAINS) * CHAINS if jax.default_backend() == "cpu" else chains)

    def shares(self, fits: int, chains: int, one_thread: bool) -> list[np.ndarray]:
        """The chains that are walked at a time: the first of the first fits or, in one thread, by device in turn.

        Each share says of every chain whether it is walked; shape ``(size,)``.

        A host device is a thread, and they take turns, each while the others have no work.  Fewer devices would make
        another program, which XLA rounds differently.
        """
        walked = (self.fit_of < fits) & (self.chain_of < chains)
        turns = self.sharding.num_devices if one_thread and jax.default_backend() == "cpu" else 1
        device = np.arange(self.size) // (self.size // turns)
        return [walked & (device == turn) for turn in range(turns)]

    def structs(self, one: Any) -> Any:
        """Stand-ins for what belongs to each chain, from those of one chain."""
        return jax.tree.map(lambda a: jax.ShapeDtypeStruct((self.size, *a.shape), a.dtype, sharding=self.sharding), one)

    def put(self, by_chain: np.ndarray) -> Any:
        """An array whose rows are chains, on the devices."""
        return jax.device_put(by_chain, self.sharding)

    def put_chains(self, by_fit: Sequence[np.ndarray]) -> Any:
        """Arrays of shape ``(chains, ...)``, one per fit, on the devices."""
        stacked = np.stack(self._all(by_fit), axis=1)
        return self.put(stacked.reshape(self.size, *stacked.shape[2:]))

    def put_fits(self, by_fit: Sequence[Any]) -> Any:
        """Nested arrays per fit, repeated for each of its chains, on the devices."""
        return jax.tree.map(lambda *each: self.put(np.concatenate([np.stack(each)] * self.chains)), *self._all(by_fit))

    def _all[T](self, by_fit: Sequence[T]) -> list[T]:
        return [*by_fit, *[by_fit[-1]] * (self.fits - len(by_fit))]

    @property
    def fit_of(self) -> np.ndarray:
        """The fit of each chain; shape ``(size,)``."""
        return np.arange(self.size) % self.fits

    @property
    def chain_of(self) -> np.ndarray:
        """The position of each chain among those of its fit; shape ``(size,)``."""
        return np.arange(self.size) // self.fits

    def by_fit(self, by_chain: np.ndarray) -> np.ndarray:
        """Sums over the chains of each fit; shape ``(fits,)``."""
        return np.bincount(self.fit_of, by_chain, self.fits)
