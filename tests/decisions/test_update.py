"""A run in progress: weights of draws do what another fit would, and say when they cannot."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.decisions.joint import Block
from bayeslaw.decisions.progress.pareto import smoothed
from bayeslaw.decisions.progress.scatter import PARTS, Progress, shown_by
from bayeslaw.decisions.progress.update import update
from bayeslaw.errors import ConvergenceError, QuestionError, RunsError
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from tests.decisions.sweep import TRUTH, small_sweep
from tests.linear import NOISE, Exact, exact_fit, linear_runs
from tests.posteriors import about


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_smoothed_as_arviz_does(seed):
    from arviz_stats.base.array import array_stats

    logs = (seed + 1) * np.random.default_rng(seed).standard_normal(1000 if seed else 200)
    found = smoothed(logs)
    # ArviZ takes the logs of densities that are left out, the negatives of those of ratios.
    expected, khat = array_stats.psislw(-logs)
    np.testing.assert_allclose(found.each, np.exp(expected), rtol=1e-10)
    assert found.khat == pytest.approx(float(khat))


def test_equal_weights_leave_all_draws_as_they_are():
    found = smoothed(np.zeros(400))
    assert found.trusted
    assert found.ess == pytest.approx(400)
    np.testing.assert_array_equal(found.rows(), np.arange(400))


@pytest.mark.parametrize("df", [None, 4.0])
def test_rows_of_one_run_are_as_dense_as_a_distribution_with_common_correlations(df):
    """Averaged over the part of the scatter that is the run's own."""
    off = np.array([0.3, 0.9, 0.4])
    name = "Normal" if df is None else "StudentT"
    ones = np.ones((1, 4))
    arguments = [*([] if df is None else [df * ones]), 2.0 * ones, 0.5 * ones]
    block = Block(2.0 * ones, name, LIKELIHOODS[name], arguments, ones)
    progress = Progress(np.arange(3), 2.0 + 0.5 * off, np.zeros(4, dtype=int), 3)
    expected = []
    for part in PARTS:
        shape = 0.25 * ((1 - part) * np.eye(3) + part)
        law = multivariate_normal(cov=shape) if df is None else multivariate_t(shape=shape, df=df)
        expected.append(law.pdf(0.5 * off))
    found = shown_by(block, progress, np.random.default_rng(0))
    np.testing.assert_allclose(found.log_density, np.log(np.mean(expected)))


def test_an_end_is_that_of_the_distribution_given_what_was_shown():
    """Rows that all lie above the law by as much have a scatter of their own, which the end keeps."""
    draws = np.ones((20_000, 9))
    block = Block(0.0 * draws, "Normal", LIKELIHOODS["Normal"], [0.0 * draws, draws], draws)
    same = Progress(np.arange(8), np.full(8, 1.5), np.zeros(9, dtype=int), 8)
    rng = np.random.default_rng(0)
    assert np.median(shown_by(block, same, rng).end) == pytest.approx(1.45, abs=0.1)
    another = Progress(np.arange(8), np.full(8, 1.5), np.array([0] * 8 + [1]), 8)
    assert np.median(shown_by(block, another, rng).end) == pytest.approx(0.0, abs=0.05)


def test_a_finished_run_moves_a_forecast_as_a_fit_to_it_would():
    """A line with known noise, where the fit with one run more has a closed form."""
    runs = linear_runs(6)
    fit = exact_fit("line", runs, draws=4000)
    more = bl.read_runs({"x": [4.0], "y": [4.2], "run": ["b"]})
    # The end is another run: it has another name.
    table = bl.read_runs({"x": [4.0, 6.0], "y": [4.2, np.nan], "run": ["b", "c"]})
    found = update(fit, table, level=0.8)
    both = bl.read_runs({"x": [*runs.column("x"), 4.0], "y": [*runs.column("y"), 4.2]})
    mean, covariance = Exact("line", both).posterior
    at = np.array([1.0, 6.0])
    spread = np.sqrt(at @ covariance @ at)
    assert found.mean_after.median == pytest.approx(mean @ at, abs=0.1 * spread)
    width = (found.mean_after.upper - found.mean_after.lower) / (2 * 1.2816)
    assert width == pytest.approx(spread, rel=0.1)
    after = found.after
    assert (after.upper - after.lower) / (2 * 1.2816) == pytest.approx(np.hypot(spread, NOISE), rel=0.1)
    assert not found.of_the_end
    assert update(fit, more, {"x": 6.0}).of_the_end  # without a name of its own, the end is that of the one run


