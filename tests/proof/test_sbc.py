"""Simulation-based calibration passes what is right, and catches a wrong prior and a sampler that ignores the data."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binom, norm

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from bayeslaw.fit.many import infer_many
from bayeslaw.fit.plan import make_plan
from bayeslaw.proof import sbc as module
from bayeslaw.proof.sbc import FORECAST, LEVEL, LOG_LIKELIHOOD, beyond, ranks_of, sbc, within_band
from bayeslaw.proof.simulation import simulate
from tests.linear import NOISE, Exact, linear_law, linear_runs

LINE, TABLE = linear_law("line"), linear_runs()
HOW = {"simulations": 96, "seed": 3, "warmup": 100}


@pytest.fixture(scope="module")
def right() -> bl.Calibration:
    return sbc(LINE, TABLE, **HOW)


def test_what_is_right_passes(right):
    assert right.passed, right.verdict
    assert not right.outside
    assert list(right.ranks) == ["b0", "b1", LOG_LIKELIHOOD, FORECAST]
    assert right.simulations == 96
    assert all(((ranks > 0) & (ranks < 1)).all() for ranks in right.ranks.values())


def test_ranks_are_those_of_the_closed_form():
    """Of a linear law with known noise the posterior is normal, so each rank has a value it must be near."""
    rng, plan = np.random.default_rng(0), make_plan(LINE, TABLE)
    exact = Exact("line", TABLE)
    covariance = np.linalg.inv(exact.design.T @ exact.design / NOISE**2 + np.linalg.inv(exact.prior))
    mean = covariance @ exact.design.T @ exact.y / NOISE**2
    target = beyond(LINE, TABLE.inputs(LINE))
    assert target["x"] == pytest.approx(3.0 * (3.0 / 0.5) ** 0.5)
    values = rng.multivariate_normal(mean, covariance, (4, 2000))
    truth = mean + np.array([0.7, -1.1]) * np.sqrt(np.diag(covariance))
    found = ranks_of(plan, {"b0": values[..., 0], "b1": values[..., 1]}, {"b0": truth[0], "b1": truth[1]}, target, rng)
    at = np.array([1.0, target["x"].item()])
    expected = {
        "b0": norm.cdf(0.7), "b1": norm.cdf(-1.1),
        FORECAST: norm.cdf(at @ (truth - mean) / np.sqrt(at @ covariance @ at)),
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=4.5 * np.sqrt(value * (1 - value) / 6000))


def test_a_wrong_prior_is_caught(monkeypatch):
    """Parameters drawn from a prior 0.6 standard deviations beside that of the fit."""
    line = LINE.with_priors(b1="Normal(0, 0.3)")
    beside = LINE.with_priors(b1="Normal(0.3, 0.3)")
    vague = bl.read_runs({"x": np.full(24, 0.05), "y": np.zeros(24)})  # that say next to nothing of the slope
    assert sbc(line, vague, **HOW).passed
    monkeypatch.setattr(module, "simulate", lambda _, *rest: simulate(beside, *rest))
    found = sbc(line, vague, **HOW)
    assert not found.passed
    assert found.failed == ("b1",)


def test_a_sampler_that_ignores_the_data_is_caught(monkeypatch):
    """Draws from the prior are calibrated for every parameter; only the log likelihood tells."""

    def ignorant(plans, seeds, **_):
        for i, seed in enumerate(seeds):
            drawn = LINE.draw_prior(np.random.default_rng((77, seed)), 400)
            yield (
                i,
                SimpleNamespace(
                    values={n: drawn[n].reshape(4, 100) for n in ("b0", "b1")},
                    diagnostics=SimpleNamespace(converged=True),
                ),
            )

    monkeypatch.setattr(module, "infer_many", ignorant)
    found = sbc(LINE, TABLE, **HOW)
    assert found.failed == (LOG_LIKELIHOOD,)
    assert not found.passed


def test_fits_that_do_not_converge_are_counted(monkeypatch):
    """Once each, however often they are tried."""

    def doubtful(plans, seeds, **how):
        for i, found in infer_many(plans, seeds, **how):
            converged = found.diagnostics.converged and plans[i].outcome[0] > -1.0
            yield i, SimpleNamespace(values=found.values, diagnostics=SimpleNamespace(converged=converged))

    monkeypatch.setattr(module, "infer_many", doubtful)
    found = sbc(LINE, TABLE, **HOW)
    assert found.unconverged >= 20
    assert all(len(ranks) == 96 - found.unconverged for ranks in found.ranks.values())
    assert found.simulations == 96
    assert not found.passed
    assert "too many fits have not converged" in found.verdict


def test_the_band_lets_one_uniform_sample_in_a_hundred_out():
    rng = np.random.default_rng(11)
    outside = sum(not within_band(rng.uniform(size=100)) for _ in range(3000))
    assert binom.ppf(1e-4, 3000, 1 - LEVEL) <= outside <= binom.ppf(1 - 1e-4, 3000, 1.2 * (1 - LEVEL))


def test_tables_are_told_by_their_outcomes_alone(monkeypatch):
    """Where the law's output says that losses stay below 3, no table has one above, and its mean may still be."""
    law = bl.law("power_law")
    inputs = {"x": np.geomspace(1e7, 1e9, 20)} if "x" in law.inputs else None
    inputs = inputs or {name: np.geomspace(*law.inputs[name].range, 20) for name in law.free_inputs}
    found = simulate(law, inputs, 300, np.random.default_rng(0))
    low, high = law.output.range
    assert found.outcomes.shape == (300, 20)
    assert ((found.outcomes >= low) & (found.outcomes <= high)).all()
    mean = law.mean(inputs, {name: values[:, None] for name, values in found.parameters.items()})
    error = np.log(found.outcomes / mean) / found.parameters["sigma"][:, None]
    assert abs(np.median(error)) < 4.5 * 1.2533 * np.std(np.clip(error, -3, 3)) / np.sqrt(error.size)


def test_what_cannot_be_simulated_says_so():
    with pytest.raises(QuestionError, match="tell nothing; ask for at least 20"):
        sbc(LINE, TABLE, simulations=5)
    text = LINE.text.replace('units = "1", meaning = "outcome"', 'units = "1", range = [0, 1e-3], meaning = "outcome"')
    with pytest.raises(QuestionError, match="narrow its priors or widen the range of its output"):
        sbc(bl.Law.parse(text, "line"), TABLE, simulations=20)


def test_the_command_calibrates_a_law_of_ones_own(tmp_path):
    path = tmp_path / "line.toml"
    path.write_text(LINE.text.replace('meaning = "input"', 'range = [0.5, 3.0], meaning = "input"'))
    found = CliRunner().invoke(commands, ["check", "--sbc", str(path), "--simulations", "40", "--json"])
    answer = json.loads(found.stdout)["laws"][0]["sbc"]
    assert answer["passed"], answer["verdict"]
    assert answer["simulations"] == 40
    assert sum(answer["quantities"]["b1"]) + answer["unconverged"] == 40
    few = CliRunner().invoke(commands, ["check", "--sbc", str(path), "--simulations", "4"])
    assert few.exit_code == 2
    assert "at least 20" in few.stderr
