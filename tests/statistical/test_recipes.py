"""Two public recipes at three budgets: the factor of compute that was read off them run by run, and its doubt.

Losses of a training recipe before and after a change, at 2.19e17, 1.70e18 and 9.00e18 FLOP.  With a floor of 1.6 and an
exponent of .0941 the change is worth 1.315, 1.228 and 1.186 times the compute, budget by budget.
"""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.decisions.multiplier.answer import Multiplier

BUDGETS = np.array([2.19e17, 1.70e18, 9.00e18])
OLD, NEW = np.array([3.8104, 3.4339, 3.1605]), np.array([3.7542, 3.3988, 3.1357])
FLOOR, EXPONENT = "Constant(1.6)", "Constant(.0941)"
BY_RUN = ((OLD - 1.6) / (NEW - 1.6)) ** (1 / 0.0941)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def factors() -> dict[str, Multiplier]:
    """With floor and exponent held, with an exponent for each recipe, and with both free."""
    recipe = np.repeat(np.array(["old", "new"], dtype=object), 3)
    runs = bl.read_runs({"recipe": recipe, "flops": np.tile(BUDGETS, 2), "loss": np.concatenate([OLD, NEW])})
    held = {"held": {"E": FLOOR, "alpha": EXPONENT}, "exponents": {"E": FLOOR}, "free": {}}
    laws = {name: bl.law("power_law").with_priors(**priors) for name, priors in held.items()}
    fits = {name: bl.fit(law, runs, family="recipe", seed=1) for name, law in laws.items()}
    return {name: bl.compute_multiplier(fit, ("new", "old"), {"C": BUDGETS}, drift=False) for name, fit in fits.items()}


def test_the_factors_run_by_run_are_these():
    np.testing.assert_allclose(BY_RUN, [1.315, 1.228, 1.186], atol=5e-4)


def test_with_floor_and_exponent_held_there_is_one_factor_that_holds_all_three(factors):
    found = factors["held"]
    np.testing.assert_allclose(found.draws, np.tile(found.draws[:, :1], 3), rtol=1e-9)
    point = found.points[0].factor
    assert point.median == pytest.approx(1.242, abs=0.02)
    assert point.lower < BY_RUN.min() < BY_RUN.max() < point.upper
    assert str(found.trend) == "The law has one factor for all scales."


def test_with_an_exponent_each_the_factor_falls_with_scale_and_three_budgets_cannot_be_sure(factors):
    found = factors["exponents"]
    medians = [point.factor.median for point in found.points]
    assert medians[0] > medians[1] > medians[2]
    np.testing.assert_allclose(medians, BY_RUN, atol=0.06)
    assert 0.6 < found.trend.shrinks < 0.95
    assert "The factor shrinks with scale with a probability of" in str(found)


def test_with_both_free_the_intervals_hold_them_all(factors):
    for point, factor in zip(factors["free"].points, BY_RUN, strict=True):
        assert point.factor.lower < factor < point.factor.upper
    wide, held = (factors[name].points[0].factor for name in ("free", "held"))
    assert wide.upper - wide.lower > held.upper - held.lower
