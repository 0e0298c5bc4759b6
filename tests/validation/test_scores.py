"""Scores of forecasts, against their definitions and closed forms."""

import numpy as np
import pytest
from scipy import stats

from bayeslaw.ask.forecast.forecast import QUANTILES
from bayeslaw.validation.backtest.scores import Scores, error_over

POINTS, DRAWS = 400, 20_000


@pytest.fixture(scope="module")
def calibrated() -> Scores:
    """Forecasts from which the outcomes were drawn."""
    rng = np.random.default_rng(1)
    middle, width = rng.normal(size=POINTS), rng.uniform(0.5, 2.0, POINTS)
    draws = middle + width * rng.standard_normal((DRAWS, POINTS))
    observed = middle + width * rng.standard_normal(POINTS)
    return Scores.of(draws, observed, np.geomspace(0.5, 500.0, POINTS), np.repeat(["a", "b", "c", "d"], POINTS // 4))


def test_scores_of_normal_forecasts_are_those_of_the_closed_forms():
    rng = np.random.default_rng(2)
    observed = np.array([-1.5, 0.0, 0.3, 2.0])
    found = Scores.of(rng.standard_normal((200_000, 4)), observed, np.ones(4), np.full(4, ""))
    z = observed
    crps = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(found.crps, crps, atol=0.01)
    np.testing.assert_allclose(found.log_score, -stats.norm.logpdf(z), atol=0.05)
    np.testing.assert_allclose(found.pit, stats.norm.cdf(z), atol=0.005)
    end = stats.norm.ppf(0.975)
    outside = np.maximum(np.abs(z) - end, 0.0)
    np.testing.assert_allclose(found.interval_score(0.95), 2 * end + 2 / 0.05 * outside, atol=0.4)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_calibrated_forecasts_cover_what_they_say(calibrated, level):
    error = np.sqrt(level * (1 - level) / POINTS)
    assert abs(calibrated.inside(level).mean() - level) < 3 * error


def test_outcomes_fall_anywhere_in_calibrated_forecasts_alike(calibrated):
    assert stats.kstest(calibrated.pit, "uniform").pvalue > 0.01


def test_overconfident_forecasts_are_found_out():
    rng = np.random.default_rng(3)
    found = Scores.of(0.3 * rng.standard_normal((2000, 200)), rng.standard_normal(200), np.ones(200), np.full(200, ""))
    assert found.inside(0.95).mean() < 0.6
    assert stats.kstest(found.pit, "uniform").pvalue < 1e-6


def test_counts_share_the_mass_at_theirs(calibrated):
    rng = np.random.default_rng(4)
    found = Scores.of(rng.binomial(3, 0.5, (5000, 500)).astype(float), rng.binomial(3, 0.5, 500).astype(float),
                      np.ones(500), np.full(500, ""))  # fmt: skip
    assert stats.kstest(found.pit, "uniform").pvalue > 0.01


def test_every_point_is_in_one_bin_of_distance(calibrated):
    bins = list(calibrated.by_ratio())
    assert sum(len(part) for *_, part in bins) == POINTS
    for low, high, part in bins:
        assert (part.ratio < high).all()
        assert low == 1.0 or (part.ratio >= low).all()


def test_parts_joined_are_the_whole(calibrated):
    half = np.arange(POINTS) < POINTS // 2
    again = Scores.joined([calibrated.at(half), calibrated.at(~half)])
    np.testing.assert_array_equal(again.quantiles, calibrated.quantiles)
    assert again.quantiles.shape == (len(QUANTILES), POINTS)


def test_errors_are_over_families_and_not_points():
    """Two families, one all inside and one all outside: the points say .02, the families that nothing is known."""
    group = np.repeat(["a", "b"], 300)
    found = error_over(group, group == "a")
    assert found == pytest.approx(np.sqrt(0.5 * 0.5 / 2), rel=0.1)
    assert error_over(np.full(10, ""), np.ones(10)) is None
