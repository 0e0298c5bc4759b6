"""Emergence: intervals of thresholds hold the truth as often as they say, and no pass at all is worth its trials."""

import numpy as np
import pytest
from scipy.stats import beta

import bayeslaw as bl
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from tests.simulate import simulated_runs

LAW = bl.law("emergence_logistic").with_priors(chance="Constant(0.1)")
VALUE, LEVEL = 0.4, 0.9
SIMULATIONS = 200


def true_threshold(truth: dict[str, float], within: tuple[float, float]) -> float:
    """Where the logistic crosses, infinite outside the range."""
    way = (VALUE - 0.1) / (0.9 * truth["top"])
    if way >= 1:
        return np.inf
    place = truth["C_half"] * (way / (1 - way)) ** (1 / truth["k"])
    return np.inf if place > within[1] else -np.inf if place < within[0] else place


@pytest.mark.slow
def test_intervals_of_thresholds_cover_the_truth():
    """Of abilities drawn from the prior; those that never appear are covered by an end beyond the range."""
    rng = np.random.default_rng(11)
    truths = [{name: float(each[0]) for name, each in LAW.draw_prior(rng, 1).items()} for _ in range(SIMULATIONS)]
    plans = [make_plan(LAW, simulated_runs(LAW, rng, 24, parameters=truth)) for truth in truths]
    hits = 0
    # An interval of 300 draws covers no more often than one of many.
    for truth, posterior in zip(truths, fit_many(plans, draws=300, warmup=150, chains=1), strict=True):
        # The truth is the law itself: nothing drifts.
        found = bl.threshold(posterior, VALUE, level=LEVEL, drift=False, allow_unconverged=True)
        hits += found.scale.lower <= true_threshold(truth, found.within) <= found.scale.upper
    # Within 2.4 standard errors of a share of 0.9.
    assert 0.85 <= hits / SIMULATIONS <= 0.95


@pytest.mark.parametrize("trials", [10, 1000])
def test_no_pass_in_many_trials_says_what_their_number_is_worth(trials):
    """At the reference scale the chance has a Beta prior and counts are Binomial, so its posterior is a Beta."""
    law = bl.law("passuntil").with_priors(alpha="Constant(0.4)")
    never = {"n_params": np.full(4, 1e9), "n_trials": np.full(4, trials), "n_correct": np.zeros(4)}
    posterior = bl.fit(law, never, draws=2000)
    exact, ranks = beta(0.5, 5 + 4 * trials), [0.25, 0.5, 0.75, 0.95]
    # A quantile of 1000 independent draws, fewer than there are, has this standard error as a probability.
    errors = 4 * np.sqrt(np.multiply(ranks, np.subtract(1, ranks)) / 1000)
    assert posterior.diagnostics.ess > 1000
    np.testing.assert_array_less(np.abs(exact.cdf(np.quantile(posterior.draws("p"), ranks)) - ranks), errors)
