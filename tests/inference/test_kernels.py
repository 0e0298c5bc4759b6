"""Chains that jump, held to densities that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm
from scipy.stats import norm as scipy_norm

from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.sampler.kernels import Jumping, Tuning


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def test_jumps_lead_from_mode_to_mode_as_often_as_they_should():
    """Two modes a dozen of their sd apart, three tenths in one of them; beyond a wall there is no density."""

    def potential(z):
        log_place = logsumexp(jnp.log(jnp.array([0.3, 0.7])) + norm.logpdf(z[0], jnp.array([-1.5, 1.0]), 0.2))
        inside = -log_place - norm.logpdf(z[1], z[0], 0.5)
        return jnp.where(z[1] > 2.5, jnp.nan, inside)

    kernel = Jumping(potential, Tuning(warmup=200, max_tree_depth=10, target_accept=0.9))

    @jax.jit
    def chain(key):
        def draw(place, _):
            place = kernel.sample(place)
            return place, place.z

        return jax.lax.scan(draw, kernel.init(key, jnp.array([1.0, 1.0])), None, length=3200)[1]

    z = np.asarray(jax.lax.map(chain, jax.random.split(jax.random.PRNGKey(0), 4)))[:, 200:]
    kept = 1.0 - np.array([scipy_norm.sf(2.5, middle, np.hypot(0.2, 0.5)) for middle in (-1.5, 1.0)])
    shares = np.array([0.3, 0.7]) * kept / (np.array([0.3, 0.7]) @ kept)
    left = (z[..., 0] < 0.0).astype(float)
    assert left.mean() == pytest.approx(shares[0], abs=4.0 * left.std() / np.sqrt(mean_ess(left)))
    assert mean_ess(left) > 2000
    assert z[..., 1].max() <= 2.5
    own = z[..., 1] - z[..., 0]
    in_left = own[left == 1.0]
    assert in_left.std() == pytest.approx(0.5, rel=0.05)
    assert in_left.mean() == pytest.approx(0.0, abs=0.05)
