"""The PyMC model of a law is the NumPyro model of that law, word for word and law for law."""

import subprocess
import sys
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpyro.infer.util import log_density

pm = pytest.importorskip("pymc", reason="to_pymc needs PyMC: install bayeslaw[pymc]")
import pytensor  # noqa: E402
import pytensor.tensor as pt  # noqa: E402
from pytensor.compile.mode import Mode  # noqa: E402

from bayeslaw.inference.base import devices  # noqa: E402
from bayeslaw.inference.base.diagnostics import bulk_ess  # noqa: E402
from bayeslaw.inference.choice import choice_for  # noqa: E402
from bayeslaw.inference.infer import infer  # noqa: E402
from bayeslaw.inference.model import distributions, pymc_model  # noqa: E402
from bayeslaw.inference.model.numpyro_model import numpyro_model  # noqa: E402
from bayeslaw.inference.model.plan import Plan, deviation_name, make_plan, spread_name  # noqa: E402
from bayeslaw.inference.model.plan_model import plan_model  # noqa: E402
from bayeslaw.inference.model.predict import INDICATORS_UP_TO  # noqa: E402
from bayeslaw.inference.model.pymc_model import to_pymc  # noqa: E402
from bayeslaw.language.catalogue import law, laws  # noqa: E402
from bayeslaw.language.formula.functions import FUNCTIONS  # noqa: E402
from bayeslaw.language.formula.likelihoods import LIKELIHOODS  # noqa: E402
from bayeslaw.language.formula.priors import PRIORS  # noqa: E402
from bayeslaw.language.law import Law, Prior  # noqa: E402
from bayeslaw.runs.table import Runs  # noqa: E402
from tests.simulate import simulated_runs  # noqa: E402
from tests.words import typical  # noqa: E402

SHIPPED = {one.name: one for one in laws()}
ROWS = 24  # the largest law has 17 parameters
# A graph is evaluated once or twice, operation by operation: rewriting and compiling it takes several times as long.
AS_WRITTEN = Mode(linker="py", optimizer=None)

# ---------------------------------------------------------------------- every law


