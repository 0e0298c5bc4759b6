"""A hierarchy's density by what its groups share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.by_group import in_parts
from bayeslaw.inference.base import devices
from bayeslaw.inference.coordinates.geometry import conditional
from bayeslaw.inference.infer import find_geometry, flat_model, kind_of, scales_of
from bayeslaw.inference.model.plan import make_plan
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
    assert kind_of(plan) == "conditional"
    rng = np.random.default_rng(2)
    with devices.float64():
        data, model = jax.tree.map(jnp.asarray, plan.data()), flat_model(plan.structure)
        scales = scales_of(plan.structure, model, by_group=True)
        arrays = find_geometry(plan.structure, model, data, scales, 0).arrays
        count, (groups, each) = len(arrays["t"]), arrays["group_o"].shape
        one = rng.standard_normal(model.size)
        own = slice(count, count + groups * each)
        other = one.copy()
        other[own] = rng.standard_normal(groups * each)

        @jax.jit
        def both(z, args):
            x, log_det = conditional(z, arrays)
            parts = jnp.split(z, [count, count + groups * each])
            parts[1] = parts[1].reshape(groups, each)
            return in_parts(plan.structure, model, *parts, arrays, args), log_det - model.potential(x, args)

        (shared, by_group), whole = jax.tree.map(np.asarray, both(one, (data,)))
        (shared_again, by_group_again), whole_again = jax.tree.map(np.asarray, both(other, (data,)))
        first = one.copy()
        first[own] = np.concatenate([other[own][:each], one[own][each:]])
        (_, by_group_first), _ = jax.tree.map(np.asarray, both(first, (data,)))
    assert shared == pytest.approx(shared_again, abs=1e-8)
    assert shared + by_group.sum() == pytest.approx(whole, abs=1e-8)
    assert shared_again + by_group_again.sum() == pytest.approx(whole_again, abs=1e-8)
    assert by_group_first[0] == pytest.approx(by_group_again[0], abs=1e-8)
    assert by_group_first[1:] == pytest.approx(by_group[1:], abs=1e-8)
    assert abs(whole - whole_again) > 1.0
