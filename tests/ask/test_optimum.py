"""Optima: against closed forms, against searches by SciPy, never beaten on the budget, and refused in words."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

import bayeslaw as bl
from bayeslaw.ask.optimum.minimum import lowest
from bayeslaw.ask.optimum.optimum import Optimum
from bayeslaw.ask.optimum.regret import Solved
from bayeslaw.ask.optimum.trade import make_trade
from bayeslaw.errors import ConvergenceError, LawError, QuestionError
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
SMALL = {"draws": 300, "chains": 2}
GOPHER = 5.76e23


def solved(law: bl.Law, parameters: Mapping[str, np.ndarray], given: Mapping[str, float], **more) -> Solved:
    trade = make_trade(law, given, more.get("over"), more.get("cost"))
    return Solved(trade, {name: np.atleast_1d(value) for name, value in parameters.items()})


def best(one: Solved) -> dict[str, np.ndarray]:
    return one.trade.inputs(one.lowest.at)


def inside(one: Solved) -> np.ndarray:
    return ~(one.lowest.at_low | one.lowest.at_high).any(axis=0)


def prior(name: str, size: int = 400) -> dict[str, np.ndarray]:
    return bl.law(name).draw_prior(np.random.default_rng(4), size)


# --- closed forms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "size", "tokens", "ratio"),
    [("hoffmann2022training", 40e9, 2.4e12, 59), ("besiroglu2024chinchilla", 72e9, 1.33e12, 18)],
)
def test_published_values_give_the_published_optimum(key, size, tokens, ratio):
    found = best(solved(LAW, LAW.published_parameters(key), {"C": GOPHER}))
    assert found["N"] == pytest.approx(size, rel=0.01)
    assert found["D"] == pytest.approx(tokens, rel=0.01)
    assert found["D"] / found["N"] == pytest.approx(ratio, rel=0.02)


def power_optimum(p: Mapping[str, np.ndarray], names: str, scale: tuple[float, float], budget: float) -> np.ndarray:
    """The best N of A (N/N0)**-alpha + B (D/D0)**-beta with 6 N D = budget: Hoffmann et al. 2022, equation 4."""
    A, B, alpha, beta = (p[name] for name in names.split())
    A, B = A * scale[0] ** alpha, B * scale[1] ** beta
    return (alpha * A / (beta * B)) ** (1 / (alpha + beta)) * (budget / 6) ** (beta / (alpha + beta))


@pytest.mark.parametrize("budget", [1e19, GOPHER])
def test_the_search_agrees_with_the_closed_form(budget):
    p = prior("chinchilla")
    one = solved(LAW, p, {"C": budget})
    assert inside(one).mean() > 0.98
    expected = power_optimum(p, "A B alpha beta", (1e9, 2e10), budget)
    np.testing.assert_allclose(best(one)["N"][inside(one)], expected[inside(one)], rtol=1e-7)


def test_laws_that_couple_their_powers_have_the_same_closed_form():
    p = prior("coupled")
    one = solved(bl.law("coupled"), p, {"C": 1e22})
    inner = {
        "A": p["A"] ** (1 / p["gamma"]), "B": p["B"] ** (1 / p["gamma"]),
        "alpha": p["alpha"] / p["gamma"], "beta": p["beta"] / p["gamma"],
    }  # fmt: skip
    expected = power_optimum(inner, "A B alpha beta", (1e9, 2e10), 1e22)
    np.testing.assert_allclose(best(one)["N"][inside(one)], expected[inside(one)], rtol=1e-6)
    p = prior("kaplan")
    one = solved(bl.law("kaplan"), p, {"flops": 1e22})
    N_c, D_c = 1e9 * p["l_N"] ** (1 / p["alpha_N"]), 2e10 * p["l_D"] ** (1 / p["alpha_D"])
    share = p["alpha_N"] / p["alpha_D"]
    expected = (share * N_c**share / D_c * 1e22 / 6) ** (1 / (share + 1))
    np.testing.assert_allclose(best(one)["N"][inside(one)], expected[inside(one)], rtol=1e-6)


def test_over_training_has_its_optimum_where_the_law_file_derives_it():
    p = prior("over_training")
    one = solved(bl.law("over_training"), p, {"C": 1e21})
    found = best(one)
    assert inside(one).mean() > 0.9
    np.testing.assert_allclose(
        found["M"][inside(one)], bl.law("over_training").derive(p)["M_best"][inside(one)], rtol=1e-6
    )
    np.testing.assert_allclose(found["C"], 1e21)


def test_the_best_rate_and_batch_are_those_of_the_step_law():
    law = bl.law("step_law")
    p = prior("step_law")
    one = solved(law, p, {"N": 3e9, "D": 5e10})
    lr = p["lr_best"] * 3 ** p["lr_N"] * 0.5 ** p["lr_D"]
    batch = p["batch_best"] * 3 ** p["batch_N"] * 0.5 ** p["batch_D"]
    assert inside(one).mean() > 0.9
    np.testing.assert_allclose(best(one)["lr"][inside(one)], lr[inside(one)], rtol=1e-6)
    np.testing.assert_allclose(best(one)["batch"][inside(one)], batch[inside(one)], rtol=1e-6)
    published = {name: np.median(value) for name, value in p.items()} | law.published_parameters("li2025predictable")
    found = best(solved(law, published, {"N": 1e9, "D": 1e11}))
    assert found["lr"] == pytest.approx(1.63e-3, rel=0.005)
    assert found["batch"] == pytest.approx(1.11e6, rel=0.005)


def test_a_budget_is_split_and_the_best_rate_and_batch_go_with_it():
    """Four inputs and one budget: the loss of the step law at its best rate and batch is Chinchilla's."""
    p = prior("step_law", 50)
    one = solved(bl.law("step_law"), p, {"C": 1e21})
    expected = power_optimum(p, "A B alpha beta", (1e9, 1e11), 1e21)
    assert inside(one).mean() > 0.7
    np.testing.assert_allclose(best(one)["N"][inside(one)], expected[inside(one)], rtol=1e-6)


