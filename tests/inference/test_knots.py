"""Where a ridge leads, held to a density whose ridge is known."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from scipy.stats import norm as scipy_norm

from bayeslaw.inference.coordinates.block_arrow import Partition
from bayeslaw.inference.coordinates.breaks.grid import find_knots, masses
from bayeslaw.inference.coordinates.breaks.ridge import Ridge
from bayeslaw.inference.coordinates.mode import Curvature


def two_modes(x):
    """Minus the log density of a place in two modes, and of two more that are normal given it."""
    place, off = x[0], x[1:]
    modes = jnp.array([0.3, 0.7]), jnp.array([-3.0, 2.0]), jnp.array([0.4, 0.8])
    log_place = logsumexp(jnp.log(modes[0]) + norm.logpdf(place, modes[1], modes[2]))
    width = jnp.exp(0.3 * jnp.sin(place))
    return -log_place - norm.logpdf(off, jnp.array([jnp.cos(place), place]), width).sum()


@pytest.fixture(scope="module")
def modes() -> tuple[list, Ridge]:
    """Knots along the place of `two_modes`, from a mode."""
    with jax.enable_x64(True):
        pieces = jax.jit(lambda x: (two_modes(x), jax.grad(two_modes)(x), jax.hessian(two_modes)(x)))
        dense = Partition.dense(3)

        def at(x):
            value, slope, hessian = map(np.asarray, pieces(x))
            return float(value), slope, dense.blocks(hessian)

        split = Ridge(np.array([2]), np.array([0, 1]), None, np.zeros(3), np.array([2.5, 3.0, 3.0]))
        return find_knots(Curvature(at, dense), np.array([2.0, np.cos(2.0), 2.0]), split), split


def test_knots_are_on_the_ridge(modes):
    """Everything else is at its mean given the place, as wide as it is there."""
    knots, _ = modes
    assert (np.diff([knot.value for knot in knots]) > 0.0).all()
    for knot in knots:
        np.testing.assert_allclose(knot.at, [knot.value, np.cos(knot.value), knot.value], atol=1e-4)
        np.testing.assert_allclose(knot.root, [[np.exp(0.3 * np.sin(knot.value))]], rtol=1e-6)


def test_what_lies_between_knots_is_what_the_density_says(modes):
    """The rest is normal given the place, so that Laplace's approximation is exact; a tenth is the prior's."""
    knots, _ = modes
    values = np.concatenate([[-np.inf], [knot.value for knot in knots], [np.inf]])
    density = 0.3 * scipy_norm.cdf(values, -3.0, 0.4) + 0.7 * scipy_norm.cdf(values, 2.0, 0.8)
    expected = 0.9 * np.diff(density) + 0.1 * np.diff(scipy_norm.cdf(values, 0.0, 2.5))
    found = masses(*modes)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found.max() < 0.06


def test_a_mode_far_from_the_prior_has_scores_too(modes):
    """Fifty standard deviations off it, where the prior's share is nothing."""
    knots, split = modes
    far = replace(split, middle=split.middle + 125.0)
    found = masses(knots, far)
    assert np.isfinite(scipy_norm.ppf(np.cumsum(found)[:-2])).all()
    assert found.min() > 0.0
