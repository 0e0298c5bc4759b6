"""One command from a table to a forecast: what it says, what it writes, and what it refuses before any fit."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands, sampling
from bayeslaw.validation.backtest.report import Backtest
from bayeslaw.validation.backtest.scores import Scores
from tests.posteriors import about
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {name: each.prior.median() for name, each in LAW.parameters.items()}


@pytest.fixture(autouse=True)
def unsampled(monkeypatch):
    """Fits whose draws lie about the medians of the priors, from which the runs were made."""

    def drawn(plan, **_):
        truth = {name: each.prior.median() for name, each in plan.law.parameters.items()}
        return about(plan.law, plan.runs, truth, plan.family, noise=0.02), 1.5

    monkeypatch.setattr(sampling, "sample", drawn)


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Reports without their pictures, which have tests of their own."""
    monkeypatch.setattr("bayeslaw.reporting.page.render", lambda parts, verdict: verdict)


@pytest.fixture
def tested(monkeypatch):
    """A back-test in which 7 of 8 runs ended inside their intervals, the farthest at 6 times the compute."""
    outcome = np.r_[np.full(7, 1.5), 9.0]
    quantiles = np.repeat(np.linspace(1.0, 2.0, 9)[:, None], 8, axis=1)
    scores = Scores(outcome, quantiles, *(np.ones(8) for _ in range(3)), np.linspace(1.5, 6.0, 8), np.full(8, ""))
    found = Backtest("loss", {"average": scores}, {}, np.full(8, "o"), {}, 3, 0)
    monkeypatch.setattr("bayeslaw.validation.backtest.backtest.backtest", lambda *_, **__: found)


def predict(tmp_path, *words: str, families: int | None = None, **columns: np.ndarray):
    runs = simulated_runs(LAW, np.random.default_rng(0), 30, families, TRUTH)
    table = {"N": runs.column("n_params"), "D": runs.column("n_tokens"), "loss": runs.column("loss")}
    if families:
        table["corpus"] = runs.column("family")
    bl.read_runs(table | columns).frame().to_csv(tmp_path / "runs.csv", index=False)
    given = ["predict", str(tmp_path / "runs.csv"), "--out", str(tmp_path / "out"), *words]
    return CliRunner().invoke(commands, given)


def test_ctrl_c_in_the_back_test_keeps_what_was_done(tmp_path, monkeypatch):
    def interrupted(*_, shards, **__):
        (Path(shards) / "fit.npz").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("bayeslaw.validation.backtest.backtest.backtest", interrupted)
    stopped = predict(tmp_path, "--at", "N=20T,D=900T")
    assert stopped.exit_code == 130
    assert f"is kept in {tmp_path}/out/fit.nc.part; the same command with --resume goes on" in stopped.stderr
    assert predict(tmp_path, "--at", "N=20T,D=900T", "--resume", "--no-backtest").exit_code == 0
    written = {"fit.nc", "forecast.json", "forecast.png", "report.html"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == written


@pytest.mark.usefixtures("tested")
def test_one_paragraph_one_picture_and_the_fit(tmp_path):
    done = predict(tmp_path, "--at", "N=20T,D=900T", "--above", "2.0")
    assert done.exit_code == 0, done.output
    said, *files = done.stdout.split("\n\n")
    assert "\n" not in said
    for words in (
        "is forecast as",
        "90 % interval, laws chinchilla + coupled + over_training",
        "in compute",
        "that it ends above 2",
        "The uncertainty comes from",
        "Of the 8 most expensive runs, hidden and forecast from the others, 7 ended inside",
        "up to 6x the compute",
        "Against it: ",
    ):
        assert words in said
    assert len(files) == 1
    fit = bl.load(tmp_path / "out" / "fit.nc")
    point = bl.forecast(fit, {"N": 2e13, "D": 9e14}).points[0]
    written = json.loads((tmp_path / "out" / "forecast.json").read_text())
    assert written["points"][0]["median"] == point.new_run.median
    assert written["text"] == said
    assert point.new_run.words() in said
    # The page says the same, and how many of its checks pass.
    page, checks = re.subn(
        r" Of \d checks \d pass; look at [\w, -]+\.", "", (tmp_path / "out" / "report.html").read_text()
    )
    assert (page, checks) == (said, 1)
    assert (tmp_path / "out" / "forecast.png").read_bytes().startswith(b"\x89PNG")
    (panel, *_) = bl.plot_forecast(fit, at={"N": 2e13, "D": 9e14}).axes
    assert any(point.new_run.words() in each.get_text() for each in panel.texts)


def test_without_what_makes_pages_it_says_how_to_get_it(tmp_path, monkeypatch):
    missing = "a report needs altair: pip install 'bayeslaw[report]'."
    monkeypatch.setattr("bayeslaw.reporting.report.missing_libraries", lambda: missing)
    done = predict(tmp_path, "--at", "N=7e9,D=1e12", "--no-backtest", "--json")
    assert (done.exit_code, "report" in json.loads(done.stdout)["files"]) == (0, False), done.output
    assert f"No report was written: {missing}" in done.stderr
    assert not (tmp_path / "out" / "report.html").exists()


def test_the_family_of_the_planned_run_is_one_of_the_table(tmp_path):
    at = "--at", "N=7e9,D=1e12", "--no-backtest"
    done = predict(tmp_path, *at, "--family", "corpus=family 2", "--json", families=3)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["family"] == "family 2"
    assert answer["backtest"] is answer["risk"] is None
    unknown = predict(tmp_path, *at, "--family", "corpus=c4", families=3)
    assert (unknown.exit_code, "c4" in unknown.stderr) == (2, True)


def test_a_table_that_is_too_small_to_test_the_laws_on_says_so(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise bl.errors.QuestionError("runs.csv: too few runs are seen.")

    monkeypatch.setattr("bayeslaw.validation.backtest.backtest.backtest", refused)
    done = predict(tmp_path, "--at", "N=7e9,D=1e12")
    assert done.exit_code == 0, done.output
    assert "The laws were not tested on these runs: runs.csv: too few runs are seen." in done.stdout


@pytest.mark.parametrize(("words", "said"), [
    ((), "missing option '--at'"),
    (("--at", "N=7e9"), "D"),
    (("--at", "N=7e9,D=1e12", "--outcome", "accuracy"), "no column 'accuracy' to predict"),
    (("--at", "N=7e9,D=1e12", "--family", "corpus"), "corpus"),
])  # fmt: skip
def test_misuse_is_refused_before_anything_is_fitted(tmp_path, monkeypatch, words, said):
    def never(*_, **__):
        raise AssertionError("fitted")

    monkeypatch.setattr(sampling, "sample", never)
    done = predict(tmp_path, *words)
    assert (done.exit_code, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.output
