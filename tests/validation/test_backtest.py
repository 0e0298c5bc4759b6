"""Back-tests: what they hide, what they find on runs that a law made, and what they refuse."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.forecast.forecast import QUANTILES
from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.validation.backtest.ahead import looks
from bayeslaw.validation.backtest.origins import SEEN, origin_where, origins_along, those_that_see_enough
from bayeslaw.validation.backtest.report import Backtest
from bayeslaw.validation.backtest.rivals import bootstrap
from bayeslaw.validation.backtest.scores import Scores
from bayeslaw.validation.drift.slopes import slopes

TRUTH = {"E": 1.8, "A": 0.35, "B": 0.35, "alpha": 0.35, "beta": 0.37}
NOISE = 0.004


def made(rows: int = 150, seed: int = 0) -> bl.Runs:
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
    return bl.backtest(["chinchilla", "kaplan"], runs, origins=[0.5, 0.75], drift=False, draws=300, patience=False)


def test_origins_hide_the_expensive_and_keep_runs_of_one_place_together(runs):
    compute = 6 * runs.column("n_params") * runs.column("n_tokens")
    for origin, share in zip(origins_along(runs, "flops", [0.75, 0.5]), [0.5, 0.75], strict=True):
        assert compute[origin.hidden].min() > compute[~origin.hidden].max()
        assert np.mean(~origin.hidden) == pytest.approx(share, abs=0.02)
    by_name, by_letter = (origins_along(runs, along, [0.5])[0] for along in ("flops", "C"))
    np.testing.assert_array_equal(by_name.hidden, by_letter.hidden)
    (by_day,) = origins_along(runs, "day", [0.5])
    assert by_day.name == "day <= 2024-06-01"
    assert {word[5:7] for word in runs.column("day")[by_day.hidden]} == {f"{m:02d}" for m in range(7, 13)}


def test_the_true_law_covers_and_the_average_is_their_mixture(found):
    assert list(found.laws) == ["chinchilla", "kaplan", "average"]
    for scores in found.laws.values():
        assert len(scores) == len(found.origin)
    inside = found.laws["chinchilla"].inside(0.9).mean()
    # Two origins of the same runs: as good as the more expensive half alone.
    assert abs(inside - 0.9) < 3 * np.sqrt(0.9 * 0.1 / 75)
    middle = found.laws["average"].quantiles[4]
    ends = np.sort([found.laws[name].quantiles[4] for name in ("chinchilla", "kaplan")], axis=0)
    assert ((ends[0] - 1e-9 <= middle) & (middle <= ends[1] + 1e-9)).all()


def test_a_hidden_run_is_not_seen(runs):
    """Other outcomes of what is hidden change no forecast."""
    spoilt = bl.read_runs({**runs.data, "loss": np.where(_expensive(runs), 15.0, runs.column("loss"))})
    law, origins = bl.law("chinchilla"), [origin_where(runs, "n_params * n_tokens > 5e18")]
    plans = ({law.name: make_plan(law, table)} for table in (runs, spoilt))
    how = {"drift": False, "sampling": bl.Sampling(draws=100, patience=False)}
    one, other = (next(iter(looks(each, origins, **how))) for each in plans)
    np.testing.assert_array_equal(one.runs["chinchilla"], other.runs["chinchilla"])
    assert (other.observed == 15.0).all()


def test_finished_fits_are_taken_up_again(runs, tmp_path):
    """The second time nothing is fitted, and the answer is the same to the bit."""
    how = {"hide": "n_params * n_tokens > 5e18", "draws": 100, "patience": False, "rivals": False,
           "shards": tmp_path}  # fmt: skip
    one = bl.backtest("chinchilla", runs, **how)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    other = bl.backtest("chinchilla", runs, **how)
    assert len(kept) == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    np.testing.assert_array_equal(one.laws["chinchilla"].quantiles, other.laws["chinchilla"].quantiles)


@pytest.mark.slow
def test_fits_by_workers_give_the_same_answer(runs):
    """Those of all laws are handed out at once, and nothing is fitted here."""
    how = {"hide": "n_params * n_tokens > 5e18", "draws": 100, "patience": False, "rivals": False}
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


def _expensive(runs: bl.Runs) -> np.ndarray:
    return runs.column("n_params") * runs.column("n_tokens") > 5e18


def test_a_law_that_is_wrong_far_away_is_found_out(runs):
    """The expensive runs are a tenth worse than the law of the others says."""
    loss = runs.column("loss") * np.where(_expensive(runs), 1.1, 1.0)
    table = bl.read_runs({**runs.data, "loss": loss})
    bad = bl.backtest(
        "chinchilla", table, hide="n_params * n_tokens > 5e18", drift=False, draws=300, rivals=False, patience=False
    )
    assert bad.laws["chinchilla"].inside(0.95).mean() < 0.5
    assert bad.reach is None
    assert "do not trust them" in bad.verdict


def test_the_bootstrap_is_that_of_a_huber_fit(runs):
    """With the true law and plain noise its middle is near the truth, and its spread that of the noise or more."""
    plan = make_plan(bl.law("chinchilla"), runs)
    hidden = _expensive(runs)
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
    near, by_level = figure.axes
    bins = [part for *_, part in found.laws["average"].by_ratio()]
    assert [text.get_text() for text in near.texts if "n = " in text.get_text()] == [f"n = {len(b)}" for b in bins]
    dots = [line.get_ydata()[0] for line in near.lines if line.get_marker() == "o"]
    assert dots[: len(bins)] == [part.inside(0.95).mean() for part in bins]
    first = by_level.lines[0]
    np.testing.assert_allclose(first.get_ydata(), [found.laws["average"].inside(x).mean() for x in first.get_xdata()])
    assert bl.plot_backtest(found, pit=True).axes[1].get_xlabel() == "probability integral transform"


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (
            {"origins": [0.02]},
            QuestionError,
            r"has 7 free parameters .* sees more than 3; .* \(origins=\[0.05\]\), or",
        ),
        ({"origins": [1.2]}, QuestionError, "1.2 is not a share"),
        ({"weights": "eqal"}, QuestionError, "did you mean 'equal'"),
        ({"along": "seed"}, QuestionError, "all runs have the same seed"),
        ({"hide": "n_params > 1e15"}, QuestionError, "none of the 150 runs"),
        ({"hide": "n_params > 1"}, QuestionError, "all of the 150 runs"),
    ],
)
def test_what_cannot_be_asked_is_said(runs, asked, error, words):
    with pytest.raises(error, match=words):
        bl.backtest("chinchilla", {**runs.data, "seed": np.ones(len(runs))}, **asked)


def test_a_law_given_twice_is_refused(runs):
    with pytest.raises(QuestionError, match="laws: give different ones"):
        bl.backtest(["chinchilla", "chinchilla"], runs)


# --- how far to believe -------------------------------------------------------------------------------------------


def told(*bins: tuple[float, int, int]) -> Backtest:
    """A back-test with so many outcomes at each distance, of which so many lie inside their intervals."""
    ratio = np.repeat([far for far, _, _ in bins], [n for _, n, _ in bins])
    inside = np.concatenate([np.arange(n) < held for _, n, held in bins])
    count = len(ratio)
    quantiles = np.repeat(np.linspace(1.0, 2.0, len(QUANTILES))[:, None], count, axis=1)
    scores = Scores(
        observed=np.where(inside, 1.5, 3.0), quantiles=quantiles, crps=np.ones(count), log_score=np.ones(count),
        pit=np.full(count, 0.5), ratio=ratio, group=np.full(count, ""),
    )  # fmt: skip
    return Backtest("loss", {"chinchilla": scores}, {}, np.full(count, "flops <= 1"), {}, 1, 0)


def test_a_few_outcomes_that_were_covered_prove_nothing():
    """Three far away do not extend the reach of many nearer by, and two alone have none."""
    found = told((2.0, 40, 39), (5.0, 25, 24), (200.0, 3, 3))
    assert found.reach == 5.0
    assert "trust them up to 5x the compute (n = 25 at the far end)" in found.verdict
    few = told((2.0, 2, 2))
    assert few.reach is None
    assert "n = 2, too few to say how far to trust them" in few.verdict
    assert "trust them up to" not in few.verdict
    assert few.as_dict()["reach"] is None


def test_outcomes_of_neighbouring_distances_count_together():
    found = told((2.0, 12, 12), (5.0, 12, 11), (20.0, 12, 12), (50.0, 12, 12), (150.0, 12, 2))
    assert found.reach == 50.0
    assert [len(part) for _, part in found.bins] == [24, 24]
    # Two misses are too few to be believed, and too few to be held against what is nearer.
    assert told((2.0, 30, 30), (20.0, 15, 1)).reach == 2.0
    assert told((2.0, 30, 30), (20.0, 20, 17), (200.0, 40, 40)).reach == 2.0


def test_a_near_miss_is_not_believed():
    found = told((2.0, 30, 20), (20.0, 30, 30))
    assert found.reach is None
    assert "do not trust them" in found.verdict


def test_laws_that_do_not_know_how_far_a_run_lies_say_so():
    found = told((np.nan, 40, 40))
    assert found.reach is None
    assert "not known" in found.verdict


# --- origins that see too few -------------------------------------------------------------------------------------

SEVEN = {"flops": [6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 1e21], "loss": [3.06, 3.0, 2.88, 2.82, 2.76, 2.67, 2.6]}


def test_an_origin_that_sees_too_few_runs_is_left_out_and_named(monkeypatch):
    """Of the usual four the last alone sees as many runs as the law has parameters."""
    seen = []

    def stopped(plans, *_, **__):
        seen.extend(int(np.count_nonzero(plan.weights)) for plan in plans)
        raise KeyboardInterrupt

    monkeypatch.setattr("bayeslaw.validation.backtest.ahead.fit_many", stopped)
    with pytest.raises(KeyboardInterrupt):
        bl.backtest("power_law", SEVEN)
    assert seen == [5]
    seven = bl.read_runs(SEVEN)
    _, left_out = those_that_see_enough([bl.law("power_law")], seven, origins_along(seven, "flops", SEEN), "flops")
    assert [each.name for each in left_out] == ["flops <= 3e19", "flops <= 6e19"]


def test_a_report_says_which_origins_were_left_out():
    found = replace(told((2.0, 40, 39)), left_out=("flops <= 1e19",))
    assert "Left out, since they see fewer runs than a law has parameters: flops <= 1e19" in str(found)
    assert found.as_dict()["left_out"] == ["flops <= 1e19"]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"origins": (0.3, 0.5)}, r"needs as many runs, but of the 7 runs no origin sees more than 4; see more of the "
                                  r"runs \(origins=\[0\.7\]\), or take a law of fewer"),
        ({"hide": "flops > 1e19"}, r"no origin sees more than 2; hide fewer runs \(hide\)"),
    ],
)  # fmt: skip
def test_where_no_origin_sees_enough_the_remedy_is_an_option_that_works(how, words):
    with pytest.raises(QuestionError, match=words):
        bl.backtest("power_law", SEVEN, **how)
    seven = bl.read_runs(SEVEN)
    kept, left_out = those_that_see_enough([bl.law("power_law")], seven, origins_along(seven, "flops", [0.7]), "flops")
    assert [each.name for each in kept] == ["flops <= 1e20"]
    assert left_out == []
