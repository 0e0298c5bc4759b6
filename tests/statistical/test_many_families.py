"""More families than a dense Hessian or a learned covariance could carry: the population is found."""

import numpy as np
import pytest

import bayeslaw as bl
from tests.simulate import simulated_runs

pytestmark = pytest.mark.slow

TRUTH = {"E": 1.8, "A": 0.35, "B": 0.4, "alpha": 0.35, "beta": 0.3, "sigma": 0.004, "nu": 8.0}
POOLED = ("E", "A", "B", "alpha", "beta")


@pytest.fixture(scope="module")
def posterior() -> bl.Posterior:
    runs = simulated_runs(bl.law("chinchilla"), np.random.default_rng(7), 800, families=40, parameters=TRUTH)
    return bl.fit("chinchilla", runs, "family", draws=600, patience=False)


def test_forty_families_are_sampled_without_divergence(posterior):
    assert posterior.flat.shape[-1] > 200
    posterior.diagnostics.require()
    assert posterior.diagnostics.divergences == 0


def test_the_population_is_within_four_standard_deviations(posterior):
    for name in TRUTH:
        draws = np.log(posterior.draws(name))
        assert abs(draws.mean() - np.log(TRUTH[name])) < 4 * draws.std(), name


def test_the_spreads_are_within_four_standard_deviations(posterior):
    """Of log spreads; the simulation's are a tenth of what their priors expect."""
    for name in POOLED:
        truth = 0.1 * posterior.law.parameters[name].spread.median()
        draws = np.log(posterior.draws(f"{name}_spread_family"))
        assert abs(draws.mean() - np.log(truth)) < 4 * draws.std(), name
