"""Coordinates that follow predictions: their determinant, their equation, and where they lose nothing."""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.inference.base.devices import HASTY
from bayeslaw.inference.base.diagnostics import bulk_ess
from bayeslaw.inference.choice import Choice, choice_for, next_choice
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.split import Split
from bayeslaw.inference.coordinates.suited import roundest, suited
from bayeslaw.inference.infer import infer
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.starts import starts_of
from bayeslaw.inference.sampler.settings import FEW_RUNS, Settings
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
FAMILIES = {"family": "family", "pool": {"E": "partial", "A": "partial"}}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


class Fitted:
    """A plan of few runs with the map it is sampled through."""

    def __init__(self, law, runs, **how):
        with jax.enable_x64(True):
            self.plan = make_plan(law, runs, **how)
            assert roundest(self.plan) is Following
            problem = Problem.of(self.plan)
            self.model, self.args = problem.model, problem.args
            self.split = Split.of(self.plan.structure, self.model, by_group=False)
            self.coordinates = Following.at_mode(problem, starts_of(self.plan.structure, self.model, 0))
            self.map = jax.jit(lambda z, args: self.coordinates.forward(z, self.model, args))
            self.jacobian = jax.jit(jax.jacfwd(lambda z, args: self.map(z, args)[0]))
            self.slope_of_log_det = jax.jit(jax.grad(lambda z, args: self.map(z, args)[1]))

    def ball(self, seed, scale=1.0):
        return scale * np.random.default_rng(seed).standard_normal(self.model.size)


@pytest.fixture(scope="module")
def families():
    fitted = Fitted(POWER, simulated_runs(POWER, np.random.default_rng(2), 12, families=3), **FAMILIES)
    assert suited(fitted.plan) is Following
    return fitted


@pytest.fixture(scope="module")
def one():
    return Fitted(POWER, simulated_runs(POWER, np.random.default_rng(3), 8))


@pytest.fixture(scope="module")
def shares():
    """Another likelihood: a Beta, whose runs have weights that its mean and its concentration decide."""
    law = bl.law("downstream_error")
    return Fitted(law, simulated_runs(law, np.random.default_rng(4), 12))


