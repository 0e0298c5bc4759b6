"""Random numbers from straight-line code: JAX's own, bit for bit."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from bayeslaw.inference.base import devices
from bayeslaw.inference.sampler.random_bits import STRAIGHT, with_bits

DRAWS = {
    "split": lambda key: jax.random.key_data(jax.random.split(key, 5)),
    "split in two": lambda key: jax.random.key_data(jax.random.split(key, (2, 3))),
    "fold in": lambda key: jax.random.key_data(jax.random.fold_in(key, 12_345)),
    "bits of 8": lambda key: jax.random.bits(key, (9,), "uint8"),
    "bits of 16": lambda key: jax.random.bits(key, (9,), "uint16"),
    "bits of 32": lambda key: jax.random.bits(key, (9,), "uint32"),
    "bits of 64": lambda key: jax.random.bits(key, (9,), "uint64"),
    "uniform": jax.random.uniform,
    "normal": lambda key: jax.random.normal(key, (3, 7)),
    "bernoulli": lambda key: jax.random.bernoulli(key, 0.3, (50,)),
    "Student-t": lambda key: jax.random.t(key, 5.0, (4,)),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_numbers_are_those_of_jax(draw) -> None:
    with devices.float64():
        for seed in (0, 7, 2**40 + 3):
            raw = jax.random.PRNGKey(seed)
            np.testing.assert_array_equal(draw(with_bits(raw)), draw(jax.random.wrap_key_data(raw)))


def test_seeds_are_those_of_jax() -> None:
    with devices.float64():
        for seed in (0, 7, 2**40 + 3):
            np.testing.assert_array_equal(
                jax.random.key_data(jax.random.key(seed, impl=STRAIGHT)), jax.random.PRNGKey(seed)
            )


def test_there_is_no_loop() -> None:
    """In the place of the loop over rounds, which is why the module exists."""
    raw = jax.random.PRNGKey(0)

    def text(key) -> str:
        return jax.jit(lambda: jax.random.normal(key, (3,))).lower().as_text()

    assert "while" in text(jax.random.wrap_key_data(raw))
    assert "while" not in text(with_bits(raw))
