"""What a report rests on: the card, back-tests that were kept, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.decisions.choice.example import EXAMPLE
from bayeslaw.errors import ConvergenceError, FileError, QuestionError
from bayeslaw.reporting.card import worst_of
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.reporting.report import LIBRARIES
from tests.posteriors import about, from_priors
from tests.reporting.hidden import backtest
from tests.simulate import simulated_runs

LAW = bl.law("chinchilla")
TRUTH = {name: each.prior.median() for name, each in LAW.parameters.items()}
AT = {"N": 7e9, "D": 1.4e11}
PLAN = {"target": "loss below 2.4", "cost": "2e-18 * flops", "utility": "1e6 * met - cost", "go": 0.8, "stop": 0.2,
        "option": {"small": {"N": 1e9, "D": 2e10}, "large": {"N": 7e9, "D": 1.4e11}}}  # fmt: skip


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Reports without their pages, which have tests of their own."""
    monkeypatch.setattr("bayeslaw.reporting.page.render", lambda parts, verdict: verdict)


@pytest.fixture(scope="module")
def fit() -> bl.Posterior:
    """A fit of one family, about what its runs were made from."""
    runs = simulated_runs(LAW, np.random.default_rng(0), 40, None, TRUTH)
    return about(LAW, runs, TRUTH, noise=0.01)


def test_the_planned_run_of_a_plan_is_its_best_option(fit):
    made = bl.report(fit, plan=PLAN)
    assert made.forecast.points[0].at == bl.decide(fit, PLAN).best.point.at
    assert "options is worth most" in made.verdict.replace(f"'{bl.decide(fit, PLAN).best.name}' ", "")