@pytest.fixture(scope="module")
def fit() -> bl.Posterior:
    return small_sweep()


def in_progress(fit: bl.Posterior, factor: float, rows: int = 6) -> dict[str, list[float]]:
    """A run of 7B parameters, far beyond the runs, that lies on the law's forecast times a factor."""
    D = np.geomspace(2e11, 2e12, rows + 1)
    forecast = bl.forecast(fit, {"N": 7e10, "D": D})
    loss = [factor * point.mean.median for point in forecast.points[:-1]]
    return {"N": [7e10] * (rows + 1), "D": D.tolist(), "loss": [*loss, np.nan]}


def test_a_run_on_the_law_is_on_track_and_one_far_off_is_not(fit):
    usual = update(fit, in_progress(fit, 1.0), above=2.0)
    assert usual.on_track
    assert usual.after.upper - usual.after.lower < usual.point.new_run.upper - usual.point.new_run.lower
    assert usual.missed is not None
    assert usual.khat < 0.7
    high = update(fit, in_progress(fit, 1.02))
    assert high.after.median > usual.after.median
    assert high.off == pytest.approx(usual.off + np.log(1.02), abs=1e-6)


def test_the_drift_takes_part(fit):
    """A run above the law tells of a slope, which moves another run that is farther out."""
    usual = bl.forecast(fit, {"N": 7e10, "D": 1.4e12}, drift=False).points[0].mean.median
    shown = {"N": [7e10], "D": [1.4e12], "loss": [1.01 * usual]}
    end = {"N": 7e11, "D": 1.4e13}
    with_drift, without = (update(fit, shown, end, drift=drift) for drift in (bl.Drift(0.0, 0.01), bl.Drift(0.0, 1e-9)))
    moved = [found.after.median / found.point.new_run.median for found in (with_drift, without)]
    assert moved[0] > moved[1] + 0.002


def test_what_no_draw_expects_is_refused_with_the_way_out(fit):
    with pytest.raises(ConvergenceError, match=r"Pareto k of their weights is .* Fit the law again with these rows"):
        update(fit, in_progress(fit, 3.0), drift=False)


def test_rows_are_left_out_where_all_would_leave_too_few_draws(fit):
    found = update(fit, in_progress(fit, 1.0, rows=40))
    assert found.weighed <= found.shown == 40
    assert ("thinned" in [note.code for note in found.notes]) == (found.weighed < 40)


def test_laws_of_an_average_are_weighed_too(fit):
    """One that says what the run shows gains weight on one that says something else."""
    other = about(fit.law, fit.runs, {**TRUTH, "E": 1.82}, noise=0.005, seed=1)
    both = Average({"one": fit, "other": other}, {"one": 0.5, "other": 0.5})
    found = update(both, in_progress(fit, 1.0), drift=False)
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert found.weights["one"] > found.weights["other"]


@pytest.mark.parametrize(
    ("runs", "more", "error", "words"),
    [
        ({"N": [1e9], "D": [1e10], "loss": [3.0]}, {}, QuestionError, "nothing says where the run ends; give at="),
        ({"N": [1e9], "D": [1e10], "loss": [np.nan]}, {}, RunsError, "no row has its loss"),
        ({"N": [1e9], "D": [1e10]}, {}, RunsError, "loss"),
        ({"N": [1e9], "D": [1e10], "loss": [3.0]}, {"at": {"N": [1e9, 2e9], "D": 1e11}}, QuestionError, "one end"),
        ({"N": [1e9], "D": [1e10], "loss": [3.0]}, {"at": {"N": 1e9, "D": 1e11}, "above": 3.0, "below": 2.0},
         QuestionError, "one limit"),
    ],
)  # fmt: skip
def test_what_says_too_little_is_refused(fit, runs, more, error, words):
    with pytest.raises(error, match=words):
        update(fit, runs, **more)
