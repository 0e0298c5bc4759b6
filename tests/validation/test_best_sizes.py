"""The back-test of best sizes: what it hides and compares, on posteriors of a law that is right."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from bayeslaw.validation.backtest import best_sizes
from tests.ask.test_place import BUDGETS, NOISE, TRUTH, best_of_law, isoflop_runs
from tests.posteriors import about


@pytest.fixture(autouse=True)
def _not_sampled(monkeypatch):
    """Fits that know the law, each from the runs that it sees."""

    def fitted(plans, **_):
        return [about(plan.law, plan.runs, TRUTH, noise=NOISE) for plan in plans]

    monkeypatch.setattr(best_sizes, "fit_many", fitted)


@pytest.fixture
def found():
    return bl.backtest_optimum("chinchilla", isoflop_runs(), origins=[0.4, 0.7])


def test_hidden_budgets_are_compared_with_their_own_runs(found):
    scores = found.sizes["chinchilla"]
    # Four tenths of 54 runs are 22, so three budgets of nine are seen from the first origin, and five from the other.
    assert list(np.round(np.log(found.budget), 3)) == list(np.round(np.log([*BUDGETS[3:], BUDGETS[5]]), 3))
    assert scores.ratio == pytest.approx([*(BUDGETS[3:] / BUDGETS[2]), BUDGETS[5] / BUDGETS[4]])
    assert np.exp(scores.observed) == pytest.approx(best_of_law(found.budget), rel=0.1)
    assert scores.inside(0.95).all()
    assert found.converged
    assert found.regret["chinchilla"].observed == pytest.approx(np.zeros(4), abs=0.02)
    assert "95% intervals of the best size of chinchilla covered 100% of 4 hidden budgets" in found.verdict


def test_intervals_without_drift_are_narrower(found):
    still = bl.backtest_optimum("chinchilla", isoflop_runs(), origins=[0.4, 0.7], drift=False)
    widths = [np.subtract(*each.sizes["chinchilla"].interval(0.95)[::-1]) for each in (still, found)]
    assert np.all(widths[0] < widths[1])


def test_several_laws_are_averaged():
    found = bl.backtest_optimum(["chinchilla", "over_training"], isoflop_runs(), origins=[0.5])
    assert list(found.sizes) == ["chinchilla", "over_training", "average"]
    assert found.lead == "average"
    assert {point["law"] for point in found.points()} == set(found.sizes)


@pytest.mark.parametrize(
    ("law", "columns", "words"),
    [
        ("chinchilla", {"n_params": np.geomspace(1e7, 1e9, 20)}, "no origin hides a compute budget"),
        ("power_law", {}, "cannot say which size"),
    ],
)
def test_what_cannot_be_compared_is_refused(law, columns, words):
    runs = isoflop_runs().frame()
    if columns:
        size = columns["n_params"]
        runs = {"n_params": size, "n_tokens": 20 * size, "loss": 2 + size**-0.1}
    with pytest.raises(QuestionError, match=words):
        bl.backtest_optimum(law, runs)


def test_the_command_says_the_same(tmp_path, found):
    path = tmp_path / "runs.csv"
    isoflop_runs().frame().to_csv(path, index=False)
    asked = ["backtest", str(path), "--laws", "chinchilla", "--of", "optimum", "--origins", "0.4,0.7"]
    result = CliRunner().invoke(commands, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["sizes"]["chinchilla"]["n"] == 4
    refused = CliRunner().invoke(commands, [*asked, "--hide", "flops > 1e20"])
    assert refused.exit_code == 2
    assert "--hide is about forecasts of the outcome" in refused.output
