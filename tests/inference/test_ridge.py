"""Coordinates of laws with a part that may be absent: their split, their ridge, and that they lose nothing."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import least_squares

import bayeslaw as bl
from bayeslaw.inference.base.diagnostics import LARGEST_RHAT, LEAST_ESS, mean_ess
from bayeslaw.inference.choice import Choice, choice_for, with_care
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.breaks.detection import switched
from bayeslaw.inference.coordinates.breaks.map import BreakMap
from bayeslaw.inference.coordinates.breaks.ridge import Ridge
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.infer import infer
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.starts import starts_of
from bayeslaw.inference.sampler.settings import Settings
from tests.simulate import simulated_runs

LAW = bl.law("bnsl")
TRUTH = {"E": 0.3, "r": 0.4, "c": 0.05, "c1": 0.2, "d": 1e7, "f": 0.5, "sigma": 0.03, "nu": 20.0}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@cache
def programs(model):
    """The map, its Jacobian and predictions, compiled once for all plans of a model: coordinates are arguments."""

    def where(coordinates, z, args):
        return coordinates.forward(z, model, args)[0]

    def mapped(coordinates, z, args):
        return coordinates.forward(z, model, args)

    return jax.jit(mapped), jax.jit(jax.jacfwd(where, argnums=1)), jax.jit(model.mean)


class Fitted:
    """A plan with the map it is sampled through."""

    def __init__(self, seed, rows=96, **truth):
        with jax.enable_x64(True):
            self.plan = make_plan(LAW, simulated_runs(LAW, np.random.default_rng(seed), rows, parameters=TRUTH | truth))
            problem = Problem.of(self.plan)
            self.model, self.args = problem.model, problem.args
            self.split = Ridge.of(self.plan.structure, self.model)
            self.coordinates = BreakMap.at_mode(problem, starts_of(self.plan.structure, self.model, 0))
            arrays, (mapped, jacobian, self.predict) = jax.tree.map(jnp.asarray, self.coordinates), programs(self.model)
            self.map, self.jacobian = partial(mapped, arrays), partial(jacobian, arrays)


@pytest.fixture(scope="module")
def broken() -> Fitted:
    """Runs with a break in their middle."""
    return Fitted(0)


@pytest.fixture(scope="module")
def unbroken() -> Fitted:
    """Runs without a break."""
    return Fitted(1, c1=0.0)


@pytest.fixture(params=["broken", "unbroken"])
def fitted(request):
    return request.getfixturevalue(request.param)


# --- which laws, and which of their parameters ------------------------------------------------------------------


def test_a_break_is_found_by_its_size():
    """Its place and width mean nothing without one, and the log of its term is linear in size, slope and height."""
    assert switched(LAW) == (("r", "c", "c1"), ("d", "f"))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("E + r * exp(-c * log(x/x0) - c1 * softplus(log(x/d) / f))", ("r", "c", "c1")),
        ("r * exp(c1 * sigmoid(log(x/d) / f)) * E**2 * (x/x0)**-c", ("E", "r", "c", "c1")),
        ("E + r * exp(-c * log(x/x0) - exp(c1) * softplus(log(x/d) / f))", ()),
        ("E + r * exp(-c * log(x/x0) - c1**2 * softplus(log(x/d) / f))", ()),
        ("E + r * (x/x0)**-c", ()),
        ("E + r * exp(-c * log(x/x0)) + c1 * sigmoid(log(x/d) / f)", ()),
    ],
)
def test_linear_parameters_of_a_formula(formula, expected):
    """No switch where nothing is switched off at zero, or where the log of the term is not linear in it."""
    lines = [
        f"formula = '{formula}'" if line.startswith("formula") else line
        for line in LAW.text.split("[derived]")[0].splitlines()
    ]
    used = [line for line in lines if not (line[:2].strip() in {"d", "f"} and f"{line[0]})" not in formula)]
    if "c1" not in formula:
        used = [line for line in used if not line.startswith("c1 ")]
    assert switched(bl.Law.parse("\n".join(used))).linear == expected


def test_no_other_law_of_the_catalogue_has_a_switch():
    assert [law.name for law in bl.laws() if switched(law).absent] == ["bnsl"]


def test_plans_choose_by_runs_families_and_what_is_fixed():
    runs = simulated_runs(LAW, np.random.default_rng(0), 96, parameters=TRUTH)
    assert suited(make_plan(LAW, runs)) is BreakMap
    assert suited(make_plan(LAW.with_priors(c="Constant(0.05)"), runs)) is BreakMap
    assert suited(make_plan(LAW.with_priors(c1="Constant(0.2)"), runs)) is Affine
    assert suited(make_plan(LAW, runs.take(np.arange(40)))) is BreakMap
    families = simulated_runs(LAW, np.random.default_rng(0), 480, families=3, parameters=TRUTH)
    assert suited(make_plan(LAW, families, "family")) is Conditional
    few = make_plan(LAW, families.take(np.arange(40)), "family")
    assert (suited(few), with_care(few).coordinates) == (Following, Conditional)


# --- the map ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.5, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_log_determinant_is_that_of_the_jacobian(fitted, seed, scale):
    z = scale * np.random.default_rng(seed).standard_normal(fitted.model.size)
    expected = np.linalg.slogdet(fitted.jacobian(z, fitted.args))[1]
    assert float(fitted.map(z, fitted.args)[1]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("end", [-9.0, 9.0])
def test_the_ridge_goes_on_beyond_its_ends(fitted, end):
    """Nothing but the place of the break changes there."""
    z = np.zeros((2, fitted.model.size))
    z[:, 0] = end, 1.1 * end
    near, far = (np.asarray(fitted.map(each, fitted.args)[0]) for each in z)
    place = fitted.split.outer[0]
    assert (far - near)[place] * end > 0.0
    np.testing.assert_allclose(np.delete(near, place)[:1], np.delete(far, place)[:1], rtol=1e-9)


@pytest.mark.parametrize("place", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_inner_coordinates_are_those_of_least_squares(fitted, place):
    """Wherever the break is put, and off the ridge, to a tenth of their sd; SciPy solves the same problem."""
    g, split = fitted.coordinates, fitted.split
    z = np.zeros(fitted.model.size)
    z[0] = place
    ridge = np.asarray(fitted.map(z, fitted.args)[0])
    z[1 : len(split.outer)] = 0.7, -0.7, 0.7, -0.7
    x = np.asarray(fitted.map(z, fitted.args)[0])
    t, on_ridge = x[split.outer], ridge[split.inner]
    noise = np.exp(-2.0 * (t - g.centre[split.outer]) @ g.is_noise)
    quieter = np.exp(-2.0 * (t - ridge[split.outer]) @ g.is_noise)
    known = np.asarray(fitted.predict(ridge, fitted.args))
    rest = g.middle + quieter * (on_ridge - g.middle)

    def misses(o):
        left = np.asarray(fitted.predict(np.concatenate([t, o])[g.order], fitted.args)) - known
        return np.concatenate([np.sqrt(noise * g.weight) * left, np.sqrt(g.prior) * (o - rest)])

    solved = least_squares(misses, on_ridge, x_scale="jac", xtol=1e-12, ftol=1e-12)
    sd = np.sqrt(np.diag(np.linalg.inv(solved.jac.T @ solved.jac)))
    np.testing.assert_array_less(np.abs(x[split.inner] - solved.x), 0.1 * sd)


def test_far_from_the_runs_a_break_is_as_large_as_its_prior_says(unbroken):
    """Ten e-folds beyond them nothing but the prior holds its size, and the law is that of the runs."""
    z, names = np.zeros(unbroken.model.size), unbroken.model.names
    z[0] = 4.5
    x = np.asarray(unbroken.map(z, unbroken.args)[0])
    assert x[names.index("c1")] == pytest.approx(0.2, abs=0.02)
    expected = 0.3 + 0.4 * np.exp(-0.05 * np.log(unbroken.plan.runs.column("n_seen") / 1e8))
    np.testing.assert_allclose(unbroken.predict(x, unbroken.args), expected, rtol=2 * TRUTH["sigma"])


# --- the posterior ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_posterior_is_that_of_affine_coordinates(broken):
    """Means and standard deviations, in units of their Monte-Carlo error."""
    plan = broken.plan
    settings = Settings(draws=2000, warmup=500, target_accept=0.97)
    ours = infer(plan, choice_for(plan, draws=750), seed=1)
    theirs = infer(plan, Choice(Affine, settings), seed=2)
    assert (type(ours.coordinates), type(theirs.coordinates)) == (BreakMap, Affine)
    for name, one, other in zip(
        broken.model.names, np.moveaxis(ours.flat, -1, 0), np.moveaxis(theirs.flat, -1, 0), strict=True
    ):
        middle = other.mean()
        for left, right in ((one, other), ((one - middle) ** 2, (other - middle) ** 2)):
            error = np.hypot(left.std() / np.sqrt(mean_ess(left)), right.std() / np.sqrt(mean_ess(right)))
            assert abs(left.mean() - right.mean()) < 4.5 * error, name


@pytest.mark.slow
def test_the_place_of_a_break_that_may_be_absent_is_found_everywhere(unbroken):
    """Before the runs, among them and beyond: chains agree, which those of affine coordinates do not.

    Leapfrogs an effective draw, a tenth: what an affine chain makes of draws differs by half from one machine to the
    next, since it sees little of its posterior.
    """
    ours = infer(unbroken.plan, choice_for(unbroken.plan, draws=500), seed=0)
    theirs = infer(unbroken.plan, Choice(Affine, Settings(draws=500)), seed=0).diagnostics
    found = ours.diagnostics
    assert found.rhat <= LARGEST_RHAT
    assert found.ess >= LEAST_ESS
    assert found.leapfrogs / found.ess < theirs.leapfrogs / theirs.ess / 10
    x = np.log(unbroken.plan.runs.column("n_seen"))
    place = ours.flat[..., unbroken.split.outer[0]]
    shares = [(place < x.min()).mean(), ((place > x.min()) & (place < x.max())).mean(), (place > x.max()).mean()]
    assert min(shares) > 0.005
