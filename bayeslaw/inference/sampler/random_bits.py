"""JAX's default random numbers from straight-line code.

On a CPU, JAX's Threefry (Salmon, Moraes, Dror & Shaw 2011) is a loop over its rounds, which XLA runs as some hundred
small kernels: a leapfrog step draws twice, and that took as long as a gradient of a usual law, to run and to compile.
Written out, the twenty rounds are one kernel.  The numbers are the same to the bit.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import define_prng_impl

ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
PARITY = np.uint32(0x1BD11BDA)
ROUNDS = 5  # of four rotations each


@jax.jit
def threefry(key: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """Two words of random bits for each count of two words; all uint32."""
    keys = key[0], key[1], key[0] ^ key[1] ^ PARITY
    high, low = high + keys[0], low + keys[1]
    for i in range(ROUNDS):
        for by in ROTATIONS[i % 2]:
            high = high + low
            low = high ^ (low << np.uint32(by) | low >> np.uint32(32 - by))
        high, low = high + keys[(i + 1) % 3], low + keys[(i + 2) % 3] + np.uint32(i + 1)
    return high, low


def _counts(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The counts of an array's elements, in two words; fewer than 2^32 are ever drawn at once."""
    low = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    return jnp.zeros_like(low), low


def _seed(seed: Any) -> Any:
    return jnp.stack([(seed >> 32).astype(jnp.uint32), seed.astype(jnp.uint32)])


def _split(key: Any, shape: tuple[int, ...]) -> Any:
    return jnp.stack(threefry(key, *_counts(shape)), axis=-1)


def _bits(key: Any, width: int, shape: tuple[int, ...]) -> Any:
    high, low = threefry(key, *_counts(shape))
    if width == 64:
        return high.astype(jnp.uint64) << jnp.uint64(32) | low.astype(jnp.uint64)
    return (high ^ low).astype(f"uint{width}")


def _fold_in(key: Any, data: Any) -> Any:
    data = jnp.asarray(data, jnp.uint32)
    return jnp.stack(threefry(key, jnp.zeros_like(data), data))


STRAIGHT = define_prng_impl(
    key_shape=(2,), seed=_seed, split=_split, random_bits=_bits, fold_in=_fold_in, name="straight_threefry", tag="stf"
)


def with_bits(raw: Any) -> Any:
    """A key of JAX's default kind, as raw data of shape ``(2,)``, to be drawn from straight."""
    return jax.random.wrap_key_data(raw, impl=STRAIGHT)
