"""Back from flat coordinates to the ball: the inverse of every transport."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.fit.geometry import rewhitened
from bayeslaw.fit.inference import find_geometry, flat_model, kind_of, scales_of
from bayeslaw.fit.plan import make_plan
from bayeslaw.fit.transports import TRANSPORTS
from bayeslaw.fit.whitening import INVERSES, on_ball
from tests.simulate import simulated_runs

LAW = bl.law("power_law")
# Rows and families by the coordinates that suit them.
PLANS = {"affine": (96, None), "following": (24, 3), "conditional": (480, 12), "piloted": (480, 12)}
assert PLANS.keys() == TRANSPORTS.keys() == INVERSES.keys()


@pytest.mark.parametrize("kind", PLANS)
def test_there_and_back(kind):
    rows, families = PLANS[kind]
    runs = simulated_runs(LAW, np.random.default_rng(2), rows, families=families)
    plan = make_plan(LAW, runs, family="family" if families else None)
    assert kind_of(plan) == kind.replace("piloted", "conditional")
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        data = jax.tree.map(jnp.asarray, plan.data())
        model = flat_model(plan.structure)
        scales = None if kind == "affine" else scales_of(plan.structure, model, by_group=kind != "following")
        geometry = find_geometry(plan.structure, model, data, scales, seed=0)
        if kind == "piloted":
            geometry = rewhitened(geometry, 0.5 + rng.standard_normal((1000, model.size)))
        z = 0.5 * rng.standard_normal((1, 5, model.size))

        @jax.jit  # the data are an argument: NumPyro looks into constants, and refuses the weight 0 of padding
        def forth(z, arrays, data):
            x, log_det = TRANSPORTS[kind](z, arrays, model, (data,))
            return x, log_det - model.potential(x, (data,))

        x, expected = jax.vmap(forth, in_axes=(0, None, None))(z[0], dict(geometry.arrays), data)
        ball = on_ball(model, (data,), np.asarray(x)[None], geometry)
        np.testing.assert_allclose(ball.draws, z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ball.log_density(z[0]), expected, rtol=1e-9)