def prior_point(plan: Plan, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A value for everything sampled, from the priors."""
    spread_of = {deviation: spread_name(name, grouping) for name, grouping, deviation in plan.structure.effects}
    values: dict[str, np.ndarray] = {}
    for name, prior, length in plan.structure.sites:
        shape = () if length is None else (length,)
        values[name] = prior.draw(rng, shape) if prior is not None else rng.normal(0.0, values[spread_of[name]], shape)
    return values


def our_densities(plan: Plan):
    """The log density at values of the sites: the one that is sampled, and that of the NumPyro model."""
    devices.start()
    model, data = plan_model(plan.structure), plan.data()

    def both(data, values):
        stretches, jacobian = [], 0.0
        for site in model.sites:
            flat = site.transform.inv(values[site.name])
            stretches.append(jnp.atleast_1d(flat))
            jacobian += jnp.sum(site.transform.log_abs_det_jacobian(flat, values[site.name]))
        ours = -model.potential(jnp.concatenate(stretches), (data,)) - jacobian
        return ours, log_density(numpyro_model(plan.structure), (data,), {}, values)[0]

    program = jax.jit(both, compiler_options=devices.HASTY)

    def densities(values):
        with devices.float64():
            return tuple(map(float, program(data, values)))

    return densities


def pymc_density(model):
    """The log density at values of the sites, without the Jacobians of PyMC's unbounded coordinates."""
    # Terms are summed here: PyTensor's plain Python mode cannot add more than 32 of them at once.
    terms = model.compile_logp(jacobian=False, sum=False, mode=AS_WRITTEN)
    back = {"_log__": np.log, "_logodds__": lambda v: np.log(v) - np.log1p(-v), "": np.asarray}

    def density(values):
        point = {}
        for name, value in values.items():
            flat = model.rvs_to_values[model[name]].name
            point[flat] = back[flat.removeprefix(name)](value)
        return sum(float(np.sum(term)) for term in terms(point))

    return density


def assert_same_density(one: Law, runs: Runs, rng, family=None, pool=None) -> None:
    plan = make_plan(one, runs, family, pool)
    ours, theirs = our_densities(plan), pymc_density(to_pymc(one, runs, family, pool))
    for _ in range(3):
        values = prior_point(plan, rng)
        sampled, numpyros = ours(values)
        assert np.isfinite(sampled)
        assert numpyros == pytest.approx(sampled, rel=1e-10, abs=1e-10)
        assert theirs(values) == pytest.approx(sampled, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("family", [None, "family"])
@pytest.mark.parametrize("name", SHIPPED)
def test_all_models_of_a_law_have_one_density(name: str, family: str | None) -> None:
    """At draws from the priors, constants included, with and without a hierarchy."""
    rng = np.random.default_rng(20_240_601)
    assert_same_density(SHIPPED[name], simulated_runs(SHIPPED[name], rng, ROWS, families=2), rng, family)


def crossed_runs(rows: int = 40, **more) -> Runs:
    rng = np.random.default_rng(5)
    runs = simulated_runs(law("power_law"), rng, rows, families=2)
    seeds = np.array([f"s{i}" for i in rng.integers(0, 4, rows)], dtype=object)
    return Runs.from_arrays({**runs.data, "corpus": seeds, **more})


@pytest.mark.parametrize(
    "pool",
    [
        {"alpha": "none"}, {"alpha": "family*corpus"}, {"alpha": "family/corpus", "E": "complete"},
        {"alpha": "family+corpus", "A": "none:corpus"}, {"sigma": "partial:corpus"},
    ],
)  # fmt: skip
def test_every_pooling_has_one_density(pool: dict[str, str]) -> None:
    assert_same_density(law("power_law"), crossed_runs(), np.random.default_rng(6), "family", pool)


def test_many_groups_have_one_density() -> None:
    """Beyond 32 groups, parameters are found by indexing and not by a product."""
    groups = np.array([f"g{i:02}" for i in range(INDICATORS_UP_TO + 8)], dtype=object)
    assert_same_density(
        law("power_law"), crossed_runs(len(groups), group=groups), np.random.default_rng(6), None, {"A": "group"}
    )


def test_weights_multiply_the_density() -> None:
    """A weight of 2 is a run that happened twice."""
    one, rng = law("power_law"), np.random.default_rng(7)
    weighted = crossed_runs(weight=1.0 + np.arange(40) % 2)
    assert_same_density(one, weighted, rng, "family")
    twice = crossed_runs().take(np.repeat(np.arange(40), (1 + np.arange(40) % 2)))
    values = prior_point(make_plan(one, weighted), rng)
    assert pymc_density(to_pymc(one, weighted))(values) == pytest.approx(pymc_density(to_pymc(one, twice))(values))


def test_known_errors_have_one_density() -> None:
    errors = np.random.default_rng(8).uniform(0.001, 0.1, 40)
    assert_same_density(law("power_law"), crossed_runs(loss_se=errors), np.random.default_rng(7), "family")


def test_group_effects_and_growing_noise_have_one_density() -> None:
    """Edited laws: a constant population, and noise that an input scales."""
    rng = np.random.default_rng(8)
    one = law("power_law").with_group_effect("corpus")
    assert_same_density(one, crossed_runs(), rng)
    scale = next(name for name, each in law("chinchilla").inputs.items() if each.reference)
    grown = law("chinchilla").with_noise_growth(scale)
    assert_same_density(grown, simulated_runs(law("chinchilla"), rng, ROWS, families=2), rng, "family")


def test_what_is_held_has_no_shifts_in_either() -> None:
    """One value in every family: nothing is sampled for it, and both have one density of the rest."""
    held, rng = law("power_law").with_priors(E="Constant(1.6)", alpha="Constant(0.1)"), np.random.default_rng(9)
    runs = crossed_runs()
    assert {each.name for each in to_pymc(held, runs, "family").free_RVs} == {
        "A", "A_spread_family", "A_deviation_family", "sigma", "nu"
    }  # fmt: skip
    assert_same_density(held, runs, rng, "family")


# ---------------------------------------------------------------------- words


# Where each word that is not defined everywhere is, as a map from the reals.
DOMAIN = {
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "**", "lgamma", "digamma"), lambda a: np.exp(a / 20)),
    "log1p": lambda a: np.expm1(a / 20),
    "logit": lambda a: 1 / (1 + np.exp(-a / 20)),
    **dict.fromkeys(("exp", "expm1"), lambda a: a / 4),
}


@cache
def pytensor_word(name: str):
    arguments = [pt.dscalar() for _ in range(FUNCTIONS[name].arity)]
    return pytensor.function(arguments, pymc_model.WORDS[name](*arguments), mode=AS_WRITTEN)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=30, deadline=None, derandomize=True)
