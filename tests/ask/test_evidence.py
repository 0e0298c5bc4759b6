"""Evidence of saved fits: what it is about, what it refuses, and that coordinates do not matter."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.ball import on_ball, whitened
from bayeslaw.ask.evidence.bridge import CrossFit, Estimate, bridge, relative_error
from bayeslaw.ask.evidence.comparable import Subject, require_same
from bayeslaw.ask.evidence.evidence import CHECKS, Evidence
from bayeslaw.errors import ConvergenceError, QuestionError
from bayeslaw.inference.base import devices
from bayeslaw.inference.base.diagnostics import mean_ess
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.model.numpyro_model import log_likelihood
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.plan_model import plan_model
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW = bl.law("power_law").with_likelihood("LogNormal(mean, sigma)")
TRUTH = {"E": 1.8, "A": 0.6, "alpha": 0.2, "sigma": 0.01}


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    return simulated_runs(LAW, np.random.default_rng(1), 48, families=4, parameters=TRUTH)


@pytest.fixture(scope="module")
def one(runs) -> bl.Posterior:
    return bl.fit(LAW, runs, seed=1)


@pytest.fixture(scope="module")
def hierarchy(runs) -> bl.Posterior:
    """Of few runs, so that coordinates follow what is predicted, and a floor for each family."""
    pool = {"A": "complete", "alpha": "complete"}
    return bl.fit(LAW, runs, family="family", pool=pool, draws=1000, seed=1)


@pytest.fixture(scope="module")
def small(runs) -> bl.Posterior:
    """Three parameters: fixed noise."""
    return bl.fit(LAW.with_priors(sigma="Constant(0.05)"), runs, seed=2)


@pytest.fixture(scope="module")
def found(one) -> Evidence:
    return bl.log_evidence(one)


def flat_density(posterior):
    """The log density in the coordinates in which draws are saved."""
    with devices.float64():
        data = jax.tree.map(jax.numpy.asarray, posterior.plan.data())
    size = posterior.flat.shape[-1]
    return on_ball(plan_model(posterior.plan.structure), (data,), posterior.flat, Affine.identity(size)).log_density


def test_it_is_the_integral_of_prior_times_likelihood(one, found):
    """Importance sampling from a Student-t about the draws, in coordinates and arithmetic of its own."""
    flat = one.flat.reshape(-1, one.flat.shape[-1])
    rng, size = np.random.default_rng(5), flat.shape[-1]
    root = np.linalg.cholesky(1.5 * np.cov(flat.T))
    normal, gamma = rng.standard_normal((20_000, size)), rng.chisquare(5, 20_000) / 5
    x = flat.mean(axis=0) + normal @ root.T / np.sqrt(gamma)[:, None]
    from scipy.special import logsumexp
    from scipy.stats import multivariate_t

    proposal = multivariate_t(flat.mean(axis=0), root @ root.T, df=5).logpdf(x)
    ratio = flat_density(one)(x) - proposal
    expected = logsumexp(ratio) - np.log(len(x))
    error = np.exp(ratio - expected).std() / np.sqrt(len(x))
    assert error < 0.02
    assert abs(found.log_evidence - expected) < 3 * np.hypot(found.se, error)


@pytest.mark.parametrize("fixture", ["one", "hierarchy"])
def test_what_the_sampler_kept_is_the_same_density(fixture, request):
    """`lp` holds the log density of each draw, constants and Jacobians included."""
    posterior = request.getfixturevalue(fixture)
    density = flat_density(posterior)(posterior.flat.reshape(-1, posterior.flat.shape[-1]))
    np.testing.assert_allclose(density, posterior.stats["lp"].ravel(), rtol=1e-10)


def test_the_last_run_costs_what_was_predicted_of_it(small):
    """Evidence of all runs is that of all but one, times the density that their posterior gave to the last one."""
    fewer = bl.fit(small.law, small.runs.take(np.arange(len(small.runs) - 1)), seed=3)
    with devices.float64():
        data = jax.tree.map(jax.numpy.asarray, small.plan.data())
        rows = np.asarray(log_likelihood(small.plan.structure, fewer.values, data))
    terms = np.exp(rows[..., len(small.runs) - 1])
    step = bl.log_evidence(small).log_evidence - bl.log_evidence(fewer).log_evidence
    error = np.sqrt(relative_error(terms, mean_ess(terms)) + 2 * bl.log_evidence(small).se ** 2)
    assert error < 0.02
    assert abs(step - np.log(terms.mean())) < 4 * error


def test_it_comes_with_another_estimate_that_agrees(found):
    assert found.notes == ()
    assert found.se < 0.02
    value, se = found.opinions["normal"]
    assert abs(value - found.log_evidence) < 4 * np.hypot(se, found.se)


def test_a_saved_fit_says_the_same(one, found, tmp_path):
    assert bl.log_evidence(bl.load(one.save(tmp_path / "fit.nc"))) == found


def test_coordinates_do_not_matter(hierarchy):
    """The funnel's own coordinates and those of the transport, on the same draws."""
    ball = whitened(hierarchy)
    centred = bridge(flat_density(hierarchy), hierarchy.flat)["warp3"]
    round_ = bridge(ball.log_density, ball.draws)["warp3"]
    assert np.abs(ball.draws - hierarchy.flat).max() > 1.0
    assert abs(round_.log_evidence - centred.log_evidence) < 4 * np.hypot(round_.se, centred.se)
    assert round_.se < 0.1


