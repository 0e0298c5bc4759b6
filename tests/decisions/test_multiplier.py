"""What a recipe is worth: factors with closed forms, draw by draw, and intervals that cover as often as they say."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.ask.interval import Interval
from bayeslaw.ask.threshold.curve import make_track
from bayeslaw.cli import commands
from bayeslaw.decisions.multiplier.answer import Crossing, Trend
from bayeslaw.decisions.multiplier.ray import Ray
from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import make_plan
from tests.posteriors import about, with_draws

NAMES = ("new", "old")
BUDGETS = np.array([2.19e17, 1.70e18, 9.00e18])
TRUTH = {"E": 1.6, "A": 1.25, "alpha": 0.0941, "sigma": 0.002, "nu": 20.0}


def recipes(new: np.ndarray, old: np.ndarray, scales: np.ndarray = BUDGETS) -> bl.Runs:
    """Runs of two recipes at the same scales."""
    recipe = np.repeat(np.array(NAMES, dtype=object), len(scales))
    return bl.read_runs({"recipe": recipe, "flops": np.tile(scales, 2), "loss": np.concatenate([new, old])})


TABLE = recipes(np.array([3.7542, 3.3988, 3.1357]), np.array([3.8104, 3.4339, 3.1605]))


def fitted(pool: dict[str, str]) -> bl.Posterior:
    return about("power_law", TABLE, TRUTH, "recipe", pool, noise=0.002)


def of(posterior: bl.Posterior, name: str) -> tuple[np.ndarray, np.ndarray]:
    by_family = posterior.by_family(name)
    return by_family["new"], by_family["old"]


@pytest.fixture(scope="module")
def alike() -> bl.Posterior:
    """Recipes that share a floor and an exponent."""
    return fitted({"E": "complete", "alpha": "complete"})


@pytest.fixture(scope="module")
def free() -> bl.Posterior:
    """Recipes with floors and exponents of their own."""
    return fitted({})


# --- factors with closed forms --------------------------------------------------------------------------------------


def test_recipes_that_share_floor_and_exponent_differ_by_one_factor(alike):
    found = bl.compute_multiplier(alike, NAMES, {"C": [1e17, 1e19, 1e22]}, drift=False)
    new, old = of(alike, "A")
    one = (old / new) ** (1.0 / alike.draws("alpha"))
    np.testing.assert_allclose(found.draws, np.tile(one[:, None], 3), rtol=1e-9)
    assert found.trend.shrinks == found.trend.grows == 0.0
    assert "The law has one factor for all scales." in str(found)
    assert found.crossing.scale is None
    assert "The two do not cross between C = 1e14 and 1e30." in str(found)
    assert found.points[1].probability_better == np.mean(one > 1.0)


def test_a_factor_is_the_scale_at_which_the_old_recipe_has_the_same_outcome(free):
    found = bl.compute_multiplier(free, NAMES, {"C": 1e18}, drift=False)
    floors, heights, slopes = (of(free, name) for name in ("E", "A", "alpha"))
    reached = floors[0] + heights[0] * (1e18 / 1e20) ** -slopes[0]
    above = reached - floors[1]
    with np.errstate(invalid="ignore"):
        factor = np.where(above > 0.0, (np.abs(above) / heights[1]) ** (-1.0 / slopes[1]) * 1e20 / 1e18, np.inf)
    reachable = factor * 1e18 < 1e30
    np.testing.assert_allclose(found.draws[reachable, 0], factor[reachable], rtol=1e-6)
    assert np.all(found.draws[~reachable, 0] == np.inf)
    assert found.points[0].outcome == pytest.approx(np.median(reached))


def test_two_recipes_the_other_way_round_have_the_inverse_factor_where_they_share_an_exponent(alike):
    there, back = (bl.compute_multiplier(alike, names, {"C": 1e18}, drift=False) for names in (NAMES, NAMES[::-1]))
    np.testing.assert_allclose(there.draws, 1.0 / back.draws, rtol=1e-9)


@pytest.mark.parametrize("along", ["flops", "n_params", "n_tokens"])
def test_what_the_factor_multiplies_is_chosen_and_the_rest_stays(along):
    fit = bl.load("tests/saved/chinchilla.nc")
    at, law = {"N": 2e8, "D": 8e9}, fit.law
    found = bl.compute_multiplier(fit, fit.families[:2], at, along, drift=False)
    new, old = (fit.parameters(fit.groups_of(family)) for family in fit.families[:2])
    factor = found.draws[:, 0]
    within = np.isfinite(factor) & (factor > 0.0)
    power = {"flops": (0.5, 0.5), "n_params": (1.0, 0.0), "n_tokens": (0.0, 1.0)}[along]
    moved = {name: at[name] * np.where(within, factor, 1.0) ** by for name, by in zip(("N", "D"), power, strict=True)}
    reached = law.mean(law.with_computed_inputs(at), new)
    np.testing.assert_allclose(law.mean(law.with_computed_inputs(moved), old)[within], reached[within], rtol=1e-9)
    assert within.mean() > 0.5


def test_scores_that_rise_are_compared_as_losses_that_fall_are():
    law = bl.Law.parse("""
        title = "score"
        formula = "1 - A * (C/C0)**-alpha"
        [output]
        score = { likelihood = "Normal(mean, sigma)", range = [0, 1] }
        [input]
        C = { column = "flops", reference = 1e20, range = [1e14, 1e30] }
        [parameter]
        A = { prior = "LogNormal(log(0.3), 0.5)", pool = "family" }
        alpha = { prior = "LogNormal(log(0.1), 0.3)" }
        sigma = { prior = "HalfNormal(0.02)" }
        """)
    runs = bl.read_runs({**{name: TABLE.column(name) for name in ("recipe", "flops")}, "score": np.full(6, 0.5)})
    fit = about(law, runs, {"A": 0.3, "alpha": 0.1}, "recipe", noise=0.01)
    new, old = of(fit, "A")
    found = bl.compute_multiplier(fit, NAMES, {"C": 1e18}, drift=False)
    np.testing.assert_allclose(found.draws[:, 0], (old / new) ** (1.0 / fit.draws("alpha")), rtol=1e-9)


# --- scale ------------------------------------------------------------------------------------------------------------


def test_exponents_of_their_own_make_the_factor_change_and_the_recipes_cross():
    fit = fitted({"E": "complete"})
    found = bl.compute_multiplier(fit, NAMES, drift=False)
    heights, slopes = of(fit, "A"), of(fit, "alpha")
    assert found.trend.shrinks == pytest.approx(np.mean(slopes[0] < slopes[1]), abs=0.02)
    assert found.trend.shrinks + found.trend.grows == pytest.approx(1.0)
    assert f"The factor {'shrinks' if found.trend.shrinks > 0.5 else 'grows'} with scale" in str(found)
    with np.errstate(over="ignore"):
        meet = np.exp(np.log(heights[0] / heights[1]) / (slopes[0] - slopes[1])) * 1e20
    inside = (meet > 1e14) & (meet < 1e30)
    assert found.crossing.probability == pytest.approx(inside.mean(), abs=0.01)
    assert found.crossing.scale is not None
    assert found.crossing.scale.median == pytest.approx(np.median(meet[inside]), rel=0.1)
    assert found.crossing.among_runs == pytest.approx(np.mean((meet > BUDGETS[0]) & (meet < BUDGETS[2])), abs=0.01)


def test_without_scales_the_answer_is_at_the_ends_and_the_middle_of_the_runs(alike):
    found = bl.compute_multiplier(alike, NAMES)
    np.testing.assert_allclose([point.scale for point in found.points], [2.19e17, np.sqrt(2.19e17 * 9e18), 9e18])


def test_a_factor_that_is_infinite_at_both_ends_is_not_said_to_change():
    ends = np.array([[1.0, np.inf], [np.inf, np.inf], [2.0, 2.0], [np.inf, 1.0]])
    trend = Trend.of((1e17, 1e19), ends, (0.9,))
    assert (trend.shrinks, trend.grows) == (0.25, 0.25)


def test_a_crossing_that_no_draw_has_has_no_place():
    found = Crossing.of((1e14, 1e30), (1e17, 1e19), np.full(10, np.inf), (0.9,))
    assert (found.probability, found.among_runs, found.scale) == (0.0, 0.0, None)


def test_a_recipe_that_the_other_never_equals_is_worth_infinitely_much_and_that_is_said(free):
    law = free.law
    low = replace(free, plan=replace(free.plan, law=law), values={**free.values, "E_deviation_recipe": np.stack(
        [np.full(free.flat.shape[:2], -0.1), np.full(free.flat.shape[:2], 0.6)], axis=-1
    )})  # fmt: skip
    found = bl.compute_multiplier(low, NAMES, {"C": 1e24}, drift=False)
    assert found.points[0].probability_never > 0.99
    assert found.as_dict()["points"][0]["median"] is None
    assert "never-reached" in [note.code for note in found.notes]
    assert "'old' needs infinity [infinity, infinity] that C" in str(found)


# --- averages and drift --------------------------------------------------------------------------------------------


def test_an_average_has_the_factors_of_its_laws(alike, free):
    average = bl.average([alike, free])
    found = bl.compute_multiplier(average, NAMES, {"C": 1e18}, drift=False)
    each = [bl.compute_multiplier(one, NAMES, {"C": 1e18}, drift=False).draws for one in (alike, free)]
    np.testing.assert_array_equal(found.draws, np.concatenate(each))


def test_beyond_the_runs_drift_widens_a_factor_and_among_them_it_does_not(alike):
    def width(scale: float, drift: bool | bl.Drift) -> float:
        factor = bl.compute_multiplier(alike, NAMES, {"C": scale}, drift=drift).points[0].factor
        return factor.upper - factor.lower

    some = bl.Drift(0.0, 0.002)
    assert width(2.19e17, some) == width(2.19e17, False)
    assert width(1e21, some) > width(1e21, False)


# --- what cannot be compared ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "said"),
    [(("nwe", "old"), "no run was of family 'nwe'; did you mean 'new'"),
     (("old", "old"), "families: 'old' is compared with itself; name two of new, old"),
     (("(new)", "old"), r"families: '\(new\)' is no fitted family, and a recipe is one; name two of new, old")],
)  # fmt: skip
def test_recipes_are_two_fitted_families(alike, names, said):
    with pytest.raises(QuestionError, match=said):
        bl.compute_multiplier(alike, names)


def test_a_recipe_with_one_budget_is_refused():
    runs = TABLE.take(np.array([0, 0, 0, 3, 4, 5]))
    fit = about("power_law", runs, TRUTH, "recipe", noise=0.002)
    with pytest.raises(
        QuestionError, match=r"^families: all runs of 'new' are at one budget \(C = 2\.19e17\), so there"
    ):
        bl.compute_multiplier(fit, NAMES)


def test_few_budgets_are_said(alike):
    assert "few-budgets" in [note.code for note in bl.compute_multiplier(alike, NAMES).notes]


# --- calibration ------------------------------------------------------------------------------------------------------

LINEAR = bl.Law.parse("""
    title = "A line on logs"
    formula = "exp(a - alpha * log(C/C0))"
    [output]
    loss = { likelihood = "LogNormal(mean, noise)" }
    [input]
    C = { column = "flops", reference = 1e18, range = [1e10, 1e30] }
    [parameter]
    a = { prior = "Normal(1, 0.2)", pool = "family" }
    alpha = { prior = "Normal(0.1, 0.02)" }
    noise = { prior = "Constant(0.01)" }
    """)
CASES, LEVEL = 400, 0.9


def test_intervals_cover_as_often_as_they_say():
    """Simulated recipes, whose posterior is a normal distribution: the log of the loss is linear in its parameters."""
    rng = np.random.default_rng(0)
    design = np.zeros((6, 3))
    design[:3, 0] = design[3:, 1] = 1.0
    design[:, 2] = -np.log(np.tile(BUDGETS, 2) / 1e18)
    middle, widths, noise = np.array([1.0, 1.0, 0.1]), np.array([0.2, 0.2, 0.02]), 0.01
    root = np.linalg.cholesky(np.linalg.inv(design.T @ design / noise**2 + np.diag(widths**-2)))
    pool, covered = {"a": "none", "alpha": "complete"}, 0
    plan = make_plan(LINEAR, recipes(np.ones(3), np.ones(3)), "recipe", pool)
    for _ in range(CASES):
        truth = middle + widths * rng.standard_normal(3)
        logs = design @ truth + noise * rng.standard_normal(6)
        mean = middle + root @ root.T @ (design.T @ (logs - design @ middle)) / noise**2
        drawn = mean + rng.standard_normal((4, 75, 3)) @ root.T
        fit = with_draws(plan, {"a": drawn[..., :2], "alpha": drawn[..., 2]})
        ray = Ray(*(make_track(fit, "flops", {}, fit.groups_of(name), None) for name in NAMES))
        factor = Interval.of(ray.factor(1e18), [LEVEL], "inverted_cdf")
        covered += factor.lower <= np.exp((truth[1] - truth[0]) / truth[2]) <= factor.upper
    assert abs(covered / CASES - LEVEL) < 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / CASES)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_it_and_draws_it(alike, tmp_path):
    path, picture = str(alike.save(tmp_path / "fit.nc")), tmp_path / "factor.png"
    asked = ["multiplier", path, "--families", "new,old", "--at", "C=2.19e17"]
    told = CliRunner().invoke(commands, [*asked, "--plot", str(picture)])
    assert told.exit_code == 0, told.output
    assert re.match(
        r"To reach the loss of 'new' at C = 2.19e17, 'old' needs [\d.]+x \[[\d.]+x, [\d.]+x\] that C", told.stdout
    )
    assert picture.stat().st_size > 10_000
    found = json.loads(CliRunner().invoke(commands, [*asked, "--json"]).stdout)
    point = bl.compute_multiplier(alike, NAMES, {"C": 2.19e17}).points[0]
    assert [found["points"][0][key] for key in ("median", "lower", "upper")] == [
        point.factor.median, point.factor.lower, point.factor.upper,
    ]  # fmt: skip
    for names in ("new", "new,old,other"):
        refused = CliRunner().invoke(commands, [*asked[:3], names])
        assert refused.exit_code == 2
        assert "not two; write --families NEW,OLD." in refused.output
