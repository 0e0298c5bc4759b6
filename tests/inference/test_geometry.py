"""Transports: their Jacobians, the algebra they rest on, and a posterior whose moments are known."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_triangular

import bayeslaw as bl
from bayeslaw.inference.base.diagnostics import bulk_ess
from bayeslaw.inference.choice import choice_for
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.block_arrow import Arrow, Blocks, Partition
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.mode import Curvature, find_mode, trust_step
from bayeslaw.inference.coordinates.positive import positive_arrow
from bayeslaw.inference.coordinates.protocol import Coordinates, Problem
from bayeslaw.inference.coordinates.split import Split
from bayeslaw.inference.infer import infer, sample
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.starts import starts_of
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.inference.sampler.settings import Settings
from bayeslaw.language.law import Law
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
SEEDS = range(3)


@pytest.fixture(autouse=True)
def float64():
    """As in the engine: without it the Jacobians of this file would be known to seven digits only."""
    with jax.enable_x64(True):
        yield


class Fitted:
    """A plan with the coordinates of a hierarchy."""

    def __init__(self, runs: bl.Runs, law: Law = POWER, **how) -> None:
        with jax.enable_x64(True):
            self.plan = make_plan(law, runs, **how)
            problem = Problem.of(self.plan)
            self.model, (self.data,) = problem.model, problem.args
            self.split = Split.of(self.plan.structure, self.model, by_group=True)
            self.coordinates = Conditional.at_mode(problem, starts_of(self.plan.structure, self.model, 0))


@pytest.fixture(scope="module")
def hierarchy() -> Fitted:
    """Three families of a power law, and a second parameter pooled over the corpora they cross."""
    runs = simulated_runs(POWER, np.random.default_rng(2), 240, families=3)
    corpus = np.array(["web", "code"] * 120, dtype=object)
    runs = bl.Runs.from_arrays({**runs.data, "corpus": corpus})
    return Fitted(runs, family="family", pool={"alpha": "family+corpus"})


def ball(size: int, seed: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal(size)


@jax.jit
def mapped(coordinates, z):
    """Where coordinates take a point, their Jacobian there, and the log determinant they claim.

    Those that ask the model for predictions have their own tests.
    """

    def forward(z):
        return coordinates.forward(z, None, ())

    x, log_det = forward(z)
    return x, jax.jacfwd(lambda z: forward(z)[0])(z), log_det


def assert_determinant(coordinates: Coordinates, z: np.ndarray) -> None:
    _, jacobian, log_det = mapped(coordinates, z)
    sign, expected = np.linalg.slogdet(jacobian)
    assert abs(sign) == 1
    assert float(log_det) == pytest.approx(expected, rel=1e-9, abs=1e-8)


def assert_log_density(draws: Draws, data: dict) -> None:
    """What the sampler says of a draw is the model's own log density there: no Jacobian stays in it."""
    potential = jax.jit(lambda x, data: draws.model.potential(x, (data,)))
    flat = draws.flat.reshape(-1, draws.model.size)[::7]
    expected = [-float(potential(x, data)) for x in flat]
    np.testing.assert_allclose(draws.stats["lp"].reshape(-1)[::7], expected, rtol=1e-9, atol=1e-9)


# --- the maps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_determinant_is_that_of_the_jacobian(hierarchy, seed):
    assert_determinant(hierarchy.coordinates, ball(hierarchy.model.size, seed))
    assert_determinant(hierarchy.coordinates, ball(hierarchy.model.size, seed, 2.0))


def test_the_determinant_is_another_at_each_point(hierarchy):
    """Or the test above would hold for an affine map too."""
    values = [float(mapped(hierarchy.coordinates, ball(hierarchy.model.size, seed))[2]) for seed in range(4)]
    assert np.ptp(values) > 0.1


