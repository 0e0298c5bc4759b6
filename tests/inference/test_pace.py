"""Fits that crawl are given up, by a clock that tests set."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.inference.choice import choice_for
from bayeslaw.inference.infer import infer
from bayeslaw.inference.many import infer_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.sampler import pace
from bayeslaw.inference.sampler.pace import Pace
from bayeslaw.inference.sampler.program import _compiled
from bayeslaw.inference.sampler.settings import Settings
from bayeslaw.inference.shards import Shards
from tests.linear import linear_law, linear_runs


class Clock:
    """One that is set by hand, or goes on by a step whenever it is looked at."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def blocks_of(seconds: float, leapfrogs: list[float], blocks: int, limit: float = 120.0) -> list[dict]:
    """What is said after each of some blocks of 100 draws in 4 chains, of fits with so many leapfrogs per draw."""
    clock = Clock()
    own, draws = (
        Pace(Settings(draws=800, warmup=200, seconds=limit), len(leapfrogs), clock),
        np.full(len(leapfrogs), 400),
    )
    found = []
    for i in range(blocks):
        clock.now += seconds
        found.append(own.crawling(np.array(leapfrogs) * 400, draws, blocks - i - 1))
    return found


def test_a_fit_that_would_take_longer_than_the_limit_is_given_up_after_a_quarter_of_it():
    """Ten blocks of 15 s take 150: too long, which is believed from the third block on, at 45 of 120 s."""
    *before, now = blocks_of(15.0, [1023.0], 10)[:3]
    assert before == [{}, {}]
    (crawl,) = now.values()
    assert (crawl.leapfrogs, crawl.draws, crawl.seconds, crawl.limit) == (1023.0, 4000, 150.0, 120.0)


def test_a_fit_within_the_limit_goes_on():
    assert blocks_of(11.0, [1023.0], 10) == [{}] * 10


def test_a_fit_that_is_nearly_done_is_let_finish():
    """It is slower in its last two blocks, when less than a quarter of the limit is to go."""
    clock = Clock()
    own = Pace(Settings(seconds=100.0), 1, clock)
    for left, seconds in zip(range(9, -1, -1), [9.9] * 8 + [15.0] * 2, strict=True):
        clock.now += seconds
        assert own.crawling(np.array([500.0 * 400]), np.array([400]), left) == {}


def test_many_runs_are_no_crawl():
    """Few leapfrogs that take long each are draws that are worth their time."""
    assert blocks_of(100.0, [20.0], 10) == [{}] * 10


def test_no_limit_is_no_limit():
    assert blocks_of(1e6, [1023.0], 10, limit=np.inf) == [{}] * 10


def test_of_fits_that_share_a_program_the_one_that_crawls_is_given_up():
    """Time is shared out by leapfrogs: of 16 s a block 15 are its own."""
    *_, now = blocks_of(16.0, [20.0, 975.0, 20.0, 20.0], 10)[:3]
    assert set(now) == {1}
    assert now[1].seconds == pytest.approx(10 * 16.0 * 975 / 1035)


def test_the_verdict_says_why_and_what_to_do():
    crawl = blocks_of(60.0, [1023.0], 10)[0][0]
    assert crawl.verdict.startswith(
        "Sampling crawls: a draw takes 1023 leapfrogs where 10 to 40 are usual, so that all "
    )
    assert "4,000 draws would take about 10 minutes, and at most 2 are allowed" in crawl.verdict
    assert "More draws are no remedy: fit a simpler hierarchy, round the outcomes" in crawl.verdict
    assert crawl.verdict.endswith("or allow more seconds.")


# --- fits -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def line() -> Plan:
    return make_plan(linear_law("line"), linear_runs())


@pytest.fixture
def anything_crawls(monkeypatch):
    """Even the two or three leapfrogs of a line."""
    monkeypatch.setattr(pace, "CRAWLING", 0.0)


HOW = {"draws": 400, "warmup": 100}


@pytest.mark.usefixtures("anything_crawls")
def test_a_fit_that_is_given_up_has_no_draws(line):
    """After two of its ten blocks, of 10 s each where 60 are allowed."""
    told: list[tuple[int, int]] = []
    draws = infer(
        line, choice_for(line, seconds=60.0, **HOW), progress=lambda *counts: told.append(counts), clock=Clock(10.0)
    )
    assert told == [(200, 2000), (400, 2000)]
    assert draws.crawl is not None
    assert draws.crawl.seconds == pytest.approx(100.0)
    assert draws.flat.shape == (4, 400, 2)
    assert np.isnan(draws.flat).all()
    assert not draws.diagnostics.converged


def test_a_fit_that_does_not_crawl_is_the_same_under_any_clock(line):
    one, other = (infer(line, choice_for(line, **HOW), clock=clock) for clock in (Clock(), Clock(1e6)))
    np.testing.assert_array_equal(one.flat, other.flat)
    assert other.crawl is None


def test_more_draws_are_the_same_chains_further_on_and_compile_nothing(line):
    few = infer(line, choice_for(line, draws=60, warmup=100), seed=2)
    before = _compiled.cache_info().misses
    more = infer(line, choice_for(line, draws=333, warmup=100), seed=2)
    assert _compiled.cache_info().misses == before
    assert more.flat.shape == (4, 333, 2)
    np.testing.assert_array_equal(more.flat[:, :60], few.flat)


@pytest.mark.usefixtures("anything_crawls")
def test_a_fit_that_crawls_stops_with_a_sentence():
    """However fast the machine is, it takes longer than a nanosecond."""
    with pytest.raises(bl.errors.ConvergenceError, match="Sampling crawls: a draw takes"):
        bl.fit(linear_law("line"), linear_runs(), seconds=1e-9, **HOW)
    assert bl.fit(linear_law("line"), linear_runs(), seconds=None, **HOW).diagnostics.converged
    with pytest.raises(bl.errors.InputError, match="seconds is 0; expected a time above 0, or None for no limit"):
        bl.fit(linear_law("line"), linear_runs(), seconds=0)


@pytest.mark.usefixtures("anything_crawls")
def test_many_fits_that_crawl_are_unconverged_and_not_kept(line, tmp_path):
    """Nothing is raised, none is tried again, and the next time they are fitted anew."""
    shards = Shards(tmp_path)
    how = {"shards": shards, "patient": True, **HOW}
    found = dict(infer_many([line, line], [0, 1], seconds=1e-9, **how))
    assert [draws.crawl is None or draws.diagnostics.converged for draws in found.values()] == [False, False]
    assert list(tmp_path.iterdir()) == []
    again = dict(infer_many([line, line], [0, 1], seconds=1e9, **how))
    assert all(draws.diagnostics.converged for draws in again.values())
    assert len(list(tmp_path.iterdir())) == 2
