"""Scores of forecasts: of intervals, of whole distributions, and of calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.forecast import QUANTILES

LEVELS = (0.5, 0.8, 0.9, 0.95)
# Edges of the distance bins: compute as a multiple of the largest run that was seen.
RATIOS = (1.0, 3.0, 10.0, 30.0, 100.0)
RESAMPLES = 1000
# The quantiles that the CRPS is summed over.
CRPS_AT = (np.arange(200) + 0.5) / 200


@dataclass(frozen=True)
class Scores:
    """Forecasts compared with outcomes.

    Attributes
    ----------
    observed
        Shape ``(points,)``.
    quantiles
        Quantiles of the forecasts, at :data:`bayeslaw.ask.forecast.forecast.QUANTILES`; shape
        ``(probabilities, points)``.
    crps
        Continuous ranked probability score of each, in units of the outcome (Gneiting & Raftery 2007).
    log_score
        Minus the log of the predictive density at each outcome, in nats.
    pit
        The share of each forecast below its outcome; shape ``(points,)``.
    ratio
        Compute (or the only input of the law) as a multiple of the largest seen; NaN where it is unknown.
    group
        The family of each outcome; outcomes of one family share errors.
    """

    observed: np.ndarray
    quantiles: np.ndarray
    crps: np.ndarray
    log_score: np.ndarray
    pit: np.ndarray
    ratio: np.ndarray
    group: np.ndarray

    @staticmethod
    def of(draws: np.ndarray, observed: np.ndarray, ratio: np.ndarray, group: np.ndarray, seed: int = 0) -> Scores:
        """Score draws of forecasts; shape ``(size, points)``."""
        import scoringrules as rules

        # For discrete outcomes, such as counts, the probability mass at the outcome is split at random.
        coin = np.random.default_rng(seed).uniform(size=observed.shape)
        below, same = (draws < observed).mean(axis=0), (draws == observed).mean(axis=0)
        # Over quantiles rather than draws, because draws from heavy tails may overflow.
        crps = rules.crps_quantile(observed, np.quantile(draws, CRPS_AT, axis=0).T, CRPS_AT)
        with np.errstate(divide="ignore", over="ignore"):  # the density is 0 where no draw is near an outcome
            log_score = rules.logs_ensemble(observed, draws.T, bw=_bandwidth(draws))
        return Scores(
            observed=observed, quantiles=np.quantile(draws, QUANTILES, axis=0),
            crps=crps,
            log_score=log_score, pit=below + coin * same, ratio=ratio, group=group,
        )  # fmt: skip

    @staticmethod
    def joined(every: Sequence[Scores]) -> Scores:
        """Several sets of scores as one."""
        return Scores(
            *(np.concatenate([getattr(each, name) for each in every], axis=-1) for name in Scores.__dataclass_fields__)
        )

    def __len__(self) -> int:
        return len(self.observed)

    def at(self, mask: np.ndarray) -> Scores:
        """Some of the points."""
        return Scores(*(getattr(self, name)[..., mask] for name in Scores.__dataclass_fields__))

    def inside(self, level: float) -> np.ndarray:
        """Whether each outcome lies inside the central interval; shape ``(points,)``."""
        lower, upper = self.interval(level)
        return np.asarray((lower <= self.observed) & (self.observed <= upper))

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the central interval of every forecast, each of shape ``(points,)``."""
        tail = (1.0 - level) / 2.0
        lower, upper = (int(np.argmin(np.abs(np.array(QUANTILES) - p))) for p in (tail, 1.0 - tail))
        return self.quantiles[lower], self.quantiles[upper]

    def interval_score(self, level: float) -> np.ndarray:
        """The width plus a penalty for outcomes outside (Gneiting & Raftery 2007, eq. 43); shape ``(points,)``."""
        import scoringrules as rules

        return np.asarray(rules.interval_score(self.observed, *self.interval(level), 1.0 - level))

    def as_dict(self) -> dict[str, Any]:
        """Means over the points, with errors over families where there are several; for JSON."""
        return {
            **_means(self),
            "coverage_se": {f"{level:g}": error_over(self.group, self.inside(level)) for level in LEVELS},
            "by_ratio": [
                {"from": low, "to": None if np.isinf(high) else high, **_means(part)}
                for low, high, part in self.by_ratio()
            ],
        }

    def by_ratio(self) -> Iterable[tuple[float, float, Scores]]:
        """The points binned by their distance beyond the seen runs, without empty bins."""
        for low, high in zip(RATIOS, (*RATIOS[1:], np.inf), strict=True):
            inside = self.within(low, high)
            if inside.any():
                yield low, high, self.at(inside)

    def within(self, low: float, high: float) -> np.ndarray:
        """The points in a bin of distance; points within the seen runs are in the nearest bin."""
        return np.asarray((self.ratio < high) & ((self.ratio >= low) | (low == RATIOS[0])))


def error_over(group: np.ndarray, values: np.ndarray) -> float | None:
    """The standard error of a mean when groups share errors, by resampling groups; None for one group."""
    names, index = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return None
    counts, sums = np.bincount(index), np.bincount(index, values.astype(float))
    drawn = np.random.default_rng(0).integers(len(names), size=(RESAMPLES, len(names)))
    return float((sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)).std())


def _means(scores: Scores) -> dict[str, Any]:
    return {
        "n": len(scores),
        "coverage": {f"{level:g}": float(scores.inside(level).mean()) for level in LEVELS},
        "interval_score": {f"{level:g}": float(scores.interval_score(level).mean()) for level in LEVELS},
        "crps": float(scores.crps.mean()),
        "log_score": float(scores.log_score.mean()),
    }


def _bandwidth(draws: np.ndarray) -> np.ndarray:
    """Silverman's kernel width from the quartiles, which is robust to heavy tails; shape ``(points,)``."""
    low, high = np.quantile(draws, [0.25, 0.75], axis=0)
    return np.asarray(0.9 * np.maximum(high - low, 1e-12) / 1.349 * len(draws) ** -0.2)
