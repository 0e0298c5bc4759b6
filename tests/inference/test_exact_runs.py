"""Runs that are the output of a formula, to as many digits as they are written with."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import RunsError
from bayeslaw.inference.infer import mode_of
from bayeslaw.inference.model.plan import make_plan

FORMULA = """
title = "line"
reference = "none"
formula = "a + b * x"
[output]
y = {{ likelihood = "{likelihood}", units = "1", meaning = "outcome" }}
[input]
x = {{ column = "x", units = "1", meaning = "input" }}
[parameter]
a = {{ prior = "LogNormal(0, 1)", meaning = "start" }}
b = {{ prior = "LogNormal(0, 1)", meaning = "slope" }}
sigma = {{ prior = "HalfNormal(0.1)", meaning = "scatter" }}
"""
X = np.linspace(1.0, 4.0, 30)


def law(likelihood: str) -> bl.Law:
    return bl.Law.parse(FORMULA.format(likelihood=likelihood), "line")


@pytest.mark.parametrize("likelihood", ["LogNormal(mean, sigma)", "Normal(mean, sigma)"])
def test_exact_runs_are_refused_in_one_sentence_with_a_remedy(likelihood):
    runs = {"x": X, "y": 1.3 + 0.7 * X}
    with pytest.raises(RunsError, match=r"lie on the law to 1[3-6] digits.*Round.*standard error: columns="):
        bl.fit(law(likelihood), runs, draws=100, patience=False)


def test_what_single_precision_leaves_is_noise():
    runs = {"x": X, "y": (1.3 + 0.7 * X).astype(np.float32).astype(float)}
    posterior = bl.fit(law("LogNormal(mean, sigma)"), runs, draws=300)
    assert posterior.diagnostics.converged
    sigma = np.median(posterior.draws("sigma"))
    assert 1e-8 < sigma < 1e-7
    assert mode_of(make_plan(law("LogNormal(mean, sigma)"), bl.read_runs(runs)))["b"] == pytest.approx(0.7, rel=1e-6)


def test_the_remedies_work():
    exact = 1.3 + 0.7 * X
    rounded = bl.fit(law("LogNormal(mean, sigma)"), {"x": X, "y": np.round(exact, 6)}, draws=300)
    stated = bl.fit(law("LogNormal(mean, sigma)"), {"x": X, "y": exact, "se": np.full(30, 1e-6)}, draws=300)
    for posterior in (rounded, stated):
        assert posterior.diagnostics.converged
        assert np.quantile(posterior.draws("b"), [0.005, 0.995]) == pytest.approx(0.7, abs=3e-6)


def test_what_a_fit_refuses_is_foretold_before_jax_is_imported():
    n, d = (each.ravel() for each in np.meshgrid(np.geomspace(1e8, 1e11, 5), np.geomspace(1e9, 1e12, 5)))
    chinchilla = bl.law("chinchilla")
    loss = 2.41 + 1310.5 / n**0.33 + 2760.25 / d**0.37
    runs = bl.read_runs({"n_params": n, "n_tokens": d, "loss": loss})
    for family in (None, "family"):
        table = runs.with_columns({"family": np.array(["a", "b", "b", "a", "a"] * 5, dtype=object)})
        note = table.summary(chinchilla, family).notes[0]
        assert "the runs lie on the law to" in note.text
        assert "columns={'loss_se': '1e-06 * loss'}" in note.text
    for rounded in (np.float32(loss).astype(float), np.round(loss, 4), loss * np.exp(1e-8 * np.sin(np.arange(25)))):
        assert "unusable" not in {note.code for note in bl.read_runs(runs).with_columns({"loss": rounded}).summary(
            chinchilla).notes}  # fmt: skip
    assert "unusable" not in {
        note.code for note in bl.read_runs(runs, {"loss_se": "1e-06 * loss"}).summary(chinchilla).notes
    }
