"""There and back: forward and inverse of all coordinates, and what a compiled program is made for."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.ball import on_ball
from bayeslaw.inference.base import devices
from bayeslaw.inference.base.program_shapes import Shapes
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.breaks.map import BreakMap
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.suited import SUITED, suited
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.starts import starts_of
from tests.simulate import simulated_runs

# Law, rows and families by the coordinates that suit them.
PLANS = {
    Affine: ("power_law", 96, None), Following: ("power_law", 24, 3), Conditional: ("power_law", 480, 12),
    BreakMap: ("bnsl", 96, None),
}  # fmt: skip
assert PLANS.keys() == {kind for _, kind in SUITED}


# A program that runs a few times.
hastily = partial(jax.jit, compiler_options=devices.HASTY)


class Made:
    """Coordinates of a plan that they suit."""

    def __init__(self, kind):
        name, rows, families = PLANS[kind]
        law = bl.law(name)
        runs = simulated_runs(law, np.random.default_rng(2), rows, families=families)
        plan = make_plan(law, runs, family="family" if families else None)
        assert suited(plan) is kind
        with jax.enable_x64(True):
            self.problem = Problem.of(plan)
            self.coordinates = kind.at_mode(self.problem, starts_of(plan.structure, self.problem.model, 0))


@pytest.fixture(scope="module", params=PLANS, ids=lambda kind: kind.__name__)
def made(request):
    return Made(request.param)


def test_there_and_back(made):
    model, args = made.problem.model, made.problem.args
    with jax.enable_x64(True):
        z = 0.5 * np.random.default_rng(3).standard_normal((1, 5, model.size))

        # The data are an argument: NumPyro looks into constants, and refuses the weight 0 of padding.
        def forth(z, coordinates, args):
            x, log_det = coordinates.forward(z, model, args)
            return x, log_det - model.potential(x, args)

        x, expected = hastily(jax.vmap(forth, in_axes=(0, None, None)))(z[0], made.coordinates, args)
        ball = on_ball(model, args, np.asarray(x)[None], made.coordinates)
        np.testing.assert_allclose(ball.draws, z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ball.log_density(z[0]), expected, rtol=1e-9)


def test_a_program_is_compiled_for_the_shapes_of_real_coordinates(made):
    """Of those at the mode, and of those around the mean of saved draws."""
    kind = type(made.coordinates)
    with jax.enable_x64(True):
        template = Shapes.of(kind.template(made.problem))
        assert template == Shapes.of(made.coordinates)
        middle = hastily(lambda c, args: c.forward(jnp.zeros(made.problem.model.size), made.problem.model, args)[0])
        x = np.asarray(middle(made.coordinates, made.problem.args))
        assert template == Shapes.of(kind.around(made.problem, x))
