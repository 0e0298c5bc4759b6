"""Lowest points of budgets: of known curves, with an error that deserves its name, and none where none is shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayeslaw.runs.bottoms import bottoms_of

SIZES = np.exp(np.linspace(-1.5, 1.5, 9))


def bowl(log_size: np.ndarray, lopsided: float) -> np.ndarray:
    return 0.06 * log_size**2 + lopsided * log_size**3


@given(
    best=st.floats(1e7, 1e11), lowest=st.floats(0.5, 5.0), lopsided=st.floats(-0.01, 0.01), shift=st.floats(-0.5, 0.5)
)
def test_the_lowest_point_of_a_cubic_is_exact(best, lowest, lopsided, shift):
    """Within a factor of six of the best run a cubic is what is fitted."""
    size = best * np.exp(shift) * SIZES
    (found,) = bottoms_of(np.full(9, 1e20), size, lowest + bowl(np.log(size / best), lopsided))
    assert found.compute == 1e20
    assert found.size == pytest.approx(best, rel=1e-5)
    assert found.loss == pytest.approx(lowest, rel=1e-9)
    assert found.error < 1e-5
    assert found.excess(best * 1.3) == pytest.approx(bowl(np.log(1.3), lopsided), abs=1e-8)
    assert np.isnan(found.excess(best * 1e3))


def test_errors_are_those_of_noisy_runs():
    """Of 150 tables of six budgets, the lowest points lie within their errors as often as those of a normal."""
    rng, best = np.random.default_rng(3), 1e9 * np.exp(np.arange(6))
    compute, size = np.repeat(1e20 * np.exp(2 * np.arange(6)), 9), np.ravel(best[:, None] * SIZES)
    truth = 2.0 + bowl(np.log(size / np.repeat(best, 9)), 0.005)
    z, errors = [], []
    for _ in range(150):
        found = bottoms_of(compute, size, truth + 0.003 * rng.standard_normal(len(size)))
        true = {np.round(np.log(c)): b for c, b in zip(compute[::9], best, strict=True)}
        z += [np.log(each.size / true[np.round(np.log(each.compute))]) / each.error for each in found]
        errors += [each.error for each in found]
    assert len(z) > 850
    # The larger of two estimates of an error is somewhat too large, and never much.
    assert 0.75 < np.std(z) < 1.0
    assert 0.94 < np.mean(np.abs(z) < 1.96) < 0.995
    assert np.median(errors) < 0.1


@pytest.mark.parametrize(
    "size", [SIZES[:4], SIZES[4:], SIZES[2:6], np.tile(SIZES[:2], 4)], ids=["falling", "rising", "few", "two sizes"]
)
def test_what_runs_do_not_show_is_not_found(size):
    assert bottoms_of(np.full(len(size), 1e20), 1e9 * size, 2.0 + bowl(np.log(size), 0.0)) == []


def test_runs_of_no_budget_have_no_lowest_point():
    size = np.geomspace(1e7, 1e10, 12)
    assert bottoms_of(size**2, size, size**-0.1) == []
