"""Effective sizes: a law read backwards, and the frontier of the densities that follow from them."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import bayeslaw as bl
from bayeslaw.ask.threshold.frontier import record_setters
from bayeslaw.cli import commands
from bayeslaw.errors import ConvergenceError, QuestionError, RunsError
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from tests.posteriors import about
from tests.saved.answers import FOLDER
from tests.simulate import simulated_runs
from tests.words import typical

POWER, CHAIN = bl.law("power_law"), bl.law("task_chain").with_priors(chance="Constant(0.25)")
QUESTIONS, TOKENS, WITHIN = 10_000, {"D": 1e12}, (1e7, 1e12)


@pytest.fixture(scope="module")
def loss():
    truth = {name: one.prior.median() for name, one in POWER.parameters.items()}
    runs = simulated_runs(POWER, np.random.default_rng(0), 80, parameters=truth)
    return about(POWER, runs, truth, noise=truth["sigma"])


@pytest.fixture(scope="module")
def score():
    """A reference of twelve networks that is known well."""
    rng = np.random.default_rng(3)
    truth = {name: one.prior.median() for name, one in CHAIN.parameters.items()} | {"kappa": 3000.0}
    N, D = (each.ravel() for each in np.meshgrid(np.geomspace(1e8, 7e10, 6), [3e11, 2e12]))
    share = CHAIN.mean({"N": N, "D": D}, truth)
    runs = {"n_params": N, "n_tokens": D, "n_correct": rng.binomial(QUESTIONS, share), "n_trials": [QUESTIONS] * 12}
    noise = np.sqrt((1 / QUESTIONS + 1 / truth["kappa"]) / (share * (1 - share)))
    return about(CHAIN, bl.read_runs(runs), truth, noise=noise)


def scored(posterior, sizes):
    """Networks of a reference family, as good as its law says in the middle of its draws, and ten times as dense."""
    middle = {name: float(np.median(values)) for name, values in posterior.parameters().items()}
    share = CHAIN.mean({"N": np.asarray(sizes), "D": 1e12}, middle)
    count = np.full(len(share), 1_000_000)
    return {"n_params": np.asarray(sizes) / 10, "n_correct": np.rint(share * count), "n_trials": count}


def test_a_loss_has_the_size_that_its_law_solved_by_hand_gives_it(loss):
    """E + A (C/C0)**-alpha in each draw; along compute, of which the law knows no other input."""
    values = {name: each[:, None] for name, each in loss.parameters().items()}
    wanted = np.array([1.5, 2.5]) * np.geomspace(1e18, 1e22, 2)
    seen = np.median(POWER.mean({"C": wanted}, values), axis=0)
    found = bl.effective_size(loss, {"flops": [1e20, 1e20], "loss": seen}, "C", drift=False)
    C0 = POWER.references["C0"]
    exact = np.log(C0) - np.log((seen - values["E"]) / values["A"]) / values["alpha"]
    known = found.bound == 0
    assert known.mean() > 0.9
    np.testing.assert_allclose(found.log_size[known], exact[known], atol=2e-3)
    # The standard error is that of a loss, over the slope of the law: relative noise of scale sigma.
    steep = values["alpha"] * (seen - values["E"])
    expected = np.minimum(values["sigma"] * seen / steep, 5.0)
    np.testing.assert_allclose(found.log_se[known], expected[known], rtol=0.02)


def test_how_much_compute_a_recipe_saves_and_whether_that_falls(loss):
    """Loss of runs that save a factor of 2, 1.5 and 1.2 of compute, by the law itself."""
    middle = {name: float(np.median(values)) for name, values in loss.parameters().items()}
    own, saved = np.array([1e19, 1e20, 1e21]), np.array([2.0, 1.5, 1.2])
    found = bl.effective_size(loss, {"flops": own, "loss": POWER.mean({"C": own * saved}, middle)}, "C", drift=False)
    for one, size, ratio, expected in zip(found.sizes, found.own, found.ratios, saved, strict=True):
        assert ratio.median == pytest.approx(one.median / size)
        assert ratio.lower < expected < ratio.upper
        assert ratio.median == pytest.approx(expected, rel=0.15)
    assert found.mean_ratio.lower < np.exp(np.log(saved).mean()) < found.mean_ratio.upper
    assert found.ratio_falls is not None
    rising = bl.effective_size(loss, {"flops": own, "loss": POWER.mean({"C": own / saved}, middle)}, "C", drift=False)
    assert rising.ratio_falls == pytest.approx(1.0 - found.ratio_falls, abs=0.1)
    assert found.ratio_falls > 0.5
    assert "it falls with size with a probability of" in str(found)
    assert found.as_dict()["mean_ratio"]["median"] == found.mean_ratio.median
    one = bl.effective_size(loss, {"flops": [1e20], "loss": [2.5]}, "C", drift=False)
    assert one.ratio_falls is None
    assert "geometric mean" not in str(one)


def test_networks_of_the_reference_have_their_own_size(score):
    sizes = [1e9, 1e10, 7e10]
    found = bl.effective_size(score, scored(score, sizes), at=TOKENS, within=WITHIN)
    # Far off the fitted tokens per parameter drift widens the largest size upwards, and moves its median.
    plain = bl.effective_size(score, scored(score, sizes), at=TOKENS, within=WITHIN, drift=False)
    for one, sure, size in zip(found.sizes, plain.sizes, sizes, strict=True):
        assert one.lower < size < one.upper
        assert sure.lower < size < sure.upper
        assert sure.median == pytest.approx(size, rel=0.15)
    tables = found.densities(7)
    assert len(tables) == 7
    np.testing.assert_allclose(np.median([each.column("density") for each in tables], axis=0), 10, rtol=0.3)


def test_effective_compute_keeps_the_tokens_per_parameter(score):
    """Networks of the reference's own make have the compute that they had, whatever inputs make it up."""
    middle = {name: float(np.median(values)) for name, values in score.parameters().items()}
    N, D = np.array([1e9, 8e9]), 20 * np.array([1e9, 8e9])
    share = CHAIN.mean({"N": N, "D": D}, middle)
    table = {"n_params": N, "n_tokens": D, "n_correct": np.rint(1e6 * share), "n_trials": np.full(2, 1e6)}
    found = bl.effective_size(score, table, "compute", {"N": 1e9, "D": 2e10})
    assert found.column == "compute"
    for one, own in zip(found.sizes, 6 * N * D, strict=True):
        assert one.lower < own < one.upper
    np.testing.assert_allclose(found.own, 6 * N * D)


