"""Forecasts: against a computation by hand from the draws, within their support, and refused in words."""

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.forecast.chain import matched
from bayeslaw.ask.forecast.forecast import LEAST, QUANTILES, Forecast
from bayeslaw.errors import ConvergenceError, InputError, QuestionError, RunsError
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
SMALL = {"draws": 300, "chains": 2}
BIG = {"N": 7e10, "D": 1.4e12}


def ask(posterior: bl.Posterior, *args, **more) -> Forecast:
    """An answer from the few draws of a test, which need not be many enough to be trusted."""
    return bl.forecast(posterior, *args, allow_unconverged=True, **more)


@pytest.fixture(scope="module")
def hierarchy() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(5), 42, families=3, parameters=TRUTH)
    return about(LAW, runs, TRUTH, "family", noise=TRUTH["sigma"], **SMALL)


@pytest.fixture(scope="module")
def flat() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(6), 42, parameters=TRUTH)
    return about(LAW, runs, TRUTH, noise=TRUTH["sigma"], **SMALL)


@pytest.fixture(scope="module")
def counts() -> bl.Posterior:
    truth = {"p": 0.1, "alpha": 0.4}
    runs = simulated_runs(bl.law("passuntil"), np.random.default_rng(7), 12, parameters=truth)
    return about("passuntil", runs, truth, noise=0.3, **SMALL)


@pytest.fixture(scope="module")
def shares() -> bl.Posterior:
    truth = {"chance": 0.8, "learned": 0.25, "gamma": 0.8, "kappa": 30.0}
    runs = simulated_runs(bl.law("downstream_error"), np.random.default_rng(8), 16, parameters=truth)
    return about("downstream_error", runs, truth, noise=0.3, **SMALL)


def width(interval) -> float:
    return interval.upper - interval.lower


# --- numbers ----------------------------------------------------------------------------------------------------


def test_the_mean_of_a_known_family_is_the_law_at_each_draw(hierarchy):
    found = ask(hierarchy, BIG, family="family 2", level=0.8)
    at = hierarchy.families.index("family 2")
    parameters = {
        name: hierarchy.draws(name) * np.exp(hierarchy.draws(f"{name}_deviation_family")[:, at])
        for name in ("E", "A", "B", "alpha", "beta")
    }
    expected = LAW.mean(BIG, parameters)
    by_hand = (
        parameters["E"] + parameters["A"] * 70 ** -parameters["alpha"] + parameters["B"] * 70 ** -parameters["beta"]
    )
    np.testing.assert_allclose(expected, by_hand, rtol=1e-12)
    np.testing.assert_allclose(found.mean_draws[:, 0], expected, rtol=1e-12)
    mean = found.points[0].mean
    np.testing.assert_allclose(
        [mean.median, mean.lower, mean.upper], np.quantile(expected, [0.5, 0.1, 0.9]), rtol=1e-12
    )
    assert found.points[0].family == "family 2"


def test_a_new_run_scatters_about_its_mean_with_the_fitted_noise(hierarchy):
    """Standardised by the noise of its draw it is a Student-t; its spread by the quartiles is that of one."""
    found = ask(hierarchy, {"N": np.geomspace(1e8, 1e11, 20), "D": 1e11}, family="family 1")
    sigma, nu = hierarchy.draws("sigma")[:, None], hierarchy.draws("nu")
    z = np.log(found.draws / found.mean_draws) / sigma
    assert abs(np.median(z)) < 4 * 1.25 / np.sqrt(z.size)
    quartiles = np.random.default_rng(0).standard_t(np.tile(nu, 500))
    np.testing.assert_allclose(np.quantile(z, [0.25, 0.75]), np.quantile(quartiles, [0.25, 0.75]), atol=0.05)


def test_a_new_family_is_wider_than_a_known_one(hierarchy):
    known, new, middle = (ask(hierarchy, BIG, family=f).points[0] for f in ("family 1", "new", "population"))
    assert width(new.mean) > 1.2 * width(known.mean)
    assert width(new.mean) > width(middle.mean)
    assert (new.family, middle.family) == ("new", "population")


def test_a_family_that_is_not_said_is_a_new_one(hierarchy):
    np.testing.assert_array_equal(ask(hierarchy, BIG).draws, ask(hierarchy, BIG, family="new").draws)


