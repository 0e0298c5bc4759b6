"""Two published optima: repeats of data, and the best learning rate and batch."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "best_settings" / "study.py"))
SETTINGS = {"draws": 400, "warmup": 300, "chains": 2, "patience": False}


@pytest.mark.parametrize(("N", "D", "loss"), [(6.34e9, 242e9, 2.22564), (8.67e9, 178e9, 2.22696)])
def test_the_published_law_of_repeats_gives_the_published_losses(N, D, loss):
    law = bl.law("repeated_data")
    at = law.published_parameters("muennighoff2023scaling")
    assert law.mean({"N": N, "D": D, "U": 25e9}, at) == pytest.approx(loss, abs=5e-6)


def test_the_published_step_law_gives_the_published_settings():
    """At a billion parameters and a hundred billion tokens, where the law file's references are."""
    at = bl.law("step_law").published_parameters("li2025predictable")
    assert at["lr_best"] == pytest.approx(1.63e-3, rel=0.005)
    assert at["batch_best"] == pytest.approx(1.11e6, rel=0.005)


def test_the_published_objective_of_repeats_is_that_of_the_runs(shared_data):
    """The notebook prints 182 samples and 0.015825936570763588, which tells that the runs are the same."""
    runs = STUDY["their_runs"](shared_data)
    assert len(runs) == 182
    assert STUDY["huber"](runs, np.array([15.387756, 5.309743])) == pytest.approx(0.0158259, abs=2e-7)


@pytest.mark.slow
def test_repeats_decay_slower_than_published(shared_data):
    """With the law of the loss learned from the same runs; `case_studies/best_settings` says why."""
    posterior = bl.fit("repeated_data", STUDY["their_runs"](shared_data), **SETTINGS)
    low, median, high = np.quantile(posterior.draws("R_D"), [0.025, 0.5, 0.975])
    assert 15.4 < low < median < high < 70
    # The prior is wider by far: 4.6 to 49 epochs.
    assert np.log(high / low) < 0.4 * (2 * 1.96 * 0.6)


@pytest.mark.slow
def test_the_step_law_agrees_with_its_published_bootstrap(shared_data):
    """The exponents of the learning rate and of the batch, which goes by tokens alone as in the paper."""
    law = STUDY["STEP"].with_priors(batch_N="Constant(0)")
    posterior = bl.fit(law, STUDY["near_the_bottom"](shared_data), pool=STUDY["POOL"], **SETTINGS)
    assert posterior.diagnostics.divergences == 0
    published = STUDY["published_coefficients"](shared_data)
    for name in ("lr_N", "lr_D", "batch_D"):
        value, least, most = published[STUDY["COEFFICIENTS"][name]]
        draws = posterior.draws(name)
        low, high = np.quantile(draws, [0.025, 0.975])
        assert low < value < high, name
        # As sure as the bootstrap, within a factor of two, so that to cover is not to be vague.
        assert high - low < 2 * (most - least), name
