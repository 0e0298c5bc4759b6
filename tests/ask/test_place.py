"""The place of an optimum drifts: by what the runs show of it, by what public sweeps taught, and its bowl with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.ask.optimum.place import ANYTHING, PlaceDrift, learned
from bayeslaw.inference.posterior.best_sizes import best_size_notes, best_sizes
from tests.posteriors import about, from_priors

TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.35, "beta": 0.37, "sigma": 0.01, "nu": 20.0}
BUDGETS, NOISE = np.geomspace(1e19, 1e21, 6), 0.001
LAW = bl.law("chinchilla")


def best_of_law(compute: np.ndarray) -> np.ndarray:
    """The size with the lowest loss (Hoffmann et al. 2022, equation 4)."""
    alpha, beta = TRUTH["alpha"], TRUTH["beta"]
    ratio = alpha * TRUTH["A"] * 1e9**alpha / (beta * TRUTH["B"] * 2e10**beta)
    return ratio ** (1 / (alpha + beta)) * (compute / 6) ** (beta / (alpha + beta))


def isoflop_runs(moved: float = 0.0) -> bl.Runs:
    """Budgets of nine sizes about the best, whose losses are those that sizes `moved` e-folds smaller would have."""
    size = np.ravel(best_of_law(BUDGETS)[:, None] * np.exp(np.linspace(-1.5, 1.5, 9) + moved))
    compute = np.repeat(BUDGETS, 9)
    true = size * np.exp(-moved)
    loss = LAW.mean(LAW.with_computed_inputs({"N": true, "D": compute / 6 / true}), TRUTH)
    loss = loss * np.exp(NOISE * np.random.default_rng(0).standard_normal(len(size)))
    return bl.read_runs({"n_params": size, "n_tokens": compute / 6 / size, "flops": compute, "loss": loss})


@pytest.fixture(scope="module")
def right() -> bl.Posterior:
    return about(LAW, isoflop_runs(), TRUTH, noise=NOISE)


@pytest.fixture(scope="module")
def moved() -> bl.Posterior:
    """A law whose bowls are all where they would be at sizes a factor of three smaller."""
    elsewhere = about(LAW, isoflop_runs(np.log(3.0)), TRUTH, noise=NOISE)
    return replace(about(LAW, isoflop_runs(), TRUTH, noise=NOISE), plan=elsewhere.plan)


def law_and_drift(posterior: bl.Posterior, budget: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws of the log of the best size without drift and with it."""
    each = (bl.optimum(posterior, {"C": budget}, drift=drift, allow_unconverged=True) for drift in (False, True))
    return tuple(np.log(found.draws["N"]) for found in each)


@given(
    far=st.lists(st.floats(-5, 6), min_size=1, max_size=3),
    seen=st.lists(st.tuples(st.floats(-6, 0), st.floats(-2, 2), st.floats(0.02, 0.5)), max_size=6),
)
def test_offsets_are_those_of_the_joint_distribution(far, seen):
    """By the precision matrix of all distances together, which conditions without a solve against the seen ones."""
    drift = PlaceDrift(0.2, 0.06, 0.05, 7.0)
    x, e, s = (np.array(v, dtype=float) for v in zip(*seen, strict=True)) if seen else (np.zeros(0),) * 3
    middle, scale, df = drift.offset(np.array(far), x, e, s)
    level = ANYTHING if seen else drift.level
    every, jitter = np.concatenate([far, x]), 1e-7
    joint = level**2 + 0.06**2 * np.outer(every, every) + 0.05**2 * np.outer(*[np.maximum(every, 0)] * 2)
    precision = np.linalg.inv(joint + np.diag([*([jitter] * len(far)), *s**2]))
    k = len(far)
    covariance = np.linalg.inv(precision[:k, :k])
    assert middle == pytest.approx(-covariance @ precision[:k, k:] @ e, abs=1e-3)
    surprise = (7.0 + (e @ np.linalg.solve(joint[k:, k:] + np.diag(s**2), e) if seen else 0.0)) / (7.0 + len(seen))
    assert scale**2 == pytest.approx(surprise * np.diag(covariance), rel=0.02, abs=1e-5 * surprise)
    assert df == 7.0 + len(seen)