def test_a_higher_level_is_a_wider_interval_about_the_same_median(hierarchy):
    found = [ask(hierarchy, BIG, level=level).points[0] for level in (0.5, 0.8, 0.9, 0.99)]
    for narrow, wide in itertools.pairwise(found):
        for a, b in ((narrow.new_run, wide.new_run), (narrow.mean, wide.mean)):
            assert b.lower < a.lower < a.median == b.median < a.upper < b.upper
    # 0.9 leaves a tail of 0.05 but for rounding.
    assert found[2].new_run.lower == pytest.approx(found[2].quantiles[0.05], rel=1e-12)
    assert found[2].new_run.upper == pytest.approx(found[2].quantiles[0.95], rel=1e-12)


def test_the_mean_is_narrower_than_a_new_run(hierarchy, flat):
    for posterior, family in ((hierarchy, "family 1"), (hierarchy, "new"), (flat, None)):
        point = ask(posterior, {"N": 1e9, "D": 2e10}, family=family).points[0]
        assert width(point.mean) < width(point.new_run)


def test_quantiles_are_those_of_the_draws_in_order(hierarchy):
    found = ask(hierarchy, {"N": [1e8, 1e9, 7e10], "D": 1e11}, family="family 3")
    for i, point in enumerate(found.points):
        assert tuple(point.quantiles) == QUANTILES
        values = list(point.quantiles.values())
        assert values == sorted(values)
        assert len(set(values)) == len(values)
        np.testing.assert_array_equal(values, np.quantile(found.draws[:, i], QUANTILES))
        run = point.new_run
        np.testing.assert_array_equal(
            [run.median, run.lower, run.upper], np.quantile(found.draws[:, i], [0.5, (1 - 0.9) / 2, 1 - (1 - 0.9) / 2])
        )


@pytest.mark.parametrize("family", ["family 1", "new", "population"])
def test_parts_are_shares_of_the_whole(hierarchy, family):
    at_hand, far = ask(hierarchy, {"N": [1e10, 1e13], "D": [3e11, 1e15]}, family=family).points
    for point in (at_hand, far):
        shares = [point.parts[name] for name in ("parameters", "family", "noise", "drift")]
        assert sum(shares) == pytest.approx(1.0)
        assert min(shares) >= 0
        assert point.parts["law"] is None
    assert far.parts["drift"] > at_hand.parts["drift"]
    if family == "new":
        # Of the uncertainty of the fit itself.
        fitted = ask(hierarchy, {"N": 1e13, "D": 1e15}, family=family, drift=False).points[0]
        assert fitted.parts["family"] > 0.1
    else:
        # Nothing is drawn anew, so nothing is the family's.
        assert far.parts["family"] == 0.0
    # The uncertainty of a known family's parameters grows away from its runs; the noise does not.
    if family == "family 1":
        assert far.parts["noise"] < at_hand.parts["noise"]


def test_parts_of_one_family_have_no_share_of_families(flat):
    parts = ask(flat, {"N": 1e9, "D": 2e10}).points[0].parts
    assert parts["family"] == 0.0
    assert parts["parameters"] + parts["noise"] == pytest.approx(1.0)
    assert parts["noise"] > 0.5


def test_extrapolation_is_a_ratio_to_the_largest_fitted(hierarchy):
    N, D = hierarchy.runs.column("n_params"), hierarchy.runs.column("n_tokens")
    found = ask(hierarchy, {"N": [N.max(), 1e12], "D": [D.max() / 2, 1e13]}).points
    assert found[0].extrapolation["N_ratio"] == pytest.approx(1.0)
    assert found[0].extrapolation["D_ratio"] == pytest.approx(0.5)
    assert found[1].extrapolation["N_ratio"] == pytest.approx(1e12 / N.max())
    # The largest run in compute, which is not the largest N times the largest D.
    for point in found:
        flops = 6 * point.at["N"] * point.at["D"]
        assert point.extrapolation["flops_ratio"] == pytest.approx(flops / (6 * (N * D).max()))
    assert (N * D).max() < N.max() * D.max()


def test_a_law_without_tokens_has_no_ratio_of_compute(counts):
    extrapolation = ask(counts, {"N": 1e11, "n": 100}).points[0].extrapolation
    assert extrapolation["flops_ratio"] is None
    assert extrapolation["N_ratio"] == pytest.approx(1e11 / counts.runs.column("n_params").max())


# --- points -----------------------------------------------------------------------------------------------------


