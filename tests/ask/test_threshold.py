"""Thresholds: against closed forms, on curves that turn back or never arrive, and refused in words."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.ask.threshold.crossing import first_crossing, steepest
from bayeslaw.errors import ConvergenceError, QuestionError, RunsError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.words import multiple, size
from tests.posteriors import about, from_priors
from tests.simulate import simulated_runs

CHAINS, DRAWS = 4, 250
SIZE = CHAINS * DRAWS
RNG = np.random.default_rng(3)


def posterior_of(law: bl.Law, draws: Mapping[str, np.ndarray], sd: float = 1.0) -> Posterior:
    """A posterior with given draws, as if they had been sampled; those of what is not given do not matter."""
    rows = simulated_runs(law, np.random.default_rng(0), 24)
    values = {name: np.broadcast_to(draws.get(name, law.parameters[name].prior.median()), SIZE)
              for name in law.free_parameters}  # fmt: skip
    flat = sd * np.random.default_rng(1).standard_normal((CHAINS, DRAWS, 1))
    stats = {"diverging": np.zeros((CHAINS, DRAWS)), "n_steps": np.ones((CHAINS, DRAWS)), "energy": flat[..., 0]}
    return Posterior(
        plan=make_plan(law, rows), seed=0, versions={}, stats=stats, flat=flat, flat_names=("a",),
        values={name: np.array(v, dtype=float).reshape(CHAINS, DRAWS) for name, v in values.items()},
    )  # fmt: skip


def share(low: float = 0.001, high: float = 0.2) -> np.ndarray:
    return RNG.uniform(low, high, SIZE)


PASSUNTIL = posterior_of(bl.law("passuntil"), {"p": share(), "alpha": RNG.uniform(0.3, 0.8, SIZE)})
CHINCHILLA = posterior_of(bl.law("chinchilla"), {
    "E": RNG.uniform(1.6, 1.9, SIZE), "A": RNG.uniform(0.3, 0.4, SIZE), "B": RNG.uniform(0.3, 0.4, SIZE),
    "alpha": RNG.uniform(0.3, 0.4, SIZE), "beta": RNG.uniform(0.3, 0.4, SIZE),
})  # fmt: skip


# --- against closed forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_passuntil_crosses_where_its_closed_form_does(p):
    """At (c / -log p)**(1/alpha)."""
    derived = PASSUNTIL.law.derive(PASSUNTIL.parameters())
    exact = (derived["c"] / -np.log(p)) ** (1 / PASSUNTIL.draws("alpha"))
    found = bl.threshold(PASSUNTIL, p, drift=False)
    inside = (exact > 1e6) & (exact < 1e14)
    assert inside.sum() > SIZE / 2
    np.testing.assert_allclose(found.draws[inside], exact[inside], rtol=1e-6)
    np.testing.assert_array_equal(found.draws[exact > 1e14], np.inf)
    np.testing.assert_array_equal(found.draws[exact < 1e6], -np.inf)


def test_passuntil_takes_its_factor_from_a_tenth_to_nine_tenths():
    """21.85**(1/alpha), whatever the chance of a pass."""
    low, high = (bl.threshold(PASSUNTIL, p, drift=False).draws for p in (0.1, 0.9))
    both = np.isfinite(low) & np.isfinite(high)
    factor = (np.log(0.1) / np.log(0.9)) ** (1 / PASSUNTIL.draws("alpha"))
    np.testing.assert_allclose((high / low)[both], factor[both], rtol=1e-6)
    assert np.log(0.1) / np.log(0.9) == pytest.approx(21.85, abs=0.01)


def test_passuntil_is_steepest_where_one_in_e_passes():
    exact = PASSUNTIL.law.derive(PASSUNTIL.parameters())["N_steep"]
    found = bl.threshold(PASSUNTIL, "steepest", drift=False).draws
    inside = (exact > 2e6) & (exact < 5e13)
    np.testing.assert_allclose(found[inside], exact[inside], rtol=1e-6)


def test_a_logistic_is_half_way_and_steepest_in_its_middle():
    law = bl.law("emergence_logistic").with_priors(chance="Constant(0.25)")
    middle = np.exp(RNG.uniform(np.log(1e18), np.log(1e26), SIZE))
    posterior = posterior_of(law, {"C_half": middle, "k": RNG.uniform(0.5, 4, SIZE), "top": np.full(SIZE, 0.8)})
    np.testing.assert_allclose(bl.threshold(posterior, 0.25 + 0.75 * 0.4, drift=False).draws, middle, rtol=1e-6)
    np.testing.assert_allclose(bl.threshold(posterior, "steepest", drift=False).draws, middle, rtol=1e-6)


def test_a_power_law_crosses_a_loss_where_its_closed_form_does():
    """At C0 (A / (loss - E))**(1/alpha), and where the floor is above the loss nowhere."""
    E = RNG.uniform(1.5, 2.2, SIZE)
    posterior = posterior_of(bl.law("power_law"), {"E": E, "A": np.full(SIZE, 0.9), "alpha": np.full(SIZE, 0.13)})
    found = bl.threshold(posterior, 2.0, along="flops", drift=False)
    with np.errstate(invalid="ignore"):
        exact = 1e20 * (0.9 / (2.0 - E)) ** (1 / 0.13)
    within = (E < 2.0) & (exact < 1e30)
    np.testing.assert_allclose(found.draws[within], exact[within], rtol=1e-6)
    assert np.all(found.draws[~within] == np.inf)
    assert found.probability_not_within_reach == np.mean(~within) > 0.25
    assert bl.threshold(posterior, "steepest").probability_before == 1.0


# --- any curve --------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    heights=st.lists(st.floats(-1, 1), min_size=3, max_size=9), end=st.floats(0.1, 1), value=st.floats(-0.9, 0.9),
)  # fmt: skip
def test_the_value_is_attained_at_the_place_found_and_nowhere_before(heights, end, value):
    """On curves of any shape, between points joined by straight lines."""
    heights = [*heights, heights[0] + end]
    assume(max(heights) + min(heights) > 2 * heights[0])  # it rises farther than it falls
    knots = np.linspace(0.0, 1.0, len(heights))

    def curve(place):
        return np.interp(place, knots, heights)

    (place,), (back,) = first_crossing(curve, np.linspace(0, 1, 401), value)
    fine = np.linspace(0, 1, 40_001)
    if place == -np.inf:
        assert heights[0] >= value
    elif place == np.inf:
        assert np.max(curve(np.linspace(0, 1, 401))) < value
    else:
        assert curve(place) == pytest.approx(value, abs=1e-9)
        # A peak narrower than the grid may be missed, one as wide as a step may not.
        earlier = fine[(fine < place - 1e-9) & (curve(fine) >= value)]
        assert earlier.size == 0 or np.ptp(earlier) < 2 / 400
    assert back == (heights[-1] < value and np.max(curve(np.linspace(0, 1, 401))) >= value)


@settings(max_examples=30, deadline=None)
@given(middle=st.floats(0.05, 0.95), width=st.floats(0.02, 0.2), sign=st.sampled_from([-1.0, 1.0]))
def test_the_steepest_place_of_an_s_is_its_middle(middle, width, sign):
    found = steepest(lambda place: sign * np.tanh((place - middle) / width), np.linspace(0, 1, 513))
    np.testing.assert_allclose(found, middle, atol=1e-6)


def test_a_flat_curve_is_steepest_nowhere():
    assert steepest(lambda place: np.ones_like(place), np.linspace(0, 1, 11)) == np.inf


def said(found) -> list[str]:
    return [note.text for note in found.notes]


def test_a_curve_that_turns_back_is_noted():
    """A bend that outweighs the exponent lets the chance of a pass fall again."""
    law = bl.law("passuntil_curved")
    bend = np.where(np.arange(SIZE) % 5 == 0, 0.2, 0.0)
    posterior = posterior_of(law, {"p": np.full(SIZE, 0.05), "alpha": np.full(SIZE, 0.8), "bend": bend})
    found = bl.threshold(posterior, 0.2)
    assert np.isfinite(found.draws).all()
    assert "The probability that it crosses and is back by N = 100T is 0.2." in said(found)


def test_a_curve_that_ends_below_its_start_still_rises_to_its_peak():
    """Across is where it departs farthest to, not where it ends."""
    law = bl.law("passuntil_curved")
    posterior = posterior_of(law, {"p": np.full(SIZE, 0.2), "alpha": np.full(SIZE, 0.1), "bend": np.full(SIZE, 0.1)})
    found = bl.threshold(posterior, 0.15)
    assert found.heights[0, -1] < found.heights[0, 0]
    assert 1e6 < found.scale.median < 1e9
    assert "The probability that it crosses and is back by N = 100T is 1." in said(found)


# --- draws that do not cross ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half() -> Posterior:
    """Six in ten never come above 0.4; one in ten is above from the beginning."""
    at = np.arange(SIZE) % 10
    law = bl.law("emergence_logistic").with_priors(chance="Constant(0)")
    return posterior_of(law, {
        "top": np.where(at < 6, 0.3, 0.9), "C_half": np.where(at == 9, 1e10, 1e22), "k": np.full(SIZE, 1.0),
    })  # fmt: skip


def test_only_the_law_itself_turns_back(half):
    """A drift downwards takes the score away again beyond the runs, which is uncertainty and no finding."""
    for drift in (False, bl.Drift(-1.0, 0.0)):
        found = bl.threshold(half, 0.05, drift=drift)
        assert "turns-back" not in [note.code for note in found.notes]
    assert found.heights[:, -1].max() < 0.05 < found.heights.max()


def test_draws_that_never_cross_are_kept_and_counted(half):
    found = bl.threshold(half, 0.4, drift=False)
    assert found.draws.shape == (SIZE,)
    assert found.probability_not_within_reach == 0.6
    assert found.probability_before == 0.1
    assert found.scale.median == found.scale.upper == np.inf
    assert found.scale.lower == -np.inf
    assert "The probability that it is not within reach up to C = 1e30 is 0.6." in said(found)
    assert "C = beyond 1e30 [below 1e14, beyond 1e30]" in str(found)
    place = 1e22 * (0.4 / 0.5)
    assert found.probability_by(place * 1.001) == 0.4
    np.testing.assert_allclose(found.probability_by(np.array([place * 0.999, 1e30])), [0.1, 0.4])


def test_the_probability_by_a_scale_is_not_known_outside_the_range(half):
    with pytest.raises(QuestionError, match="from 1e14 to 1e30"):
        bl.threshold(half, 0.4).probability_by(1e31)


def test_a_narrower_level_may_come_to_an_end(half):
    """The lowest quantile of a draw that crosses is a number; no quantile is NaN."""
    found = bl.threshold(half, 0.4, level=0.5, drift=False)
    assert found.scale.lower == pytest.approx(0.8e22, rel=1e-6)
    assert found.scale.upper == np.inf
    answer = json.loads(json.dumps(found.as_dict()))
    assert answer["threshold"]["C"]["upper"] is None
    assert answer["probability_not_within_reach"] == 0.6


# --- along what, with the rest held -----------------------------------------------------------------------------


def loss(N, D):
    at = CHINCHILLA.parameters()
    return CHINCHILLA.law.mean({"N": N, "D": D}, at)


@pytest.mark.parametrize("along", [None, "compute", "flops", "C"])
def test_along_compute_tokens_follow_parameters(along):
    found = bl.threshold(CHINCHILLA, 2.4, along=along, at={"N": 1e9, "D": 2e10})
    assert (found.along.name, found.held) == ("compute", "20 tokens per parameter")
    np.testing.assert_allclose(loss(np.sqrt(found.draws / 120), np.sqrt(found.draws * 20 / 6)), 2.4, rtol=1e-9)
    # N from 1e6 to 1e14 and D from 1e7 to 1e16: N, at 20 tokens each, reaches its ends first.
    np.testing.assert_allclose(found.within, (120e12, 120e28), rtol=1e-9)


def test_along_compute_a_model_can_be_held():
    found = bl.threshold(CHINCHILLA, 2.4, at={"n_params": 3e9})
    np.testing.assert_allclose(loss(3e9, found.draws / (6 * 3e9)), 2.4, rtol=1e-9)
    assert found.held == "3B parameters"


def test_along_an_input_the_others_are_held():
    found = bl.threshold(CHINCHILLA, 2.4, along="n_tokens", at={"N": 1e9})
    assert (found.along.name, found.within) == ("D", (1e7, 1e16))
    np.testing.assert_allclose(loss(1e9, found.draws), 2.4, rtol=1e-9)
    middle = bl.threshold(CHINCHILLA, 2.4, along="n_tokens")
    assert middle.held == f"n params {size(np.median(CHINCHILLA.plan.inputs['N']), 'parameter')}"


def test_an_average_number_of_trials_is_not_part_of_the_answer():
    assert bl.threshold(PASSUNTIL, 0.5).held == ""


def test_families_are_those_of_a_forecast():
    truth = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
    runs = simulated_runs(bl.law("chinchilla"), np.random.default_rng(5), 42, families=3, parameters=truth)
    posterior = about("chinchilla", runs, truth, "family", noise=truth["sigma"], draws=300, chains=2)
    for family in ("family 2", "population", None):
        found = bl.threshold(posterior, 2.6, "N", {"D": 1e11}, family, allow_unconverged=True)
        inside = np.isfinite(found.draws)
        drawn = bl.forecast(posterior, {"N": found.draws[inside][:20], "D": 1e11}, family, allow_unconverged=True)
        np.testing.assert_allclose(np.diagonal(drawn.mean_draws[inside]), 2.6, rtol=1e-9)
        assert found.family == (family or "new")


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posterior", "question", "says"),
    [
        (PASSUNTIL, {"crosses": 1.5}, "between 0 and 1"),
        (PASSUNTIL, {"crosses": 0.0}, "n_correct per trial of law 'passuntil'"),
        (PASSUNTIL, {"crosses": float("nan")}, "between 0 and 1"),
        (CHINCHILLA, {"crosses": 25.0}, "between 0.3 and 20"),
        (CHINCHILLA, {"crosses": "flattest"}, "or 'steepest', not 'flattest'"),
        (CHINCHILLA, {"crosses": 2.0, "along": "tokens"}, "'tokens'; did you mean 'n_tokens'"),
        (PASSUNTIL, {"crosses": 0.5, "along": "compute"}, "no input 'flops'; choose N"),
        (CHINCHILLA, {"crosses": 2.0, "along": "N", "at": {"N": 1e9}}, "is the axis of the question"),
        (CHINCHILLA, {"crosses": 2.0, "at": {"M": 20}}, "no input 'M'"),
        (PASSUNTIL, {"crosses": 0.5, "at": {"n": 20}}, "'n' cannot be held; hold nothing"),
        (CHINCHILLA, {"crosses": 2.0, "level": 90}, "level"),
        (CHINCHILLA, {"crosses": 2.0, "family": "web"}, "no families"),
    ],
)
def test_what_cannot_be_answered_costs_a_sentence(posterior, question, says):
    with pytest.raises(QuestionError, match=says):
        bl.threshold(posterior, **question)


def test_a_held_value_must_be_one_the_law_takes():
    with pytest.raises(RunsError, match=r"7"):
        bl.threshold(CHINCHILLA, 2.4, along="D", at={"N": 7.0})


def test_chains_that_have_not_converged_are_refused_or_noted():
    apart = posterior_of(bl.law("passuntil"), {"p": share()})
    apart.flat[0] += 10.0
    with pytest.raises(ConvergenceError):
        bl.threshold(apart, 0.5)
    found = bl.threshold(apart, 0.5, allow_unconverged=True)
    assert found.converged is False
    assert "R-hat" in found.notes[0].text


# --- several laws -----------------------------------------------------------------------------------------------


def test_an_average_mixes_the_thresholds_of_its_laws():
    """Half of the draws of each."""
    one, other = (replace(CHINCHILLA, values={**CHINCHILLA.values, "E": np.full((CHAINS, DRAWS), e)}) for e in (1.6, 2))
    both = bl.average([one, other])
    found, apart = bl.threshold(both, 2.3), [bl.threshold(each, 2.3) for each in (one, other)]
    for i, each in enumerate(apart):
        np.testing.assert_array_equal(found.draws[i * SIZE : (i + 1) * SIZE], each.draws)
    assert apart[0].scale.median < found.scale.median < apart[1].scale.median
    assert found.law == "chinchilla 1 + chinchilla 2"


# --- through a loss ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def score() -> Posterior:
    """Of a loss; one draw in five never comes to a half, at no loss."""
    law = bl.law("loss_threshold").with_priors(chance="Constant(0.25)")
    return posterior_of(law, {
        "threshold": RNG.uniform(2.5, 2.9, SIZE), "w": np.full(SIZE, 0.01),
        "gain": np.where(np.arange(SIZE) % 5 == 0, 0.05, 1.5),
    })  # fmt: skip


def test_a_score_is_reached_through_the_loss_that_it_takes(score):
    """At the compute where the loss of one draw is what the score takes in another."""
    taken = bl.threshold(score, 0.5, along="loss", drift=False)
    assert taken.probability_before == 0.2
    found = bl.threshold(CHINCHILLA, taken, at={"N": 1e9, "D": 2e10})
    assert found.probability_not_within_reach == 0.2
    inside = np.isfinite(found.draws)
    losses = loss(np.sqrt(found.draws / 120), np.sqrt(found.draws * 20 / 6))[inside]
    # Every loss that the score takes is met once, by some draw of the law of the loss.
    np.testing.assert_allclose(np.sort(losses), np.sort(taken.draws[np.isfinite(taken.draws)]), rtol=1e-9)
    assert found.what == "loss comes to where n correct per trial crosses 0.5"
    assert found.as_dict()["outcome"] == {
        "name": "loss", "law": "loss_threshold", "through": {"name": "n_correct per trial", "crosses": 0.5}
    }  # fmt: skip


def test_a_loss_below_all_that_were_fitted_is_beyond_the_runs():
    losses = [4.0, 3.8, 3.6, 3.4, 3.2, 3.0]
    runs = bl.read_runs({"loss": losses, "n_trials": [100.0] * 6, "n_correct": [20.0] * 6})
    found = bl.threshold(from_priors("loss_threshold", runs), 0.5)
    assert found.scale.median < 3.0
    said = {note.code: note.text for note in found.notes}
    assert (
        said["beyond-runs"] == f"The median is at {multiple(found.scale.median / 3.0)} the smallest L that was fitted."
    )
    assert "below-runs" not in said


def test_a_score_that_guessing_reaches_is_refused(score):
    with pytest.raises(QuestionError, match=r"does not reach 0.2; expected a value between 0.25 and 1"):
        bl.threshold(score, 0.2, along="loss")


def test_uncertainty_about_the_loss_widens_the_threshold_of_the_score(score):
    """A first stage that is known exactly leaves a narrower answer."""
    known = replace(CHINCHILLA, values={n: np.broadcast_to(v[:1, :1], v.shape) for n, v in CHINCHILLA.values.items()})
    taken = bl.threshold(score, 0.5, along="loss")
    exact, doubted = (
        np.log(each[np.isfinite(each)]).std() for each in (bl.threshold(p, taken).draws for p in (known, CHINCHILLA))
    )
    assert doubted > 1.1 * exact


def test_a_threshold_along_something_else_is_refused():
    with pytest.raises(QuestionError, match="along n_params, but law 'chinchilla' predicts loss"):
        bl.threshold(CHINCHILLA, bl.threshold(PASSUNTIL, 0.5))


def test_pictures_show_the_runs_and_end_at_what_is_reached(half, score):
    """Of one law, of a score through its loss, and where every draw lies beyond the range."""
    chained = bl.threshold(CHINCHILLA, bl.threshold(score, 0.5, along="loss"))
    for found in (bl.threshold(half, 0.4), chained, bl.threshold(PASSUNTIL, "steepest")):
        upper, lower = bl.plot_threshold(found).axes
        points = [line for line in upper.lines if line.get_marker() == "o"]
        assert sum(len(line.get_xdata()) for line in points) == 24
        curve = lower.lines[0].get_ydata()
        assert np.all(np.diff(curve) >= 0)
        assert curve[-1] <= 1 - found.probability_not_within_reach
        said = [text.get_text() for text in lower.texts]
        assert any("not within reach" in text for text in said) == (found.probability_not_within_reach > 0)
    # A law that drifts goes through its floor in the end.
    never = bl.threshold(posterior_of(bl.law("power_law"), {"E": np.full(SIZE, 1.7)}), 1.0, drift=False)
    assert never.probability_not_within_reach == 1.0
    assert np.all(bl.plot_threshold(never).axes[1].lines[0].get_ydata() == 0.0)
