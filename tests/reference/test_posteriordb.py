"""Posteriors whose moments others have published or computed without a sampler.

Any NumPyro model goes through ``sample``, so the sampler is held to problems that have nothing to do with laws.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

from bayeslaw.inference.base.diagnostics import bulk_ess
from bayeslaw.inference.infer import sample
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.inference.sampler.settings import Settings

SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def assert_mean(draws: np.ndarray, expected: float, digits: float) -> None:
    """A mean is the reference's, within four of its Monte-Carlo errors and the reference's last digit."""
    error = draws.std() / np.sqrt(bulk_ess(draws[..., None])[0])
    assert abs(draws.mean() - expected) < 4 * error + digits, f"{draws.mean()} is not {expected} (MCSE {error:.4f})"


def eight_schools(outcome, error) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    standard = numpyro.sample("standard", dist.Normal(0, 1).expand([8]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * standard, error), obs=outcome)


@pytest.fixture(scope="module")
def schools() -> Draws:
    return sample(eight_schools, (SCHOOLS, ERRORS), Settings(draws=2500, target_accept=0.9), seed=1)


def test_eight_schools_converges(schools: Draws) -> None:
    schools.diagnostics.require()


@pytest.mark.parametrize(
    ("name", "power", "expected"), [("mu", 1, 4.4105), ("tau", 1, 3.6021), ("mu", 2, 30.403), ("tau", 2, 23.204)]
)
def test_eight_schools_has_its_moments(schools: Draws, name: str, power: int, expected: float) -> None:
    """Two-dimensional quadrature gives them: the schools' effects integrate out in closed form."""
    assert_mean(schools.values[name] ** power, expected, digits=10 ** (power - 5))


# A one-compartment model of a drug: absorbed at a rate k_a, eliminated at a rate that saturates (Michaelis-Menten).
# The model, dose and times of posteriordb's one_comp_mm_elim_abs; the measurements are made here, near its posterior.
DOSE, VOLUME = 30.0, 2.0
TIMES = 0.5 * np.arange(1, 21)
STEPS = 10  # Runge-Kutta steps between measurements: doubling them moves log C by a thousandth of the noise


def concentration(k_a, k_m, v_m, steps: int = STEPS):
    """The concentration at `TIMES`, from 0 at time 0."""
    h = TIMES[0] / steps

    def slope(t, c):
        return jnp.exp(-k_a * t) * DOSE * k_a / VOLUME - v_m / VOLUME * c / (k_m + c)

    def step(c, t):
        a = slope(t, c)
        b = slope(t + h / 2, c + h / 2 * a)
        d = slope(t + h / 2, c + h / 2 * b)
        return c + h / 6 * (a + 2 * b + 2 * d + slope(t + h, c + h * d)), None

    def between(c, t):
        c, _ = jax.lax.scan(step, c, t)
        return c, c

    grid = jnp.arange(len(TIMES) * steps).reshape(-1, steps) * h
    return jax.lax.scan(between, 0.0 * k_a, grid)[1]


def drug(measured) -> None:
    k_a, k_m, v_m, sigma = (numpyro.sample(name, dist.HalfCauchy(1.0)) for name in ("k_a", "K_m", "V_m", "sigma"))
    numpyro.sample("C", dist.LogNormal(jnp.log(concentration(k_a, k_m, v_m)), sigma), obs=measured)


def test_a_differential_equation_is_sampled() -> None:
    """Moments of the drug's posterior are those of importance sampling, which knows nothing of gradients or chains."""
    with jax.enable_x64(True):
        truth = np.asarray(concentration(0.75, 2.5, 1.0))
        finer = np.asarray(concentration(0.75, 2.5, 1.0, 2 * STEPS))
        np.testing.assert_allclose(np.log(truth), np.log(finer), atol=1e-4)
        measured = truth * np.exp(0.1 * np.random.default_rng(194838).standard_normal(len(TIMES)))
        # K_m and V_m run off together far beyond the mode: small steps, or a chain can stay out there for a while.
        draws = sample(drug, (measured,), Settings(draws=1500, target_accept=0.99), seed=2)
        draws.diagnostics.require()

        # The draws only place a wide Student-t in the unbounded coordinates; its own draws are the reference.
        flat = draws.flat.reshape(-1, 4)
        rng = np.random.default_rng(3)
        root = np.linalg.cholesky(1.5 * np.cov(flat.T))
        normal, gamma = rng.standard_normal((40_000, 4)), rng.chisquare(5, 40_000) / 5
        x = flat.mean(axis=0) + normal @ root.T / np.sqrt(gamma)[:, None]
        proposal = -(5 + 4) / 2 * np.log1p((normal**2).sum(axis=1) / gamma / 5)
        target = -np.asarray(jax.jit(jax.vmap(lambda v: draws.model.potential(v, (measured,))))(x))
    # Far out in its tails the proposal finds rates too fast for the steps, where the posterior has no mass.
    ratio = np.where(np.isfinite(target), target - proposal, -np.inf)
    assert np.isinf(ratio).mean() < 0.01
    weights = np.exp(ratio - ratio.max())
    weights /= weights.sum()
    assert 1 / (weights**2).sum() > 2_000
    for name, reference in draws.model.constrain(x).items():
        # Means of logarithms: the tails of K_m are too long for the mean itself to have an error one can trust.
        expected = float(weights @ np.log(reference))
        error = float(np.sqrt(weights**2 @ (np.log(reference) - expected) ** 2))
        assert_mean(np.log(draws.values[name]), expected, digits=4 * error)
