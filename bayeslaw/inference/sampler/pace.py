"""Whether a fit crawls, that is, would take minutes, judged by the time and the leapfrogs of its blocks so far.

A fit crawls if no coordinates here whiten its posterior, such as that of runs without noise: a draw takes hundreds of
leapfrogs, and more draws do not help.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.base.work import CHAINS
from bayeslaw.inference.sampler.settings import Settings
from bayeslaw.words import argument

# Seconds since some fixed time.
Clock = Callable[[], float]

# In coordinates that suit a posterior a draw takes 10 to 40 leapfrogs, and 137 in the worst that were used for long.  A
# fit that takes minutes with fewer has many runs, and its draws are worth their time.
CRAWLING = 150.0
# A share of the limit: a fit is judged after this time, since the first draws of a warm-up take far more leapfrogs than
# later ones; a fit with less than this time left may finish.
SHARE = 0.25


def core_seconds() -> float:
    """Processor seconds of this process per core that chains can use: wall time without other processes."""
    return time.process_time() / min(CHAINS, os.cpu_count() or 1)


@dataclass(frozen=True)
class Crawl:
    """The cost of a fit that crawls.

    Attributes
    ----------
    leapfrogs
        Recent leapfrogs per draw.
    draws
        Over all chains, warm-up included.
    seconds, limit
        The time that it would take, and the limit.
    """

    leapfrogs: float
    draws: int
    seconds: float
    limit: float

    @property
    def verdict(self) -> str:
        """Why it was stopped, and what to do."""
        return (
            f"Sampling crawls: a draw takes {self.leapfrogs:.0f} leapfrogs where 10 to 40 are usual, so that all "
            f"{self.draws:,} draws would take about {self.seconds / 60:.0f} minutes, and at most "
            f"{self.limit / 60:.3g} are allowed. More draws are no remedy: fit a simpler hierarchy, round the outcomes "
            "to the digits that were measured, fix a parameter with a Constant prior, or allow more "
            f"{argument('seconds')}."
        )


class Pace:
    """The time that each of some fits has taken, in proportion to its leapfrogs.

    Parameters
    ----------
    fits
        The number of fits.
    """

    def __init__(self, settings: Settings, fits: int, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.spent, self.then = np.zeros(fits), clock()

    def crawling(self, leapfrogs: np.ndarray, draws: np.ndarray, left: int) -> dict[int, Crawl]:
        """The fits that crawl, by their position, after another block.

        Parameters
        ----------
        leapfrogs, draws
            Of each fit in the block, over all its chains; shape ``(fits,)``.
        left
            How many such blocks are still to come.
        """
        now = self.clock()
        took = (now - self.then) * leapfrogs / max(leapfrogs.sum(), 1.0)
        self.then, self.spent = now, self.spent + took
        settings, limit = self.settings, self.settings.seconds
        each, whole = leapfrogs / np.maximum(draws, 1.0), self.spent + took * left
        slow = (whole > limit) & (self.spent > SHARE * limit) & (took * left > SHARE * limit)
        total = (settings.warmup + settings.draws) * settings.chains
        return {
            int(i): Crawl(float(each[i]), total, float(whole[i]), limit)
            for i in np.flatnonzero(slow & (each > CRAWLING))
        }