def test_inputs_broadcast(hierarchy):
    found = ask(hierarchy, {"N": np.array([1e9, 1e10, 1e11]), "D": 1e12}, family="family 1")
    assert len(found) == 3
    assert [p.at for p in found.points] == [{"N": N, "D": 1e12} for N in (1e9, 1e10, 1e11)]
    assert found.draws.shape == found.mean_draws.shape == (hierarchy.size, 3)
    alone = ask(hierarchy, {"N": 1e10, "D": 1e12}, family="family 1")
    np.testing.assert_array_equal(found.mean_draws[:, 1], alone.mean_draws[:, 0])
    assert (np.diff(found.mean_draws, axis=1) < 0).all()


def test_columns_are_other_names_of_inputs(hierarchy):
    ours = ask(hierarchy, {"n_params": 7e10, "n_tokens": 1.4e12}, family="family 1")
    assert ours.as_dict() == ask(hierarchy, BIG, family="family 1").as_dict()


def test_runs_are_forecast_each_with_its_own_family(hierarchy):
    table = {"n_params": [1e10, 1e10, 1e10], "n_tokens": [1e12] * 3, "family": ["family 3", "family 1", "unheard of"]}
    found = ask(hierarchy, bl.read_runs(table))
    assert [p.family for p in found.points] == ["family 3", "family 1", "new"]
    for i, family in enumerate(("family 3", "family 1", "new")):
        alone = ask(hierarchy, {"N": 1e10, "D": 1e12}, family=family)
        np.testing.assert_array_equal(found.mean_draws[:, i], alone.mean_draws[:, 0])
    assert found.as_dict()["family"] is None
    # A table that is still to be read names its families too.
    assert ask(hierarchy, pytest.importorskip("pandas").DataFrame(table)).as_dict() == found.as_dict()


def test_a_family_said_for_runs_wins_over_their_column(hierarchy):
    found = ask(hierarchy, hierarchy.runs.take([0, 1]), family="family 2")
    assert {p.family for p in found.points} == {"family 2"}


def test_a_family_a_point(hierarchy):
    at = {"N": [1e10, 1e10], "D": 1e12}
    found = ask(hierarchy, at, family=["family 2", "new"])
    assert [p.family for p in found.points] == ["family 2", "new"]
    by_column = ask(hierarchy, at, family={"family": "family 2"})
    np.testing.assert_array_equal(found.mean_draws[:, 0], by_column.mean_draws[:, 0])
    with pytest.raises(QuestionError, match="3 families for 2 points"):
        ask(hierarchy, at, family=["new"] * 3)


def test_fitted_runs_lie_within_their_intervals(hierarchy):
    found, loss = ask(hierarchy, hierarchy.runs), hierarchy.runs.column("loss")
    inside = sum(p.new_run.lower <= y <= p.new_run.upper for p, y in zip(found.points, loss, strict=True))
    # Of 42 runs that were fitted 90 % intervals hold about 38; fewer than 32 have odds of one in 400.
    assert inside >= 32


def test_an_answer_repeats_to_the_bit(hierarchy):
    np.testing.assert_array_equal(ask(hierarchy, BIG).draws, ask(hierarchy, BIG).draws)


# --- support ----------------------------------------------------------------------------------------------------


def test_counts_are_whole_numbers_up_to_the_trials(counts):
    found = ask(counts, {"N": [1e7, 1e9, 1e12], "n": [50, 50, 200]})
    assert (found.draws == np.round(found.draws)).all()
    assert (found.draws >= 0).all()
    assert (found.draws <= [50, 50, 200]).all()
    assert found.draws.std(axis=0).max() > 1
    assert ((found.mean_draws > 0) & (found.mean_draws < 1)).all()
    parts = found.points[1].parts
    assert parts["noise"] is None
    assert parts["parameters"] == pytest.approx(1.0)
    # A binomial about the law's share: its mean is n p, draw by draw.
    assert found.draws[:, 1].mean() == pytest.approx(50 * found.mean_draws[:, 1].mean(), rel=0.1)
    with pytest.raises(
        QuestionError, match=r"^at: law 'passuntil' needs 'n' \(independent trials, in trial\); give n=VALUE"
    ):
        ask(counts, {"N": 1e9})