@pytest.mark.parametrize("name", ["capacity_gap", "capacity_gap_error"])
def test_the_best_teacher_is_the_law_of_the_capacity_gap(name):
    p = prior(name)
    # The curvature jumps at the optimum, and where it is nearly none there is nothing to find.
    p |= {q: 0.01 + p[q] for q in ("q_small", "q_large")}
    one = solved(bl.law(name), p, {"S": 3e9})
    scale = bl.law(name).references["S0"]
    expected = p["kappa"] * scale * (3e9 / scale) ** p["eta"]
    assert inside(one).mean() > 0.9
    np.testing.assert_allclose(best(one)["T"][inside(one)], expected[inside(one)], rtol=2e-6)


def test_the_best_size_of_a_budget_is_the_line_of_the_isoflop_law():
    p = prior("isoflop")
    one = solved(bl.law("isoflop"), p, {"C": 1e21})
    assert inside(one).mean() > 0.9
    expected = p["N_best"] * 100 ** p["a"]
    np.testing.assert_allclose(best(one)["N"][inside(one)], expected[inside(one)], rtol=1e-6)
    # What is computed from the size, tokens per parameter, keeps its range.
    assert best(one)["M"].min() >= 0.05 * 0.999
    assert best(one)["M"].max() <= 3e4 * 1.001


def test_the_best_teacher_of_apples_students_is_eight_to_twelve_times_as_large():
    """Students of 300 tokens per parameter or more; teachers of 20, whose loss is the supervised law's."""
    law, supervised = bl.law("distillation"), bl.law("coupled")
    p, q = (one.published_parameters("busbridge2025distillation") for one in (law, supervised))
    for size, tokens in itertools.product((2e8, 1e9, 7e9), (300, 1000)):
        loss = best(solved(law, p, {"N": size, "D": tokens * size}))["L"][0]
        teachers = np.geomspace(size, 100 * size, 4001)
        losses = supervised.mean({"N": teachers, "D": 20 * teachers}, q)
        teacher = np.interp(-loss, -losses, teachers)
        assert 8 < teacher / size < 12.5


# --- searches by SciPy ------------------------------------------------------------------------------------------