def test_scores_at_the_ends_of_the_curve_are_bounds(score):
    """Neither left out nor taken for a size; a score of chance or less is as good as one that is hardly more."""
    table = {"model": ["weak", "chance", "best"], "n_params": [1e9] * 3, "n_correct": [2000, 2500, 9999]}
    found = bl.effective_size(score, {**table, "n_trials": [10_000] * 3}, at=TOKENS, within=WITHIN)
    assert (found.bound[:, 0] == -1).all()
    np.testing.assert_array_equal(found.at_ceiling, [0, 0, 1])
    np.testing.assert_array_equal(found.log_se[found.bound != 0], 0)
    shown = str(found).splitlines()
    assert re.search(r"weak +1B +10M +0.01 +at the floor", shown[2])
    assert re.search(r"best +1B +1T +1000 +at the ceiling", shown[4])
    assert "bounds" in [note.code for note in found.notes]
    assert json.loads(json.dumps(found.as_dict()))["models"][2]["probability_at_ceiling"] == 1.0
    assert found.densities(2)[0].data["model"].tolist() == table["model"]


def test_a_score_of_few_questions_tells_less(score):
    few, many = ({"n_params": [1e9], "n_correct": [0.5 * n], "n_trials": [n]} for n in (200, 20_000))
    wide, narrow = (bl.effective_size(score, each, at=TOKENS).sizes[0] for each in (few, many))
    assert wide.upper / wide.lower > 1.5 * narrow.upper / narrow.lower


@pytest.mark.parametrize(
    ("change", "how", "said"),
    [
        ({}, {"along": "M"}, "has no input 'M'"),
        ({}, {"within": (1e12, 1e7)}, "are not two sizes, the smaller first"),
        ({}, {"within": (1e7, 1e19)}, "is meant for N from 1e6 to 1e14"),
        ({}, {"level": 2}, "level is a probability"),
        ({"n_correct": None}, {}, "n_correct"),
        ({"n_params": None}, {}, "n_params"),
        ({"n_correct": [11_000.0]}, {}, "11000"),
    ],
)
def test_what_has_no_size_is_refused(score, change, how, said):
    table = {"n_params": [1e9], "n_correct": [5000], "n_trials": [10_000]} | change
    with pytest.raises((QuestionError, RunsError), match=said):
        bl.effective_size(score, {name: each for name, each in table.items() if each is not None}, at=TOKENS, **how)


