"""Which run to buy: held to a law that is linear in its parameters, whose predictions are normal distributions."""

import json
import re
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import brentq
from scipy.stats import binom, norm

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.cli import commands
from bayeslaw.decisions.choice.chances import Probability, effective
from bayeslaw.decisions.choice.example import EXAMPLE
from bayeslaw.decisions.choice.look import Rates, chance_given
from bayeslaw.decisions.choice.plan import read_plan
from bayeslaw.decisions.choice.utility import worst
from bayeslaw.errors import FileError, InputError, LawError, QuestionError
from bayeslaw.inference.model.plan import make_plan
from tests.linear import NOISE, Exact, exact_fit, linear_law, linear_runs
from tests.posteriors import with_draws

RUNS = linear_runs()
MEAN, COVARIANCE = Exact("line", RUNS).posterior
PLAN: dict[str, Any] = {
    "target": "y above 3.4", "cost": "10 * x", "utility": "100 * met - cost", "money": "USD", "go": 0.8, "stop": 0.3,
    "option": {"small": {"x": 2.5}, "medium": {"x": 3.2}, "large": {"x": 3.7}},
}  # fmt: skip
PLACES = {"small": 2.5, "medium": 3.2, "large": 3.7}


def middle(x: float) -> float:
    return float(np.array([1.0, x]) @ MEAN)


def covariance(x: float, z: float) -> float:
    """Of the law at two places."""
    return float(np.array([1.0, x]) @ COVARIANCE @ np.array([1.0, z]))


def spread(x: float) -> float:
    """Of a new run."""
    return float(np.sqrt(covariance(x, x) + NOISE**2))


def above(x: float, value: float = 3.4) -> float:
    return float(norm.sf(value, middle(x), spread(x)))


@pytest.fixture(scope="module")
def fit() -> bl.Posterior:
    return exact_fit("line", RUNS)


@pytest.fixture(scope="module")
def found(fit):
    return bl.decide(fit, PLAN, drift=False)


# --- chances and utilities --------------------------------------------------------------------------------------------


def test_chances_are_those_of_the_normal_distribution_and_of_a_risk(fit, found):
    for option in found.options:
        place = PLACES[option.name]
        assert option.probability.error is not None
        assert abs(option.probability.value - above(place)) < 4.0 * option.probability.error
        risk = bl.risk(fit, {"x": place}, below=3.4, drift=False).points[0]
        assert option.probability.value == pytest.approx(1.0 - risk.probability, abs=1e-12)
        assert option.of_law == pytest.approx(1.0 - risk.of_mean, abs=1e-12)


def test_utilities_are_expected_over_the_same_draws(found):
    for i, option in enumerate(found.options):
        worth, place = option.worth, PLACES[option.name]
        assert worth is not None
        assert option.cost == 10.0 * place
        assert worth.expected == pytest.approx(100.0 * option.probability.value - 10.0 * place)
        assert abs(worth.expected - (100.0 * above(place) - 10.0 * place)) < 4.0 * worth.error
        regret = found.utilities.max(axis=1) - found.utilities[:, i]
        assert worth.regret == pytest.approx(regret.mean())
    best = max(found.options, key=lambda option: option.worth.expected)
    assert found.best is best
    assert best.worth.regret == min(option.worth.regret for option in found.options)


def test_value_at_risk_and_shortfall_are_those_of_the_normal_distribution(fit):
    plan = {**PLAN, "utility": "y", "tail": 0.1}
    for option in bl.decide(fit, plan, drift=False).options:
        place, tail = PLACES[option.name], norm.ppf(0.1)
        at_risk = middle(place) + spread(place) * tail
        shortfall = middle(place) - spread(place) * norm.pdf(tail) / 0.1
        assert option.worth.value_at_risk == pytest.approx(at_risk, abs=0.04)
        assert option.worth.expected_shortfall == pytest.approx(shortfall, abs=0.04)