def test_it_prints_and_turns_into_json(found):
    assert "The log evidence of law power_law on the loss of 48 runs is" in str(found)
    again = json.loads(json.dumps(found.as_dict()))
    assert (again["log_evidence"], again["se"], again["notes"]) == (found.log_evidence, found.se, [])


# --- nested sampling ------------------------------------------------------------------------------------------------


def test_nested_sampling_is_another_opinion(small):
    pytest.importorskip("dynesty", reason="nested sampling needs dynesty: install bayeslaw[evidence]")
    found = bl.log_evidence(small, nested=True)
    value, se = found.opinions["nested"]
    assert se < 0.6
    assert abs(value - found.log_evidence) < 3 * np.hypot(se, found.se)


@pytest.mark.slow
def test_pymc_has_the_same_evidence(small):
    """Sequential Monte Carlo from the priors, on the model that `to_pymc` gives; chains differ by their own errors."""
    pm = pytest.importorskip("pymc", reason="to_pymc needs PyMC: install bayeslaw[pymc]")
    with bl.to_pymc(small.law, small.runs):
        trace = pm.sample_smc(
            draws=2000, chains=4, cores=1, random_seed=1, progressbar=False, compute_convergence_checks=False
        )
    values = trace.sample_stats["log_marginal_likelihood"].values[:, -1].astype(float)  # of each stage; of all at last
    error = max(values.std(ddof=1) / 2, 0.02)
    assert abs(values.mean() - bl.log_evidence(small).log_evidence) < 4 * error, values


def test_too_many_parameters_for_nested_sampling_are_refused(runs):
    """A floor, an amplitude and an exponent for each of four families."""
    with pytest.raises(QuestionError, match=r"of the 19 parameters .* would take hours"):
        bl.log_evidence(about(LAW, runs, TRUTH, "family", noise=TRUTH["sigma"]), nested=True)


# --- what is refused and flagged ------------------------------------------------------------------------------------


def test_chains_that_have_not_converged_are_refused(runs):
    short = bl.fit(LAW, runs, draws=60, patience=False)
    with pytest.raises(ConvergenceError, match="has not converged"):
        bl.log_evidence(short)
    answer = bl.log_evidence(short, allow_unconverged=True)
    assert answer.converged is False
    assert "unconverged" in [note.code for note in answer.notes]


