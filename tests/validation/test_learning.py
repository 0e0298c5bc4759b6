"""Drift as it is learned: from slopes of which the truth is known, and from sweeps of one's own."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import LEARNED, OTHERS, Drift, drifts_as_toml, kind_of, learned_drifts, read_drifts
from bayeslaw.cli import commands
from bayeslaw.errors import FileError, QuestionError
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.sampler.settings import Settings
from bayeslaw.validation.backtest import ahead
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along
from bayeslaw.validation.drift import learning
from bayeslaw.validation.drift.learning import BELIEVED, drift_from
from bayeslaw.validation.drift.slopes import COLUMNS, public_slopes, slope_of
from tests.posteriors import about
from tests.simulate import simulated_runs

# Enough of a sampler for what is not held to figures of many digits; how it is done in earnest, the test of the public
# slopes tells.
QUICK = Settings(warmup=200, draws=250)
TRUTH = {"E": 1.8, "A": 0.6, "alpha": 0.2, "sigma": 0.003, "nu": 20.0}


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr(learning, "SETTINGS", QUICK)


def slopes(sweeps: int, direction: float, scale: float, seed: int = 0) -> pd.DataFrame:
    """A law's slopes on sweeps, two origins each, measured with an error of a thousandth."""
    rng = np.random.default_rng(seed)
    true = np.repeat(direction + scale * rng.standard_normal(sweeps), 2)
    sweep = np.repeat([f"sweep {i}" for i in range(sweeps)], 2)
    found = true + 0.001 * rng.standard_normal(2 * sweeps)
    same = {"law": "kaplan", "link": "log", "origin": "o", "error": 0.001, "distance": 3.0}
    return pd.DataFrame({"sweep": sweep, "table": sweep, "slope": found, **same})


@pytest.fixture(scope="module")
def of_losses() -> dict[str, Drift]:
    """The drift that 25 sweeps show."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "SETTINGS", QUICK)
        return drift_from(slopes(25, 0.006, 0.004))


@pytest.mark.slow
def test_direction_and_scale_of_many_sweeps_are_found(of_losses):
    """25 sweeps tell the middle to a fifth of their spread; half of the direction is believed, the rest is width."""
    found = of_losses["kaplan"]
    assert found.direction == pytest.approx(BELIEVED * 0.006, abs=BELIEVED * 3 * 0.004 / np.sqrt(25))
    wide = np.hypot(0.004, (1 - BELIEVED) * 0.006) * 1.96 / 3.182
    assert 0.7 * wide < found.scale < 1.5 * wide


@pytest.mark.slow
def test_scores_and_losses_tell_nothing_of_each_other(of_losses, quickly):
    """Logits beside nats: a table of both gives each what it gives alone."""
    losses, scores = slopes(25, 0.006, 0.004), public_slopes().query("link == 'logit'")
    both = drift_from(pd.concat([losses, scores]))
    assert set(both) == {"kaplan", "task_chain", "emergence_logistic", OTHERS["log"], OTHERS["logit"]}
    assert both == {**of_losses, **drift_from(scores)}
    assert both["emergence_logistic"].scale > 10 * both["kaplan"].scale


def test_slopes_of_counts_are_in_logits(monkeypatch):
    """Scores whose logit falls by a tenth an e-fold beyond half of the runs, of ten thousand questions each."""
    law, rng, seen = bl.law("emergence_logistic").with_priors(chance="Constant(0)"), np.random.default_rng(4), 0.5
    truth = {"top": 0.97, "k": 0.5, "C_half": 1e22, "kappa": 1e4}
    frame = simulated_runs(law, rng, 60, parameters=truth).frame()
    place = np.log(frame["flops"] / 1e22)
    p = 0.97 / (1.0 + np.exp(-0.5 * place))
    far = np.log(np.fmax(frame["flops"] / np.quantile(frame["flops"], seen), 1.0))
    p = 1.0 / (1.0 + (1.0 - p) / p * np.exp(0.1 * far))
    runs = bl.read_runs(frame.assign(n_trials=10_000, n_correct=rng.binomial(10_000, p)))

    def learned_from(plan: Plan) -> Posterior:
        # A share varies as if half as many had been asked, as its odds do by a ten thousandth; what is hidden tells
        # nothing.
        noise = np.where(plan.weights > 0, np.sqrt(2.0 / (10_000 * p * (1.0 - p))), 1e9)
        return about(law, plan.runs, truth, noise=noise)

    monkeypatch.setattr(ahead, "fit_many", lambda plans, **_: [learned_from(plan) for plan in plans])
    origins = origins_along(runs, COMPUTE, (seen,))
    (look,) = ahead.looks({law.name: make_plan(law, runs)}, origins, drift=False)
    found = slope_of(look, law.name)
    assert abs(found["slope"] + 0.1) < 3 * found["error"]
    assert found["error"] < 0.1


def test_public_slopes_have_the_columns_and_laws_of_what_was_learned():
    table = public_slopes()
    assert tuple(table.columns) == COLUMNS
    assert set(table["law"]) == set(learned_drifts()) - {*OTHERS.values(), "bnsl"}
    for law, links in table.groupby("law")["link"]:
        assert set(links) == {kind_of(bl.law(law))}


@pytest.mark.slow
def test_what_was_learned_follows_from_the_public_slopes():
    """The file in the package, up to the rounding of its figures and of another machine's arithmetic."""
    for name, found in drift_from(public_slopes()).items():
        kept = learned_drifts()[name]
        assert found.direction == pytest.approx(kept.direction, abs=3e-4), name
        assert found.scale == pytest.approx(kept.scale, rel=0.1), name