def test_the_mean_of_a_tail_is_that_of_exactly_this_share():
    assert worst(np.array([3.0, 1.0, 2.0, 4.0]), 0.5) == (3.0, 1.5)
    assert worst(np.array([1.0, 2.0, 3.0, 4.0]), 0.375) == pytest.approx((2.0, (1.0 + 0.5 * 2.0) / 1.5))
    assert worst(np.full(10, 7.0), 0.05) == (7.0, 7.0)


def test_options_share_their_luck_so_that_a_better_run_is_better_in_every_draw(fit):
    plan = {**PLAN, "utility": "y", "option": {"one": {"x": 3.0}, "same": {"x": 3.0}}}
    one, same = bl.decide(fit, plan, drift=False).options
    assert one.worth.regret == same.worth.regret == 0.0


def test_verdicts_follow_the_thresholds(found):
    for option in found.options:
        chance = option.probability.value
        assert option.verdict == ("go" if chance >= 0.8 else "stop" if chance <= 0.3 else "grey")
    assert {option.verdict for option in found.options} == {"go", "grey", "stop"}


def test_a_probability_that_hardly_any_draw_stands_behind_is_a_bound(fit):
    asked, outcome = Average.of(fit), np.random.default_rng(0).permutation(np.arange(4000.0))
    rare = Probability.of(asked, outcome < 3, outcome)
    assert (rare.bound, rare.error) == ("at most", None)
    assert rare.value == 10.0 / rare.ess
    assert str(rare).startswith("less than ")
    sure = Probability.of(asked, outcome >= 0, outcome)
    assert (sure.bound, sure.value) == ("at least", 1.0 - 10.0 / sure.ess)
    rng = np.random.default_rng(0).random(4000)
    assert Probability.of(asked, rng < 0.25, rng).error == pytest.approx(np.sqrt(0.25 * 0.75 / 4000), rel=0.1)
    assert effective(asked, np.ones(4000)) == 4000.0


def test_forecasts_of_a_chance_come_true_as_often_as_they_say():
    """Simulated plans: a truth from the prior, runs about it, and a target that is as likely as a random number."""
    rng, plan = np.random.default_rng(3), make_plan(linear_law("line"), RUNS)
    bins = np.array([0.6, 0.7, 0.8, 0.9, 1.0])
    hits: list[list[bool]] = [[] for _ in bins[1:]]
    x = RUNS.column("x")
    for _ in range(400):
        truth = rng.standard_normal(2) * np.array([2.0, 1.0])
        runs = bl.Runs.from_arrays({"x": x, "y": truth @ [np.ones_like(x), x] + NOISE * rng.standard_normal(len(x))})
        fit = with_draws(plan, Exact("line", runs).draws(rng, 4, 250))
        b0, b1 = fit.draws("b0"), fit.draws("b1")
        drawn = b0 + 5.0 * b1 + NOISE * rng.standard_normal(fit.size)
        value = np.quantile(drawn, rng.uniform(0.6, 1.0))
        chance = Probability.of(Average.of(fit), drawn < value, drawn).value
        outcome = truth @ [1.0, 5.0] + NOISE * rng.standard_normal()
        hits[min(int(np.searchsorted(bins, chance, side="right")) - 1, 3)].append(bool(outcome < value))
    for low, high, hit in zip(bins, bins[1:], hits, strict=False):
        count = sum(hit)
        assert binom.cdf(count, len(hit), low) > 0.001
        assert binom.sf(count - 1, len(hit), high) > 0.001


# --- the least budget -------------------------------------------------------------------------------------------------


def test_the_least_budget_is_where_the_chance_is_enough(found):
    reach = found.reach
    exact = brentq(lambda x: above(x) - 0.8, 1.0, 10.0)
    assert reach.least == pytest.approx(exact, rel=0.02)
    assert reach.cost == pytest.approx(10.0 * reach.least)
    assert reach.never < 0.01
    assert reach.needed.median == pytest.approx(brentq(lambda x: above(x) - 0.5, 1.0, 10.0), rel=0.02)
    assert reach.ray.through == "large"