@pytest.mark.parametrize("family", LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_the_spread_of_outcomes_is_that_of_their_draws(family):
    """Of tails that are not heavy, and of relative noise that is small: the spread is right to first order."""
    given = typical(family, df=1e6, log_sd=0.002, log_scale=0.002, log_shortfall=0.003, log_excess=0.003)
    arguments = [np.full(200_000, each) for each in given]
    drawn = family.draw(np.random.default_rng(5), *arguments)
    # A sample standard deviation of so many draws is off by a third of a percent.
    assert family.spread(*arguments)[0] == pytest.approx(drawn.std(), rel=0.02)


def test_record_setters_are_those_above_all_before_them():
    """A doubling in 100 days, with networks between that are worse and one that is only known to be better."""
    day, density = np.array([0.0, 50, 100, 200, 210, 220]), np.array([1.0, 0.3, 2.0, 4.0, 3.0, 50.0])
    runs = bl.read_runs({"day": day, "density": density, "bound": np.array([0.0, 0, 0, 0, 0, 1])})
    assert record_setters(runs, "day") == pytest.approx(100)
    assert np.isnan(record_setters(runs.where("day < 150"), "day"))


@pytest.fixture(scope="module")
def networks(score):
    """Thirty networks whose frontier doubles its density every 150 days, short of it by .3 e-folds on average."""
    rng = np.random.default_rng(8)
    day, own = rng.uniform(0, 600, 30), np.exp(rng.uniform(np.log(3e8), np.log(2e9), 30))
    density = 2 ** (day / 150) * np.exp(-0.3 * rng.standard_exponential(30))
    middle = {name: float(np.median(values)) for name, values in score.parameters().items()}
    share = CHAIN.mean({"N": own * density, "D": 1e12}, middle)
    table = {"day": day, "n_params": own, "n_correct": rng.binomial(10_000, share), "n_trials": np.full(30, 10_000)}
    return bl.effective_size(score, table, at=TOKENS, within=WITHIN)


def test_a_frontier_of_known_doubling_time_is_found(networks):
    found = bl.frontier(networks, imagined=10, draws=300)
    assert found.doubling.lower < 150 < found.doubling.upper
    assert found.doubling.upper / found.doubling.lower < 2
    assert 75 < found.record_setters.median < 300
    # The law's own derived rate agrees with its doubling time, draw by draw.
    np.testing.assert_allclose(found.draws["A"] * found.draws["doubling"], np.log(2))
    assert found.unconverged <= 1
    read = json.loads(json.dumps(found.as_dict()))
    assert read["parameters"]["doubling"]["median"] == pytest.approx(found.doubling.median)
    assert "doubling by record-setters alone" in str(found)


def test_a_frontier_without_days_or_uncertainty_is_refused(networks, score):
    with pytest.raises(RunsError, match="day"):
        bl.frontier(bl.effective_size(score, scored(score, [1e9] * 4), at=TOKENS))
    with pytest.raises(QuestionError, match=r"imagined: 1 draws of the reference hold no uncertainty"):
        bl.frontier(networks, imagined=1)
    with pytest.raises(QuestionError, match=r"law 'kaplan' predicts loss; a frontier needs"):
        bl.frontier(networks, "kaplan")


def test_a_law_of_two_inputs_is_no_frontier_and_nothing_is_fitted_to_find_that_out(monkeypatch):
    def never(*_, **__):
        raise AssertionError("fitted")

    monkeypatch.setattr("bayeslaw.ask.threshold.frontier.fit_many", never)
    text = bl.law("densing").text.replace("* t /", "* (t + delay) /")
    delay = 'delay = { column = "delay", units = "day", range = [-99, 99], meaning = "days from the end of training" }'
    law = bl.law("densing").parse(text.replace("[input]", f"[input]\n{delay}"))
    reference = bl.load(FOLDER / "emergence.nc")
    table = {"flops": [1e21, 1e22], "n_correct": [30, 50], "n_trials": [100, 100], "day": [0, 1], "delay": [0, 1]}
    with pytest.raises(QuestionError, match=r"reads delay, t; a frontier needs a law of a density by one input"):
        bl.frontier(bl.effective_size(reference, table), law)


def test_fits_that_did_not_converge_are_left_out_if_few_and_refused_if_many(networks):
    """Chains of a dozen draws have not converged."""
    with pytest.raises(ConvergenceError, match=r"4 of 4 fits of law 'densing' have not converged"):
        bl.frontier(networks, imagined=4, draws=12, warmup=12, patience=False)
    found = bl.frontier(networks, imagined=4, draws=12, warmup=12, patience=False, allow_unconverged=True)
    assert found.unconverged == 4
    assert np.isfinite(stats.iqr(found.draws["doubling"]))


def test_the_commands_say_it(score, networks, tmp_path):
    fit, table = score.save(tmp_path / "reference.nc"), tmp_path / "networks.csv"
    networks.models.frame().to_csv(table, index=False)
    given = [str(fit), str(table), "--at", "D=1e12", "--within", "1e7,1e12", "--json"]
    told = CliRunner().invoke(commands, ["effective-size", *given])
    assert told.exit_code == 0, told.output
    sizes = [one["size"] for one in json.loads(told.stdout)["models"]]
    assert sizes == [one["size"] for one in networks.as_dict()["models"]]
    told = CliRunner().invoke(commands, ["frontier", *given, "--imagined", "2", "--shards", str(tmp_path / "fits")])
    assert told.exit_code == 0, told.output
    # One more is kept of each that took patience.
    assert json.loads(told.stdout)["fits"] == 2 <= len(list((tmp_path / "fits").iterdir()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--within", "1e7"], "--within 1e7: is not two sizes; write --within 1e7,1e12."),
        (["--within", "1e7,x"], "--within 1e7,x: 'x' is not a number"),
        (["--at", "Q=3"], "has no input 'Q'"),
        (["--along", "day"], "has no input 'day'"),
    ],
)
def test_commands_refuse_in_a_sentence(score, networks, tmp_path, words, said):
    fit, table = score.save(tmp_path / "reference.nc"), tmp_path / "networks.csv"
    networks.models.frame().to_csv(table, index=False)
    told = CliRunner().invoke(commands, ["frontier", str(fit), str(table), *words])
    assert told.exit_code == 2, told.output
    assert said in told.stderr
    assert "Traceback" not in told.stderr
