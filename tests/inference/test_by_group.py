"""A hierarchy's density by what its groups share."""

from functools import partial

import jax
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.by_group import in_parts
from bayeslaw.inference.base import devices
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.starts import starts_of
from tests.simulate import simulated_runs

TRUTH = {"E": 1.8, "A": 0.6, "alpha": 0.2, "sigma": 0.01}
POOLS = {
    "partial": None,
    "some apart": {"E": "none", "alpha": "complete"},
    "all apart": {"E": "none", "A": "none"},
}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_what_groups_share_does_not_depend_on_what_is_their_own(pool):
    law = bl.law("power_law")
    runs = simulated_runs(law, np.random.default_rng(1), 600, families=12, parameters=TRUTH)
    plan = make_plan(law, runs, "family", pool)
    assert suited(plan) is Conditional
    rng = np.random.default_rng(2)
    with devices.float64():
        problem = Problem.of(plan)
        model, args = problem.model, problem.args
        coordinates = Conditional.at_mode(problem, starts_of(plan.structure, model, 0))
        own = coordinates.own
        one = rng.standard_normal(model.size)
        other = one.copy()
        other[own] = rng.standard_normal(own.shape)

        @partial(jax.jit, compiler_options=devices.HASTY)  # it runs three times
        def both(z, args):
            x, log_det = coordinates.forward(z, model, args)
            parts = coordinates.in_parts(z)
            return in_parts(plan.structure, model, coordinates, parts, args), log_det - model.potential(x, args)

        (shared, by_group), whole = jax.tree.map(np.asarray, both(one, args))
        (shared_again, by_group_again), whole_again = jax.tree.map(np.asarray, both(other, args))
        first = one.copy()
        first[own[0]] = other[own[0]]
        (_, by_group_first), _ = jax.tree.map(np.asarray, both(first, args))
    assert shared == pytest.approx(shared_again, abs=1e-8)
    assert shared + by_group.sum() == pytest.approx(whole, abs=1e-8)
    assert shared_again + by_group_again.sum() == pytest.approx(whole_again, abs=1e-8)
    assert by_group_first[0] == pytest.approx(by_group_again[0], abs=1e-8)
    assert by_group_first[1:] == pytest.approx(by_group[1:], abs=1e-8)
    assert abs(whole - whole_again) > 1.0
