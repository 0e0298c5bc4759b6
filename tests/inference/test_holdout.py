"""Runs hidden by weight 0: the posterior is that of the other runs, nothing is compiled, and families come anew."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import bayeslaw as bl
from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.choice import choice_for
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.holdout import refit
from bayeslaw.inference.infer import infer
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.sampler.program import _compiled
from tests.line_families import LINES, NOISE, ExactFamilies, runs_of_families
from tests.linear import Exact, exact_fit, linear_runs
from tests.posteriors import with_draws
from tests.simulate import simulated_runs

ERRORS = 4.0


def with_error(log_likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log of the mean density of each outcome, and its Monte-Carlo error."""
    density = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))
    relative = [d.std() / d.mean() / np.sqrt(mean_ess(d)) for d in np.moveaxis(density, -1, 0)]
    return logsumexp(log_likelihood, axis=(0, 1)) - np.log(density[..., 0].size), np.array(relative)


@pytest.fixture(scope="module")
def line() -> bl.Posterior:
    return exact_fit("line", linear_runs())


# Cells of a sixth of their standard deviation, which hold the spreads of four families but for one in ten thousand.
SPREADS = np.arange(0.0, 1.6, 0.02)


def exact_families(runs: bl.Runs) -> bl.Posterior:
    """The posterior of lines in families by independent draws, with no sampler in between."""
    draws = ExactFamilies.of(runs).draws(np.random.default_rng(5), (4, 500), SPREADS)
    return with_draws(make_plan(LINES, runs, "family"), draws)


@pytest.fixture(scope="module")
def families() -> bl.Posterior:
    return exact_families(runs_of_families(4, 10))


def test_what_is_hidden_is_predicted_as_if_it_had_never_been_run(line):
    hidden = line.runs.column("x") > 2.0
    found = refit(line, hidden)
    value, se = with_error(found.log_likelihood)
    np.testing.assert_allclose(found.log_density, value, rtol=1e-12)
    exact = Exact("line", line.runs)
    assert (np.abs(value - exact.log_densities(hidden)) < ERRORS * se).all()
    # All that were seen predict them otherwise: hiding does something.
    assert np.abs(exact.loo()[hidden] - exact.log_densities(hidden)).max() > 10 * se.max()


def test_nothing_is_compiled_again(line):
    refit(line, np.arange(len(line.runs)) == 3)
    before = _compiled.cache_info().misses
    refit(line, np.arange(len(line.runs)) < 5)
    assert _compiled.cache_info().misses == before


def test_a_hidden_family_is_one_drawn_from_the_population(families):
    """Against the posterior of a table that never had it, and a forecast of a new family from there."""
    hidden = families.family_grouping.index == 1
    value, se = with_error(refit(families, hidden).log_likelihood)

    seen, theirs = exact_families(families.runs.take(~hidden)), families.runs.take(hidden)
    parameters = seen.parameters({"family": "new"}, np.random.default_rng(7))
    columns = {name: values[:, None] for name, values in parameters.items()}
    density = norm(LINES.mean({"x": theirs.column("x")}, columns), NOISE).logpdf(theirs.column("y"))
    expected, other_se = with_error(density.reshape(*seen.flat.shape[:2], -1))
    assert (np.abs(value - expected) < ERRORS * np.hypot(se, other_se)).all()


def test_a_hidden_family_leaves_its_deviations_to_the_prior(families):
    """Standardised by the spread of its draw, a deviation that no run speaks of is a standard normal."""
    plan = families.plan.hiding(families.family_grouping.index == 2)
    values = infer(plan, choice_for(plan, draws=500), seed=3).values
    scores = values["b0_deviation_family"][..., 2] / values["b0_spread_family"]
    size = mean_ess(scores)
    assert abs(scores.mean()) < ERRORS / np.sqrt(size)
    assert abs((scores**2).mean() - 1.0) < ERRORS * np.sqrt(2.0 / mean_ess(scores**2))


def test_only_runs_that_are_seen_count_as_runs():
    """Coordinates are chosen by how many runs there are to a coordinate."""
    law, pool = bl.law("chinchilla"), {"E": "partial", **dict.fromkeys(("A", "B", "alpha", "beta"), "complete")}
    runs = simulated_runs(law, np.random.default_rng(1), 120, families=2)
    plan = make_plan(law, runs, "family", pool)
    fewer = plan.hiding(np.arange(120) >= 40)
    assert (suited(plan), suited(fewer)) == (Conditional, Following)
    assert suited(make_plan(law, runs.take(np.arange(40)), "family", pool)) is Following
    assert fewer.structure == plan.structure
