"""Simulation-based calibration passes what is right, and catches a wrong prior and a sampler that ignores the data."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binom, kstest, norm, t

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.values import by_run, draw_prior
from bayeslaw.validation.calibration import sbc as module
from bayeslaw.validation.calibration.ranks import FORECAST, LEVEL, LOG_LIKELIHOOD, beyond, ranks_of, within_band
from bayeslaw.validation.calibration.sbc import Calibration, sbc
from bayeslaw.validation.calibration.simulation import simulate
from tests.linear import NOISE, Exact, exact_fit, linear_law, linear_runs
from tests.simulate import simulated_runs

LINE, TABLE = linear_law("line"), linear_runs()
HOW = {"simulations": 96, "seed": 3, "warmup": 100}


def closed_form(plans, seeds, **_):
    """Independent draws of the posterior of lines with known noise, in place of a sampler's."""
    for i, (plan, seed) in enumerate(zip(plans, seeds, strict=True)):
        design = np.stack([np.ones_like(plan.outcome), plan.inputs["x"]], axis=1)
        middle, width = np.array([plan.law.parameters[name].prior.arguments for name in ("b0", "b1")]).T
        covariance = np.linalg.inv(design.T @ design / NOISE**2 + np.diag(width**-2.0))
        mean = covariance @ (design.T @ plan.outcome / NOISE**2 + middle / width**2)
        drawn = np.random.default_rng((78, seed)).multivariate_normal(mean, covariance, (4, 500))
        values = {"b0": drawn[..., 0], "b1": drawn[..., 1]}
        yield i, SimpleNamespace(values=values, diagnostics=SimpleNamespace(converged=True))


@pytest.fixture
def exactly(monkeypatch):
    """What is tested is the calibration: that it goes with the sampler, `right` and the command show."""
    monkeypatch.setattr(module, "infer_many", closed_form)


@pytest.fixture(scope="module")
def right() -> Calibration:
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
    target = beyond(plan)
    assert target["x"] == pytest.approx(3.0 * (3.0 / 0.5) ** 0.5)
    values = rng.multivariate_normal(mean, covariance, (4, 2000))
    truth = mean + np.array([0.7, -1.1]) * np.sqrt(np.diag(covariance))
    found = ranks_of(plan, {"b0": values[..., 0], "b1": values[..., 1]}, {"b0": truth[0], "b1": truth[1]}, rng)
    at = np.array([1.0, target["x"].item()])
    expected = {
        "b0": norm.cdf(0.7), "b1": norm.cdf(-1.1),
        FORECAST: norm.cdf(at @ (truth - mean) / np.sqrt(at @ covariance @ at)),
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=4.5 * np.sqrt(value * (1 - value) / 6000))


def test_a_wrong_prior_is_caught(monkeypatch, exactly):
    """Parameters drawn from a prior 0.6 standard deviations beside that of the fit."""
    line = LINE.with_priors(b1="Normal(0, 0.3)")
    beside = LINE.with_priors(b1="Normal(0.3, 0.3)")
    vague = bl.read_runs({"x": np.full(24, 1e-3), "y": np.zeros(24)})  # that say next to nothing of the slope
    assert sbc(line, vague, **HOW).passed
    monkeypatch.setattr(module, "simulate", lambda plan, *rest: simulate(replace(plan, law=beside), *rest))
    monkeypatch.setattr(module, "draw_prior", lambda plan, *rest: draw_prior(make_plan(beside, vague), *rest))
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
        for i, found in closed_form(plans, seeds, **how):
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


def test_tables_are_selected_by_their_outcomes_alone():
    """No table has an outcome that the law's output cannot have, and what is left scatters as its noise says."""
    law = bl.law("power_law")
    plan = make_plan(law, simulated_runs(law, np.random.default_rng(2), 20))
    found = simulate(plan, lambda rng, size: draw_prior(plan, rng, size), 300, np.random.default_rng(0))
    low, high = law.output.range
    assert found.outcomes.shape == (300, 20)
    assert ((found.outcomes >= low) & (found.outcomes <= high)).all()
    mean = law.mean(plan.inputs, {name: values[:, None] for name, values in found.values.items()})
    error = np.log(found.outcomes / mean) / found.values["sigma"][:, None]
    share = (np.abs(error) < t.ppf(0.75, found.values["nu"])[:, None]).mean()
    assert share == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(error.size))


def test_families_are_drawn_from_their_population():
    """Deviations have the spread of their own draw, and each run the parameters of its family."""
    law = bl.law("power_law")
    runs = simulated_runs(law, np.random.default_rng(2), 24, families=3)
    plan = make_plan(law, runs, "family", {"E": "partial", "A": "none", "alpha": "complete"})
    values = draw_prior(plan, np.random.default_rng(0), 4000)
    scores = values["E_deviation_family"] / values["E_spread_family"][:, None]
    assert scores.shape == values["A"].shape == (4000, 3)
    assert kstest(scores.reshape(-1), "norm").pvalue > 1e-3
    parameters, family = by_run(plan, values), plan.groupings["family"].index
    np.testing.assert_allclose(parameters["A"], values["A"][:, family])
    np.testing.assert_allclose(
        np.log(parameters["E"] / values["E"][:, None]), values["E_deviation_family"][:, family], atol=1e-12
    )
    assert parameters["alpha"].shape == (4000, 1)


def test_about_a_posterior(right, exactly, tmp_path):
    """Its own draws take the place of the priors', and its runs are seen beside each simulated table."""
    posterior = exact_fit("line", TABLE)
    found = sbc(posterior, **HOW)
    assert found.passed, found.verdict
    assert found.rows == 2 * len(TABLE)
    assert list(found.ranks) == list(right.ranks)
    asked = ["check", "--sbc", str(posterior.save(tmp_path / "fit.nc")), "--simulations", "96", "--seed", "3", "--json"]
    told = json.loads(CliRunner().invoke(commands, asked).stdout)["laws"][0]["sbc"]
    assert (told["rows"], told["simulations"], told["passed"]) == (48, 96, True)
    shifted = replace(posterior, values={**posterior.values, "b0": posterior.values["b0"] + 0.15})
    assert "b0" in sbc(shifted, **HOW).failed
    with pytest.raises(QuestionError, match="a posterior has its own runs"):
        sbc(posterior, TABLE)


@pytest.mark.slow
def test_a_hierarchy_is_calibrated_down_to_its_deviations():
    law = bl.law("power_law").with_likelihood("LogNormal(mean, sigma)")
    runs = simulated_runs(law, np.random.default_rng(4), 160, families=4)
    found = sbc(law, runs, "family", {"E": "partial", "A": "partial", "alpha": "complete"}, simulations=48, seed=1,
                chains=2, draws=800)  # fmt: skip
    assert found.passed, found.verdict
    assert {"E", "E_spread_family", "A_deviation_family[3]", LOG_LIKELIHOOD, FORECAST} <= set(found.ranks)


def test_what_cannot_be_simulated_says_so():
    with pytest.raises(QuestionError, match="too few to show anything; ask for at least 20"):
        sbc(LINE, TABLE, simulations=5)
    text = LINE.text.replace('units = "1", meaning = "outcome"', 'units = "1", range = [0, 1e-3], meaning = "outcome"')
    with pytest.raises(QuestionError, match="narrow its priors or widen the range of its output"):
        sbc(bl.Law.parse(text, "line"), simulations=20)


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
