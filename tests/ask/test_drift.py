"""Drift: none among the runs, a normal slope beyond them, and said when left out."""

import numpy as np
import pytest
from scipy import special, stats

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.disagreement import AHEAD, slopes_ahead
from bayeslaw.ask.forecast.drift import (
    MIDDLE,
    OTHERS,
    TAILS,
    distance,
    drift_of,
    drifts_of,
    kind_of,
    learned_drifts,
    less_disagreement,
    parts_in_averages,
)
from bayeslaw.ask.where.extrapolation import extrapolation
from tests.posteriors import about, from_priors
from tests.simulate import simulated_runs


@pytest.fixture(scope="module")
def posterior() -> bl.Posterior:
    law = bl.law("chinchilla")
    truth = {name: each.prior.median() for name, each in law.parameters.items()}
    runs = simulated_runs(law, np.random.default_rng(0), 40, parameters=truth)
    return about(law, runs, truth, noise=truth["sigma"], draws=500)


def points(posterior: bl.Posterior) -> dict[str, list[float]]:
    """One at the largest fitted run, one an e-fold of compute beyond it at its ratio, one four."""
    N, D = (posterior.plan.inputs[name] for name in ("N", "D"))
    top = int(np.argmax(N * D))
    return {name: [v[top] * np.exp(far / 2) for far in (0.0, 1.0, 4.0)] for name, v in (("N", N), ("D", D))}


def test_distance_is_the_log_of_compute_beyond_the_runs(posterior):
    at = {name: np.array(values) for name, values in points(posterior).items()}
    np.testing.assert_allclose(distance(posterior, at), [0.0, 1.0, 4.0], atol=1e-12)
    np.testing.assert_allclose(distance(posterior, {name: v / 100 for name, v in at.items()}), 0.0)


def test_a_law_of_one_input_drifts_along_it():
    """One of several that does not know compute does not: no one distance is that of all of them.

    One of a loss drifts downwards, where an e-fold is worth very many of compute.
    """
    curve, score, student = (bl.law(name) for name in ("bnsl", "loss_threshold", "capacity_gap"))
    one, below, two = (from_priors(law, simulated_runs(law, np.random.default_rng(1), 100))
                       for law in (curve, score, student))  # fmt: skip
    top = one.plan.inputs["x"].max()
    np.testing.assert_allclose(distance(one, {"x": top * np.array([0.5, 1.0, 4.0])}), [0.0, 0.0, np.log(4)], atol=1e-12)
    assert extrapolation(below, below.plan.inputs)["L_ratio"].max() == 1.0
    lowest = below.plan.inputs["L"].min()
    far = distance(below, {"L": lowest * np.array([0.5, 1.0, 3.0])})
    np.testing.assert_allclose(far, [np.log(2), 0, 0], atol=1e-12)
    assert len(student.free_inputs) == 2
    np.testing.assert_array_equal(distance(two, {n: 100 * two.plan.inputs[n][:3] for n in student.free_inputs}), 0.0)


def test_the_law_shifts_by_slope_times_distance(posterior):
    given = bl.Drift(direction=-0.01, scale=0.005)
    plain, drifted = (bl.forecast(posterior, points(posterior), drift=drift) for drift in (False, given))
    shift = np.log(drifted.mean_draws / plain.mean_draws)
    np.testing.assert_allclose(shift[:, 0], 0.0, atol=1e-12)
    # One slope for all points of a draw.
    np.testing.assert_allclose(shift[:, 2], 4 * shift[:, 1], atol=1e-9)
    assert stats.kstest((shift[:, 1] - given.direction) / given.scale, stats.t(TAILS).cdf).pvalue > 0.01
    assert [point.parts["drift"] is None for point in plain.points] == [True] * 3
    sizes = [point.parts["drift"] for point in drifted.points]
    assert sizes[0] == 0.0
    assert sizes[0] < sizes[1] < sizes[2]


def test_what_is_left_out_is_said(posterior):
    without = bl.forecast(posterior, points(posterior), drift=False)
    assert "Without drift" in str(without)
    assert "no-drift" in [note.code for note in without.notes]
    assert without.as_dict()["drift"] == {}
    by_default = bl.forecast(posterior, points(posterior))
    assert "Without drift" not in str(by_default)
    learned = learned_drifts()["chinchilla"]
    assert by_default.as_dict()["drift"] == {"chinchilla": learned.as_dict()}


def test_every_question_says_what_it_was_asked_with(posterior):
    at = points(posterior)
    table = {"n_params": [1e9, 2e9], "n_tokens": [2e10, 4e10], "loss": [2.5, 2.4]}
    questions = (
        lambda drift: bl.forecast(posterior, at, drift=drift),
        lambda drift: bl.risk(posterior, at, above=2.5, drift=drift),
        lambda drift: bl.threshold(posterior, 2.5, drift=drift),
        lambda drift: bl.optimum(posterior, budget={"C": 1e22}, drift=drift),
        lambda drift: bl.effective_size(posterior, table, drift=drift),
    )
    for ask in questions:
        without, learned = (ask(drift) for drift in (False, True))
        assert "without drift" in str(without).casefold()
        assert "without drift" not in str(learned).casefold()
        assert without.as_dict()["drift"] == {}
        assert learned.as_dict()["drift"] == {"chinchilla": learned_drifts()["chinchilla"].as_dict()}


