"""Shapes of arrays as keys of compiled programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

# Compiled programs to keep, of each kind.  One uses up to two thousand memory mappings; Linux kills a process with more
# than 65,530.
PROGRAMS_KEPT = 12


@dataclass(frozen=True, repr=False)
class Shapes:
    """Shapes of nested arrays, hashable, so that programs can be kept by them."""

    leaves: tuple[tuple[tuple[int, ...], Any], ...]
    tree: Any

    @staticmethod
    def of(arrays: Any) -> Shapes:
        """The shapes of some arrays."""
        leaves, tree = jax.tree.flatten(arrays)
        return Shapes(tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves), tree)

    def __repr__(self) -> str:
        """All that programs depend on."""
        return f"{[(shape, str(dtype)) for shape, dtype in self.leaves]} {self.tree}"

    def structs(self, sharding: Any = None) -> Any:
        """Stand-ins for the arrays, to trace with."""
        return jax.tree.unflatten(
            self.tree, [jax.ShapeDtypeStruct(shape, dtype, sharding=sharding) for shape, dtype in self.leaves]
        )