@pytest.fixture(scope="module")
def affine() -> Affine:
    """Those of a plan without scales: forty runs of one family, whose noise is well known."""
    with jax.enable_x64(True):
        plan = make_plan(POWER, simulated_runs(POWER, np.random.default_rng(4), 40))
        problem = Problem.of(plan)
        return Affine.at_mode(problem, starts_of(plan.structure, problem.model, 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_affine_determinant_is_that_of_the_jacobian(affine, seed):
    assert abs(affine.log_det) > 0.1
    assert_determinant(affine, ball(len(affine.centre), seed))


def test_zero_goes_to_the_centre(hierarchy, affine):
    """At zero the scales are their mode, and the slope there is nearly nothing, so one Newton step stays."""
    x, _, _ = mapped(hierarchy.coordinates, np.zeros(hierarchy.model.size))
    np.testing.assert_allclose(x, hierarchy.coordinates.centre, atol=1e-4)
    x, _, _ = mapped(affine, np.zeros(len(affine.centre)))
    np.testing.assert_array_equal(x, affine.centre)


def test_every_coordinate_is_placed_once(hierarchy):
    """Moving one coordinate of z by its own moves what it should: all coordinates of x, and none by NaN."""
    assert sorted(hierarchy.coordinates.order.tolist()) == list(range(hierarchy.model.size))
    _, jacobian, _ = mapped(hierarchy.coordinates, np.zeros(hierarchy.model.size))
    assert np.isfinite(jacobian).all()
    scales = hierarchy.split.scales
    # The scales move with their own z alone: they come first.
    others = np.setdiff1d(np.arange(hierarchy.model.size), np.arange(len(scales)))
    assert not np.asarray(jacobian)[np.ix_(scales, others)].any()


def test_the_identity_changes_nothing():
    z = ball(4, 0)
    x, _, log_det = mapped(Affine.identity(4), z)
    np.testing.assert_array_equal(x, z)
    assert log_det == 0.0


@pytest.mark.parametrize(("families", "kind"), [(2, Following), (None, Affine)])
def test_the_reported_log_density_is_the_model_s(families, kind):
    """Of few runs in families too, which are sampled in coordinates that follow their predictions."""
    runs = simulated_runs(POWER, np.random.default_rng(3), 8, families=families)
    plan = make_plan(POWER, runs, *(["family", {"E": "partial"}] if families else []))
    draws = infer(plan, choice_for(plan, draws=20, warmup=50, chains=2), seed=0)
    assert type(draws.coordinates) is kind
    assert_log_density(draws, jax.tree.map(jnp.asarray, plan.data()))


def test_the_reported_log_density_of_a_hierarchy_is_the_model_s(hierarchy):
    draws = infer(hierarchy.plan, choice_for(hierarchy.plan, draws=20, warmup=50, chains=2), seed=0)
    assert type(draws.coordinates) is Conditional
    assert_log_density(draws, hierarchy.data)


def test_the_ball_is_round_at_the_centre(hierarchy):
    """All but the scales have about unit curvature there, whatever their own was."""
    model, count = hierarchy.model, len(hierarchy.split.scales)

    def in_z(z, coordinates, data):
        x, log_det = coordinates.forward(z, model, ())
        return model.potential(x, (data,)) - log_det

    def in_x(x, data):
        return model.potential(x, (data,))

    raw = np.asarray(jax.jit(jax.hessian(in_x))(hierarchy.coordinates.centre, hierarchy.data))
    assert np.linalg.cond(raw) > 1e3
    zero = np.zeros(model.size)
    hessian = np.asarray(jax.jit(jax.hessian(in_z))(zero, hierarchy.coordinates, hierarchy.data))
    values = np.linalg.eigvalsh(hessian[count:, count:])
    assert values.min() > 0.2
    assert values.max() < 5


# --- arrows -----------------------------------------------------------------------------------------------------


def arrow(rng: np.random.Generator, groups: int, each: int, shared: int) -> tuple[np.ndarray, ...]:
    """A random positive definite block arrow: pieces and the dense matrix."""
    size = groups * each + shared
    dense = np.zeros((size, size))
    for g in range(groups):
        # Each group's own observations touch its coordinates and the shared ones only.
        touched = [*range(g * each, (g + 1) * each), *range(groups * each, size)]
        rows = rng.standard_normal((each + shared + 2, len(touched)))
        dense[np.ix_(touched, touched)] += rows.T @ rows
    dense += 0.1 * np.eye(size)
    own = dense[: groups * each, : groups * each].reshape(groups, each, groups, each)
    blocks = np.stack([own[g, :, g, :] for g in range(groups)]) if groups else np.zeros((0, each, each))
    cross = dense[: groups * each, groups * each :].reshape(groups, each, shared)
    return blocks, cross, dense[groups * each :, groups * each :], dense


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([1, 5]), st.sampled_from([1, 4]), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_an_arrow_solves_as_the_dense_factor_does(groups, each, shared, seed):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        blocks, cross, rest, dense = arrow(rng, groups, each, shared)
        factor, root = Arrow.of(blocks, cross, rest), np.linalg.cholesky(dense)
        vector = rng.standard_normal(len(dense))
        parts = vector[: groups * each].reshape(groups, each), vector[groups * each :]
        for found, expected in (
            (factor.solve_root(*parts), solve_triangular(root, vector, lower=True)),
            (factor.solve_root_transposed(*parts), solve_triangular(root.T, vector)),
            (factor.root_transposed(*parts), root.T @ vector),
        ):
            np.testing.assert_allclose(
                np.concatenate([np.ravel(found[0]), found[1]]), expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max()
            )
        assert float(factor.half_log_det) == pytest.approx(np.linalg.slogdet(dense)[1] / 2, rel=1e-10, abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_an_indefinite_arrow_is_made_positive(groups, each, shared, seed, already):
    """And one that is positive already stays as it is."""
    rng = np.random.default_rng(seed)
    blocks, cross, rest, dense = arrow(rng, groups, each, shared)
    if not already:
        blocks = blocks - np.eye(each) * np.quantile(np.linalg.eigvalsh(dense), 0.7)
    found = positive_arrow(blocks, cross, rest)
    if already:
        for ours, given_ in zip(found, (blocks, cross, rest), strict=True):
            np.testing.assert_allclose(ours, given_, atol=1e-8 * np.abs(dense).max())
    whole = np.zeros_like(dense)
    for g in range(groups):
        own = slice(g * each, (g + 1) * each)
        whole[own, own] = found[0][g]
        whole[own, groups * each :] = found[1][g]
        whole[groups * each :, own] = found[1][g].T
    whole[groups * each :, groups * each :] = found[2]
    assert np.linalg.eigvalsh(whole).min() > -1e-6 * np.abs(whole).max()


# --- modes ------------------------------------------------------------------------------------------------------


def dense(function, size: int, free: list[int] | None = None) -> Curvature:
    """A function of value, gradient and Hessian, as one without groups over some of its coordinates."""
    partition = Partition(np.zeros((0, 0), dtype=int), np.arange(size) if free is None else np.array(free))

    def at(x):
        value, gradient, hessian = function(x)
        return value, gradient, partition.blocks(np.asarray(hessian)[partition.shared])

    return Curvature(at, partition)


def quartic(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """A bowl with its mode at (1, 2, 3)."""
    d = x - np.array([1.0, 2.0, 3.0])
    return float((d**4 / 4 + d**2 / 2).sum()), d**3 + d, np.diag(3 * d**2 + 1)


def double_well(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Two modes, near -1 and 1; the first is the lower one."""
    v = x[0]
    return float((v**2 - 1) ** 2 + 0.2 * v), np.array([4 * v * (v**2 - 1) + 0.2]), np.array([[12 * v**2 - 4.0]])


def test_the_lowest_mode_is_found():
    np.testing.assert_allclose(find_mode(dense(quartic, 3), [np.zeros(3), np.full(3, 50.0)]), [1, 2, 3], atol=1e-5)
    found = find_mode(dense(double_well, 1), [np.array([1.0]), np.array([-2.0])])
    assert -1.1 < found[0] < -1.0
    assert 0.9 < find_mode(dense(double_well, 1), [np.array([1.0])])[0] < 1.0


def test_a_narrow_curved_valley_is_followed():
    """Rosenbrock's, a thousand times narrower than usual."""
    rosen, slope, hessian = scipy.optimize.rosen, scipy.optimize.rosen_der, scipy.optimize.rosen_hess

    def narrow(x):
        along = (1 - x[:-1]) ** 2
        return (
            1e3 * rosen(x) - 999 * along.sum(),
            1e3 * slope(x) + 999 * np.append(2 * (1 - x[:-1]), 0.0),
            1e3 * hessian(x) - 999 * np.diag([*[2.0] * (len(x) - 1), 0.0]),
        )

    np.testing.assert_allclose(find_mode(dense(narrow, 2), [np.array([-1.2, 1.0])]), [1, 1], atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 10.0), st.booleans())
def test_a_trusted_step_is_the_least_of_its_quadratic_within_its_length(seed, radius, positive):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        *pieces, whole = arrow(rng, 3, 2, 2)
        if not positive:
            lowered = np.quantile(np.linalg.eigvalsh(whole), 0.6)
            pieces[0] = pieces[0] - lowered * np.eye(2)
            pieces[2] = pieces[2] - lowered * np.eye(2)
            whole = whole - lowered * np.eye(len(whole))
        slope = rng.standard_normal(len(whole))
        step, promised = trust_step(Blocks(*pieces), slope, radius)
        length = np.linalg.norm(step)
        assert length <= 1.1 * radius

        def fall(v):
            return -(v @ slope + 0.5 * v @ whole @ v)

        assert promised == pytest.approx(fall(step), rel=1e-6)
        # No other point as far away, and none nearer, falls further.
        others = rng.standard_normal((2000, len(slope)))
        others *= length * rng.random((2000, 1)) / np.linalg.norm(others, axis=1, keepdims=True)
        assert max(fall(v) for v in others) <= promised
        if positive and np.linalg.norm(np.linalg.solve(whole, slope)) <= radius:
            np.testing.assert_allclose(step, -np.linalg.solve(whole, slope), rtol=1e-6)


def test_the_arrow_of_a_plan_is_its_hessian():
    """A dozen products tell every entry, and all others between the coordinates of groups are zero."""
    plan = make_plan(POWER, simulated_runs(POWER, np.random.default_rng(5), 64, families=16), family="family")
    problem = Problem.of(plan)
    model, (data,) = problem.model, problem.args
    split = Split.of(plan.structure, model, by_group=True)
    assert split.groups.shape == (16, 3)
    x = 0.1 * ball(model.size, 0)
    whole = curvature_of(model, (data,)).at(x)[2].shared
    value, slope, found = curvature_of(model, (data,), split).at(x)
    potential = jax.jit(lambda x, data: model.potential(x, (data,)))
    assert value == pytest.approx(float(potential(x, data)), rel=1e-12)
    np.testing.assert_allclose(slope, jax.grad(potential)(x, data), rtol=1e-9, atol=1e-9 * np.abs(slope).max())
    tolerance = 1e-10 * np.abs(whole).max()
    np.testing.assert_allclose(found.shared, whole[np.ix_(split.shared, split.shared)], atol=tolerance)
    for g, own in enumerate(split.groups):
        np.testing.assert_allclose(found.groups[g], whole[np.ix_(own, own)], atol=tolerance)
        np.testing.assert_allclose(found.cross[g], whole[np.ix_(own, split.shared)], atol=tolerance)
        np.testing.assert_array_equal(whole[np.ix_(own, np.delete(split.groups, g, axis=0).reshape(-1))], 0.0)


def test_what_is_not_free_stays():
    found = find_mode(dense(quartic, 3, free=[1, 2]), [np.array([7.0, 0.0, 0.0])])
    np.testing.assert_allclose(found, [7, 2, 3], atol=1e-5)


def test_a_density_that_is_nowhere_finite_is_refused():
    def nowhere(x):
        return np.nan, np.full(2, np.nan), np.full((2, 2), np.nan)

    with pytest.raises(bl.errors.InputError, match="no finite density at any of 2 starting points"):
        find_mode(dense(nowhere, 2), [np.zeros(2), np.ones(2)])


def test_priors_under_which_no_run_is_possible_are_said_so():
    """The square of a floor of e^600 overflows."""
    law = POWER.with_likelihood("Normal(mean, sigma)").with_priors(E="LogNormal(600, 0.1)")
    runs = simulated_runs(POWER, np.random.default_rng(4), 40)
    with pytest.raises(bl.errors.InputError, match="no finite density at any of"):
        bl.fit(law, runs)


# --- known answers ----------------------------------------------------------------------------------------------


def assert_moments(draws: np.ndarray, mean: float, sd: float) -> None:
    """Mean and standard deviation within four Monte-Carlo errors; the one of the variance from its own draws."""
    for values, expected in ((draws, mean), ((draws - mean) ** 2, sd**2)):
        error = values.std() / np.sqrt(bulk_ess(values[..., None])[0])
        assert abs(values.mean() - expected) < 4 * error, (values.mean(), expected, error)
        assert error < 0.1 * max(sd, sd**2)


def test_a_conjugate_normal_has_its_moments():
    """Prior N(1, 2^2), 10 observations with known sd 3: a normal whose mean and variance follow by hand."""
    y = np.random.default_rng(0).normal(4.0, 3.0, 10)
    precision = 1 / 4 + 10 / 9

    def model(y):
        mu = numpyro.sample("mu", dist.Normal(1.0, 2.0))
        numpyro.sample("y", dist.Normal(mu, 3.0), obs=y)

    draws = sample(model, (y,), Settings(draws=1000, warmup=300, chains=2), seed=3)
    assert_moments(draws.values["mu"], (1 / 4 + y.sum() / 9) / precision, precision**-0.5)


RANDOM_INTERCEPTS = """
title = "Random intercepts"
reference = "nobody"
topics = []
formula = "b"
[output]
y = { likelihood = "Normal(mean, 0.5)", units = "1", meaning = "a measurement" }
[input]
x = { column = "x", units = "1", meaning = "no influence" }
[parameter]
b = { prior = "Normal(0, 1)", pool = "family", spread = "HalfNormal(0.7)", units = "1", meaning = "intercept" }
"""


# Six runs leave the spread a tail to zero where the default step size meets one divergence in 3,000 draws; a step this
# small meets none, and one would mean that the moments below miss a region.
CAREFUL = {"target_accept": 0.98}


def intercepts(sizes: list[int], effects: list[float]) -> bl.Runs:
    rng = np.random.default_rng(11)
    family = [f"f{i}" for i, n in enumerate(sizes) for _ in range(n)]
    y = np.concatenate([e + 0.5 * rng.standard_normal(n) for n, e in zip(sizes, effects, strict=True)])
    return bl.Runs.from_arrays({"y": y, "x": np.ones(len(y)), "family": family})


def exact_moments(runs: bl.Runs) -> dict[str, tuple[float, float]]:
    """By quadrature over the spread; given it, all is normal."""
    levels, index = runs.levels("family")
    y = runs.column("y")
    grid = np.exp(np.linspace(np.log(1e-5), np.log(6.0), 4000))
    log_weights, moments = [], []
    design = np.column_stack([np.ones(len(y)), np.eye(len(levels))[index]])
    for spread in grid:
        precision = np.diag([1.0, *[spread**-2] * len(levels)]) + design.T @ design / 0.25
        mean = np.linalg.solve(precision, design.T @ y / 0.25)
        covariance = np.linalg.inv(precision)
        evidence = 0.5 * mean @ precision @ mean - 0.5 * np.linalg.slogdet(precision)[1] - len(levels) * np.log(spread)
        # The prior of the spread, and the Jacobian of a grid even in its log.
        log_weights.append(evidence - 0.5 * (spread / 0.7) ** 2 + np.log(spread))
        deviation = mean[1], covariance[1, 1]
        moments.append([(mean[0], covariance[0, 0]), deviation, (spread, 0.0), (np.log(spread), 0.0)])
    weights = np.exp(np.array(log_weights) - max(log_weights))
    weights /= weights.sum()
    means, variances = np.moveaxis(np.array(moments), -1, 0)
    mean = weights @ means
    return {
        name: (m, np.sqrt(v))
        for name, m, v in zip(
            ("b", "deviation", "spread", "log spread"), mean, weights @ (variances + (means - mean) ** 2), strict=True
        )
    }


@pytest.mark.parametrize(
    "sizes", [pytest.param([2, 1, 2, 1], id="non-centred regime"), pytest.param([60, 40, 80, 50], id="centred regime")]
)
def test_random_intercepts_have_their_moments(sizes):
    """The funnel's two regimes, by the conditional transport, against an answer that needs no sampler."""
    runs = intercepts(sizes, [0.4, -0.2, 0.9, 0.1])
    posterior = bl.fit(
        Law.parse(RANDOM_INTERCEPTS, "intercepts"),
        runs,
        family="family",
        draws=1500,
        chains=2,
        seed=4,
        **CAREFUL,
    )
    exact = exact_moments(runs)
    assert posterior.diagnostics.divergences == 0
    assert_moments(posterior.values["b"], *exact["b"])
    assert_moments(posterior.values["b_deviation_family"][..., 0], *exact["deviation"])
    assert_moments(posterior.values["b_spread_family"], *exact["spread"])
    assert_moments(np.log(posterior.values["b_spread_family"]), *exact["log spread"])
