"""Back-tests: what they hide, what they find on runs that a law made, and what they refuse."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import QuestionError, RunsError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.validation.backtest.ahead import looks
from bayeslaw.validation.backtest.origins import origin_where, origins_along
from bayeslaw.validation.backtest.report import Backtest
from bayeslaw.validation.backtest.rivals import bootstrap
from bayeslaw.validation.drift.slopes import slopes

TRUTH = {"E": 1.8, "A": 0.35, "B": 0.35, "alpha": 0.35, "beta": 0.37}
NOISE = 0.004


def made(rows: int = 90, seed: int = 0) -> bl.Runs:
    """Runs of Chinchilla's law with log-normal noise, over three orders of magnitude of compute."""
    rng = np.random.default_rng(seed)
    N, D = 10 ** rng.uniform(7.5, 9.5, rows), 10 ** rng.uniform(9.0, 10.8, rows)
    mean = TRUTH["E"] + TRUTH["A"] * (N / 1e9) ** -TRUTH["alpha"] + TRUTH["B"] * (D / 2e10) ** -TRUTH["beta"]
    columns = {"n_params": N, "n_tokens": D, "loss": mean * np.exp(NOISE * rng.standard_normal(rows))}
    return bl.read_runs({**columns, "day": np.array([f"2024-{1 + i % 12:02d}-01" for i in range(rows)])})


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    return made()


@pytest.fixture(scope="module")
def found(runs) -> Backtest:
    return bl.backtest(["chinchilla", "kaplan"], runs, origins=[0.5, 0.75], drift=False, draws=300)


def test_origins_hide_the_dear_and_keep_runs_of_one_place_together(runs):
    compute = 6 * runs.column("n_params") * runs.column("n_tokens")
    for origin, share in zip(origins_along(runs, "flops", [0.75, 0.5]), [0.5, 0.75], strict=True):
        assert compute[origin.hidden].min() > compute[~origin.hidden].max()
        assert np.mean(~origin.hidden) == pytest.approx(share, abs=0.02)
    (by_day,) = origins_along(runs, "day", [0.5])
    assert by_day.name == "day <= 2024-06-01"
    assert {word[5:7] for word in runs.column("day")[by_day.hidden]} == {f"{m:02d}" for m in range(7, 13)}


def test_the_true_law_covers_and_the_average_is_their_mixture(found):
    assert list(found.laws) == ["chinchilla", "kaplan", "average"]
    for scores in found.laws.values():
        assert len(scores) == len(found.origin)
    inside = found.laws["chinchilla"].inside(0.9).mean()
    # Two origins of the same runs: as good as the dearer half alone.
    assert abs(inside - 0.9) < 3 * np.sqrt(0.9 * 0.1 / 45)
    middle = found.laws["average"].quantiles[4]
    ends = np.sort([found.laws[name].quantiles[4] for name in ("chinchilla", "kaplan")], axis=0)
    assert ((ends[0] - 1e-9 <= middle) & (middle <= ends[1] + 1e-9)).all()


def test_a_hidden_run_is_not_seen(runs):
    """Other outcomes of what is hidden change no forecast."""
    spoilt = bl.read_runs({**runs.data, "loss": np.where(_dear(runs), 15.0, runs.column("loss"))})
    law, origins = bl.law("chinchilla"), [origin_where(runs, "n_params * n_tokens > 5e18")]
    plans = ({law.name: make_plan(law, table)} for table in (runs, spoilt))
    one, other = (next(iter(looks(each, origins, drift=False, draws=100))) for each in plans)
    np.testing.assert_array_equal(one.runs["chinchilla"], other.runs["chinchilla"])
    assert (other.observed == 15.0).all()


def test_finished_fits_are_taken_up_again(runs, tmp_path):
    """The second time nothing is fitted, and the answer is the same to the bit."""
    how = {"hide": "n_params * n_tokens > 5e18", "draws": 100, "rivals": False, "shards": tmp_path}
    one = bl.backtest("chinchilla", runs, **how)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    other = bl.backtest("chinchilla", runs, **how)
    assert len(kept) == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    np.testing.assert_array_equal(one.laws["chinchilla"].quantiles, other.laws["chinchilla"].quantiles)


@pytest.mark.slow
def test_fits_by_workers_give_the_same_answer(runs):
    """Those of all laws are handed out at once, and nothing is fitted here."""
    how = {"hide": "n_params * n_tokens > 5e18", "draws": 100, "rivals": False}
    handed = []

    class Counting(ThreadPoolExecutor):
        def submit(self, *task):
            handed.append(task)
            return super().submit(*task)

    with Counting(1) as threads:
        one = bl.backtest(["chinchilla", "kaplan"], runs, executor=threads, **how)
    assert len(handed) == one.fits == 2
    other = bl.backtest("kaplan", runs, **how)
    np.testing.assert_array_equal(one.laws["kaplan"].quantiles, other.laws["kaplan"].quantiles)


