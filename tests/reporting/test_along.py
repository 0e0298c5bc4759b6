"""The forecast along budgets: the curve passes through the run, and runs lie on it."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.reporting.along import along
from tests.posteriors import about
from tests.simulate import simulated_runs


def fit_of(name: str, families: int | None = None) -> bl.Posterior:
    law = bl.law(name)
    truth = {key: each.prior.median() for key, each in law.parameters.items()}
    runs = simulated_runs(law, np.random.default_rng(0), 30, families, {**truth, "sigma": 1e-3})
    return about(law, runs, truth, "family" if families else None, noise=1e-3)


def test_the_curve_passes_through_the_run_with_the_draws_of_its_forecast():
    fit, at = fit_of("chinchilla"), {"N": 7e9, "D": 1.4e11}
    found = along(Average.of(fit), at, None, {})
    assert found.here == pytest.approx(6 * 7e9 * 1.4e11)
    assert (np.diff(found.places) > 0).all()
    np.testing.assert_array_equal(found.multiples()[1.0], bl.forecast(fit, at, drift=False).draws[:, 0])
    assert list(found.multiples()) == [0.25, 0.5, 1.0, 2.0, 4.0]
    double = bl.forecast(fit, {"N": 7e9 * 2**0.5, "D": 1.4e11 * 2**0.5}, drift=False)
    np.testing.assert_allclose(found.multiples()[2.0], double.draws[:, 0])


def test_runs_of_other_ratios_and_families_are_moved_onto_the_curve():
    fit = fit_of("chinchilla", 3)
    found = along(Average.of(fit), {"N": 7e9, "D": 1.4e11}, "family 2", {})
    assert len(found.runs.places) == found.runs.of == 30
    middle = np.interp(np.log(found.runs.places), np.log(found.places), np.median(found.draws, axis=0))
    off = np.log(found.runs.observed / middle)
    assert np.abs(np.log(found.runs.outcomes / middle)).max() < 0.3 * np.abs(off).max()


def test_where_zero_means_nothing_the_path_is_linear_and_has_no_multiples():
    fit = fit_of("densing")
    found = along(Average.of(fit), {"t": 150.0, "se": 0.3, "bound": 0.0}, None, {})
    assert found.places[0] < 0 < found.places[-1]
    assert set(found.multiples()) <= {1.0}


def test_what_lies_beyond_a_law_is_left_out_of_the_curve():
    law = bl.law("over_training")
    highest = law.inputs["C"].range[1]
    size = float(np.sqrt(0.9 * highest / 120))
    found = along(Average.of(fit_of("over_training")), {"N": size, "D": 20 * size}, None, {})
    assert found.places[-1] <= highest
    assert list(found.multiples()) == [0.25, 0.5, 1.0]