def test_the_command_needs_a_run_or_a_plan_and_writes_where_it_says(fit, tmp_path):
    saved, plan, out = fit.save(tmp_path / "fit.nc"), tmp_path / "plan.toml", tmp_path / "page.html"
    plan.write_text(EXAMPLE)
    done = CliRunner().invoke(commands, ["report", str(saved), "--plan", str(plan), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_text() in done.stdout
    assert done.stdout.endswith(f"The report is in {out}.\n")
    for more, said in (((), "say what the report is about"), (("--at", "N=1e9,D=2e10") * 2, "is about one run")):
        refused = CliRunner().invoke(commands, ["report", str(saved), "--out", str(out), *more])
        assert (refused.exit_code, said in refused.stderr) == (2, True)


def test_published_values_are_looked_at():
    made = bl.report(bl.published("chinchilla:besiroglu2024chinchilla"), {"N": 7e10, "D": 1.4e12})
    assert [(each.name, each.state) for each in made.card] == [("published values", "LOOK")]


@pytest.mark.parametrize(("asked", "said"), [
    ({}, r"one planned run; give at=N=7e10,D=1.4e12, or a plan\.$"),
    ({"at": {"N": [1e9, 2e9], "D": 2e10}}, r"^at: a report is about one run"),
    ({"at": AT, "above": 2.0, "below": 1.0}, r"a run misses one limit"),
    ({"at": AT, "above": np.nan}, r"a run misses one limit"),
    ({"at": AT, "plan": PLAN, "above": 2.0}, r"the plan says the target; leave out above\.$"),
    ({"at": {"N": 1e9}}, r"needs 'D'"),
    ({"at": AT, "runs": {"n_params": [1e9], "n_tokens": [2e10]}}, r"has no column 'loss'"),
])  # fmt: skip
def test_misuse_is_answered_in_one_sentence(fit, asked, said):
    with pytest.raises(QuestionError, match=said):
        bl.report(fit, **asked)


def test_without_what_makes_pages_it_says_how_to_get_it(fit, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in LIBRARIES else object())
    with pytest.raises(bl.errors.InputError, match=r"^a report needs altair, vl_convert, jinja2: pip install"):
        bl.report(fit, AT)


# --- the card ---------------------------------------------------------------------------------------------------


def states(made) -> dict[str, str]:
    return {each.name: each.state for each in made.card}


def test_a_good_fit_of_a_close_run_passes(fit):
    made = bl.report(fit, {"N": 1e9, "D": 2e10}, backtest=backtest(29, 30), runs=fit.runs.take(np.arange(20)))
    assert set(states(made).values()) == {"PASS"}, made.card
    assert worst_of(made.card) == "PASS"
    assert "Of 8 checks 8 pass. Nothing in the runs speaks against it." in made.verdict


def test_chains_that_have_not_converged_fail(fit):
    bad = replace(fit, stats={**fit.stats, "diverging": np.ones_like(fit.stats["diverging"])})
    with pytest.raises(ConvergenceError):
        bl.report(bad, AT)
    made = bl.report(bad, AT, allow_unconverged=True)
    assert states(made)["convergence"] == "FAIL"
    assert made.verdict.startswith("Do not decide on this forecast as it is: it fails on convergence. The loss")


def test_a_prior_that_the_runs_left_as_it_was_is_looked_at(fit):
    card = {each.name: each for each in bl.report(from_priors(LAW, fit.runs), AT).card}
    assert (card["prior against posterior"].state, card["enough runs"].state) == ("LOOK", "PASS")
    assert card["prior against posterior"].text.startswith("The runs say nothing about E, A, B, alpha, beta")


def test_few_runs_and_a_far_point_are_looked_at(fit):
    few = about(LAW, fit.runs.take(np.arange(9)), TRUTH, noise=0.01)
    made = bl.report(few, {"N": 1e8, "D": 9e13})
    assert (states(made)["enough runs"], states(made)["distance"]) == ("LOOK", "FAIL"), made.card


@pytest.mark.parametrize(("tested", "state"), [
    (backtest(29, 30), "PASS"), (backtest(10, 30), "FAIL"), (backtest(8, 8), "LOOK"), (backtest(30, 30, 2.0), "LOOK"),
    (None, "LOOK"),
])  # fmt: skip
def test_a_back_test_passes_as_far_as_it_reaches(fit, tested, state):
    largest = float((6 * fit.plan.fitted["N"] * fit.plan.fitted["D"]).max())
    made = bl.report(fit, {"C": 5.0 * largest, "N": 7e9}, backtest=tested)
    assert states(made)["back-test"] == state, made.card


def test_runs_held_out_of_which_few_lie_inside_fail(fit):
    runs = fit.runs.take(np.arange(10))
    off = runs.with_columns({"loss": 2.0 * runs.column("loss")})
    assert states(bl.report(fit, AT, runs=off))["runs held out"] == "FAIL"


# --- back-tests that were kept ----------------------------------------------------------------------------------


def test_a_back_test_is_the_same_from_its_record_and_from_the_files_of_both_commands(tmp_path):
    found = backtest(25, 30)
    # What a report reads of `found.as_dict()`, whose scores take longer to import than all these tests.
    record = {"laws": {"average": {}}, "points": found.points(), "reach": found.reach, "verdict": found.verdict}
    (tmp_path / "backtest.json").write_text(json.dumps(record))
    (tmp_path / "forecast.json").write_text(json.dumps({"law": "x", "backtest": record}))
    files = [tmp_path / name for name in ("backtest.json", "forecast.json")]
    read = [HiddenRuns.of(each) for each in (found, record, *files)]
    assert all(each == read[0] for each in read)
    assert (read[0].held, read[0].count, read[0].farthest, read[0].reach) == (25, 30, 20.0, found.reach)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"laws": {}, "points": []}', '{"backtest": 3}', '{"laws": 1}'])
def test_what_is_no_back_test_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "backtest.json"
    path.write_text(text)
    with pytest.raises(FileError, match=r"backtest"):
        HiddenRuns.of(path)
    with pytest.raises(FileError, match=r"cannot read this back-test"):
        HiddenRuns.of(Path("nowhere.json"))
