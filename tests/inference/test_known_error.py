"""Outcomes that are known with an error: each adds to the noise of the law, and none is guessed."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import LawError, RunsError
from bayeslaw.inference.model.plan import make_plan
from tests.linear import Exact, linear_law, linear_runs
from tests.simulate import simulated_runs

POWER = bl.law("power_law")
ERRORS = np.where(np.arange(24) % 3 == 0, 2.0, 0.01)


def with_errors(runs, column, errors):
    return bl.Runs.from_arrays({**runs.data, column: errors})


@pytest.mark.parametrize("column", ["y_se", "se"])
def test_the_evidence_is_that_of_unequal_errors(column):
    """In closed form; one of the errors in three is seven times the noise, so to leave them out is 10 nats off."""
    runs, law = linear_runs(), linear_law("line")
    known = with_errors(runs, column, ERRORS)
    found = bl.log_evidence(bl.fit(law, known, seed=1))
    exact = Exact("line", runs, error=ERRORS).log_evidence
    assert abs(exact - Exact("line", runs).log_evidence) > 5
    assert found.log_evidence == pytest.approx(exact, abs=5 * found.se)
    assert found.se < 0.01


def test_a_relative_noise_takes_a_relative_error():
    """An error of 2 % in a loss of 3 is that of 2 % in one of 5."""
    runs = simulated_runs(POWER, np.random.default_rng(0), 60)
    posterior = bl.fit(
        POWER, with_errors(runs, "loss_se", 0.02 * runs.column("loss")), draws=50, chains=1, patience=False
    )
    assert str(posterior.law.output.likelihood) == "LogStudentT(nu, mean, sqrt(sigma**2 + (loss_se / mean)**2))"


def test_a_new_run_has_an_error_when_it_is_said_to():
    runs = simulated_runs(POWER, np.random.default_rng(0), 60, parameters={"sigma": 0.01})
    posterior = bl.fit(POWER, with_errors(runs, "loss_se", np.full(60, 0.01)), seed=0)
    plain, noisy = (
        bl.forecast(posterior, {"C": 1e21, **more}, drift=False).points[0] for more in ({}, {"loss_se": 1.0})
    )
    assert noisy.mean == plain.mean
    assert noisy.new_run.upper - noisy.new_run.lower > 5 * (plain.new_run.upper - plain.new_run.lower)


def test_a_saved_fit_keeps_them(tmp_path):
    known = with_errors(linear_runs(), "se", ERRORS)
    posterior = bl.fit(linear_law("line"), known, draws=50, warmup=50, chains=1, patience=False)
    posterior.save(tmp_path / "fit.nc")
    again = bl.load(tmp_path / "fit.nc")
    assert again.plan.law == posterior.law
    np.testing.assert_array_equal(again.plan.inputs["se"], ERRORS)


@pytest.mark.parametrize(
    ("errors", "says"), [(0.0, "is 0 in rows 1, 2"), (-1.0, "is -1"), (np.nan, "is empty"), ("wide", "is 'wide'")]
)
def test_what_is_no_error_is_refused(errors, says):
    runs = simulated_runs(POWER, np.random.default_rng(0), 24)
    with pytest.raises(RunsError, match=says):
        bl.fit(POWER, bl.read_runs({**runs.data, "loss_se": [errors] * 24}))


def test_noise_without_a_scale_has_no_place_for_them():
    """The law refuses; a table that has them anyway is fitted without."""
    counted = bl.law("passuntil")
    with pytest.raises(LawError, match="no scale that a known error could add to"):
        counted.with_known_error("se")
    runs = simulated_runs(counted, np.random.default_rng(0), 12)
    known = with_errors(runs, "se", np.full(12, 0.1))
    assert make_plan(counted, known).law == counted