def test_shares_stay_between_none_and_all(shares):
    found = ask(shares, {"L": [0.5, 2.0, 3.0, 10.0]})
    assert ((found.draws >= 0) & (found.draws <= 1)).all()
    assert ((found.mean_draws > 0) & (found.mean_draws < 1)).all()
    assert (np.diff(np.median(found.mean_draws, axis=0)) > 0).all()
    parts = found.points[1].parts
    assert parts["parameters"] + parts["family"] + parts["noise"] == pytest.approx(1.0)


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"N": 1e9}, "needs 'D' \\(training tokens, in token\\); give D=VALUE"),
        ({"N": 1e9, "D": 1e10, "lr": 1e-3}, "law 'chinchilla' has no input 'lr'.*inputs: N, D"),
        ({"n_param": 1e9, "D": 1e10}, "has no input 'n_param'; did you mean 'n_params'"),
        ({}, "needs 'N'"),
        ({"N": [], "D": []}, "no values for N, D; give one or more"),
        ({"N": [1e9, 1e10], "D": [1e10, 1e11, 1e12]}, "different numbers of values \\(N 2, D 3\\)"),
    ],
)
def test_inputs_are_asked_for_by_name(hierarchy, at, message):
    with pytest.raises(QuestionError, match=message):
        ask(hierarchy, at)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"N": 7, "D": 1e12}, r"'N' reaches 7, .*is it in millions, in billions or in trillions\? Write N=7e6, .*$"),
        # In trillions the largest would be out of range.
        (
            {"n_params": [70, 160], "D": 1e12},
            r"is it in millions or in billions\? Write n_params=7e7 or n_params=7e10\.$",
        ),
        ({"N": [1e9, 0], "D": 1e12}, r"'N' is 0 in point 2, .*; correct it\.$"),
        ({"N": -1e9, "D": 1e12}, "is -1e\\+09 "),
        ({"N": np.nan, "D": 1e12}, "empty"),
        ({"N": np.inf, "D": 1e12}, "is inf"),
        ({"N": 1e9, "D": 1e19}, "1e19"),
    ],
)
def test_values_are_checked_as_those_of_runs_are(hierarchy, at, message):
    with pytest.raises(InputError, match=f"^at: .*{message}"):
        ask(hierarchy, at)


def test_runs_without_an_input_are_refused(hierarchy):
    with pytest.raises(RunsError, match="n_tokens"):
        ask(hierarchy, bl.read_runs({"n_params": [1e9], "family": ["family 1"]}))


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("familly 2", "no run was of family 'familly 2'; did you mean 'family 2'"),
        ({"famly": "x"}, "did not pool over a column 'famly'; did you mean 'family'"),
        (["family 9"], "no run was of family 'family 9'"),
    ],
)
def test_an_unknown_family_is_refused(hierarchy, family, message):
    with pytest.raises(QuestionError, match=message):
        ask(hierarchy, BIG, family=family)


def test_a_family_of_a_fit_without_families_is_refused(flat):
    with pytest.raises(QuestionError, match=r"fit again with family=COLUMN\.$"):
        ask(flat, BIG, family="web")


@pytest.mark.parametrize("level", [0.0, 1.0, 90, -0.1, float("nan")])
def test_a_level_is_a_probability(hierarchy, level):
    with pytest.raises(QuestionError, match="level is a probability between 0 and 1"):
        ask(hierarchy, BIG, level=level)


# --- trust ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stuck(flat) -> bl.Posterior:
    """The same draws, but one chain elsewhere."""
    moved = flat.flat.copy()
    moved[1] += 5.0 * moved.std(axis=(0, 1))
    return replace(flat, flat=moved)


@pytest.fixture
def trusted(flat) -> bl.Posterior:
    """As many independent draws of the same shape, so that the chains have nothing to be blamed for."""
    rng = np.random.default_rng(0)
    independent = rng.standard_normal(flat.flat.shape)
    stats = {**flat.stats, "diverging": np.zeros_like(flat.stats["diverging"])}
    stats["energy"] = rng.standard_normal(flat.stats["energy"].shape)
    return replace(flat, flat=independent, stats=stats)


def test_chains_that_disagree_do_not_answer(stuck):
    with pytest.raises(ConvergenceError, match=r"not converged: R-hat of .*allow_unconverged=True"):
        bl.forecast(stuck, BIG)
    found = bl.forecast(stuck, BIG, allow_unconverged=True)
    assert found.converged is False
    assert "[serious: unconverged] The fit has not converged: R-hat of" in str(found)
    assert found.as_dict()["diagnostics"]["converged"] is False


def test_divergences_do_not_answer(trusted):
    stats = {**trusted.stats, "diverging": np.ones_like(trusted.stats["diverging"])}
    with pytest.raises(ConvergenceError, match="600 of 600 draws diverged"):
        bl.forecast(replace(trusted, stats=stats), BIG)


