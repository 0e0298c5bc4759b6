"""Two parameters tied to one value: another law with fewer parameters, which is the old one where they are equal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.errors import LawError, PoolingError
from bayeslaw.language.check import input_grid
from bayeslaw.language.law import Law
from tests.posteriors import about
from tests.simulate import simulated_runs

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=30)
TRUTH = {"E": 1.8, "A": 0.4, "B": 0.5, "alpha": 0.34, "sigma": 0.003, "nu": 30.0}
# Every law that has both exponents.
TIED = [law.name for law in bl.laws() if {"alpha", "beta"} <= law.parameters.keys()]


@pytest.mark.parametrize("name", TIED)
def test_a_tied_law_is_the_law_where_both_are_equal(name):
    law = bl.law(name)
    tied = law.with_priors(beta="alpha")
    assert tied.parameters.keys() == law.parameters.keys() - {"beta"}
    assert next(iter(tied.derived)) == "beta"
    rng, grid = np.random.default_rng(0), input_grid(law)
    drawn = {each: values[:, None] for each, values in tied.draw_prior(rng, 20).items()}
    both = {**drawn, "beta": drawn["alpha"]}
    np.testing.assert_allclose(tied.mean(grid, drawn), law.mean(grid, both), rtol=1e-12)
    assert tied.derive(drawn)["beta"] is drawn["alpha"]
    for each, values in law.derive(both).items():
        np.testing.assert_allclose(tied.derive(drawn)[each], values, rtol=1e-12)
    assert Law.parse(tied.text, law.name) == tied


@given(
    names=st.sampled_from([("alpha", "beta"), ("beta", "alpha"), ("A", "B"), ("B", "A")]),
    prior=st.sampled_from([{}, {"E": "Constant(1.7)"}, {"sigma": "HalfNormal(0.1)"}]),
)
@FIXED
def test_ties_go_with_other_edits_in_any_order(names, prior):
    kept, gone = names
    law = bl.law("chinchilla")
    together = law.with_priors(**{gone: kept}, **prior)
    assert together == law.with_priors(**prior).with_priors(**{gone: kept})
    grown = together.with_noise_growth("N").with_group_effect("budget").with_known_error("loss_se")
    assert gone in grown.derived
    assert gone not in grown.parameters


def test_published_values_stay_where_they_agree():
    assert bl.law("chinchilla").with_priors(beta="alpha").published.values == {}
    law = bl.law("repeated_data")
    tied = law.with_priors(beta="alpha")
    (key,) = tied.published.values
    at = {"N": 8.7e9, "D": 178e9, "U": 178e9 / 7}
    assert tied.mean(at, tied.published_parameters(key)) == law.mean(at, law.published_parameters(key))


def test_the_parts_of_a_law_that_use_a_tied_parameter_follow():
    text = """\
title = "Parts"
formula = "y * b + a"
terms = { y = { root = "y + b * log(y) - N / N0", between = ["1e-9 * b", 100] } }
output.loss = { likelihood = "Normal(mean, a + b)", units = "1", range = [-100, 100], meaning = "loss" }
input.N = { column = "n_params", units = "1", reference = 1e9, range = [1e8, 1e10], meaning = "parameters" }
parameter.a = { prior = "LogNormal(0, 1)", meaning = "one" }
parameter.b = { prior = "LogNormal(0, 1)", pool = "family", meaning = "other" }
derived.c = "2 * b"
"""
    law = Law.parse(text, "parts")
    tied = law.with_priors(b="a")
    assert str(tied.output.likelihood) == "Normal(mean, a + a)"
    at = {"N": np.array([5e8, 2e9])}
    np.testing.assert_allclose(tied.mean(at, {"a": 0.7}), law.mean(at, {"a": 0.7, "b": 0.7}))
    assert tied.derive({"a": 0.7}) == {"b": 0.7, "c": 1.4}


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"beta": "alpah"}, "prior of beta:1:1: 'alpah' is neither a prior, such as LogNormal(log(0.4), 0.1), nor a "
                            "parameter to tie 'beta' to; did you mean 'alpha'"),
        ({"beta": "beta"}, "prior of beta:1:1: 'beta' cannot be tied to itself"),
        ({"beta": "alpha", "alpha": "beta"}, "prior of beta:1:1: 'beta' cannot be tied to a tied parameter"),
        ({"alpha": "E"}, "prior of alpha:1:1: 'alpha' (positive) and 'E' (positive, in nat/token) cannot be one n"),
        ({"betta": "alpha"}, "law 'chinchilla' has no parameter 'betta'; did you mean 'beta'"),
    ],
)  # fmt: skip
def test_what_cannot_be_tied_is_refused(priors, message):
    with pytest.raises(LawError) as caught:
        bl.law("chinchilla").with_priors(**priors)
    assert str(caught.value).startswith(message)


def test_a_tie_is_recovered_and_kept_in_the_file(tmp_path):
    law = bl.law("chinchilla").with_priors(beta="alpha")
    runs = simulated_runs(law, np.random.default_rng(3), 60, parameters=TRUTH)
    posterior = about(law, runs, TRUTH, noise=TRUTH["sigma"])
    again = bl.load(posterior.save(tmp_path / "tied.nc"))
    assert again.law == law
    np.testing.assert_array_equal(again.parameters()["alpha"], posterior.parameters()["alpha"])
    rows = {row.name: row for row in again.summary().rows}
    assert rows["beta"].mean == rows["alpha"].mean == pytest.approx(TRUTH["alpha"], abs=0.02)
    at = {"N": 7e10, "D": 1.4e12}
    (point,) = bl.forecast(again, at, drift=False).points
    assert point.mean.lower < law.mean(at, TRUTH) < point.mean.upper
    with pytest.raises(PoolingError, match="beta"):
        about(law, runs, TRUTH, pool={"beta": "complete"}, noise=0.01)


def test_a_fit_with_a_tie_finds_both():
    law = bl.law("chinchilla")
    runs = simulated_runs(law, np.random.default_rng(4), 80, parameters={**TRUTH, "beta": TRUTH["alpha"]})
    posterior = bl.fit(law, runs, priors={"beta": "alpha"}, draws=50, patience=False, progress=False)
    alpha = posterior.parameters()["alpha"]
    assert abs(alpha.mean() - TRUTH["alpha"]) < 4 * alpha.std() < 0.2
    assert "beta" in posterior.law.derived
