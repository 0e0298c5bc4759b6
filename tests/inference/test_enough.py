"""Sampling stops when the draws are enough, and not before."""

from __future__ import annotations

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.inference.base.diagnostics import bulk_ess, tail_ess
from bayeslaw.inference.many import infer_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.sampler.growing import FIRST_LOOK, ROUND
from bayeslaw.inference.sampler.settings import CHEAP, ENOUGH
from tests.linear import linear_law, linear_runs

LINE = linear_law("line")


@pytest.fixture(scope="module")
def posterior() -> bl.Posterior:
    return bl.fit(LINE, linear_runs(), seed=1)


def test_there_are_fewer_draws_than_allowed_and_enough(posterior):
    _, draws, _ = posterior.flat.shape
    assert FIRST_LOOK <= draws < CHEAP.draws
    assert draws % ROUND == 0
    assert posterior.diagnostics.converged
    assert bulk_ess(posterior.flat).min() >= ENOUGH
    assert tail_ess(posterior.flat).min() >= ENOUGH


def test_it_stopped_at_the_first_look_that_was_enough(posterior):
    """A fifth fewer draws are not enough, unless there was no look before."""
    _, draws, _ = posterior.flat.shape
    fewer = posterior.flat[:, : int(draws / 1.5)]
    assert draws == FIRST_LOOK or min(bulk_ess(fewer).min(), tail_ess(fewer).min()) < ENOUGH


def test_the_draws_are_the_first_of_those_that_were_asked_for(posterior):
    """The number of draws that is asked for is fixed, more than enough or less."""
    for draws in (100, 900):
        fixed = bl.fit(LINE, linear_runs(), seed=1, draws=draws, patience=False)
        assert fixed.flat.shape[1] == draws
        both = min(draws, posterior.flat.shape[1])
        np.testing.assert_array_equal(fixed.flat[:, :both], posterior.flat[:, :both])
        for name, values in fixed.stats.items():
            np.testing.assert_array_equal(values[:, :both], posterior.stats[name][:, :both])


def test_each_of_many_fits_stops_by_itself(posterior):
    """Whoever stops first leaves the others as they are: all draws are those of fits that are alone."""
    plan = make_plan(LINE, linear_runs())
    outcomes = plan.outcome + np.random.default_rng(0).normal(0.0, 0.3, (8, len(plan.outcome)))
    plans = [plan, *(plan.with_outcome(outcome) for outcome in outcomes)]
    found = dict(infer_many(plans, range(1, len(plans) + 1)))
    assert len({draws.flat.shape[1] for draws in found.values()}) > 1
    for draws in found.values():
        assert min(bulk_ess(draws.flat).min(), tail_ess(draws.flat).min()) >= ENOUGH
    # The program for many fits is another one, which XLA may round differently.
    both = min(found[0].flat.shape[1], posterior.flat.shape[1])
    np.testing.assert_allclose(found[0].flat[:, :both], posterior.flat[:, :both], rtol=1e-6, atol=1e-8)


def test_all_draws_are_taken_where_they_are_not_enough():
    """With one chain a few hundred draws are not worth a thousand, and progress ends where it said it would."""
    told = []
    posterior = bl.fit(LINE, linear_runs(), chains=1, patience=False, progress=lambda *counts: told.append(counts))
    _, draws, _ = posterior.flat.shape
    effective = min(bulk_ess(posterior.flat).min(), tail_ess(posterior.flat).min())
    assert effective >= ENOUGH or draws == CHEAP.draws
    assert told[-1][0] == told[-1][1]


def test_progress_ends_at_all_draws_though_they_were_not_needed(posterior):
    told = []
    bl.fit(LINE, linear_runs(), seed=1, progress=lambda *counts: told.append(counts))
    assert told[-1] == (4 * (CHEAP.warmup + CHEAP.draws),) * 2