def test_a_budget_that_is_never_enough_is_said(fit):
    plan = {**PLAN, "target": "y above 1e9"}
    found = bl.decide(fit, plan, drift=False)
    assert found.reach.least is None
    assert found.reach.never > 0.99
    assert "is not reached up to x = " in str(found)
    assert found.as_dict()["reach"]["needed"]["median"] is None


# --- a look -----------------------------------------------------------------------------------------------------------


def test_the_chance_given_a_look_is_that_of_the_normal_distribution():
    rng = np.random.default_rng(1)
    look = rng.standard_normal(4000)
    outcome = 0.7 * look + np.sqrt(1.0 - 0.49) * rng.standard_normal(4000)
    exact = norm.sf((0.5 - 0.7 * look) / np.sqrt(1.0 - 0.49))
    assert np.abs(chance_given(outcome > 0.5, look) - exact).mean() < 0.02
    assert np.all(chance_given(np.ones(50, dtype=bool), look[:50]) == 1.0)


def test_the_rates_of_a_plan_are_those_of_the_normal_distribution():
    found = bl.decide(exact_fit("line", RUNS, draws=5000), {**PLAN, "look": {"x": 3.3}}, drift=False)
    assert found.look == {"x": 3.3}
    grid = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    for option in found.options:
        place = PLACES[option.name]
        gain = covariance(place, 3.3) / spread(3.3)
        chance = norm.sf((3.4 - middle(place) - gain * grid) / np.sqrt(spread(place) ** 2 - gain**2))
        go, stop = chance >= 0.8, chance <= 0.3
        rates = option.rates
        assert rates.go == pytest.approx(go.mean(), abs=0.04)
        assert rates.stop == pytest.approx(stop.mean(), abs=0.04)
        assert rates.go + rates.grey + rates.stop == pytest.approx(1.0)
        assert rates.false_go == pytest.approx((go * (1.0 - chance)).mean() / (1.0 - chance).mean(), abs=0.04)
        assert rates.false_stop == pytest.approx((stop * chance).mean() / chance.mean(), abs=0.04)


def test_a_look_that_tells_all_is_never_wrong_and_one_that_tells_nothing_changes_nothing():
    rng = np.random.default_rng(2)
    outcome = rng.standard_normal(4000)
    known = Rates.of(outcome > 0.0, outcome, 0.8, 0.3)
    assert known.false_go < 0.02
    assert known.false_stop < 0.02
    blind = Rates.of(outcome > 0.0, rng.standard_normal(4000), 0.8, 0.3)
    assert blind.grey > 0.99


# --- plans ------------------------------------------------------------------------------------------------------------


def test_the_example_is_a_plan_that_runs(tmp_path):
    (tmp_path / "plan.toml").write_text(EXAMPLE, encoding="utf-8")
    found = bl.decide(bl.load("tests/saved/chinchilla.nc"), tmp_path / "plan.toml")
    assert [option.name for option in found.options] == ["small", "medium", "large"]
    assert found.best is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [({"target": "loss below 2"}, "the target is of 'loss', but law 'line' forecasts 'y'"),
     ({"target": "y under 2"}, "target 'y under 2' is not of the form 'loss below 2.0'"),
     ({"utility": "met * prize"}, "the utility uses an unknown name 'prize'; it may use cost, met, y"),
     ({"cost": None}, "the utility uses the cost, which the plan does not give"),
     ({"cost": "10 * z"}, r"cost '10 \* z': unknown name 'z'; known: x"),
     ({"cost": "x - 3"}, "cost 'x - 3': small would cost -0.5; a cost is a finite number and not below zero"),
     ({"cost": {"small": 1.0, "medium": 2.0}}, "cost: 'large' has no price"),
     ({"go": 0.2}, "stop = 0.3 is not below go = 0.2"),
     ({"go": None}, "go and stop are two thresholds of one rule"),
     ({"go": 80}, "go is a probability between 0 and 1, such as 0.8, not 80"),
     ({"gow": 0.8}, "unknown key 'gow'; did you mean 'go'"),
     ({"option": {}}, r"\[option\] must be a table with at least one entry"),
     ({"option": {"small": 3}}, "option 'small' must be a table of inputs"),
     ({"option": {"small": {"x": "big"}}}, "option 'small': x is 'big', not a number"),
     ({"option": {"small": {"z": 3}}}, "option 'small': at: law 'line' has no input 'z'")],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_in_one_sentence(fit, change, said):
    plan = {key: value for key, value in {**PLAN, **change}.items() if value is not None}
    with pytest.raises(InputError, match=said) as refused:
        bl.decide(fit, plan, drift=False)
    assert "\n" not in str(refused.value)