def by_scipy(one: Solved, draw: int) -> float:
    """The lowest outcome of one draw over its one coordinate, from every tenth of its range."""
    p = {name: value[draw] for name, value in one.parameters.items()}
    edges = np.linspace(one.trade.box[0][0], one.trade.box[1][0], 11)

    def outcome(x: float) -> float:
        return float(one.trade.law.mean(one.trade.inputs(np.array([x])), p))

    return min(
        minimize_scalar(outcome, bounds=ends, method="bounded", options={"xatol": 1e-9}).fun
        for ends in itertools.pairwise(edges)
    )


@pytest.mark.parametrize(
    ("name", "given", "more"),
    [
        ("chinchilla", {"C": 1e22, "T": 1e13}, {"cost": "6*N*D + 2*N*T"}),
        ("chinchilla", {"C": 1e22}, {"cost": "6*N*D * (1 + D/1e12)**0.5 * (1 + N/1e10)"}),
        ("chinchilla", {"C": 1e22}, {"over": {"D": (1e11, 1e13), "N": (1e6, 2e9)}}),
        ("repeated_data", {"C": 9.3e21, "U": 25e9}, {}),
        ("distillation", {"N": 1e9, "D": 3e11}, {}),
        ("capacity_gap", {"S": 1e8}, {}),
        ("capacity_gap_error", {"S": 1e8}, {}),
    ],
)
def test_no_search_finds_lower(name, given, more):
    one = solved(bl.law(name), prior(name, 4), given, **more)
    ours = one.lowest.value
    theirs = np.array([by_scipy(one, draw) for draw in range(4)])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.all(ours <= theirs * (1 + 1e-12))


def test_a_nonlinear_cost_is_spent_to_the_last_digit():
    cost = "6*N*D * (1 + D/1e12)**0.5 * (1 + N/1e10)"
    found = best(solved(LAW, prior("chinchilla", 50), {"C": 1e22}, cost=cost))
    N, D = found["N"], found["D"]
    np.testing.assert_allclose(6 * N * D * np.sqrt(1 + D / 1e12) * (1 + N / 1e10), 1e22, rtol=1e-12)


def test_the_deepest_of_several_valleys_is_found_and_a_kink_too():
    depth = np.linspace(-1, 1, 40)

    def valleys(x):
        return np.minimum((x[0] - 1) ** 2, (x[0] - 8) ** 2 + depth)

    found = lowest(valleys, np.array([0.0]), np.array([10.0]))
    np.testing.assert_allclose(found.at[0], np.where(depth > 0, 1.0, 8.0), atol=1e-9)
    centre = np.linspace(1, 9, 40)
    np.testing.assert_allclose(
        lowest(lambda x: abs(x[0] - centre), np.zeros(1), np.full(1, 10.0)).at[0], centre, atol=1e-5
    )


