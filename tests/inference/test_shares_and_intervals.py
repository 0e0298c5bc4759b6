"""Likelihoods of shares, of losses above a floor and of outcomes that are known to lie between two, against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import exponnorm, norm, t

import bayeslaw as bl
from bayeslaw.inference.base import devices
from bayeslaw.inference.model import distributions
from bayeslaw.language.formula.likelihoods import LIKELIHOODS, NARROW


def log_prob(name: str, value: np.ndarray, *arguments: float) -> np.ndarray:
    with devices.float64():
        full = (jnp.full(len(value), each) for each in arguments)
        return np.asarray(distributions.LIKELIHOODS[name](*full).log_prob(jnp.asarray(value)))


@pytest.mark.parametrize(("sd", "excess"), [(0.02, 0.3), (0.3, 0.3), (0.3, 0.05)])
def test_losses_above_a_floor_are_a_normal_and_an_exponential(sd: float, excess: float) -> None:
    """SciPy's exponentially modified normal on the log; of a bound, its tail."""
    r = np.array([-2 * sd, 0.0, 0.5 * excess, excess + sd, 4 * excess])
    value, exact = 2.0 * np.exp(r), exponnorm(excess / sd, scale=sd)
    np.testing.assert_allclose(log_prob("LogFloor", value, 2.0, sd, excess, 0.0), exact.logpdf(r) - np.log(value),
                               rtol=1e-8)  # fmt: skip
    np.testing.assert_allclose(np.exp(log_prob("LogFloor", value, 2.0, sd, excess, -1.0)), exact.cdf(r), rtol=1e-6)
    np.testing.assert_allclose(np.exp(log_prob("LogFloor", value, 2.0, sd, excess, 1.0)), exact.sf(r), rtol=1e-6)


@pytest.mark.parametrize("half_width", [0.0, 0.5e-3, 1e-2, 0.35, 2.0])
def test_an_outcome_within_an_interval_has_its_mean_density(half_width: float) -> None:
    """By SciPy's distribution function; from the middle of the distribution out to its tails."""
    sd, z = 0.3, np.array([-8.0, -2.0, 0.0, 0.7, 5.0])
    value = 2.0 * np.exp(sd * z)
    h = half_width / sd
    mass = np.where(z < 0, norm.cdf(z + h) - norm.cdf(z - h), norm.sf(z - h) - norm.sf(z + h))
    expected = norm.pdf(z) / (sd * value) if half_width == 0 else mass / (2 * half_width * value)
    found = np.exp(log_prob("LogNormalWithin", value, 2.0, sd, half_width, 0.0))
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(np.exp(log_prob("LogNormalWithin", value, 2.0, sd, 0.3, 1.0)), norm.sf(z), rtol=1e-9)
    np.testing.assert_allclose(np.exp(log_prob("LogNormalWithin", value, 2.0, sd, 0.3, -1.0)), norm.cdf(z), rtol=1e-9)


@pytest.mark.parametrize("z", [-60.0, 0.0, 60.0])
def test_slopes_of_intervals_are_finite_and_meet_where_the_two_forms_do(z: float) -> None:
    def density(log_median, sd, half_width, bound):
        family = distributions.LIKELIHOODS["LogNormalWithin"](jnp.exp(log_median), sd, half_width, bound)
        return family.log_prob(jnp.exp(0.3 * z))

    with devices.float64():
        slopes = jax.jit(jax.grad(density, (0, 1)))
        for bound in (-1.0, 0.0, 1.0):
            for half_width in (0.0, 0.35):
                assert np.isfinite(slopes(0.0, 0.3, half_width, bound)).all()
        below, above = (np.array(slopes(0.0, 0.3, 0.3 * NARROW * s, 0.0)) for s in (0.999, 1.001))
    np.testing.assert_allclose(below, above, rtol=1e-4, atol=1e-6)


def test_shares_have_noise_on_the_logit() -> None:
    share = np.array([1e-9, 0.2, 0.5, 0.97])
    logit, slope = np.log(share / (1 - share)), 1 / (share * (1 - share))
    expected = norm.logpdf(logit, np.log(0.3 / 0.7), 0.8) + np.log(slope)
    np.testing.assert_allclose(log_prob("LogitNormal", share, 0.3, 0.8), expected, rtol=1e-12)
    heavy = t.logpdf(logit, 4.0, np.log(0.3 / 0.7), 0.8) + np.log(slope)
    np.testing.assert_allclose(log_prob("LogitStudentT", share, 4.0, 0.3, 0.8), heavy, rtol=1e-12)


@pytest.mark.parametrize("name", ["LogitNormal", "LogitStudentT"])
def test_the_spread_of_a_share_is_its_slope_times_that_of_the_logit(name: str) -> None:
    """For small noise, within four standard errors of a standard deviation."""
    arguments = {"df": 200.0, "middle": 0.3, "logit_sd": 0.05, "logit_scale": 0.05}
    family = LIKELIHOODS[name]
    full = [np.full(40_000, arguments[each]) for each in family.arguments]
    spread = family.spread(*full)[0]
    drawn = family.draw(np.random.default_rng(3), *full)
    assert drawn.std() == pytest.approx(spread, rel=0.02)


def test_a_known_error_of_a_share_is_taken_to_the_logit() -> None:
    law = bl.law("downstream_error").with_likelihood("LogitNormal(mean, s)", s="HalfNormal(0.1)")
    shown = str(law.with_known_error("se").output.likelihood)
    assert "se / (mean * (1 - mean))" in shown