@pytest.fixture(params=["families", "one", "shares"])
def fitted(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_log_determinant_is_that_of_the_jacobian(fitted, seed, scale):
    """By forward differentiation of the map: so the implicit derivatives are right too, or both are wrong alike."""
    z = fitted.ball(seed, scale)
    sign, expected = np.linalg.slogdet(fitted.jacobian(z, fitted.args))
    assert sign == np.linalg.slogdet(fitted.jacobian(np.zeros_like(z), fitted.args))[0]
    assert float(fitted.map(z, fitted.args)[1]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_derivatives_are_those_of_small_steps(fitted, seed):
    z, direction, step = fitted.ball(seed), fitted.ball(seed + 50), 1e-5
    ahead, behind = (fitted.map(z + s * direction, fitted.args) for s in (step, -step))
    slope = (np.asarray(ahead[0]) - np.asarray(behind[0])) / (2 * step)
    np.testing.assert_allclose(fitted.jacobian(z, fitted.args) @ direction, slope, rtol=1e-5, atol=1e-6)
    expected = (float(ahead[1]) - float(behind[1])) / (2 * step)
    assert float(fitted.slope_of_log_det(z, fitted.args) @ direction) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_the_map_solves_its_equation(fitted, seed):
    """The equation of the module's first lines, in NumPy, from the matrices as they are."""
    z, g = fitted.ball(seed), jax.tree.map(np.asarray, fitted.coordinates)
    x = np.asarray(fitted.map(z, fitted.args)[0])
    scales, rest, count = g.scales, g.rest, len(g.scales.at)
    t, o = x[fitted.split.scales], x[fitted.split.shared]
    np.testing.assert_allclose(t, scales.at + scales.root @ z[:count])
    quieter = np.exp(-2 * (t - scales.at) @ scales.is_noise)
    spread = rest.deviates * np.exp(-2 * t[rest.spread])
    prior = rest.prior + np.diag(spread)
    mean = np.asarray(jax.jit(lambda x, args: fitted.model.mean(x, args))(x, fitted.args))
    left = prior @ (o - rest.at) + quieter * g.jacobian.T @ (g.weight * (mean - g.mean))
    left += quieter * rest.slope + rest.prior_slope + spread * rest.at
    root = np.linalg.cholesky(prior + quieter * g.jacobian.T * g.weight @ g.jacobian)
    np.testing.assert_allclose(left, root @ z[count:], rtol=1e-5, atol=1e-6 * np.abs(left).max())


def test_weights_are_the_curvature_of_each_run(one):
    """A Student-t on the log: (nu + 1) (nu - r^2) / (nu + r^2)^2 / (sigma mean)^2, but for the slope of the log."""
    values = one.model.constrain(one.coordinates.centre)
    mean = one.coordinates.mean[: len(one.plan.outcome)]
    nu, sigma = values["nu"], values["sigma"]
    r = np.log(one.plan.outcome / mean) / sigma
    curvature = (nu + 1) * (nu - r**2) / (nu + r**2) ** 2 / sigma**2 + (nu + 1) * r / (nu + r**2) / sigma
    weight = one.coordinates.weight
    np.testing.assert_allclose(weight[: len(mean)], np.maximum(curvature / mean**2, 0.0), rtol=1e-8)
    assert not weight[len(mean) :].any()  # rows that only fill up the shape


class Plain:
    """The density on the ball, and its slope, by automatic differentiation of the equation as it is written."""

    def __init__(self, fitted):
        g, model, count = fitted.coordinates, fitted.model, fitted.coordinates.scales.count

        def left(t, o, args):
            _, quieter, slope = g.precision_root(t)
            prior = g.rest.prior + jnp.diag(g.rest.tight(t))
            means = model.mean(jnp.concatenate([t, o])[g.order], args)
            return prior @ (o - g.rest.at) + quieter * g.jacobian.T @ (g.weight * (means - g.mean)) + slope

        def equation(v, z, args):
            t, o = jnp.split(v, [count])
            return jnp.concatenate(
                [t - g.scales.forward(z[:count]), left(t, o, args) - g.precision_root(t)[0] @ z[count:]]
            )

        def potential(v, args):
            t, o = jnp.split(v, [count])
            stretched = jnp.linalg.slogdet(jax.jacfwd(left, 1)(t, o, args))[1]
            log_det = g.scales.log_det + jnp.log(jnp.diag(g.precision_root(t)[0])).sum() - stretched
            return model.potential(v[g.order], args) - log_det

        def both(x, z, args):
            v = x[jnp.argsort(g.order)]
            value, slope = jax.value_and_grad(potential)(v, args)
            by_v, by_z = jax.jacfwd(equation, (0, 1))(v, z, args)
            return value, -by_z.T @ jnp.linalg.solve(by_v.T, slope)

        def ours(z, args):
            x, log_det = g.forward(z, model, args)
            return model.potential(x, args) - log_det, (x, log_det)

        z = fitted.ball(0)
        self.both = compiled(both, z, z, fitted.args)
        self.ours = compiled(jax.value_and_grad(ours, has_aux=True), z, fitted.args)


def compiled(function, *args):
    return jax.jit(function).lower(*args).compile(compiler_options=HASTY)


@pytest.fixture(scope="module")
def plain(families):
    with jax.enable_x64(True):
        return Plain(families)


@trying(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 1.0, 2.0, 4.0, 20.0, 1e3, 1e4]))
def test_the_slope_by_hand_is_that_of_automatic_differentiation(families, plain, seed, scale):
    """And zero where the map is torn: far out steps do not end, and farther out spreads overflow."""
    z = families.ball(seed, scale)
    with jax.enable_x64(True):
        (value, (x, log_det)), slope = plain.ours(z, families.args)
        assert np.isfinite(x).all()
        if log_det == -np.inf:
            assert value == np.inf
            np.testing.assert_array_equal(slope, 0.0)
            return
        if scale > 4.0:
            return  # a solution so far out is no part of any posterior, and the plain way loses all digits there
        expected, expected_slope = plain.both(x, z, families.args)
    assert float(value) == pytest.approx(float(expected), rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-4 * np.abs(expected_slope).max())