def test_draws_that_are_not_numbers_are_refused(one):
    """A chain of a law that the runs do not hold can start where nothing is defined, and stay there."""
    flat = one.flat.copy()
    flat[2] = np.nan
    with pytest.raises(QuestionError, match="1 of 4 chains of law 'power_law' have draws that are not numbers"):
        bl.log_evidence(replace(one, flat=flat), allow_unconverged=True)


def test_evidence_is_of_one_fit(one):
    with pytest.raises(QuestionError, match="evidence is of one fit, not of Average"):
        bl.log_evidence(bl.average([one, one]))


def test_a_seed_that_is_none_is_refused(one):
    with pytest.raises(bl.errors.InputError, match="seed is -1; expected a whole number from 0"):
        bl.log_evidence(one, seed=-1)


def test_too_few_draws_are_refused(one):
    few = replace(one, flat=one.flat[:, :40], stats={name: v[:, :40] for name, v in one.stats.items()})
    with pytest.raises(QuestionError, match="too few"):
        bl.log_evidence(few, allow_unconverged=True)


def codes(posterior: bl.Posterior, *, difference=0.0, variance=1e-4, ess=1000.0, khat=0.1, other=0.0) -> list[str]:
    halves = Estimate(0.0, variance, 0.0, ess, khat), Estimate(difference, variance, 0.0, ess, khat)
    return [note.code for check in CHECKS for note in check(posterior, CrossFit(halves), {"normal": (other, 0.02)})]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, []),
        ({"difference": 0.1}, ["halves-differ"]),
        ({"variance": 0.1}, ["large-error"]),
        ({"ess": 60.0}, ["few-terms"]),
        ({"khat": 0.9}, []),
        ({"khat": 0.9, "ess": 300.0}, ["heavy-tail"]),
        ({"other": 0.2}, ["opinions-differ"]),
        ({"variance": np.nan, "ess": np.nan}, ["halves-differ", "large-error", "few-terms", "opinions-differ"]),
    ],
)
def test_unreliable_errors_are_flagged(one, how, expected):
    assert codes(one, **how) == expected


def test_single_divergences_are_noted(one):
    diverging = np.zeros_like(one.stats["diverging"])
    diverging[0, 3] = 1
    assert codes(replace(one, stats={**one.stats, "diverging": diverging})) == ["divergences"]


def test_weights_are_noted(runs):
    weighted = bl.Runs.from_arrays({**runs.data, "weight": np.full(len(runs), 0.5)})
    assert [note.code for note in bl.log_evidence(bl.fit(LAW, weighted)).notes] == ["weighted"]


@pytest.mark.parametrize("prior", ["Normal(0, 1e400)", "HalfNormal(0)", "Gamma(0, 1)", "LogNormal(0, 1 / 0)"])
def test_improper_priors_cannot_be_written(prior):
    with pytest.raises(bl.errors.LawError):
        LAW.with_priors(E=prior)


# --- what compares --------------------------------------------------------------------------------------------------


def test_only_the_same_data_compare(one, found):
    """A subject of its own for each way in which data can differ."""
    runs, subject = one.runs, found.subject

    def other(law=LAW, **columns) -> Subject:
        changed = bl.Runs.from_arrays({**runs.data, **columns})
        return Subject.of(make_plan(law, changed))

    require_same([("a", subject), ("b", other()), ("c", other(LAW.with_likelihood("Normal(mean, sigma)")))])
    loss = runs.column("loss")
    cases = {
        "'loss'": other(loss=loss * 1.001),
        "'flops'": other(flops=runs.column("flops") * 2),
        "'weight'": other(weight=np.full(len(runs), 2.0)),
        "24 of them": Subject.of(make_plan(LAW, runs.take(np.arange(24)))),
        "amplitudes": replace(subject, references={"flops": 1.0}),
        "a probability": replace(subject, measure="probability"),
        "different outcomes": replace(subject, outcome="log_loss"),
    }
    for said, differs in cases.items():
        with pytest.raises(QuestionError, match=said):
            require_same([("one", subject), ("other", differs)])