def test_a_target_or_an_option_beyond_the_law_is_refused():
    fit = bl.load("tests/saved/chinchilla.nc")
    plan = {"target": "loss below 50", "option": {"one": {"N": 1e9, "D": 2e10}}}
    with pytest.raises(
        QuestionError, match=r"the target 'loss below 50' is outside the range of the outcome, which law"
    ):
        bl.decide(fit, plan)
    with pytest.raises(InputError, match=r"^option 'one': at: "):
        bl.decide(fit, {"target": "loss below 2.5", "option": {"one": {"N": 1e30, "D": 2e10}}})


def test_one_option_is_nothing_to_choose(fit):
    found = bl.decide(fit, {**PLAN, "option": {"only": {"x": 3.0}}}, drift=False)
    assert "nothing-to-choose" in [note.code for note in found.notes]
    assert "so there is nothing to choose." in str(found)
    assert found.options[0].worth.regret == 0.0


def test_a_plan_without_utility_cost_and_thresholds_has_chances_alone(fit):
    found = bl.decide(fit, {"target": "y above 3.4", "option": PLAN["option"]}, drift=False)
    assert found.best is found.utilities is found.look is None
    assert all(option.worth is option.cost is option.verdict is option.rates is None for option in found.options)
    assert "utility" not in str(found)


def test_mistakes_of_a_file_have_their_place(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(EXAMPLE.replace("loss below 2.5", "loss 2.5"), encoding="utf-8")
    with pytest.raises(QuestionError, match=r"plan\.toml:2:12: target 'loss 2\.5' is not of the form"):
        read_plan(path)
    path.write_text(EXAMPLE.replace("2e6 * met", "__import__('os')"), encoding="utf-8")
    with pytest.raises(LawError, match=r"plan\.toml:4:12: unknown function"):
        read_plan(path)
    path.write_text("target = [", encoding="utf-8")
    with pytest.raises(QuestionError, match=r"plan\.toml: not TOML: "):
        read_plan(path)
    with pytest.raises(FileError, match=r"cannot read this plan .*`bayeslaw decide --example` prints one\."):
        read_plan(tmp_path / "nowhere.toml")


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_it_and_draws_it(tmp_path):
    asked = ["decide", "tests/saved/chinchilla.nc", "--plan", "tests/decisions/plan.toml"]
    picture = tmp_path / "decision.png"
    told = CliRunner().invoke(commands, [*asked, "--plot", str(picture)])
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("The chance that a run comes to loss below 2.5, by option (law chinchilla):")
    assert re.search(
        r"'large' has the highest expected utility, [\d,]+ USD \(Monte-Carlo error [\d,]+ USD\)", told.stdout
    )
    assert picture.stat().st_size > 10_000
    found = json.loads(CliRunner().invoke(commands, [*asked, "--json"]).stdout)
    assert found["best"] == "large"
    assert set(found["options"][0]["parts"]) == {"parameters", "family", "input", "noise", "law", "drift"}
    example = CliRunner().invoke(commands, ["decide", "--example"])
    assert (example.exit_code, example.stdout) == (0, EXAMPLE)