@pytest.mark.parametrize(
    ("law", "how"),
    [
        (POWER, {}),
        (POWER, {"family": "family", "pool": {"E": "partial", "A": "none"}}),
        (POWER.with_priors(alpha="Constant(0.3)"), {"family": "family", "pool": {"alpha": "complete"}}),
    ],
    ids=["alike", "apart", "held"],
)
def test_the_mean_of_a_run_follows_from_its_own_parameters(law, how):
    plan = make_plan(law, simulated_runs(POWER, np.random.default_rng(2), 12, families=3), **how)
    problem = Problem.of(plan)
    x = np.random.default_rng(0).standard_normal((2, problem.model.size))
    one, other, sum_of_both = (problem.model.unbounded_by_run(each, problem.args) for each in (*x, x.sum(axis=0)))
    origin = problem.model.unbounded_by_run(0.0 * x[0], problem.args)
    np.testing.assert_allclose(one + other, sum_of_both + origin, atol=1e-12)
    expected = problem.model.mean(x[0], problem.args)
    np.testing.assert_allclose(problem.model.mean_by_run(one, problem.args), expected, rtol=1e-12)


@pytest.mark.slow
def test_the_posterior_is_that_of_other_coordinates(families):
    """The same means come from conditional coordinates, which solve nothing."""
    settings = Settings(draws=1500, warmup=500, target_accept=0.95)
    ours = infer(families.plan, Choice(Following, settings), seed=0)
    plain = infer(families.plan, Choice(Conditional, settings), seed=1)
    assert ours.diagnostics.converged
    assert plain.diagnostics.converged
    a, b = (d.flat.reshape(-1, families.model.size) for d in (ours, plain))
    error = np.sqrt(a.var(axis=0) / bulk_ess(ours.flat) + b.var(axis=0) / bulk_ess(plain.flat))
    assert np.abs((a.mean(axis=0) - b.mean(axis=0)) / error).max() < 4.5


@pytest.mark.slow
def test_fifteen_runs_in_three_corpora_mix(shared_data, kept_fits):
    """Every spread included: the smallest effective sample of other coordinates was 40 to 990 here."""
    runs = bl.read_runs(shared_data / "gadre_overtraining.csv").where("fit_role == 'loss_fit'")
    diagnostics = bl.fit("chinchilla", runs, family="family", shards=kept_fits).diagnostics
    assert diagnostics.ess > 2000
    assert diagnostics.rhat < 1.01
    assert diagnostics.divergences == 0


@pytest.mark.slow
def test_a_law_whose_predictions_turn_is_sampled_where_nothing_folds(shared_data):
    """A break: a quarter of the draws diverge in these coordinates, and one chain begins where there is no density."""
    broken = bl.read_law(Path(__file__).parents[2] / "case_studies" / "which_law" / "broken.toml")
    runs = bl.read_runs(shared_data / "gadre_overtraining.csv").where("family == 'c4_original'")
    plan = make_plan(broken, runs)
    hasty = Choice(Following, replace(FEW_RUNS, draws=250, enough=None))
    impatient = infer(plan, hasty, seed=2)
    assert np.isfinite(impatient.flat).all()
    assert impatient.diagnostics.divergences > 160
    patient = next_choice(plan, hasty, impatient.diagnostics)
    assert not patient.coordinates.folds
    assert not choice_for(plan).coordinates.folds
    assert infer(plan, patient, seed=2).diagnostics.converged
