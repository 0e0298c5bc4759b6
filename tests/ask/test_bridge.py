"""Bridge sampling: published numbers, kernels whose normaliser is known, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslaw.ask.evidence.bridge import Normal, bridge, relative_error, solve
from bayeslaw.inference.base.diagnostics import mean_ess

# Inputs and results of bridgesampling 1.2-1's own test (facts): log densities of target and proposal, four draws each.
AT_DRAWS = np.array([0.10, 0.20, 0.30, 0.40]) - [0.02, 0.09, 0.10, 0.15]
AT_PROPOSALS = np.array([0.05, 0.18, 0.22, 0.28]) - [0.01, 0.07, 0.11, 0.12]


@pytest.mark.parametrize(("times", "mcse"), [(1, 0.023532332847), (4, 0.010525144822)])
def test_the_toy_of_the_r_package_comes_out(times, mcse):
    draws, proposals = np.tile(AT_DRAWS, times)[None], np.tile(AT_PROPOSALS, times)
    found, over_draws, over_proposals = solve(draws, proposals, effective=draws.size)
    variance = relative_error(over_draws, draws.size) + relative_error(over_proposals, draws.size)
    assert found == pytest.approx(0.132489796182, abs=1e-9)
    assert np.sqrt(np.log1p(variance)) == pytest.approx(mcse, abs=1e-9)


def kernel(root):
    """The log of a normal density without its constant, and the log of that constant."""
    normal = Normal(np.zeros(len(root)), root)
    return lambda x: -0.5 * normal.squares(x), 0.5 * len(root) * np.log(2 * np.pi) + normal.log_det


def draws_of(root, seed, draws=1000):
    return np.random.default_rng(seed).standard_normal((4, draws, len(root))) @ root.T


ROOTS = {
    "two": np.eye(2),
    "correlated": np.linalg.cholesky(0.99 * np.ones((10, 10)) + 0.01 * np.eye(10)),
    "scaled": np.diag(np.geomspace(1e-4, 1e4, 10)),
    "thirty": np.eye(30),
}


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
def test_normal_kernels_have_their_constants(root):
    log_density, expected = kernel(root)
    draws = draws_of(root, seed=1)
    found = bridge(log_density, draws)
    for name, estimate in found.items():
        assert abs(estimate.log_evidence - expected) < 4 * estimate.se, name
    assert found["warp3"].se < 0.01


def skewed(x):
    """Independent gamma variables of shape 4 on the log: a density that integrates to Gamma(4) a coordinate."""
    return (4 * x - np.exp(x)).sum(axis=-1)


def gammas(seed, chains=4, draws=1000, size=5):
    return np.log(np.random.default_rng(seed).gamma(4.0, size=(chains, draws, size)))


def test_skewness_is_bridged_and_warping_helps():
    found = bridge(skewed, gammas(2))
    for estimate in found.values():
        assert abs(estimate.log_evidence - 5 * np.log(6)) < 4 * estimate.se
    assert found["warp3"].se < 0.8 * found["normal"].se
    assert found["warp3"].ess > 1000


@pytest.mark.parametrize("size", [1, 10, 20])
def test_the_error_bar_is_as_wide_as_the_errors_are(size):
    """Over 60 sets of draws the scaled errors have standard deviation 1, give or take 1 / sqrt(2 * 60) = 0.09.

    It may be less: what the halves share is counted in full, and shrinkage leaves little for them to share.
    """
    log_density, expected = kernel(np.eye(size))
    found = [bridge(log_density, draws_of(np.eye(size), seed, 250), seed) for seed in range(60)]
    for name in ("warp3", "normal"):
        z = np.array([(each[name].log_evidence - expected) / each[name].se for each in found])
        assert 0.6 < np.sqrt(np.mean(z**2)) < 1.25, name


@settings(deadline=None, max_examples=20)
@given(constant=st.floats(-1e4, 1e4))
def test_a_constant_added_to_the_log_density_is_added_to_the_answer(constant):
    draws = gammas(3, draws=200)
    for name, estimate in bridge(skewed, draws).items():
        moved = bridge(lambda x: skewed(x) + constant, draws)[name]
        assert moved.log_evidence == pytest.approx(estimate.log_evidence + constant, abs=1e-7)
        assert moved.se == pytest.approx(estimate.se, rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(logs=st.lists(st.floats(-5, 5), min_size=5, max_size=5), shift=st.floats(-100, 100))
def test_units_and_origins_change_nothing(logs, shift):
    draws, scale = gammas(4, draws=200), np.exp(logs)

    def moved(x):
        return skewed((x - shift) / scale) - np.sum(logs)

    for estimate, again in zip(
        bridge(skewed, draws).values(), bridge(moved, draws * scale + shift).values(), strict=True
    ):
        assert again.log_evidence == pytest.approx(estimate.log_evidence, abs=1e-6)
        assert again.se == pytest.approx(estimate.se, rel=1e-4)


@settings(deadline=None, max_examples=20)
@given(entries=st.lists(st.floats(-1, 1), min_size=25, max_size=25))
def test_oblique_coordinates_change_less_than_the_error(entries):
    """Correlations are shrunk, which suits slanted draws less: the error may double, but it stays an error."""
    draws = gammas(4, draws=200)
    root = np.eye(5) + np.tril(np.reshape(entries, (5, 5)), -1)

    def moved(x):
        return skewed(np.linalg.solve(root, x.T).T)

    for name, estimate in bridge(skewed, draws).items():
        again = bridge(moved, draws @ root.T)[name]
        assert abs(again.log_evidence - estimate.log_evidence) < 3 * np.hypot(again.se, estimate.se)
        assert estimate.se / 3 < again.se < 3 * estimate.se


def test_a_ball_of_many_dimensions_is_known_for_one():
    """The covariance of 200 coordinates from 1,000 draws would cost an error of 200² / (4 · 1,000) nats of distance."""
    log_density, expected = kernel(np.eye(200))
    found = bridge(log_density, draws_of(np.eye(200), seed=8, draws=500))["warp3"]
    assert abs(found.log_evidence - expected) < 4 * found.se
    assert found.se < 0.05


def test_repeated_draws_are_not_taken_for_more():
    """Each draw four times over is four times as long a chain, and worth no more."""
    draws = np.random.default_rng(5).standard_normal((4, 500))
    assert mean_ess(np.repeat(draws, 4, axis=1)) == pytest.approx(mean_ess(draws), rel=0.2)


def test_a_target_of_which_the_draws_miss_a_part_is_noted():
    """Two far peaks, of which each half of the chains saw one."""
    rng = np.random.default_rng(6)
    x = rng.standard_normal((4, 500, 2))
    x[:, 250:] += 30.0

    def peaks(x):
        return np.logaddexp(-0.5 * (x**2).sum(axis=-1), -0.5 * ((x - 30.0) ** 2).sum(axis=-1))

    found = bridge(peaks, x)["warp3"]
    assert found.ess < 100 or found.se > 0.2 or found.disagreement > 4


def test_arithmetic_that_breaks_far_out_is_no_mass():
    def broken(x):
        return np.where(np.abs(x).max(axis=-1) > 3.5, np.nan, -0.5 * (x**2).sum(axis=-1))

    draws = np.random.default_rng(7).standard_normal((4, 500, 2))
    found = bridge(broken, np.clip(draws, -3.5, 3.5))["warp3"]
    assert abs(found.log_evidence - np.log(2 * np.pi)) < 0.02
