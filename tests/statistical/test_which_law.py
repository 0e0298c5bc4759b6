"""Which law do Chinchilla's runs support: the question that the field argues about, and what it hangs on."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.verdict import BayesFactor

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "which_law" / "study.py"))
LAWS = STUDY["FIELD"]


@pytest.fixture(scope="module")
def runs(shared_data) -> bl.Runs:
    return STUDY["sweep"](shared_data, "Chinchilla")


@pytest.fixture(scope="module")
def compared(runs) -> bl.Comparison:
    return bl.compare([STUDY["gaussian"](name) for name in LAWS], runs)


@pytest.mark.slow
def test_coupling_is_supported_by_about_twenty_nats(compared):
    """The likelihood ratio is 46.2 on 1 degree of freedom; half of it, less what the one more prior costs."""
    assert list(compared.laws) == list(LAWS)
    factor = compared.bayes_factor("coupled", "chinchilla")
    assert factor.se < 0.05
    assert 17.0 < factor.log < 46.2 / 2
    assert factor.low > 15.0
    for name in ("coupled", "chinchilla"):
        assert compared.bayes_factor(name, "kaplan").low > 100.0
    assert compared.verdict.startswith("These data decisively favour coupled over chinchilla")


@pytest.mark.slow
def test_coupling_predicts_left_out_runs_better_and_dearer_runs_worse(compared):
    """Evidence and forward weights disagree, and the verdict says so."""
    assert compared.weights["evidence"]["coupled"] > 0.99
    assert compared.weights["stacking"]["coupled"] > 0.5
    assert compared.weights["forward"]["coupled"] < 0.1
    assert "Yet dearer runs are predicted from cheaper ones better by" in compared.verdict


@pytest.mark.slow
def test_the_margin_shrinks_when_runs_of_one_budget_err_together(runs, compared):
    """Shifts shared by a budget take up part of what the coupling explains."""
    evidences = {name: STUDY["with_budget_effect"](runs, name) for name in ("coupled", "chinchilla")}
    factor = BayesFactor.of(*evidences, *evidences.values(), changes=())
    plain = compared.bayes_factor("coupled", "chinchilla")
    assert factor.log + 4.0 * float(np.hypot(factor.se, plain.se)) < plain.log - 3.0
    assert factor.log > 5.0