# JAX on a CPU takes numbers below 2e-308 for 0, which a step sees.
@given(a=st.floats(-800, 800, allow_subnormal=False), b=st.floats(-20, 20).filter(lambda b: abs(b) > 1e-3))
def test_a_word_means_one_thing(name: str, a: float, b: float) -> None:
    """NumPy, JAX and PyTensor give the same number."""
    a = float(DOMAIN.get(name, lambda a: a)(a))
    arguments = (a, b)[: FUNCTIONS[name].arity]
    expected = float(FUNCTIONS[name].numpy(*arguments))
    with devices.float64():
        jaxed = float(distributions.WORDS[name](*(jnp.asarray(v) for v in arguments)))
    # A logit near 0 is a difference of logarithms near log(0.5), each good to a few of their last bits of 1e-16 alone;
    # so are those of the gamma function, and its slope, near their zeros.
    near = pytest.approx(expected, rel=1e-12, abs=4e-15 if name in ("logit", "lgamma", "digamma") else 1e-300)
    assert jaxed == near
    assert float(pytensor_word(name)(*arguments)) == near


@pytest.mark.parametrize("at", [-800.0, 0.0, 800.0])
@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_gradients_far_out_are_finite(name: str, at: float) -> None:
    """Naive forms have a NaN there."""
    with devices.float64():
        word = distributions.WORDS[name]
        assert np.isfinite(jax.grad(word)(at))
        assert np.isfinite(jax.grad(jax.grad(word))(at))
    x = pt.dscalar()
    slope = pytensor.function([x], pt.grad(pymc_model.WORDS[name](x), x), mode=AS_WRITTEN)
    assert np.isfinite(slope(at))


def test_constants_are_double() -> None:
    """PyTensor's own reading of 2.0 is a half-precision number."""
    assert pymc_model.WORDS["exp"](2.0).eval(mode=AS_WRITTEN) == np.exp(2.0)


# ---------------------------------------------------------------------- distributions


@pytest.mark.parametrize("name", PRIORS)
def test_a_prior_is_one_density(name: str) -> None:
    """SciPy, NumPyro and PyMC agree on the log density."""
    prior = Prior(name, typical(PRIORS[name]), "")
    x = prior.draw(np.random.default_rng(1), 9)
    expected = prior.scipy().logpdf(x)
    with devices.float64():
        np.testing.assert_allclose(jax.vmap(distributions.prior(prior).log_prob)(x), expected, rtol=1e-10, atol=1e-12)
    with pm.Model() as model:
        pymc_model.prior("x", prior)
    found = pm.logp(model["x"], x).eval(mode=AS_WRITTEN)
    # PyMC's half-Cauchy takes the logarithm of 2 in lower precision: a constant of 2e-9.
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=5e-9)


