"""Back from flat coordinates to the ball: the inverse of every transport."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.ball import INVERSES, on_ball
from bayeslaw.inference.coordinates.geometry import rewhitened
from bayeslaw.inference.coordinates.transports import TRANSPORTS, transported
from bayeslaw.inference.infer import find_geometry, flat_model, kind_of, split_for
from bayeslaw.inference.model.plan import make_plan
from tests.simulate import simulated_runs

# Law, rows and families by the coordinates that suit them.
PLANS = {
    "affine": ("power_law", 96, None), "following": ("power_law", 24, 3), "conditional": ("power_law", 480, 12),
    "ridge": ("bnsl", 96, None),
}  # fmt: skip
assert PLANS.keys() == TRANSPORTS.keys() == INVERSES.keys()
PILOTED = ("conditional",)


@pytest.mark.parametrize(("kind", "piloted"), [(kind, False) for kind in PLANS] + [(kind, True) for kind in PILOTED])
def test_there_and_back(kind, piloted):
    name, rows, families = PLANS[kind]
    law = bl.law(name)
    runs = simulated_runs(law, np.random.default_rng(2), rows, families=families)
    plan = make_plan(law, runs, family="family" if families else None)
    assert kind_of(plan) == kind
    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        data = jax.tree.map(jnp.asarray, plan.data())
        model = flat_model(plan.structure)
        geometry = find_geometry(plan.structure, model, data, split_for(kind, plan.structure, model), seed=0)
        if piloted:
            geometry = rewhitened(geometry, 0.5 + rng.standard_normal((1000, model.size)))
        z = 0.5 * rng.standard_normal((1, 5, model.size))

        @jax.jit  # the data are an argument: NumPyro looks into constants, and refuses the weight 0 of padding
        def forth(z, arrays, data):
            x, log_det = transported(kind, z, arrays, model, (data,))
            return x, log_det - model.potential(x, (data,))

        x, expected = jax.vmap(forth, in_axes=(0, None, None))(z[0], dict(geometry.arrays), data)
        ball = on_ball(model, (data,), np.asarray(x)[None], geometry)
        np.testing.assert_allclose(ball.draws, z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ball.log_density(z[0]), expected, rtol=1e-9)
