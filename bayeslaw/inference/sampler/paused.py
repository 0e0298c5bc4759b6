"""Chains that were interrupted: their places and draws in a file, from which they are walked on.

The draws are the same to the bit as those of chains that were never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.errors import FileError
from bayeslaw.inference.base.arrays import UNREADABLE, read_arrays, write_arrays
from bayeslaw.inference.sampler.growing import Growing
from bayeslaw.inference.sampler.program import BLOCK

# Names in a file: blocks that were walked, when draws are looked at next, leaves of the places, draws by name.
BLOCKS, LOOK, PLACE, DRAWS = "blocks", "look", "place.{}", "draws."


@dataclass
class Stand:
    """Where the chains of a fit stand after some whole blocks.

    Attributes
    ----------
    blocks
        How many blocks were walked.
    places
        Of the chains, by share.
    look
        The number of draws at which it is next asked whether they are enough.
    """

    blocks: int
    places: list[Any]
    look: int


@dataclass(frozen=True)
class Paused:
    """The file of a fit that was interrupted, if it was.

    Parameters
    ----------
    path
        The file.
    option
        The argument that names its folder, for a message.
    """

    path: Path
    option: str

    def taken_up(self, begun: list[Any], growing: Growing) -> Stand:
        """Where the chains of a fit stand: at their beginning, or where they were when they were interrupted.

        Parameters
        ----------
        begun
            Their places at the beginning.
        growing
            Their draws, which are filled in.

        Raises
        ------
        FileError
            When the file cannot be read.
        """
        try:
            found = read_arrays(self.path)
            leaves, tree = jax.tree.flatten(begun)
            places = [_like(leaf, found[PLACE.format(i)]) for i, leaf in enumerate(leaves)]
            draws = {name.removeprefix(DRAWS): values for name, values in found.items() if name.startswith(DRAWS)}
            growing.put(np.arange(growing.settings.chains), 0, draws)
            growing.look = int(found[LOOK])
            return Stand(int(found[BLOCKS]), jax.tree.unflatten(tree, places), growing.look)
        except FileNotFoundError:
            return Stand(0, begun, growing.look)
        except UNREADABLE as error:
            raise FileError(f"{self.path}: is not an interrupted fit ({error}); delete it to begin anew.") from None

    @contextmanager
    def kept(self, stand: Stand, growing: Growing) -> Iterator[None]:
        """Keep where chains stand when they are interrupted, and nothing once they have arrived."""
        try:
            yield
        except KeyboardInterrupt:
            if stand.blocks:
                leaves = {
                    PLACE.format(i): np.asarray(_plain(leaf)) for i, leaf in enumerate(jax.tree.leaves(stand.places))
                }
                draws = {DRAWS + name: values for name, values in growing.walked(stand.blocks * BLOCK).items()}
                write_arrays(self.path, {BLOCKS: stand.blocks, LOOK: stand.look, **leaves, **draws}, self.option)
            raise
        self.path.unlink(missing_ok=True)


def _plain(leaf: Any) -> Any:
    """An array, or the data of an array of keys."""
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _like(leaf: Any, values: np.ndarray) -> Any:
    """Values in place of an array or of keys, on the same devices."""
    plain = _plain(leaf)
    put = jax.device_put(values.reshape(plain.shape).astype(plain.dtype), plain.sharding)
    return put if plain is leaf else jax.random.wrap_key_data(put, impl=jax.random.key_impl(leaf))