def drifting(slope: float, seed: int) -> bl.Runs:
    """Runs whose loss falls away from the law beyond 2e19 FLOP."""
    runs = simulated_runs(bl.law("power_law"), np.random.default_rng(seed), 60, parameters=TRUTH)
    frame = runs.frame()
    far = np.log(np.fmax(frame["flops"] / np.quantile(frame["flops"], 0.5), 1.0))
    return bl.read_runs(frame.assign(loss=frame["loss"] * np.exp(slope * far)))


def about_the_truth(runs: bl.Runs) -> Posterior:
    """What the cheap ones of such runs say; hidden ones say nothing."""
    weights = make_plan(bl.law("power_law"), runs).weights
    return about("power_law", runs, TRUTH, noise=np.where(weights > 0, TRUTH["sigma"], 1e9))


def fitted(plans: Sequence[Plan], **_: object) -> list[Posterior]:
    """Drift is learned from posteriors, whoever made them."""
    return [about_the_truth(plan.runs) for plan in plans]


SWEEPS = {f"sweep {seed}": drifting(-0.02, seed) for seed in range(3)}


@pytest.fixture(scope="module")
def learned() -> dict[str, Drift]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "SETTINGS", QUICK)
        patch.setattr(ahead, "fit_many", fitted)
        return bl.learn_drift(SWEEPS, "power_law", origins=(0.5,), draws=300, patience=False)


@pytest.mark.slow
def test_sweeps_of_ones_own_move_the_drift(learned):
    """Three of them that all fell, beside public ones that say next to nothing of this law."""
    assert learned["power_law"].direction < -0.004
    assert learned["power_law"].scale > 0.0
    assert {*learned} == {"power_law", *learned_drifts()}


@pytest.mark.slow
def test_a_forecast_takes_what_was_learned(learned, tmp_path):
    posterior = about_the_truth(drifting(0.0, 9).where("flops < 1e21"))
    at = {"C": 1e24}
    path = tmp_path / "drift.toml"
    path.write_text(drifts_as_toml(learned, "of mine"), encoding="utf-8")

    def median(drift) -> float:
        return bl.forecast(posterior, at, drift=drift).as_dict()["points"][0]["median"]

    assert median(read_drifts(path)) < median(False)


def test_a_sweep_that_reaches_nowhere_is_named(monkeypatch):
    monkeypatch.setattr(ahead, "fit_many", fitted)
    runs = bl.read_runs({"flops": np.geomspace(1e20, 1.5e20, 30), "loss": np.linspace(2.0, 1.9, 30)})
    with pytest.raises(QuestionError, match=r"mine: no origin hides a run .* says nothing about drift"):
        bl.learn_drift({"mine": runs}, "power_law", origins=(0.5,), draws=50, patience=False)
    with pytest.raises(QuestionError, match="one or more; give tables of runs"):
        bl.learn_drift({}, "power_law")


def test_a_file_of_drifts_is_read_as_it_was_written(tmp_path):
    drifts = {"chinchilla": Drift(-0.002, 0.004), OTHERS["log"]: Drift(0.0, 0.01, 5.0)}
    path = tmp_path / "drift.toml"
    path.write_text(drifts_as_toml(drifts, "two of them"), encoding="utf-8")
    assert read_drifts(path) == drifts
    assert read_drifts(LEARNED) == learned_drifts()


@pytest.mark.parametrize(
    "text",
    [
        "", "law = 3", "[law.chinchilla]\ndirection = 0.1", "[law.chinchilla]\ndirection = 'x'\nscale = 1",
        "[law.chinchilla]\ndirection = nan\nscale = 1.0", "[law.chinchilla]\ndirection = 0.0\nscale = -1.0",
        "[law.a]\ndirection = 0\nscale = 1\nspeed = 2", "direction =", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_file_of_drifts_is_refused(tmp_path, text):
    path = tmp_path / "drift.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=r"drift\.toml: does not say how laws drift .*`bayeslaw drift` writes"):
        read_drifts(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_drifts(tmp_path / "none.toml")


def run(*words: object):
    return CliRunner().invoke(commands, [str(word) for word in words])


@pytest.mark.slow
def test_the_command_line_learns_and_uses(quickly, monkeypatch, tmp_path):
    monkeypatch.setattr(ahead, "fit_many", fitted)
    tables = [tmp_path / f"{name}.csv" for name in SWEEPS]
    for table, runs in zip(tables, SWEEPS.values(), strict=True):
        runs.frame().to_csv(table, index=False)
    out, fit = tmp_path / "drift.toml", tmp_path / "fit.nc"
    laws = ["--laws", "power_law", "--origins", "0.5", "--draws", "200"]
    done = run("drift", *tables, *laws, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["law"]["power_law"] == read_drifts(out)["power_law"].as_dict()
    about_the_truth(drifting(0.0, 2).where("flops < 1e21")).save(fit)

    def median(*words: object) -> float:
        done = run("forecast", fit, "--at", "C=1e24", "--json", "--allow-unconverged", *words)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["points"][0]["median"]

    assert median("--drift", out) < median("--no-drift")


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path):
    table = tmp_path / "runs.csv"
    drifting(0.0, 1).frame().to_csv(table, index=False)
    twice = run("drift", table, table, "--laws", "power_law")
    assert (twice.exit_code, "given twice" in twice.stderr) == (2, True)
    unknown = run("drift", table, "--laws", "power_lw")
    assert (unknown.exit_code, "did you mean 'power_law'" in unknown.stderr) == (2, True)
    both = run("backtest", table, "--laws", "power_law", "--drift", "drift.toml", "--no-drift")
    assert (both.exit_code, "contradict" in both.stderr) == (2, True)
    missing = run("backtest", table, "--laws", "power_law", "--drift", tmp_path / "none.toml")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