def test_a_drift_may_grow_faster_than_the_distance(posterior):
    """Its spread as a power, and as one in proportion at three e-folds; its direction in proportion."""
    plain, steady, faster = (
        bl.forecast(posterior, points(posterior), drift=drift)
        for drift in (False, bl.Drift(-0.01, 0.005), bl.Drift(-0.01, 0.005, power=1.5))
    )
    far = np.array([0.0, 1.0, 4.0])
    slope, grown = (np.log(each.mean_draws / plain.mean_draws) + 0.01 * far for each in (steady, faster))
    np.testing.assert_allclose(grown, slope * np.sqrt(far / MIDDLE), atol=1e-9)
    assert faster.as_dict()["drift"]["chinchilla"]["power"] == 1.5


def test_laws_of_a_loss_drift_by_parts_of_their_own_in_an_average(posterior):
    """Whatever is known of them; a drift of the caller's own is that of every law."""
    both = bl.average({"chinchilla": posterior, "kaplan": from_priors("kaplan", posterior.runs)})
    parts = parts_in_averages()
    assert 0 < parts["direction"] <= 1
    assert 0 < parts["scale"] < 1 <= parts["power"]
    mine = {"chinchilla": bl.Drift(-0.01, 0.02, df=5), "other": bl.Drift(0.0, 0.01)}
    for wanted, alone in ((True, learned_drifts()), (mine, {**mine, "kaplan": mine["other"]})):
        for name, drift in drifts_of(both, wanted).items():
            own = alone[name]
            assert drift.direction == parts["direction"] * own.direction
            # The 95 % interval of a slope shrinks by the part, whatever the tails.
            ends = (one.scale * stats.t(one.df).ppf(0.975) for one in (drift, own))
            assert next(ends) == pytest.approx(parts["scale"] * next(ends))
            assert (drift.df, drift.power) == (parts["df"], parts["power"])
    given = bl.Drift(-0.01, 0.02)
    assert drifts_of(both, given) == less_disagreement(both, dict.fromkeys(both.posteriors, given))


def test_an_average_drifts_less_by_what_its_laws_disagree_on(posterior):
    """That of scores, or with a drift of the caller's own.

    The scales lose the standard deviation of the laws' slopes, given by hand here, and no more than they have."""
    other = from_priors("kaplan", posterior.runs)
    both = {"chinchilla": posterior, "kaplan": other}
    N, D = (posterior.plan.inputs[name] for name in ("N", "D"))
    ratio, top = np.exp(np.median(np.log(D / N))), (N * D).max()
    ahead = {"N": np.sqrt(top / ratio * np.array([1.0, AHEAD])), "D": np.sqrt(top * ratio * np.array([1.0, AHEAD]))}
    learned = {name: learned_drifts()[name] for name in both}
    slopes = []
    for name, each in both.items():
        p = {n: v[:, None] for n, v in each.parameters().items()}
        heights = np.median(np.log(each.law.mean(ahead, p)), axis=0)
        slopes.append((heights[1] - heights[0]) / np.log(AHEAD) + learned[name].direction)
    apart = abs(slopes[0] - slopes[1]) / np.sqrt(2.0)
    less = apart / (stats.t(TAILS).ppf(0.975) / stats.norm.ppf(0.975))
    assert 0 < less < learned["kaplan"].scale
    drifts = less_disagreement(bl.average(both), learned)
    for name, drift in drifts.items():
        assert drift.scale == pytest.approx(max(learned[name].scale - less, 0.0))
        assert drift.direction == learned[name].direction
    wide = {name: bl.Drift(drift.direction, 10 * drift.scale) for name, drift in learned.items()}
    found = less_disagreement(bl.average(both, [3, 1]), wide)
    apart = np.sqrt(2 * 3 / 16) * abs(slopes[0] - slopes[1])
    for name, drift in found.items():
        assert drift.scale == pytest.approx(wide[name].scale - apart / drift.reach)


def test_laws_that_agree_drift_as_one(posterior):
    """As does one with all of the weight, and one that was fitted twice."""
    other = from_priors("kaplan", posterior.runs)
    learned = learned_drifts()["chinchilla"]
    assert drifts_of(bl.average({"chinchilla": posterior, "kaplan": other}, [1, 0]), True)["chinchilla"] == learned
    for drift in drifts_of(bl.average({"a": posterior, "b": posterior}), True).values():
        assert drift.scale == pytest.approx(learned.scale)


def test_laws_without_a_path_ahead_disagree_on_nothing():
    """No single input of a student says where larger runs lie."""
    law = bl.law("capacity_gap")
    fit = from_priors(law, simulated_runs(law, np.random.default_rng(2), 60))
    asked = bl.average({"a": fit, "b": fit})
    assert np.isnan(list(slopes_ahead(asked).values())).all()
    assert drifts_of(asked, True) == dict.fromkeys(["a", "b"], learned_drifts()[OTHERS["log"]])


