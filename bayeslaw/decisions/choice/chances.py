"""Probabilities and means of draws, with their Monte-Carlo error.

A probability that fewer than :data:`FEWEST` effective draws stand behind is a bound, and so is one as close to 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.inference.base.diagnostics import mean_ess

# With ten draws on the rarer side the relative error of a probability is a third.
FEWEST = 10.0


@dataclass(frozen=True)
class Probability:
    """A probability from draws.

    Attributes
    ----------
    value
        The share of draws, or the bound.
    bound
        ``"at most"`` or ``"at least"`` where the value is only a bound; None where it is an estimate.
    error
        Its Monte-Carlo standard error; None for a bound.
    ess
        The effective number of draws behind it.
    """

    value: float
    bound: Literal["at most", "at least"] | None
    error: float | None
    ess: float

    @staticmethod
    def of(asked: Average, happens: np.ndarray, outcome: np.ndarray) -> Probability:
        """Of an event that is known for each draw of an outcome; both of shape ``(size,)``."""
        ess = min(effective(asked, _ranks(outcome)), effective(asked, happens.astype(float)))
        share, least = float(happens.mean()), min(FEWEST / ess, 0.5)
        if share < least:
            return Probability(least, "at most", None, ess)
        if share > 1.0 - least:
            return Probability(1.0 - least, "at least", None, ess)
        return Probability(share, None, float(np.sqrt(share * (1.0 - share) / ess)), ess)

    def __str__(self) -> str:
        percent = f"{100.0 * self.value:.3g} %"
        if self.error is None:
            return f"{'less' if self.bound == 'at most' else 'more'} than {percent}"
        places = max(0, -int(np.floor(np.log10(100.0 * self.error)))) if self.error else 0
        return f"{100.0 * self.value:.{places}f} % ± {100.0 * self.error:.{places}f} %"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def mean_and_error(asked: Average, draws: np.ndarray) -> tuple[float, float]:
    """The mean of draws of shape ``(size,)``, and its Monte-Carlo standard error."""
    return float(draws.mean()), float(draws.std() / np.sqrt(effective(asked, draws)))


def effective(asked: Average, draws: np.ndarray) -> float:
    """The effective number of draws behind a mean: of each posterior its own, together as for a sum with weights."""
    inverse, start = 0.0, 0
    for name, rows in asked.rows.items():
        chains, part = asked.posteriors[name].flat.shape[0], draws[start : start + len(rows)]
        start += len(rows)
        whole = part[: len(part) // chains * chains].reshape(chains, -1)
        known = float(len(part)) if np.ptp(part) == 0.0 or whole.shape[1] < 4 else mean_ess(whole)
        inverse += (len(rows) / len(draws)) ** 2 / known
    return 1.0 / inverse


def _ranks(draws: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(draws, kind="stable"), kind="stable").astype(float) if np.ptp(draws) else draws
