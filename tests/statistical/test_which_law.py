"""Which law do Chinchilla's runs support: the question that the field argues about, and what it hangs on."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.compare.comparison import Comparison
from bayeslaw.ask.compare.verdict import BayesFactor

LAWS = ("coupled", "chinchilla", "kaplan")
# The budgets of the paper's isoFLOP sweep (Hoffmann et al. 2022, figure 3).
BUDGETS = np.array([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21])


@pytest.fixture(scope="module")
def runs(shared_data) -> bl.Runs:
    found = bl.read_runs(shared_data / "chinchilla_epoch.csv").where("excluded_in_source_fit == 0")
    nearest = np.abs(np.log(found.column("flops")[:, None] / BUDGETS)).argmin(axis=1)
    return bl.read_runs({**found.data, "budget": BUDGETS[nearest]})


def gaussian(name: str) -> bl.Law:
    return bl.law(name).with_likelihood("LogNormal(mean, sigma)")


@pytest.fixture(scope="module")
def compared(runs) -> Comparison:
    return bl.compare([gaussian(name) for name in LAWS], runs)


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
def test_coupling_predicts_left_out_runs_better_and_larger_runs_worse(compared):
    """Evidence and forward weights disagree, and the verdict says so."""
    assert compared.weights["evidence"]["coupled"] > 0.99
    assert compared.weights["stacking"]["coupled"] > 0.5
    assert compared.weights["forward"]["coupled"] < 0.1
    assert "Yet larger runs are predicted from smaller ones better by" in compared.verdict


@pytest.mark.slow
def test_the_margin_shrinks_when_runs_of_one_budget_err_together(runs, compared):
    """Shifts shared by a budget take up part of what the coupling explains."""
    evidences = {}
    for name in ("coupled", "chinchilla"):
        law = gaussian(name).with_group_effect("budget")
        # With a shift a budget the floor is held by all shifts together: a funnel that is walked in small steps.
        evidences[name] = bl.log_evidence(bl.fit(law, runs, draws=2000, target_accept=0.98, patience=False))
    factor = BayesFactor.of(*evidences, *evidences.values(), changes=())
    plain = compared.bayes_factor("coupled", "chinchilla")
    assert factor.log + 4.0 * float(np.hypot(factor.se, plain.se)) < plain.log - 3.0
    assert factor.log > 5.0