def test_chains_that_agree_answer_without_a_note(trusted):
    found = bl.forecast(trusted, BIG)
    assert found.converged is True
    assert "not converged" not in str(found)
    assert found.as_dict()["diagnostics"]["converged"] is True


# --- JSON, text, table ------------------------------------------------------------------------------------------


def strict(answer: dict) -> dict:
    return json.loads(json.dumps(answer, allow_nan=False))


def test_the_json_is_strict_and_has_its_keys(hierarchy, counts):
    found = ask(hierarchy, {"N": [1e9, 7e10], "D": 1.4e12}, family="family 2", level=0.8).as_dict()
    assert strict(found) == found
    assert (found["law"], found["outcome"], found["units"]) == ("chinchilla", "loss", "nat/token")
    assert (found["family"], found["level"], len(found["points"])) == ("family 2", 0.8, 2)
    point = found["points"][1]
    assert point["at"] == {"N": 7e10, "D": 1.4e12}
    assert {"median", "lower", "upper", "quantiles", "mean", "parts", "extrapolation"} <= point.keys()
    assert list(point["quantiles"])[:2] == ["0.025", "0.05"]
    assert point["parts"].keys() == {"parameters", "family", "input", "noise", "law", "drift"}
    assert point["extrapolation"].keys() == {"flops_ratio", "N_ratio", "D_ratio"}
    assert found["diagnostics"]["divergences"] == hierarchy.diagnostics.divergences
    missing = ask(counts, {"N": 1e9, "n": 10}).as_dict()
    assert strict(missing)["points"][0]["extrapolation"]["flops_ratio"] is None


def test_chains_that_never_moved_are_strict_json_too(flat):
    """R-hat is then infinite, which JSON has no word for."""
    still = replace(flat, flat=np.zeros_like(flat.flat))
    diagnostics = ask(still, BIG).as_dict()["diagnostics"]
    assert strict(diagnostics)["converged"] is False


def test_the_text_names_family_point_and_distance(hierarchy):
    text = str(ask(hierarchy, BIG, family="family 1", level=0.5))
    assert "The loss (nat/token) of a new run of family 1 at N = 70B, D = 1.4T is forecast as " in text
    assert "by law chinchilla (50 % interval)." in text
    assert "That is within the fitted runs." in text


def test_several_levels_are_answered_at_once(hierarchy):
    found = ask(hierarchy, BIG, level=[0.9, 0.5, 0.99])
    (point,) = found.points
    for level in (0.5, 0.9, 0.99):
        (alone,) = ask(hierarchy, BIG, level=level).points
        assert point.new_run.ends[level] == (alone.new_run.lower, alone.new_run.upper)
    assert (point.new_run.lower, point.new_run.upper) == point.new_run.ends[0.9]
    told = point.as_dict()
    assert list(told["intervals"]) == ["0.9", "0.5", "0.99"]
    assert told["intervals"]["0.9"] == {"lower": told["lower"], "upper": told["upper"]}
    assert found.frame()["upper_0.99"].tolist() == [point.new_run.ends[0.99][1]]
    assert ", 50 % [" in str(found)


def test_the_frame_has_a_row_a_point(hierarchy):
    found = ask(hierarchy, {"N": [1e9, 7e10], "D": 1.4e12}, family=["family 1", "new"])
    frame = found.frame()
    assert frame["family"].tolist() == ["family 1", "new"]
    assert frame["median"].tolist() == [p.new_run.median for p in found.points]
    assert frame["mean_upper"].tolist() == [p.mean.upper for p in found.points]
    assert frame["flops_ratio"].tolist() == [p.extrapolation["flops_ratio"] for p in found.points]


# --- through a loss ---------------------------------------------------------------------------------------------


def surely(posterior: bl.Posterior) -> bl.Posterior:
    """A posterior of one draw over and over."""
    return replace(posterior, values={n: np.broadcast_to(v[:1, :1], v.shape) for n, v in posterior.values.items()})


def law_at(posterior: bl.Posterior, losses: np.ndarray) -> np.ndarray:
    """The error at losses, by hand."""
    p = posterior.parameters()
    wrong = p["chance"] * (1 - p["learned"] * np.exp(-p["gamma"] * (losses - 3)))
    return 0.005 * np.logaddexp(wrong / 0.005, 0.2)