def test_a_narrow_bent_valley_in_two_coordinates():
    """Rosenbrock's, for forty places of its bottom."""
    a = np.linspace(0.5, 1.5, 40)

    def banana(x):
        return (a - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2

    found = lowest(banana, np.array([-1.0, -1.0]), np.array([3.0, 4.0]))
    np.testing.assert_allclose(found.at, [a, a**2], atol=1e-7)
    one = minimize(lambda x: float(banana(x)[0]), [0.0, 0.0])
    assert found.value[0] <= one.fun


# --- properties -------------------------------------------------------------------------------------------------

positive = st.floats(0.05, 1.5)


@settings(max_examples=60, deadline=None)
@given(positive, positive, positive, positive, st.floats(15, 27), st.floats(0, 1))
def test_no_other_point_on_the_budget_is_lower(A, B, alpha, beta, power, share):
    p = {"E": 1.8, "A": A, "B": B, "alpha": alpha, "beta": beta}
    one = solved(LAW, p, {"C": 10**power})
    low, high = one.trade.box
    elsewhere = one.trade.traded(low + share * (high - low))
    assert 6 * elsewhere["N"] * elsewhere["D"] == pytest.approx(10**power)
    assert LAW.mean(elsewhere, p) >= one.lowest.value * (1 - 1e-12)
    assert one.regret({name: np.atleast_1d(value) for name, value in elsewhere.items()}) >= 0
    ends = LAW.inputs["N"].range, LAW.inputs["D"].range
    for name, (least, most) in zip("ND", ends, strict=True):
        assert least * 0.999 <= best(one)[name] <= most * 1.001


# --- answers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flat() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(6), 42, parameters=TRUTH)
    return about(LAW, runs, TRUTH, noise=TRUTH["sigma"], **SMALL)


@pytest.fixture(scope="module")
def hierarchy() -> bl.Posterior:
    runs = simulated_runs(LAW, np.random.default_rng(5), 42, families=3, parameters=TRUTH)
    return about(LAW, runs, TRUTH, "family", noise=TRUTH["sigma"], **SMALL)


def ask(posterior, *args, **more) -> Optimum:
    return bl.optimum(posterior, *args, allow_unconverged=True, **more)


def test_an_answer_is_made_of_its_draws(flat):
    found = ask(flat, {"C": 1e22}, level=0.8, drift=False)
    expected = power_optimum({n: flat.draws(n) for n in TRUTH}, "A B alpha beta", (1e9, 2e10), 1e22)
    np.testing.assert_allclose(found.draws["N"], expected, rtol=1e-7)
    interval = found.inputs["N"]
    assert [interval.median, interval.lower, interval.upper] == pytest.approx(np.quantile(expected, [0.5, 0.1, 0.9]))
    assert found.value.median == pytest.approx(np.median(found.outcome_draws))
    assert sum(option.probability_best for option in found.menu) == pytest.approx(1.0)
    assert np.all(found.regret_draws >= 0)
    assert not found.at_edge.any()
    for option in found.menu:
        assert 6 * option.inputs["N"] * option.inputs["D"] == pytest.approx(1e22)
        assert 0 <= option.regret.lower <= option.regret.median <= option.regret.upper
    # The option in the middle is the best of them.
    assert max(found.menu, key=lambda o: o.probability_best).inputs["N"] == pytest.approx(interval.median)


def test_an_optimum_is_what_a_forecast_says_of_it(flat):
    found = ask(flat, budget={"C": 1e22}, menu=[{"N": 1e9}, {"N": 1e10, "D": 1e11}], drift=False)
    point = found.menu[0].inputs
    there = bl.forecast(flat, point, drift=False, allow_unconverged=True).mean_draws[:, 0]
    np.testing.assert_allclose(found.regret_draws[:, 0], there - found.outcome_draws)
    # 6e21 of 1e22 is spent: an option may leave some of the budget.
    assert found.menu[1].inputs == {"N": 1e10, "D": 1e11}


def test_families_have_optima_of_their_own(hierarchy):
    one, two = (ask(hierarchy, budget={"C": 1e22}, family=f"family {i}") for i in (1, 2))
    assert one.family == "family 1"
    assert one.inputs["N"] != two.inputs["N"]
    new, middle = (ask(hierarchy, budget={"C": 1e22}, family=name) for name in (None, "population"))
    assert new.family == "new"
    spread = [np.std(np.log(found.draws["N"])) for found in (middle, new)]
    assert spread[0] < spread[1]


def test_a_flat_optimum_reads_as_one(flat):
    """Values of Besiroglu et al.: the regret of a choice under the tolerance is under it, and of one beyond is not."""
    values = LAW.published_parameters("besiroglu2024chinchilla")
    shape = flat.values["E"].shape
    known = replace(flat, values={**flat.values, **{name: np.full(shape, value) for name, value in values.items()}})
    found = ask(known, budget={"C": GOPHER}, drift=False)
    assert found.inputs["N"].lower == pytest.approx(found.inputs["N"].upper)
    low, high = found.curves[0].under(0.005)
    options = [{"N": low}, {"N": high}]
    costs = [o.regret.median for o in ask(known, budget={"C": GOPHER}, menu=options, drift=False).menu]
    assert costs == pytest.approx([0.005, 0.005], rel=0.01)
    ratios = [GOPHER / 6 / size**2 for size in (high, low)]
    assert f"Anything from {ratios[0]:.3g} to {ratios[1]:.3g} tokens per parameter" in found.flatness()[0]
    assert "under 0.0001 nat/token" in found.flatness(1e-4)[0]


def test_where_the_optimum_is_uncertain_no_choice_is_surely_good(flat):
    values = {**flat.values, "A": flat.values["A"] * np.geomspace(0.1, 10, flat.values["A"].size).reshape(2, -1)}
    found = ask(replace(flat, values=values), budget={"C": 1e22})
    assert "No one value of N costs under 0.0001" in found.flatness(1e-4)[0]


def test_draws_at_an_edge_are_kept_and_noted(flat):
    centre = np.median(ask(flat, budget={"C": 1e22}, drift=False).draws["N"])
    limits = {"N": (1e6, float(centre)), "D": (1e7, 1e16)}
    found = ask(flat, budget={"C": 1e22}, over=limits, drift=False)
    assert len(found.draws["N"]) == flat.size
    assert found.at_edge.mean() == pytest.approx(0.5, abs=0.01)
    assert np.all(found.regret_draws >= 0)
    assert any("of the draws the optimum is at the largest allowed N" in note.text for note in found.notes)
    # Without a budget more is better without end.
    endless = ask(flat, at={"D": 1e12})
    assert endless.at_edge.all()
    assert endless.inputs["N"].median == pytest.approx(1e14)


def test_what_lies_beyond_the_runs_and_has_not_converged_is_noted(flat):
    found = ask(flat, budget={"C": 1e29})
    assert any("x the compute of the largest fitted run" in note.text for note in found.notes)
    few = replace(flat, values={n: v[:, :20] for n, v in flat.values.items()}, flat=flat.flat[:, :20])
    with pytest.raises(ConvergenceError):
        bl.optimum(few, budget={"C": 1e22})
    answer = ask(few, budget={"C": 1e22})
    assert answer.converged is False
    assert any("effective sample size" in note.text for note in answer.notes)


def test_an_answer_is_json_and_text(flat):
    found = ask(flat, budget={"C": 1e22})
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(told) >= {"optimum", "level", "outcome", "regret", "notes", "converged"}
    assert set(told["optimum"]) == {"N", "D"}
    assert set(told["regret"][0]) == {
        "option",
        "median",
        "lower",
        "upper",
        "intervals",
        "probability_best",
    }
    assert "tokens per parameter" in str(found)
    assert "6 * N * D = 1e22" in str(found)


def test_several_levels_are_answered_at_once(flat):
    several, alone = (ask(flat, budget={"C": 1e22}, level=level) for level in ([0.9, 0.5], 0.5))
    assert several.inputs["N"].ends[0.5] == (alone.inputs["N"].lower, alone.inputs["N"].upper)
    assert several.menu[0].regret.ends[0.5] == (alone.menu[0].regret.lower, alone.menu[0].regret.upper)


def test_the_picture_has_a_panel_an_input_and_says_how_flat_it_is(flat):
    found = ask(flat, budget={"C": 1e22}, drift=False)
    figure = bl.plot_optimum(found)
    panel, strip, above = figure.axes
    assert panel.get_ylabel() == "extra loss (nat/token)"
    assert strip.get_xlabel() == "parameters, embeddings included, N"
    assert above.get_xlabel() == "tokens per parameter"
    assert panel.get_xlim() == strip.get_xlim()
    said = figure._supxlabel.get_text()
    assert "tokens per parameter costs under" in said
    assert f"Best: N = {found.inputs['N'].words('parameter')}" in said
    lowest_drawn = figure.axes[0].lines[0].get_xydata()
    assert lowest_drawn[lowest_drawn[:, 1].argmin(), 0] == pytest.approx(found.inputs["N"].median, rel=0.1)


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({"C": 1e40}, {}, "out of reach: for law 'chinchilla', with N from 1e.06 to 1e.14"),
        ({"C": 1e3}, {}, "goes from 6e.13 to 6e.30"),
        ({"C": -1.0}, {}, "positive"),
        ({"C": float("nan")}, {}, "positive"),
        ({"flop": 1e21}, {}, "did you mean 'flops'"),
        ({"n_param": 1e9}, {}, "did you mean 'n_params'"),
        ({"C": 1e21, "flops": 1e21}, {}, "one budget"),
        ({"C": 1e21, "N": 1e9}, {}, "nothing to trade"),
        ({"N": 1e9, "D": 1e10}, {}, "nothing to trade"),
        ({"N": 1e2}, {}, "expects parameter from 1e.06"),
        ({"C": 1e21}, {"over": ["N"]}, "needs 'D'"),
        ({"C": 1e21}, {"over": ["N", "Q"]}, "no input 'Q'"),
        ({"C": 1e21, "N": 1e9}, {"over": ["N", "D"]}, "cannot be traded when it is fixed"),
        ({"C": 1e21}, {"over": {"N": (1e9, 1e8), "D": (1e9, 1e12)}}, "positive and rise"),
        ({"C": 1e21}, {"over": {"N": (1e2, 1e8), "D": (1e9, 1e12)}}, "expects 'N' from"),
        ({"C": 1e21}, {"cost": "6*N*D + X"}, "'X' is neither an input"),
        ({"X": 1e21}, {"cost": "6*N*D + X"}, "one budget, but none"),
        ({"C": 1e21}, {"cost": "6*N/D"}, "must rise with 'D'"),
        ({"C": 1e21, "X": 1.0}, {"cost": "X"}, "contains no traded input"),
        ({"C": 1e21}, {"menu": [{"N": 1e9}]}, "two options or more"),
        ({"C": 1e21}, {"menu": [{"N": 1e9}, {"N": 1e9, "D": 1e13}]}, "more than the budget"),
        ({"C": 1e21}, {"menu": [{"N": 1e9}, {"N": 5e13}]}, "D would be 3.333e.06"),
        ({"C": 1e24}, {"menu": [{"N": 1e9}, {"N": 2e6}]}, "D would be"),
        ({"C": 1e21}, {"menu": [{"N": 1e9}, {"Q": 1e9}]}, "no input 'Q'"),
        ({"C": 1e21}, {"menu": [{"N": 1e9}, {}]}, "give N, D"),
        (1e21, {}, r"budget: 1e\+21 has no name; write budget=\{\"C\": 1e23\}"),
        ({"C": 1e21}, {"at": 1e9}, "at: 1000000000.0 has no name"),
        ({"C": 1e21, "N": 1e9}, {"at": {"N": 1e9}}, "N is given in budget and in at"),
        ({"C": 1e21}, {"level": 1.0}, "between 0 and 1"),
        ({"C": 1e21}, {"family": "web"}, "no families"),
    ],
)  # fmt: skip
def test_a_question_without_an_answer_is_refused_in_words(flat, given, more, said):
    with pytest.raises(QuestionError, match=said) as caught:
        ask(flat, given, **more)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 400