# At the edge: shares that round to 0 or 1, a billion trials, outcomes that are only bounded.
EDGES = [
    ("LogStudentT", (60.0, 1e-3, 0.01)),
    ("LogFrontier", (2.0, 0.1, 0.3, -1.0)), ("LogFrontier", (2.0, 0.1, 0.3, 1.0)),
    ("LogFrontier", (2.0, 0.3, 0.01, 0.0)), ("Beta", (1e-3, 900.0)),
    ("LogFloor", (2.0, 0.1, 0.3, -1.0)), ("LogFloor", (2.0, 0.1, 0.3, 1.0)), ("LogitNormal", (1e-9, 0.5)),
    ("LogNormalWithin", (2.0, 0.1, 0.0, 0.0)), ("LogNormalWithin", (2.0, 0.1, 0.3, 1.0)),
    ("LogNormalWithin", (2.0, 0.1, 0.3, -1.0)), ("LogitStudentT", (3.0, 1e-9, 0.5)),
    ("Binomial", (1e9, 1e-9)), ("Binomial", (20.0, 0.0)), ("Binomial", (20.0, 1.0)),
    ("BetaBinomial", (1e4, 0.01, 30.0)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Numba will use object mode")
@pytest.mark.parametrize(("name", "arguments"), [(name, typical(row)) for name, row in LIKELIHOODS.items()] + EDGES)
def test_a_likelihood_is_one_density_and_draws_follow_it(name: str, arguments: tuple[float, ...]) -> None:
    """NumPyro and PyMC agree on the log density, and draws of NumPy and PyMC on the distribution."""
    rng = np.random.default_rng(2)
    full = [np.full(400, a) for a in arguments]
    x = np.asarray(LIKELIHOODS[name].draw(rng, *full), dtype=float)
    with devices.float64():
        expected = np.asarray(distributions.LIKELIHOODS[name](*(jnp.asarray(a) for a in full)).log_prob(x))
    assert np.isfinite(expected).all()
    counts = LIKELIHOODS[name].outcome == "count"
    observed = x.astype(int) if counts else x
    with pm.Model() as model:
        pymc_model.LIKELIHOODS[name]("x", *(pt.as_tensor_variable(a) for a in full), observed=observed)
    found = pm.logp(model["x"], observed).eval(mode=AS_WRITTEN)
    # PyMC's beta-binomial is SciPy's to 1e-14; NumPyro's, through JAX's betaln, is good to seven digits.
    tolerance = 1e-6 if name == "BetaBinomial" else 1e-8
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    drawn = np.asarray(pm.draw(model["x"], random_seed=3, mode=AS_WRITTEN), dtype=float)
    # Ranks of one sample among both: the Mann-Whitney statistic, in its standard deviations.
    above = (drawn[:, None] > x).mean() + 0.5 * (drawn[:, None] == x).mean()
    assert abs(above - 0.5) < 4 * np.sqrt(801 / 12) / 400


# ---------------------------------------------------------------------- what users do with it

TRUTH = {"E": 1.8, "A": 0.4, "alpha": 0.35, "sigma": 0.01, "nu": 20.0}


@pytest.fixture(scope="module")
def handful() -> Runs:
    return simulated_runs(law("power_law"), np.random.default_rng(11), 48, families=2, parameters=TRUTH)


def test_dimensions_are_named_after_groupings(handful: Runs) -> None:
    model = to_pymc(law("power_law"), handful, "family")
    assert tuple(model.coords["family"]) == ("family 1", "family 2")
    assert model.named_vars_to_dims[deviation_name("alpha", "family")] == ("family",)
    assert model.named_vars_to_dims["mean"] == ("run",)
    assert {one.name for one in model.free_RVs} == {
        name for name, *_ in make_plan(law("power_law"), handful, "family").structure.sites
    }


@pytest.mark.filterwarnings("ignore:The effect of Potentials on other parameters is ignored")
def test_a_user_extends_and_samples_a_model(handful: Runs) -> None:
    """PyMC's posterior of the extended model, and ours of the same law under the same prior, are one."""
    one = law("power_law").with_likelihood("LogNormal(mean, sigma)")
    # PyMC's JAX lets arrays of different ranks meet.
    with to_pymc(one, handful) as model, jax.numpy_rank_promotion("allow"):
        # The extension turns the prior of the floor into another, which our side writes as a prior.
        old, new = one.parameters["E"].prior, Prior("LogNormal", (float(np.log(1.7)), 0.1), "")
        densities = [pm.logp(pm.LogNormal.dist(*map(float, p.arguments)), model["E"]) for p in (old, new)]
        assert old.name == "LogNormal"
        pm.Potential("what_is_known_of_the_floor", densities[1] - densities[0])
        theirs = pm.sample(
            nuts_sampler="numpyro", draws=200, tune=200, chains=2, progressbar=False, random_seed=4, target_accept=0.9
        )
        predicted = pm.sample_posterior_predictive(theirs, progressbar=False, random_seed=5)
    plan = make_plan(one.with_priors(E="LogNormal(log(1.7), 0.1)"), handful)
    ours = infer(plan, choice_for(plan, draws=500, warmup=500), seed=6)
    for name in one.free_parameters:
        a = np.log(theirs.posterior[name].to_numpy())[..., None]
        b = np.log(ours.values[name])[..., None]
        error = np.sqrt(sum(float(x.var() / bulk_ess(x)[0]) for x in (a, b)))
        assert abs(a.mean() - b.mean()) < 4 * error, name
    outcome = predicted.posterior_predictive["loss"]
    assert outcome.shape == (2, 200, len(handful))
    assert float(abs(np.log(outcome.mean(("chain", "draw")) / handful.data["loss"])).max()) < 0.1


def test_without_pymc_one_sentence_says_what_to_install() -> None:
    """And nothing else of the package needs it."""
    code = (
        "import sys\nsys.modules['pymc'] = None\nimport bayeslaw.inference.infer\n"
        "try:\n    import bayeslaw.inference.model.pymc_model\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "install bayeslaw[pymc]" in done.stdout