def test_sums_along_a_schedule_are_those_of_a_fit(monkeypatch):
    """A back-test and drift learned on a table that was cut give the sampler what a fit of that table gives it."""
    steps = np.arange(500.0, 2001.0, 125.0)
    table = bl.read_runs({"step": steps, "learning_rate": 1e-3 * np.minimum(1.0, 1.0 - (steps - 1000.0) / 1200.0),
                          "loss": 3.5 - 1e-4 * steps, "flops": 1e15 * np.exp(steps / 100)})  # fmt: skip
    law, cut = bl.law("lr_annealing"), table.where("step >= 1000")
    expected = make_plan(law, cut).inputs
    sampled = []

    def stopped(plans, **_):
        sampled.extend(plans)
        raise KeyboardInterrupt

    monkeypatch.setattr("bayeslaw.validation.backtest.ahead.fit_many", stopped)
    for asked in (
        lambda: bl.backtest(law, cut, along="step", rivals=False, origins=[0.7, 0.8]),
        lambda: slopes("curve", cut, {law.name: law}, None, seen=[0.7, 0.8]),
    ):
        sampled.clear()
        with pytest.raises(KeyboardInterrupt):
            asked()
        assert [int((plan.weights > 0).sum()) for plan in sampled] == [6, 7]
        for plan in sampled:
            for name in ("S", "M"):
                np.testing.assert_array_equal(plan.inputs[name], expected[name])


def _dear(runs: bl.Runs) -> np.ndarray:
    return runs.column("n_params") * runs.column("n_tokens") > 5e18


def test_a_law_that_is_wrong_far_away_is_found_out(runs):
    """The dear runs are a tenth worse than the law of the others says."""
    loss = runs.column("loss") * np.where(_dear(runs), 1.1, 1.0)
    table = bl.read_runs({**runs.data, "loss": loss})
    bad = bl.backtest("chinchilla", table, hide="n_params * n_tokens > 5e18", drift=False, draws=300, rivals=False)
    assert bad.laws["chinchilla"].inside(0.95).mean() < 0.5
    assert bad.reach is None
    assert "do not believe them" in bad.verdict


def test_the_bootstrap_is_that_of_a_huber_fit(runs):
    """With the true law and plain noise its middle is near the truth, and its spread that of the noise or more."""
    plan = make_plan(bl.law("chinchilla"), runs)
    hidden = _dear(runs)
    draws = bootstrap(plan, hidden, np.full(len(runs), ""))
    error = np.log(np.median(draws, axis=0) / plan.outcome[hidden])
    assert np.abs(np.median(error)) < 3 * NOISE
    assert NOISE / 2 < np.median(np.log(draws).std(axis=0)) < 5 * NOISE


def test_json_has_what_programs_read(found):
    answer = json.loads(json.dumps(found.as_dict()))
    assert set(answer) >= {"laws", "points", "verdict"}
    law = answer["laws"]["chinchilla"]
    assert set(law) >= {"coverage", "interval_score", "crps", "log_score", "n", "by_ratio"}
    assert set(law["coverage"]) == {"0.5", "0.8", "0.9", "0.95"}
    assert len(answer["points"]) == 3 * law["n"]
    point = answer["points"][0]
    assert set(point) >= {"law", "origin", "at", "observed", "quantiles"}
    assert point["quantiles"]["0.025"] < point["quantiles"]["0.5"] < point["quantiles"]["0.975"]
    assert "n = " in answer["verdict"]


def test_the_picture_shows_every_law(found):
    figure = bl.plot_backtest(found)
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {"chinchilla", "kaplan", "average", "Huber + bootstrap"} <= words


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"origins": [0.02]}, RunsError, "seen from flops <= .*cannot determine the 7 free parameters"),
        ({"origins": [1.2]}, QuestionError, "1.2 is not a share"),
        ({"along": "seed"}, QuestionError, "all runs have the same seed"),
        ({"hide": "n_params > 1e15"}, QuestionError, "none of the 90 runs"),
        ({"hide": "n_params > 1"}, QuestionError, "all of the 90 runs"),
    ],
)
def test_what_cannot_be_asked_is_said(runs, asked, error, words):
    with pytest.raises(error, match=words):
        bl.backtest("chinchilla", {**runs.data, "seed": np.ones(len(runs))}, **asked)


def test_a_law_given_twice_is_refused(runs):
    with pytest.raises(QuestionError, match="laws: give different ones"):
        bl.backtest(["chinchilla", "chinchilla"], runs)