def test_slopes_ahead_are_those_of_the_law_and_of_the_family_of_the_largest_run():
    """Whatever is pooled."""
    law = bl.law("power_law")
    runs = simulated_runs(law, np.random.default_rng(2), 40, families=2)
    for pool in (None, dict.fromkeys(law.free_parameters[:2], "none")):
        fit = from_priors(law, runs, "family", pool)
        top = int(fit.plan.inputs["C"].argmax())
        family = fit.runs.frame().family.iloc[top]
        p = fit.parameters(fit.groups_of(family))
        C = fit.plan.inputs["C"].max()
        low, high = (np.median(np.log(law.mean({"C": C * times}, p))) for times in (1.0, AHEAD))
        expected = (high - low) / np.log(AHEAD)
        assert slopes_ahead(Average.of(fit))["power_law"] == pytest.approx(expected, rel=1e-9)


def test_losses_and_scores_have_a_drift_each_and_other_outcomes_none():
    learned = learned_drifts()
    assert drift_of(bl.law("power_law")) == learned[OTHERS["log"]]
    assert drift_of(bl.law("passuntil")) == learned[OTHERS["logit"]]
    assert drift_of(bl.law("passuntil"), {"other": learned["other"]}) is None
    assert drift_of(bl.law("chinchilla"), False) is None
    text = bl.law("power_law").text.replace("LogStudentT(nu, mean, sigma)", "StudentT(nu, mean, sigma)")
    assert drift_of(bl.Law.parse(text)) is None
    assert drift_of(bl.law("downstream_error")) == learned[OTHERS["logit by loss"]]
    another_loss = bl.law("power_law").text.replace('column = "flops"', 'column = "teacher_loss"')
    assert drift_of(bl.Law.parse(another_loss)) is None
    sizes = {"log": (0.001, 0.05), "logit": (0.05, 1.0), "logit by loss": (0.5, 5.0)}
    others = {name: kind for kind, name in OTHERS.items()}
    for name, drift in learned.items():
        low, high = sizes[others[name] if name in others else kind_of(bl.law(name))]
        assert low < drift.scale < high
        assert abs(drift.direction) < 3 * drift.scale


def test_a_score_drifts_in_logits():
    """So that it stays between nothing and all right, and a certain drift shifts every draw by as many logits."""
    law = bl.law("emergence_logistic")
    fit = from_priors(law, simulated_runs(law, np.random.default_rng(5), 40))
    top = fit.plan.inputs["C"].max()
    at = {"C": top * np.exp([0.0, 1.0, 6.0]), "n": 1000}
    plain, drifted = (bl.forecast(fit, at, drift=drift) for drift in (False, bl.Drift(0.3, 0.0)))
    shift = special.logit(drifted.mean_draws) - special.logit(plain.mean_draws)
    np.testing.assert_allclose(shift, np.broadcast_to([0.0, 0.3, 1.8], shift.shape), atol=1e-8)
    far = bl.forecast(fit, at)
    assert ((far.mean_draws >= 0.0) & (far.mean_draws <= 1.0)).all()
    assert far.drift == {"emergence_logistic": learned_drifts()["emergence_logistic"]}


def test_thresholds_and_optima_are_of_the_drifted_law(posterior):
    """With a drift that is known, each draw crosses where the law times its drift has the value."""
    given = bl.Drift(direction=-0.01, scale=0.0)
    C = 6 * posterior.plan.inputs["N"] * posterior.plan.inputs["D"]
    plain = bl.forecast(posterior, {"N": 1e10, "D": 2e11}, drift=False).mean_draws
    value = float(np.median(plain))
    held = {"N": 1e10, "D": 2e11}
    before, found = (bl.threshold(posterior, value, at=held, drift=drift).draws for drift in (False, given))
    within = np.isfinite(before) & np.isfinite(found)
    assert within.sum() > 100
    assert (found[within] <= before[within] * (1 + 1e-9)).all()
    p = {name: posterior.draws(name)[within] for name in ("E", "A", "B", "alpha", "beta")}
    scale = found[within]
    mean = posterior.law.mean({"N": np.sqrt(scale / 6 / 20), "D": np.sqrt(scale * 20 / 6)}, p)
    shift = -0.01 * np.log(np.maximum(scale / C.max(), 1.0))
    np.testing.assert_allclose(mean * np.exp(shift), value, rtol=1e-6)

    budget = {"C": 100 * C.max()}
    # The place of an optimum drifts by itself, and not by the drift of the outcome.
    none = bl.Drift(direction=0.0, scale=0.0)
    one, other = (bl.optimum(posterior, budget=budget, drift=drift) for drift in (none, given))
    np.testing.assert_allclose(other.outcome_draws / one.outcome_draws, 100**-0.01, rtol=1e-9)
    np.testing.assert_array_equal(one.draws["N"], other.draws["N"])
