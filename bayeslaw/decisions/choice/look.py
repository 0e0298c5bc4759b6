"""How often a plan would go or stop wrongly, if it looked at one more run first.

Every draw is a truth: a law, the outcome of a run of the option, and that of the run that is looked at, whose noise is
its own.  The chance of the target given the look is a probit regression, over all truths, of whether the target is met
on the outcome of the look (its normal scores, to the third power).  The plan's two thresholds are then applied to it.
*False go* is the share of truths that miss the target in which the plan says go; *false stop* that of truths that meet
it in which it says stop.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

# A cubic of normal scores: exact where look and outcome are jointly normal, and free to bend where they are not.
POWERS = np.arange(4)
# Fisher scoring converges in five to eight steps, each as long as it improves the fit; the ridge keeps a target that
# nearly all draws meet from diverging.
STEPS, HALVINGS, RIDGE = 25, 20, 1e-3


@dataclass(frozen=True)
class Rates:
    """What a plan would say after a look.

    Attributes
    ----------
    go, grey, stop
        Probabilities of what it says.
    false_go
        The share of go among runs that would miss; None where none would.
    false_stop
        The share of stop among runs that would meet the target; None where none would.
    """

    go: float
    grey: float
    stop: float
    false_go: float | None
    false_stop: float | None

    @staticmethod
    def of(met: np.ndarray, look: np.ndarray, go: float, stop: float) -> Rates:
        """From whether a run meets the target and the outcome of the look, in each truth; both of shape ``(size,)``."""
        chance = chance_given(met, look)
        says_go, says_stop = chance >= go, chance <= stop
        hit, miss = float(chance.mean()), float(1.0 - chance.mean())
        return Rates(
            go=float(says_go.mean()), grey=float((~says_go & ~says_stop).mean()), stop=float(says_stop.mean()),
            false_go=float((says_go * (1.0 - chance)).mean() / miss) if not met.all() else None,
            false_stop=float((says_stop * chance).mean() / hit) if met.any() else None,
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def chance_given(met: np.ndarray, look: np.ndarray) -> np.ndarray:
    """The chance of the target given the outcome of a look, in each truth; shape ``(size,)``."""
    if met.all() or not met.any() or np.ptp(look) == 0.0:
        return np.full(len(met), met.mean())
    order = np.argsort(np.argsort(look, kind="stable"), kind="stable")
    score = ndtri((order + 0.5) / len(look))
    design = score[:, None] ** POWERS
    side = np.where(met, 1.0, -1.0)
    at = np.array([ndtri(met.mean()), 0.0, 0.0, 0.0])

    def fit(at: np.ndarray) -> float:
        return float(log_ndtr(side * (design @ at)).sum() - 0.5 * RIDGE * at @ at)

    for _ in range(STEPS):
        line = design @ at
        # Of log ndtr(side * line): its slope, and the expected curvature.
        slope = side * np.exp(-0.5 * line**2 - log_ndtr(side * line)) / np.sqrt(2.0 * np.pi)
        weight = np.exp(-(line**2) - log_ndtr(line) - log_ndtr(-line)) / (2.0 * np.pi)
        information = design.T @ (weight[:, None] * design) + RIDGE * np.eye(len(POWERS))
        step = np.linalg.solve(information, design.T @ slope - RIDGE * at)
        better = next((i for i in range(HALVINGS) if fit(at + step / 2**i) > fit(at)), None)
        if better is None:
            break
        at = at + step / 2**better
    return np.asarray(ndtr(design @ at))
