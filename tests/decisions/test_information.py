"""What a run tells and what that is worth, against closed forms.

An outcome y = a + b + noise, with a, b ~ N(0, 1) and noise of 0.5, tells of a target z = a + 3 b.  Options are a go,
which pays z, and a stop, which pays nothing.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import norm

from bayeslaw.decisions.information.bounds import Told, told
from bayeslaw.decisions.information.screen import Screened, narrower, nats, normal_scores
from bayeslaw.decisions.information.value import of_sample, perfect

SIZE, NOISE = 4000, 0.5
ABOUT_PARAMETERS = 0.5 * np.log(9.0)
ABOUT_TARGET = 0.5 * np.log(10.0 / (10.0 - 16.0 / 2.25))
EVPI = np.sqrt(10.0 / (2.0 * np.pi))
EVSI = (4.0 / 1.5) / np.sqrt(2.0 * np.pi)
# A target that is known exactly has no density: it is taken to this part of its standard deviation.
RESOLUTION = 0.05


@pytest.fixture(scope="module")
def draws() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    # One from each of as many equal parts, as the draws of a well-mixed fit are closer to even than by chance.
    parts = rng.permuted(np.broadcast_to(np.arange(SIZE)[:, None], (SIZE, 4)), axis=0)
    a, b, noise, rest = ndtri((parts + rng.random(parts.shape)) / SIZE).T
    target = a + 3.0 * b
    width = RESOLUTION * np.sqrt(10.0)
    return {
        "mean": a + b, "outcome": a + b + NOISE * noise, "exact": target,
        "target": target + width * rest, "width": np.array(width),
    }  # fmt: skip


def bounded(draws: dict[str, np.ndarray]) -> Told:
    (found,) = told(
        draws["outcome"][:, None], draws["target"],
        [lambda y: norm.logpdf(y[:, None], draws["mean"], NOISE)],
        lambda z: norm.logpdf(z[:, None], draws["exact"], draws["width"]), np.arange(0, SIZE, 2),
    )  # fmt: skip
    return found


def test_information_lies_between_its_bounds(draws):
    found = bounded(draws)
    for bounds, exact in ((found.target, ABOUT_TARGET), (found.parameters, ABOUT_PARAMETERS)):
        assert bounds.lower - 2.0 * bounds.error < exact < bounds.upper + 2.0 * bounds.error
        assert bounds.error < 0.03
        assert (bounds.lower + bounds.upper) / 2.0 == pytest.approx(exact, abs=0.03)


def test_the_screen_is_exact_for_normal_distributions(draws):
    screened = Screened.of(draws["outcome"][:, None], draws["exact"])
    assert screened.information[0] == pytest.approx(ABOUT_TARGET, abs=0.03)
    assert screened.together([0]) == pytest.approx(screened.information[0])


def test_the_worth_of_information_is_that_of_closed_forms(draws):
    utility = np.stack([draws["exact"], np.zeros(SIZE)], axis=1)
    scores = normal_scores(draws["outcome"][:, None])[:, 0]
    for found, exact in ((perfect(utility), EVPI), (of_sample(scores, utility), EVSI)):
        # At the very point where go and stop are worth the same, an error is as large as it can be.
        assert found.error < 0.035
        assert found.value == pytest.approx(exact, abs=min(found.error, 0.03))


def test_what_tells_nothing_is_worth_nothing(draws):
    rng = np.random.default_rng(5)
    noise = rng.standard_normal(SIZE)
    utility = np.stack([draws["exact"] + 1.0, np.zeros(SIZE)], axis=1)
    found = of_sample(normal_scores(noise[:, None])[:, 0], utility)
    assert found.value <= 2.0 * found.error + 1e-3
    assert Screened.of(noise[:, None], draws["exact"]).information[0] < 0.002


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 3.0), st.floats(-2.0, 2.0))
def test_information_does_not_depend_on_scales(seed, power, shift):
    """Ranks are what they are on any scale, a loss or its log."""
    rng = np.random.default_rng(seed)
    y, z = rng.standard_normal((2, 200, 1))
    once = Screened.of(y, z[:, 0] + y[:, 0]).information
    again = Screened.of(np.exp(power * y) + shift, -((z[:, 0] + y[:, 0]) ** 3)).information
    np.testing.assert_allclose(once, again, rtol=1e-9)


def test_ties_are_broken_without_an_order_of_their_own():
    counts = np.random.default_rng(0).integers(0, 2, (4000, 2)).astype(float)
    assert abs(np.corrcoef(normal_scores(counts).T)[0, 1]) < 0.05


def test_the_chosen_tell_more_together_than_any_of_them_and_what_is_told_twice_is_not_counted_twice():
    rng = np.random.default_rng(1)
    slope, level = rng.standard_normal((2, SIZE))
    noise = 0.3 * rng.standard_normal((4, SIZE))
    # Two that tell of the slope, one of the level, one of nothing; the target needs both.
    outcomes = np.stack([slope + noise[0], slope + noise[1], level + noise[2], noise[3]], axis=1)
    screened = Screened.of(outcomes, slope + level)
    chosen = screened.batch(np.ones(4), 2.0)
    assert sorted(chosen) in ([0, 2], [1, 2])
    assert screened.together(chosen) > screened.information.max()
    assert screened.together([0, 1]) < screened.information[0] + 0.1
    assert screened.batch(np.full(4, 3.0), 2.0) == []


def test_a_batch_is_never_worse_than_one_dear_run():
    """Chosen by information per cost alone, the cheap run would leave no budget for the one that tells all."""
    rng = np.random.default_rng(2)
    target = rng.standard_normal(SIZE)
    outcomes = np.stack([target + 3.0 * rng.standard_normal(SIZE), target + 0.1 * rng.standard_normal(SIZE)], axis=1)
    assert Screened.of(outcomes, target).batch(np.array([0.01, 1.0]), 1.0) == [1]


def test_nats_and_narrowing_are_one_thing():
    np.testing.assert_allclose(narrower(nats(0.75)), 0.5)