def test_without_budgets_shown_the_interval_grows_with_the_distance():
    drift, none = PlaceDrift(0.2, 0.06, 0.05, 7.0), np.zeros(0)
    middle, scale, df = drift.offset(np.array([0.0, 1.0, 4.0]), none, none, none)
    assert np.all(middle == 0.0)
    assert scale == pytest.approx(np.sqrt(0.04 + (0.06**2 + 0.05**2) * np.array([0.0, 1.0, 16.0])))
    assert df == 7.0


def test_a_law_that_is_right_stays_where_it_is(right):
    law, drifting = law_and_drift(right, 1e21)
    assert np.median(drifting) == pytest.approx(np.median(law), abs=0.1)
    assert best_size_notes(right) == ()
    for each in best_sizes(right, right.groups_of(None)):
        assert abs(each.offset) < 4 * each.error


def test_an_optimum_moves_to_where_the_runs_have_it(moved):
    law, drifting = law_and_drift(moved, 1e22)
    assert np.median(drifting - law) == pytest.approx(np.log(3.0), abs=0.25)
    assert drifting.std() > law.std()
    (note,) = best_size_notes(moved)
    assert (note.code, note.severity) == ("best-size-off", "serious")
    assert "6 budgets" in note.text
    assert "too small" in note.text
    said = bl.optimum(moved, {"C": 1e22}, allow_unconverged=True)
    assert "best-size-off" in {each.code for each in said.notes}
    assert set(said.as_dict()["place_drift"]) == {"chinchilla"}


def test_intervals_widen_with_the_distance(right):
    widths = [np.std(np.subtract(*law_and_drift(right, budget))) for budget in (1e21, 1e23, 1e25)]
    assert widths[0] < widths[1] < widths[2]


def test_the_bowl_moves_with_its_bottom(moved):
    """Each draw's regret is nothing at its own best size, and elsewhere what the law has as far from its own."""
    found = bl.optimum(moved, {"C": 1e22}, allow_unconverged=True)
    one = found.solutions.each["chinchilla"]
    rows = range(0, moved.size, 97)
    at = {name: np.array([values[i] for i in rows]) for name, values in found.draws.items() if name in "ND"}
    own = one.regret(at)[list(rows), range(len(rows))]
    assert own == pytest.approx(np.zeros(len(rows)), abs=1e-9)
    still = replace(one, moving=None)
    option = {"N": np.array([2e10]), "D": np.array([1e22 / 6 / 2e10])}
    there = {"N": option["N"] / np.exp(one.shift[0]), "D": option["D"] * np.exp(one.shift[0])}
    assert one.regret(option)[0] == pytest.approx(still.regret(there)[0])
    assert np.all(found.regret_draws >= 0.0)


def test_tokens_and_sizes_may_be_named_in_either_order(right):
    one, other = (
        bl.optimum(right, {"C": 1e22}, over=over, allow_unconverged=True) for over in (["N", "D"], ["D", "N"])
    )
    assert one.draws["N"] == pytest.approx(other.draws["N"], rel=1e-6)


def test_where_nothing_is_known_the_answer_says_so():
    runs = bl.read_runs({"n_params": np.geomspace(1e8, 1e9, 12), "n_tokens": np.geomspace(2e9, 2e10, 12),
                         "n_correct": np.arange(12.0) + 20, "n_trials": np.full(12, 100.0)})  # fmt: skip
    found = bl.optimum(from_priors("task_chain", runs), {"C": 1e21}, {"n": 100}, allow_unconverged=True)
    assert not found.place_drift
    assert "no-place-drift" in {note.code for note in found.notes}


def test_every_learned_drift_is_one():
    assert "other" in learned()
    for each in learned().values():
        assert min(each.level, each.slope, each.turn) > 0.0
        assert each.df > 2.0
