"""Densities in NumPy are those of the sampler."""

import jax.numpy as jnp
import numpy as np
import pytest

from bayeslaw.inference.base import devices
from bayeslaw.inference.model import distributions
from bayeslaw.inference.posterior.densities import DENSITIES
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from tests.words import typical

# Shares that round to 0 or 1, a billion trials, outcomes that are only bounded.
EDGES = [
    ("LogStudentT", (60.0, 1e-3, 0.01)),
    ("LogFrontier", (2.0, 0.1, 0.3, -1.0)), ("LogFrontier", (2.0, 0.1, 0.3, 1.0)),
    ("LogFloor", (2.0, 0.1, 0.3, -1.0)), ("LogFloor", (2.0, 0.1, 0.3, 1.0)),
    ("LogNormalWithin", (2.0, 0.1, 0.0, 0.0)), ("LogNormalWithin", (2.0, 0.1, 0.3, 1.0)),
    ("LogNormalWithin", (2.0, 0.1, 0.3, -1.0)), ("LogitNormal", (1e-9, 0.5)), ("LogitStudentT", (3.0, 1e-9, 0.5)),
    ("Beta", (1e-3, 900.0)), ("Binomial", (1e9, 1e-9)), ("Binomial", (20.0, 0.0)), ("Binomial", (20.0, 1.0)),
    ("BetaBinomial", (1e4, 0.01, 30.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), [*((name, typical(row)) for name, row in LIKELIHOODS.items()), *EDGES])
def test_a_density_is_that_of_the_sampler(name, arguments):
    full = [np.full(50, each) for each in arguments]
    drawn = np.asarray(LIKELIHOODS[name].draw(np.random.default_rng(3), *full), dtype=float)
    with devices.float64():
        expected = np.asarray(distributions.LIKELIHOODS[name](*(jnp.asarray(each) for each in full)).log_prob(drawn))
    np.testing.assert_allclose(DENSITIES[name](drawn, *full), expected, rtol=1e-8, atol=1e-8)
