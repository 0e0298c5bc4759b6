"""The chance of missing a limit: that of the forecast's own draws, and one limit at a time."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from tests.posteriors import about
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
AT = {"C": [1e21, 1e25]}


@pytest.fixture(scope="module")
def posterior():
    truth = {"E": 1.8, "A": 0.6, "alpha": 0.2, "sigma": 0.01, "nu": 20.0}
    runs = simulated_runs(POWER, np.random.default_rng(0), 80, parameters=truth)
    return about(POWER, runs, truth, noise=truth["sigma"], draws=1000)


def test_a_limit_at_a_quantile_is_missed_as_often_as_that_says(posterior):
    for drift in (True, False):
        quantiles = bl.forecast(posterior, AT, drift=drift).points[1].quantiles
        for p in (0.05, 0.5, 0.95):
            above = bl.risk(posterior, AT, above=quantiles[p], drift=drift).points[1]
            below = bl.risk(posterior, AT, below=quantiles[p], drift=drift).points[1]
            assert above.probability == pytest.approx(1 - p, abs=1e-3)
            assert below.probability == pytest.approx(p, abs=1e-3)


def test_how_far_a_run_misses_is_the_mean_of_those_that_do(posterior):
    found = bl.risk(posterior, AT, above=2.0)
    draws = found.forecast.draws
    for i, point in enumerate(found.points):
        missed = draws[:, i][draws[:, i] > 2.0]
        assert point.by == (pytest.approx(missed.mean() - 2.0) if len(missed) else None)
    assert bl.risk(posterior, AT, above=1e3).points[0].as_dict() == {
        "at": {"C": 1e21}, "family": None, "probability": 0.0, "of_mean": 0.0, "by": None,
        "median": found.forecast.points[0].new_run.median,
    }  # fmt: skip


def test_more_compute_risks_less(posterior):
    near, far = bl.risk(posterior, AT, above=bl.forecast(posterior, AT).points[0].new_run.median).points
    assert far.probability < near.probability
    assert far.of_mean < near.of_mean


@pytest.mark.parametrize("limits", [{}, {"above": 2.0, "below": 1.0}, {"above": float("nan")}])
def test_one_limit_is_asked_for(posterior, limits):
    with pytest.raises(QuestionError, match=r"a risk is of passing one limit"):
        bl.risk(posterior, AT, **limits)


def test_the_command_says_it(posterior, tmp_path):
    path = str(posterior.save(tmp_path / "fit.nc"))
    asked = ["risk", path, "--at", "C=1e25", "--above", "2.0"]
    told = CliRunner().invoke(commands, asked)
    assert told.exit_code == 0, told.output
    assert re.match(
        r"There is (an?|less than an?) \d+ % chance that a new run at C = 1e25 ends with a loss above 2\.0\d* "
        r"\(law power_law\)\.( If it does, expect to miss by about [\d.]+\.)? \(Median forecast: [\d.]+\)",
        told.output,
    )
    found = json.loads(CliRunner().invoke(commands, [*asked, "--json"]).stdout)
    assert found["points"][0]["probability"] == bl.risk(posterior, {"C": 1e25}, above=2.0).points[0].probability
    assert (found["limit"], found["side"], found["outcome"]) == (2.0, "above", "loss")
    refused = CliRunner().invoke(commands, asked[:-2])
    assert refused.exit_code == 2
    assert "--above 2.1" in refused.output
