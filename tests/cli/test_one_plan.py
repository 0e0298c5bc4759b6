"""On the way through a command a table is read, checked and planned once."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.inference import infer
from bayeslaw.inference.base import devices
from bayeslaw.inference.model import plan as planning
from bayeslaw.inference.model.plan_model import plan_model
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.runs import observations
from bayeslaw.runs.tracking import source
from tests.simulate import simulated_runs

SAVED = Path(__file__).parents[1] / "saved"


@pytest.fixture
def calls(monkeypatch) -> Counter:
    """How often a table was read, its inputs, its outcome and its number of runs checked, and its pooling planned."""
    counted: Counter = Counter()

    def count(module, name):
        function = getattr(module, name)

        def counting(*args, **kwargs):
            counted[name] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, counting)

    for name in ("inputs", "outcome"):
        count(observations, name)
    count(source, "read_table")
    for name in ("check_enough", "plan_pooling"):
        count(planning, name)
    return counted


@pytest.fixture
def sampled_at_once(monkeypatch) -> None:
    """Independent normal draws in place of the sampler's: what they say does not matter here."""

    def at_once(plan, choice, seed, progress, shards):
        with devices.float64():
            model = plan_model(plan.structure)
        flat = np.random.default_rng(seed).standard_normal((4, 1000, len(model.names)))
        stats = {"diverging": np.zeros((4, 1000), dtype=bool), "n_steps": np.ones((4, 1000)), "energy": flat[..., 0]}
        return Draws(model, flat, stats, None, choice.settings, seed, {})

    monkeypatch.setattr(infer, "infer", at_once)


ONCE = {"read_table": 1, "inputs": 1, "outcome": 1, "check_enough": 1, "plan_pooling": 1}


def test_a_fit_reads_checks_and_plans_its_table_once(calls, sampled_at_once, tmp_path):
    runs = simulated_runs(bl.law("power_law"), np.random.default_rng(0), 24, families=3)
    table, out = tmp_path / "runs.csv", tmp_path / "fit.nc"
    runs.frame().to_csv(table, index=False)
    calls.clear()
    asked = ["fit", str(table), "--law", "power_law", "--family", "family", "--out", str(out), "--json"]
    done = CliRunner().invoke(commands, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["families"] == ["family 1", "family 2", "family 3"]
    assert "thin-family" not in done.stderr
    assert "few-groups" in done.stderr  # its notes are said, and nothing is read again for them
    assert calls == ONCE


def test_a_fit_that_was_loaded_plans_once_for_all_questions(calls):
    posterior = bl.load(SAVED / "coupled.nc")
    plan = posterior.plan
    assert calls == {name: count for name, count in ONCE.items() if name != "read_table"}
    posterior.summary()
    posterior.by_family("E")
    assert posterior.plan is plan
    assert calls["plan_pooling"] == 1


def test_families_that_are_combined_from_two_columns_have_notes():
    law = bl.law("power_law")
    runs = simulated_runs(law, np.random.default_rng(0), 24, families=3)
    runs = runs.with_columns({"arm": np.array(["x", "y"] * 12, dtype=object)})
    (note,) = planning.make_plan(law, runs, "family*arm").notes
    assert note.code == "thin-family"
    assert "6 groups of family*arm have fewer runs than the 5 parameters" in note.text