def test_a_cost_is_a_formula_and_nothing_else(flat):
    with pytest.raises(LawError, match="attribute"):
        ask(flat, budget={"C": 1e21}, cost="N.real * D")


def test_a_law_without_parameters_and_tokens_has_no_cost():
    with pytest.raises(QuestionError, match="no cost of its own"):
        make_trade(bl.law("capacity_gap"), {"C": 1e21}, None, None)
    with pytest.raises(QuestionError, match="out of reach"):
        solved(bl.law("repeated_data"), prior("repeated_data", 2), {"C": 1e70}, cost="6*N*D*U").lowest  # noqa: B018


def test_an_average_holds_the_optima_of_its_laws(flat):
    """Half of its draws are of each law; regret is taken within a draw, under its own law."""
    coupled = about("coupled", flat.runs, TRUTH, noise=TRUTH["sigma"], **SMALL)
    both = bl.average([flat, coupled])
    one, other, mixed = (
        ask(each, budget={"C": 1e22}, menu=[{"N": 5e9}, {"N": 2e10}]) for each in (flat, coupled, both)
    )
    np.testing.assert_array_equal(mixed.draws["N"], np.concatenate([one.draws["N"], other.draws["N"]]))
    np.testing.assert_array_equal(mixed.regret_draws, np.concatenate([one.regret_draws, other.regret_draws]))
    assert "chinchilla + coupled" in str(mixed)
    assert mixed.as_dict()["law"] == "chinchilla + coupled"
    with pytest.raises(QuestionError, match=r"^chinchilla: .*nothing to trade"):
        ask(both, at={"N": 1e9, "D": 1e10})
