"""What a law expects before it sees an outcome is what its priors say together."""

import re

import numpy as np
import pytest
from scipy.stats import kstest, norm

import bayeslaw as bl
from bayeslaw.errors import QuestionError, RunsError
from bayeslaw.inference.posterior import noise
from tests.simulate import simulated_runs

LAW = bl.law("power_law")
# A loss that is a floor alone: its logarithm is normal, with the variances of floor and noise together.
FLOOR = LAW.with_likelihood("LogNormal(mean, sigma)").with_priors(
    E="LogNormal(log(1.8), 0.2)", A="Constant(0)", alpha="Constant(0.1)", sigma="Constant(0.1)"
)
LOSSES = bl.Runs.from_arrays({"flops": [1e18, 1e19, 1e20, 1e21], "loss": [1.8, 1.8, 2.0, 1.5]}, "four")


def test_it_is_the_distribution_that_priors_and_noise_give():
    found = bl.prior_predictive(FLOOR, LOSSES, level=[0.9, 0.5], draws=4000)
    assert found.draws.shape == (4000, 4)
    scale = np.hypot(0.2, 0.1)
    for run in range(4):
        assert kstest(np.log(found.draws[:, run]), norm(np.log(1.8), scale).cdf).pvalue > 1e-3
    # Runs of one table share the floor.
    correlation = np.corrcoef(np.log(found.draws).T)[0, 1]
    assert correlation == pytest.approx(0.2**2 / scale**2, abs=0.03)
    point = found.points[3]
    assert (point.row, point.at, point.observed) == (4, {"C": 1e21}, 1.5)
    assert point.below == pytest.approx(norm.cdf(np.log(1.5 / 1.8) / scale), abs=0.03)
    assert point.new_run.median == pytest.approx(1.8, rel=0.02)
    assert point.new_run.lower == pytest.approx(1.8 * np.exp(-1.645 * scale), rel=0.03)
    assert found.inside == {0.9: 4, 0.5: 3}
    assert found.notes == ()


def test_families_are_drawn_with_their_spread():
    runs = simulated_runs(LAW, np.random.default_rng(1), 12, families=3)
    found = bl.prior_predictive(FLOOR, runs, "family", draws=3000)
    logs = np.log(found.draws)
    same, other = np.corrcoef(logs.T)[0, [3, 1]]  # run 3 is of the family of run 0
    assert same > other + 0.1


def test_a_seed_repeats_it_and_many_runs_are_taken_in_parts(monkeypatch):
    once = bl.prior_predictive(FLOOR, LOSSES, seed=3, draws=500)
    np.testing.assert_array_equal(once.draws, bl.prior_predictive(FLOOR, LOSSES, seed=3, draws=500).draws)
    monkeypatch.setattr(noise, "AT_ONCE", 500)
    parts = bl.prior_predictive(FLOOR, LOSSES, seed=3, draws=500)
    # The first part is drawn from the same numbers; all are of the same floors.
    assert np.corrcoef(np.log(parts.draws[:, 3]), np.log(once.draws).mean(axis=1))[0, 1] > 0.8


def test_planned_runs_need_no_outcomes_and_may_be_few():
    found = bl.prior_predictive("chinchilla", {"n_params": [1e9], "n_tokens": [2e10]})
    assert found.observed is None
    assert found.inside == {}
    assert found.points[0].observed is found.points[0].below is None
    assert str(found).splitlines()[-1] == "The runs have no loss to compare with."
    assert found.as_dict()["points"][0]["observed"] is None
    with pytest.raises(RunsError, match="n_tokens"):
        bl.prior_predictive("chinchilla", {"n_params": [1e9]})


def test_outcomes_that_priors_do_not_expect_are_said():
    found = bl.prior_predictive(FLOOR.with_priors(E="LogNormal(log(3), 0.01)"), LOSSES)
    (note,) = found.notes
    assert (note.code, note.severity) == ("prior-conflict", "warning")
    assert "4 of 4 outcomes lie outside the middle 99 %" in note.text
    assert "(rows 1, 2, 3 and 1 more)" in note.text
    # Its remedy can be pasted.
    wider = re.search(r'with_priors\(E="(.*?)"\)', note.remedy)[1]
    assert bl.prior_predictive(FLOOR.with_priors(E=wider), LOSSES).law.parameters["E"].prior.name == "LogNormal"


def test_priors_that_expect_the_impossible_are_said():
    found = bl.prior_predictive(LAW.with_priors(A="LogNormal(log(1), 6)"), LOSSES)
    (note,) = found.notes
    assert (note.code, note.severity) == ("prior-too-wide", "info")
    assert "0.1 to 20" in note.text
    assert not np.isnan(found.draws).any()


@pytest.mark.parametrize("draws", [0, 19, 2.5, True])
def test_too_few_draws_are_refused(draws):
    with pytest.raises(QuestionError, match="expected a whole number from 20"):
        bl.prior_predictive(FLOOR, LOSSES, draws=draws)


def test_priors_may_be_those_of_a_paper():
    weak, known = (
        bl.prior_predictive("chinchilla", {"n_params": [1e10], "n_tokens": [2e11]}, priors=priors).points[0].new_run
        for priors in (None, "chinchilla:besiroglu2024chinchilla")
    )
    assert known.upper - known.lower < 0.5 * (weak.upper - weak.lower)


def test_the_picture_shows_runs_and_tables():
    figure = bl.plot_prior(bl.prior_predictive(FLOOR, LOSSES))
    left, right = figure.axes
    (dots,) = (line for line in left.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(dots.get_xydata(), np.stack([LOSSES.data["flops"], LOSSES.data["loss"]], axis=1))
    assert len(right.lines) == 41
    np.testing.assert_array_equal(right.lines[-1].get_xdata(), np.sort(LOSSES.data["loss"]))
    with pytest.raises(QuestionError, match="no input 'n_tokens'"):
        bl.plot_prior(bl.prior_predictive(FLOOR, LOSSES), along="n_tokens")


def test_the_picture_shows_counts_as_shares_of_their_trials():
    law = bl.law("passuntil")
    found = bl.prior_predictive(law, simulated_runs(law, np.random.default_rng(2), 8))
    left, _ = bl.plot_prior(found).axes
    (dots,) = (line for line in left.lines if line.get_marker() == "o")
    assert 0.0 <= dots.get_ydata().min() <= dots.get_ydata().max() <= 1.0
    assert "share of trials" in left.get_ylabel()
