"""A budget split between three inputs, against a closed form, and outcomes of which the highest is best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.ask.optimum.regret import Solved
from bayeslaw.ask.optimum.trade import make_trade
from bayeslaw.errors import LawError, QuestionError
from tests.posteriors import about
from tests.simulate import simulated_runs

POWERS = "E + A*(N/N0)**-alpha + B*(D/D0)**-beta + G*(V/V0)**-gamma"
TEXT = """
title = "Three powers"
formula = "{formula}"

[output]
{name} = {{ likelihood = "Normal(mean, sigma)", range = [0, 20]{more} }}

[input]
N = {{ column = "n_params", reference = 1e9, range = [1e6, 1e13] }}
D = {{ column = "n_tokens", reference = 1e10, range = [1e6, 1e14] }}
V = {{ column = "vocabulary", reference = 1e4, range = [1e2, 1e7] }}

[parameter]
E = {{ prior = "LogNormal(log(1.8), 0.1)" }}
A = {{ prior = "LogNormal(log(0.4), 0.3)" }}
B = {{ prior = "LogNormal(log(0.4), 0.3)" }}
G = {{ prior = "LogNormal(log(0.3), 0.3)" }}
alpha = {{ prior = "LogNormal(log(0.35), 0.2)" }}
beta = {{ prior = "LogNormal(log(0.35), 0.2)" }}
gamma = {{ prior = "LogNormal(log(0.5), 0.2)" }}
sigma = {{ prior = "HalfNormal(0.05)" }}
"""
LOSS = bl.Law.parse(TEXT.format(formula=POWERS, name="loss", more=""), "three")
SCORE = bl.Law.parse(TEXT.format(formula=f"10 - ({POWERS})", name="score", more=', best = "highest"'), "mirrored")
COST = "6*N*D*(V/V0)"
exponent, amplitude = st.floats(0.2, 1.0), st.floats(0.1, 1.0)


def lagrange(p, budget):
    """Where the weighted slopes of the three powers are equal, and their logs add up to that of the budget."""
    a = np.array([p["alpha"], p["beta"], p["gamma"]])
    r = np.array([p["A"], p["B"], p["G"]])
    scales = np.log([1e9, 1e10, 1e4])
    spent = np.log(budget / (6e19)) - np.sum(np.log(a * r) / a)
    return np.exp(scales + (np.log(a * r) + spent / np.sum(1 / a)) / a)


def solved(law, p, given, **more):
    trade = make_trade(law, given, more.get("over"), more.get("cost", COST.replace("V0", "1e4")))
    return Solved(trade, {name: np.atleast_1d(value) for name, value in p.items()})


@settings(max_examples=40, deadline=None)
@given(*[exponent] * 3, *[amplitude] * 3, st.floats(20, 23))
def test_three_inputs_share_a_budget_as_lagrange_has_it(alpha, beta, gamma, A, B, G, power):
    p = {"E": 1.8, "A": A, "B": B, "G": G, "alpha": alpha, "beta": beta, "gamma": gamma}
    one = solved(LOSS, p, {"C": 10**power})
    expected = lagrange(p, 10**power)
    limits = np.log([LOSS.inputs[name].range for name in "NDV"])
    if not np.all((np.log(expected) > limits[:, 0]) & (np.log(expected) < limits[:, 1])):
        return
    found = one.best
    np.testing.assert_allclose([found[name][0] for name in "NDV"], expected, rtol=1e-5)
    mirrored = solved(SCORE, p, {"C": 10**power})
    np.testing.assert_allclose([mirrored.best[name][0] for name in "NDV"], expected, rtol=1e-5)
    assert mirrored.value == pytest.approx(10 - one.value)


def test_the_rest_of_a_budget_stays_within_its_limits():
    """The best split would take more tokens than there are: then all of them, and nothing outside counts."""
    p = {"E": 1.8, "A": 0.1, "B": 1.0, "G": 0.1, "alpha": 0.3, "beta": 0.3, "gamma": 0.5}
    over = {"N": (1e6, 1e13), "V": (1e2, 1e7), "D": (1e6, 1e11)}
    free, bound = solved(LOSS, p, {"C": 1e23}), solved(LOSS, p, {"C": 1e23}, over=over)
    assert free.best["D"] > 1.5e11
    assert 0.9e11 < bound.best["D"] <= 1e11 * (1 + 1e-6)
    assert bound.value > free.value
    held = solved(LOSS, p, {"C": 1e23, "D": 1e11})
    assert bound.value == pytest.approx(held.value, abs=1e-4)
    assert (free.at_edge, bound.at_edge) == (False, True)
    with pytest.raises(QuestionError, match="out of reach"):
        solved(LOSS, p, {"C": 1e40}).lowest  # noqa: B018


@pytest.fixture(scope="module")
def answers():
    truth = {"E": 1.8, "A": 0.4, "B": 0.4, "G": 0.3, "alpha": 0.35, "beta": 0.37, "gamma": 0.5, "sigma": 0.01}
    runs = simulated_runs(LOSS, np.random.default_rng(6), 60, parameters=truth)
    mirrored = runs.with_columns({"score": 10 - runs.column("loss")})
    fits = [about(law, each, truth, noise=0.01, draws=100, chains=2)
            for law, each in ((LOSS, runs), (SCORE, mirrored))]  # fmt: skip
    return [bl.optimum(fit, {"C": 1e22}, cost="6*N*D*(V/1e4)", drift=False, allow_unconverged=True) for fit in fits]


def test_the_highest_is_found_as_the_lowest_of_its_mirror_image(answers):
    loss, score = answers
    for name in "NDV":
        np.testing.assert_allclose(loss.draws[name], score.draws[name], rtol=1e-3)
    np.testing.assert_allclose(loss.outcome_draws, 10 - score.outcome_draws, rtol=1e-6)
    np.testing.assert_allclose(loss.regret_draws, score.regret_draws, atol=1e-6)
    assert (score.regret_draws >= 0).all()


def test_an_answer_says_which_end_is_best(answers):
    loss, score = map(str, answers)
    assert "The lowest loss" in loss
    assert "extra loss" in loss
    assert "The highest score" in score
    assert "score given up" in score


def test_a_direction_is_one_of_two():
    with pytest.raises(LawError, match=r"unknown best 'biggest'.*known: lowest, highest"):
        bl.Law.parse(TEXT.format(formula=POWERS, name="score", more=', best = "biggest"'), "wrong")
