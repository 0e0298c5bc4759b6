"""The next run: it tells of the target, also through the drift, and it is chosen better than by chance."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.ask.where.points import points_at
from bayeslaw.decisions.information.next_runs import next_runs
from bayeslaw.decisions.information.screen import Screened
from bayeslaw.decisions.joint import draw_jointly
from bayeslaw.errors import LawError, QuestionError, RunsError
from tests.decisions.sweep import small_sweep
from tests.linear import NOISE, Exact, exact_fit, linear_runs

TARGET = {"N": 7e10, "D": 1.4e12}


@pytest.fixture(scope="module")
def fit() -> bl.Posterior:
    return small_sweep()


def crossed(*counts: int) -> dict[str, np.ndarray]:
    N, D = np.meshgrid(np.geomspace(1e8, 3e10, counts[0]), np.geomspace(1e9, 1e12, counts[1]))
    return {"N": N.ravel(), "D": D.ravel()}


def test_candidates_are_ranked_by_what_they_tell(fit):
    found = next_runs(fit, crossed(3, 3), TARGET, budget=1e22)
    best = found.candidates.index(found.best)
    assert found.best.told is not None
    bounds = found.best.told.target
    assert bounds.lower - 3 * bounds.error < found.best.information < bounds.upper + 3 * bounds.error
    assert found.as_dict()["best"] == best
    assert sum(each.cost for each in found.batch) <= 1e22
    assert len(found) + found.left_out == 9
    assert found.together >= found.best.information - 1e-9 or found.best not in found.batch
    assert str(found).count(found.best.place) >= 1


def test_the_drift_of_two_runs_along_compute_is_one_and_that_of_a_run_off_the_path_is_another(fit):
    """What a forecast says of each point stays as it is."""
    largest = {name: values.max() for name, values in fit.plan.fitted.items()}
    N = np.array([largest["N"] * 10, largest["N"] * 100, largest["N"] * 100])
    D = np.array([largest["D"] * 10, largest["D"] * 100, largest["D"] * 1e-3])
    at = points_at([fit.law], {"N": N, "D": D})
    drift = Drift(0.0, 0.05)
    joint = draw_jointly(Average.of(fit), [(at, None)], {fit.name: drift})
    law = draw_jointly(Average.of(fit), [(at, None)], {})
    shifts = np.log(joint.mean / law.mean)
    ranks = Screened.of(shifts, shifts[:, 0]).scores
    along, off = np.corrcoef(ranks.T)[0, 1:]
    assert along == pytest.approx(1.0)
    assert abs(off) < 0.5
    forecast = bl.forecast(fit, {"N": N, "D": D}, drift=drift)
    np.testing.assert_array_equal(joint.mean[:, :2], forecast.mean_draws[:, :2])
    for quantile in (0.1, 0.5, 0.9):
        assert np.quantile(joint.mean[:, 2], quantile) == pytest.approx(
            np.quantile(forecast.mean_draws[:, 2], quantile), rel=0.15
        )


def test_a_run_on_the_way_tells_of_the_drift(fit):
    """With drift, a run nearer to the target is worth more than one among the fitted runs by more than without."""
    two = {"N": np.array([5e8, 2e10]), "D": np.array([1e10, 4e11])}
    near, far = (next_runs(fit, two, TARGET, drift=drift) for drift in (Drift(0.0, 0.03), False))
    gained = [found.candidates[1].information - found.candidates[0].information for found in (near, far)]
    assert gained[0] > gained[1] + 0.3
    assert [note.code for note in near.notes].count("one-slope") == 1


def test_the_target_among_the_candidates_tells_most(fit):
    found = next_runs(fit, {"N": [1e9, 7e10], "D": [2e10, 1.4e12]}, TARGET)
    assert found.best.is_target
    assert "target-among-candidates" in [note.code for note in found.notes]


def test_a_plan_says_what_an_outcome_is_worth_and_when_none_is_worth_its_price(fit):
    middle = bl.forecast(fit, TARGET, drift=Drift(0.0, 0.03)).points[0].new_run.median
    plan = {"target": f"loss below {middle:.4f}", "utility": "met - cost", "cost": "0.5 * C / (6 * 7e10 * 1.4e12)",
            "money": "units", "option": {"large": TARGET}}  # fmt: skip
    two = {"N": np.array([5e8, 2e10]), "D": np.array([1e10, 4e11])}
    found = next_runs(fit, two, TARGET, plan=plan, drift=Drift(0.0, 0.03))
    near, far = found.candidates
    assert found.perfect is not None
    assert near.worth is not None
    assert far.worth is not None
    # A coin's toss at even odds: to know it beforehand saves the price where it falls badly.
    assert found.perfect.value == pytest.approx(0.25, abs=0.03)
    assert near.worth.value < far.worth.value < found.perfect.value
    assert found.best_net is far
    assert "not-worth-its-price" not in [note.code for note in found.notes]
    dear = next_runs(fit, two, TARGET, plan=plan, cost=1.0, drift=Drift(0.0, 0.03))
    assert "not-worth-its-price" in [note.code for note in dear.notes]


def test_it_says_when_no_candidate_is_worth_it():
    """Of a level that is known, one more run of the same kind tells nothing."""
    fit = exact_fit("level", linear_runs(2000))
    found = next_runs(fit, {"x": [1.0, 2.0]}, {"x": 3.0}, cost=1.0)
    assert found.notes[0].code == "not-worth-it"
    assert "No candidate is worth a run" in str(found)


@pytest.mark.parametrize(
    ("candidates", "more", "error", "words"),
    [
        ({"N": [1e9, 1e9], "D": 2e10}, {}, QuestionError, "candidates: all 2 are one and the same run"),
        ({"N": [1e9, 2e9], "D": 2e30}, {}, RunsError, r"candidates: 'D' is 2e\+30 in points? 1"),
        ({"N": [1e9, 2e9], "T": 2e10}, {}, QuestionError, "candidates: law 'chinchilla' has no input 'T'"),
        ({"N": [1e9, 2e9], "D": 2e10}, {"cost": "2 * M"}, QuestionError, "cost '2 . M': unknown name 'M'"),
        ({"N": [1e9, 2e9], "D": 2e10}, {"cost": "1 - N"}, QuestionError, "would cost -1e9; a cost is a finite number"),
        ({"N": [1e9, 2e9], "D": 2e10}, {"cost": "2 *"}, LawError, "cost"),
        ({"N": [1e9, 2e9], "D": 2e10}, {"budget": 1e12}, QuestionError, "the cheapest of 2 candidates costs 1.2e20"),
        ({"N": [1e9, 2e9], "D": 2e10}, {"at": {"N": [1e9, 2e9], "D": 1e12}}, QuestionError, "at: 2 points"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_among_is_refused(fit, candidates, more, error, words):
    with pytest.raises(error, match=words):
        next_runs(fit, candidates, **{"at": TARGET, **more})


def test_the_chosen_run_narrows_the_target_more_than_one_by_chance():
    """200 simulated sweeps of a linear law, whose posterior after any run is known; all runs cost the same."""
    rng, wins = np.random.default_rng(4), 0
    for case in range(200):
        name = ("line", "curve")[case % 2]
        x = rng.uniform(0.0, 2.0, rng.integers(4, 12))
        exact = Exact(name, bl.Runs.from_arrays({"x": x, "y": np.zeros(len(x))}))
        mean, covariance = exact.posterior
        places, target = rng.uniform(0.0, 3.0, 8), powers(name, np.array([rng.uniform(3.0, 6.0)]))[0]
        design = powers(name, places)
        draws = rng.multivariate_normal(mean, covariance, 1000)
        noise = NOISE * rng.standard_normal((1000, 9))
        outcomes = draws @ design.T + noise[:, :8]
        chosen = int(Screened.of(outcomes, draws @ target + noise[:, 8]).information.argmax())
        other = rng.choice([i for i in range(8) if i != chosen])
        wins += spread_after(covariance, design[chosen], target) < spread_after(covariance, design[other], target)
    assert wins >= 160


def powers(name: str, x: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(x), x, x * x][: 2 if name == "line" else 3], axis=1)


def spread_after(covariance: np.ndarray, run: np.ndarray, target: np.ndarray) -> float:
    """The variance of the law at a target once a run is known."""
    shared = covariance @ run
    return float(target @ (covariance - np.outer(shared, shared) / (run @ shared + NOISE**2)) @ target)
