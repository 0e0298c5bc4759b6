"""Plans agree with their runs, whatever is hidden, simulated or put beside them."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import RunsError
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.runs import observations
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
SCHEDULED = bl.law("lr_annealing")


def curves() -> bl.Runs:
    """Three training runs whose rate is let down after step 1000, each with records to step 2000."""
    steps = np.arange(500.0, 2001.0, 250.0)
    rate = 1e-3 * np.minimum(1.0, 1.0 - (steps - 1000.0) / 1200.0)
    columns = {"step": np.tile(steps, 3), "learning_rate": np.tile(rate, 3), "run": np.repeat(["a", "b", "c"], 7)}
    return bl.read_runs({**columns, "loss": 3.5 - 1e-4 * columns["step"], "flops": 1e15 * columns["step"]})


def agrees(plan: Plan) -> None:
    """What a plan says of its runs is what they say themselves."""
    np.testing.assert_array_equal(plan.outcome, observations.outcome(plan.runs, plan.law))
    np.testing.assert_array_equal(plan.weights, observations.weights(plan.runs))
    for name, values in observations.inputs(plan.runs, plan.law).items():
        np.testing.assert_array_equal(plan.inputs[name], values)
    for grouping in plan.groupings.values():
        assert grouping.index.shape == plan.outcome.shape


@pytest.fixture
def scheduled() -> Plan:
    return make_plan(SCHEDULED, curves().where("step >= 1500"))


@pytest.fixture
def families() -> Plan:
    runs = simulated_runs(POWER, np.random.default_rng(0), 24, families=3)
    return make_plan(POWER, runs, "family", {"E": "none"})


def test_a_plan_with_hidden_runs_is_the_plan_of_the_table_with_hidden_runs(scheduled, families):
    for plan in (scheduled, families):
        hidden = np.arange(len(plan.outcome)) % 3 == 1
        found, again = plan.hiding(hidden), make_plan(plan.law, plan.runs.hiding(hidden), plan.family, plan.pool)
        agrees(found)
        assert (found.weights > 0).tolist() == (~hidden).tolist()
        assert found.structure == again.structure
        for name, values in found.data()["arrays"].items():
            np.testing.assert_array_equal(values, again.data()["arrays"][name])
        np.testing.assert_array_equal(found.hiding(~hidden).weights, 0.0)


def test_sums_of_a_cut_table_stay_what_they_were(scheduled):
    """As columns, when the table that knows of the other records is gone."""
    whole = make_plan(SCHEDULED, curves())
    late = whole.runs.column("step") >= 1500
    alone = scheduled.self_contained()
    assert alone.runs.whole is None
    for plan in (scheduled, scheduled.hiding(np.arange(9) == 4), alone):
        agrees(plan)
        for name in ("S", "M"):
            np.testing.assert_array_equal(plan.inputs[name], whole.inputs[name][late])


def test_a_simulated_table_is_planned_beside_the_known_runs(scheduled, families):
    for plan in (scheduled, families):
        plan = plan.hiding(np.arange(len(plan.outcome)) == 2)
        simulated = plan.with_outcome(1.1 * plan.outcome)
        both = plan.beside(simulated)
        np.testing.assert_array_equal(both.outcome, np.concatenate([plan.outcome, 1.1 * plan.outcome]))
        np.testing.assert_array_equal(both.weights, np.tile(plan.weights, 2))
        assert len(both.runs) == 2 * len(plan.runs)
        agrees(both)


def test_runs_of_other_groups_are_not_put_beside(families):
    other = make_plan(POWER, families.runs.where("family != 'family 1'"), "family", families.pool)
    with pytest.raises(AssertionError):
        families.beside(other)


def test_a_fit_names_every_missing_column_at_once():
    words = r"law 'emergence_logistic' needs columns 'flops', 'n_trials' and 'n_correct', which are not there"
    with pytest.raises(RunsError, match=words):
        make_plan(bl.law("emergence_logistic"), bl.read_runs({"other": range(20)}))
