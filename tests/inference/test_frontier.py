"""The one-sided likelihood: against a convolution by quadrature, and doubling times against simulated truth."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import exponnorm, kstest, norm

import bayeslaw as bl
from bayeslaw.inference.base import devices
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model import distributions
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.language.formula.likelihoods import LIKELIHOODS

FRONTIER = 2.0
SCALES = list(itertools.product((0.02, 0.3, 1.0), (0.05, 0.5, 2.0)))


def log_prob(value: np.ndarray, sd: float, shortfall: float, bound: float) -> np.ndarray:
    with devices.float64():
        arguments = (jnp.full(len(value), each) for each in (FRONTIER, sd, shortfall, bound))
        return np.asarray(distributions.LIKELIHOODS["LogFrontier"](*arguments).log_prob(jnp.asarray(value)))


def places(sd: float, shortfall: float) -> np.ndarray:
    """Logs of values over the frontier, from far below to above it."""
    return np.array([-6 * shortfall - 2 * sd, -shortfall, -0.3 * sd, 0.0, 0.8 * sd, 3 * sd])


@pytest.mark.parametrize(("sd", "shortfall"), SCALES)
def test_the_density_is_a_normal_convolved_with_an_exponential(sd, shortfall):
    for r in places(sd, shortfall):
        # Where the integrand is not negligible: noise within ten standard deviations.
        low, high = max(0.0, -r - 10 * sd), max(0.0, -r + 10 * sd)
        exact, _ = quad(
            lambda u, r=r: norm.pdf(r + u, scale=sd) * np.exp(-u / shortfall) / shortfall, low, high,
            epsabs=0, epsrel=1e-11, limit=200, points=[max(low, -r)],
        )  # fmt: skip
        value = FRONTIER * np.exp([r])
        assert log_prob(value, sd, shortfall, 0.0)[0] == pytest.approx(np.log(exact / value[0]), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("sd", "shortfall"), SCALES)
def test_a_censored_outcome_counts_with_its_tail(sd, shortfall):
    """SciPy's exponentially modified normal lies on the other side."""
    r = places(sd, shortfall)
    mirrored = exponnorm(shortfall / sd, scale=sd)
    value = FRONTIER * np.exp(r)
    np.testing.assert_allclose(np.exp(log_prob(value, sd, shortfall, -1.0)), mirrored.sf(-r), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.exp(log_prob(value, sd, shortfall, 1.0)), mirrored.cdf(-r), rtol=1e-6, atol=1e-12)


@pytest.fixture(scope="module")
def derivatives():
    """Gradient and Hessian of the log density by the log of the frontier, sd and shortfall, at `r` and `bound`."""

    def density(log_frontier, sd, shortfall, r, bound):
        family = distributions.LIKELIHOODS["LogFrontier"](jnp.exp(log_frontier), sd, shortfall, bound)
        return family.log_prob(FRONTIER * jnp.exp(r))

    by = (0, 1, 2)
    return jax.jit(lambda *at: (jax.grad(density, by)(*at), jax.hessian(density, by)(*at)))


@pytest.mark.parametrize("bound", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("r", [-60.0, 0.0, 60.0])
def test_gradients_far_from_the_frontier_are_finite(derivatives, r, bound):
    with devices.float64():
        found = derivatives(*(jnp.asarray(each) for each in (np.log(FRONTIER), 0.3, 0.7, r, bound)))
    assert np.isfinite(jax.tree.leaves(found)).all()


def test_draws_follow_the_density():
    rng = np.random.default_rng(3)
    drawn = LIKELIHOODS["LogFrontier"].draw(rng, *(np.full(4000, each) for each in (FRONTIER, 0.3, 0.7, 0.0)))
    assert kstest(-np.log(drawn / FRONTIER), exponnorm(0.7 / 0.3, scale=0.3).cdf).pvalue > 0.01


# --- doubling time ----------------------------------------------------------------------------------------------

LAW, SIMULATIONS, NETWORKS = bl.law("densing"), 200, 50
# What a reference family can tell apart: below and above, a score is at its floor or its ceiling.
TELLS = (0.02, 50.0)


def simulated(rng: np.random.Generator) -> tuple[bl.Runs, float]:
    """Releases over two and a half years with known errors, and the true doubling time."""
    truth = {name: float(values[0]) for name, values in LAW.draw_prior(rng, 1).items()}
    day, error = rng.uniform(-400, 500, NETWORKS), rng.uniform(0.1, 0.5, NETWORKS)
    frontier = LAW.mean({"t": day}, truth)
    sd = np.hypot(truth["sigma"], error)
    density = LIKELIHOODS["LogFrontier"].draw(rng, frontier, sd, truth["shortfall"], 0.0)
    bound = np.select([density < TELLS[0], density > TELLS[1]], [-1.0, 1.0], 0.0)
    table = {"day": day, "log_density_se": error, "density": np.clip(density, *TELLS), "bound": bound}
    return bl.read_runs(table), truth["doubling"]


@pytest.mark.slow
def test_intervals_of_the_doubling_time_cover_the_truth():
    """With outcomes at floor and ceiling known as such."""
    rng = np.random.default_rng(8)
    tables, truths = zip(*(simulated(rng) for _ in range(SIMULATIONS)), strict=True)
    plans = [make_plan(LAW, runs) for runs in tables]
    assert {suited(plan) for plan in plans} == {Affine}  # following the predictions of so few runs would fold
    hits = 0
    for truth, posterior in zip(truths, fit_many(plans, draws=500, warmup=200, chains=1), strict=True):
        low, high = np.quantile(posterior.draws("doubling"), [0.05, 0.95])
        hits += low <= truth <= high
    censored = sum(np.count_nonzero(runs.column("bound")) for runs in tables)
    assert censored > 0.1 * SIMULATIONS * NETWORKS
    # Within 2.4 standard errors of a share of 0.9.
    assert 0.85 <= hits / SIMULATIONS <= 0.95, hits
