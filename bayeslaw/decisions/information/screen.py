"""Which of many candidates tells most about a target, from simulated outcomes alone, and which do so together.

The outcomes that draws give to a candidate and to the target are turned into normal scores, their ranks as quantiles of
a normal distribution.  Information does not change by that.  With R2 of the linear regression of the target's scores
on those of some candidates,

    -1/2 log(1 - R2)

is at most the information that these candidates have about the target, and is all of it where the scores are jointly
normal: of all distributions with normal margins and given correlations, the normal one has the least information.

References
----------
Ince et al. (2017), doi:10.1002/hbm.23471, for normal scores; Zhong et al. (2024), arXiv:2403.18072, for information
about a target in place of parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


def normal_scores(draws: np.ndarray) -> np.ndarray:
    """Ranks within each column as quantiles of a normal distribution, of the shape ``(size, columns)`` of the draws.

    Ties, of counts, are broken at random.
    """
    rng, (size, count) = np.random.default_rng(0), draws.shape
    found = np.empty((size, count))
    levels = ndtri((np.arange(size) + 0.5) / size)
    levels = levels / levels.std()
    for i in range(count):
        shuffled = rng.permutation(size)
        found[shuffled[np.argsort(draws[shuffled, i], kind="stable")], i] = levels
    return found


@dataclass(frozen=True)
class Screened:
    """Candidates beside a target, by normal scores.

    Attributes
    ----------
    scores
        Of the candidates' outcomes; shape ``(size, candidates)``.
    target
        Of the target's outcome; shape ``(size,)``.
    """

    scores: np.ndarray
    target: np.ndarray

    @staticmethod
    def of(outcomes: np.ndarray, target: np.ndarray) -> Screened:
        """From simulated outcomes of the same draws: of shape ``(size, candidates)`` and ``(size,)``."""
        return Screened(normal_scores(outcomes), normal_scores(target[:, None])[:, 0])

    @property
    def information(self) -> np.ndarray:
        """What each candidate alone tells about the target, in nats; shape ``(candidates,)``."""
        return nats((self.target @ self.scores / len(self.target)) ** 2)

    def together(self, chosen: list[int]) -> float:
        """What some candidates tell together, in nats."""
        if not chosen:
            return 0.0
        left = self.target - self.index(chosen)
        return float(nats(1.0 - left @ left / len(left)))

    def index(self, chosen: list[int]) -> np.ndarray:
        """The linear combination of candidates that follows the target best; shape ``(size,)``."""
        part = self.scores[:, chosen]
        return np.asarray(part @ np.linalg.lstsq(part, self.target, rcond=None)[0])

    def batch(self, cost: np.ndarray, budget: float) -> list[int]:
        """Candidates to run together, in the order in which they are chosen.

        The one that tells most per unit of cost given those already chosen is added while the budget lasts; where a
        single candidate or a batch chosen by information alone tells more, that is taken.

        Parameters
        ----------
        cost
            Shape ``(candidates,)``.
        """
        per_cost = self._greedy(cost, budget, np.maximum(cost, np.finfo(float).tiny))
        plain = self._greedy(cost, budget, np.ones_like(cost))
        return max(per_cost, plain, key=self.together)

    def _greedy(self, cost: np.ndarray, budget: float, per: np.ndarray) -> list[int]:
        """Add the candidate with the most information per some unit until none is affordable or tells anything."""
        every = np.column_stack([self.scores, self.target])
        covariance, left, chosen = every.T @ every / len(every), budget, list[int]()
        while True:
            variance = covariance.diagonal()
            known = covariance[:-1, -1] ** 2 / np.maximum(variance[:-1] * variance[-1], 1e-300)
            gain = np.where(cost <= left, nats(known) / per, -1.0)
            gain[chosen] = -1.0
            best = int(gain.argmax())
            if gain[best] <= 0.0 or nats(known[best]) < LEAST_GAIN or known[best] < LEAST_RELATION / len(every):
                return chosen
            chosen.append(best)
            left -= cost[best]
            # What is left of all covariances when this outcome is known, of normal distributions.
            covariance = covariance - np.outer(covariance[best], covariance[best]) / variance[best]


# A run that narrows a forecast by less than a fiftieth, beside others, is not worth its trouble.
LEAST_GAIN = 0.02
# Of independent scores, the number of draws times R2 exceeds this once in 400 times.
LEAST_RELATION = 9.0


def nats(r_squared: np.ndarray | float) -> np.ndarray:
    """The information of normal distributions with this R2."""
    return np.asarray(-0.5 * np.log1p(-np.minimum(r_squared, 1.0 - 1e-15)))


def narrower(information: np.ndarray | float) -> np.ndarray:
    """The part by which a standard deviation shrinks with this information, of normal distributions."""
    return np.asarray(-np.expm1(-np.asarray(information)))
