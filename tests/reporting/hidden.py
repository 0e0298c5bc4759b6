"""Back-tests without fits."""

import numpy as np

from bayeslaw.validation.backtest.report import Backtest
from bayeslaw.validation.backtest.scores import Scores


def backtest(inside: int, count: int, farthest: float = 20.0) -> Backtest:
    """Hidden runs of which so many ended inside their intervals."""
    outcome = np.where(np.arange(count) < inside, 1.5, 9.0)
    quantiles = np.repeat(np.linspace(1.0, 2.0, 9)[:, None], count, axis=1)
    ratio = np.linspace(1.5, farthest, count)
    scores = Scores(outcome, quantiles, *(np.ones(count) for _ in range(3)), ratio, np.full(count, ""))
    return Backtest("loss", {"average": scores}, {}, np.full(count, "o"), {}, 3, 0)