def test_a_score_is_forecast_at_every_loss_that_is_forecast(flat, shares):
    """Where the law of the score is known, each draw of the loss gives one of the score."""
    loss = ask(flat, {"N": [1e9, 7e10], "D": [2e10, 1.4e12]})
    sure = surely(shares)
    found = ask(sure, {"L": loss}, drift=False)
    for i in range(2):
        each = np.sort(np.resize(loss.mean_draws[:, i], sure.size))
        np.testing.assert_allclose(np.sort(found.mean_draws[:, i]), law_at(sure, each), rtol=1e-10)
    assert found.law == "chinchilla -> downstream_error"
    assert found.points[1].at == {"N": 7e10, "D": 1.4e12, "L": float(np.median(loss.mean_draws[:, 1]))}
    assert found.points[1].extrapolation["flops_ratio"] == loss.points[1].extrapolation["flops_ratio"]


def test_a_loss_in_other_units_is_another_loss(flat, shares):
    """Bits a byte, say, or nats of another tokenizer: the score was fitted to another number."""
    loss = replace(ask(flat, BIG), units="bit/byte")
    with pytest.raises(QuestionError, match=r"forecasts loss in bit/byte, but is read in nat/token; another text"):
        ask(shares, {"L": loss})


def test_a_score_drifts_by_how_far_each_draw_of_the_loss_falls(flat):
    """Both stages drift: the loss along compute, the score by the log of the lowest fitted loss over each draw."""
    truth = {"chance": 0.8, "learned": 0.25, "gamma": 0.8, "kappa": 30.0}
    runs = bl.read_runs({"loss": np.linspace(2.6, 4.0, 16), "error": np.linspace(0.55, 0.75, 16)})
    shares = about("downstream_error", runs, truth, noise=0.3, **SMALL)
    loss, sure = ask(flat, BIG), surely(shares)
    given = bl.Drift(direction=-1.5, scale=0.0)
    plain, found = (ask(sure, {"L": loss}, drift=each) for each in (False, given))
    far = np.log(np.fmax(2.6 / matched(loss.mean_draws, sure), 1.0))
    assert far.max() > 0.1
    assert far.std() > 0.0
    logit = [np.log(each.mean_draws / (1 - each.mean_draws)) for each in (plain, found)]
    np.testing.assert_allclose(logit[1] - logit[0], -1.5 * far, atol=1e-9)


def test_a_loss_that_is_known_changes_nothing(flat, shares):
    loss = ask(surely(flat), BIG, drift=False)
    loss = replace(loss, draws=loss.mean_draws)
    found, plain = (ask(shares, {"loss": each}) for each in (loss, float(loss.mean_draws[0, 0])))
    np.testing.assert_array_equal(found.mean_draws, plain.mean_draws)
    np.testing.assert_array_equal(found.draws, plain.draws)
    assert found.points[0].parts["input"] == 0.0
    assert plain.points[0].parts["input"] is None


def test_a_chain_has_the_uncertainty_of_both_fits(flat, shares):
    """As in every pair of their draws, new runs about each law included."""
    loss = ask(flat, BIG)
    found = ask(shares, {"L": loss})
    pairs = np.random.default_rng(0).permutation(np.repeat(loss.draws[:, 0], 50))
    every = replace(
        shares, values={n: np.tile(v, (1, 50)) for n, v in shares.values.items()}, flat=np.tile(shares.flat, (1, 50, 1))
    )
    mean = law_at(every, pairs)
    kappa = every.parameters()["kappa"]
    brute = np.random.default_rng(1).beta(mean * kappa, (1 - mean) * kappa)
    levels = np.array([0.1, 0.5, 0.9])
    # Where quantiles of the brute force fall among the chain's draws; both posteriors have 600.
    below = (found.draws[:, 0] < np.quantile(brute, levels)[:, None]).mean(axis=1)
    assert np.all(np.abs(below - levels) < 4 * np.sqrt(levels * (1 - levels) / 600))
    assert sum(share for share in found.points[0].parts.values() if share) == pytest.approx(1.0)
    assert found.points[0].parts["input"] > 0
    assert set(re.findall(r"([a-z ]+) \d", found.points[0].because.replace(", ", ","))) == {
        part for part, share in found.points[0].parts.items() if share and share >= LEAST
    }
    assert json.loads(json.dumps(found.as_dict()))["law"] == found.law


def test_a_chain_takes_a_forecast_of_what_it_reads(flat, shares):
    with pytest.raises(QuestionError, match="is the column 'loss', but law 'downstream_error' forecasts error"):
        ask(shares, {"L": ask(shares, {"L": 3.0})})
