"""Information between bounds, by nested Monte Carlo: no shape of a distribution is assumed.

Of a draw's outcome y and its target z, log densities under all draws are averaged: p(y), p(z) and p(y, z), as the two
are independent given the parameters.  An average that contains the draw that y came from is too high, and one without
it too low, both in expectation (nested Monte Carlo; the prior contrastive estimate of Foster et al. 2020).  So

    log p(y, z) - log p(y) - log p(z)

lies between what the one and the other give.  So does the information about all parameters, log p(y | draw) - log p(y).

References
----------
Rainforth et al. (2018), arXiv:1709.06181; Foster et al. (2020), arXiv:1911.00294; Zhong et al. (2024),
arXiv:2403.18072.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayeslaw.inference.posterior.densities import DENSITIES

# The part of a wide distribution in a mixture: it costs a bound no more than this in nats.
WIDE = 0.01
# Rows of outcomes whose densities under all draws are held at once.
ROWS = 250

# The log density of some outcomes under every draw: from shape ``(rows,)`` to ``(rows, size)``.
Density = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bounds:
    """Information in nats, between two bounds.

    Attributes
    ----------
    lower, upper
        Hold in expectation over draws.
    error
        The Monte-Carlo standard error of each.
    """

    lower: float
    upper: float
    error: float

    @property
    def apart(self) -> float:
        """The distance between the bounds."""
        return self.upper - self.lower

    @staticmethod
    def of(lower: np.ndarray, upper: np.ndarray) -> Bounds:
        """From what each draw adds; both of shape ``(rows,)``."""
        kept = np.isfinite(lower) & np.isfinite(upper)
        lower, upper = lower[kept], upper[kept]
        spread = max(float(lower.std(ddof=1)), float(upper.std(ddof=1)))
        return Bounds(float(lower.mean()), float(upper.mean()), spread / len(lower) ** 0.5)

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"lower": self.lower, "upper": self.upper, "error": self.error}


@dataclass(frozen=True)
class Told:
    """What an outcome tells.

    Attributes
    ----------
    target, parameters
        About the target's outcome, and about everything that draws differ in.
    """

    target: Bounds
    parameters: Bounds

    def with_fewer(self, share: float) -> Told:
        """The same where only a share of the draws are independent, which widens the errors."""
        wider = share**-0.5
        return Told(*(replace(each, error=each.error * wider) for each in (self.target, self.parameters)))


def told(
    outcomes: np.ndarray,
    target: np.ndarray,
    of_outcome: Sequence[Density],
    of_target: Density,
    rows: np.ndarray | None = None,
) -> list[Told]:
    """Bound what some runs, each alone, tell about a target.

    Parameters
    ----------
    outcomes, target
        One of each for every draw; shapes ``(size, runs)`` and ``(size,)``.
    of_outcome, of_target
        Their densities under all draws.
    rows
        The draws whose outcomes are averaged over (default: all).
    """
    rows = np.arange(len(target)) if rows is None else rows
    parts = [
        _part(outcomes, target, of_outcome, of_target, rows[i : i + ROWS]) for i in range(0, len(rows), ROWS)
    ]  # fmt: skip
    found = np.concatenate(parts, axis=-1)
    return [Told(Bounds.of(low, high), Bounds.of(all_low, all_high)) for low, high, all_low, all_high in found]


def _part(
    outcomes: np.ndarray, target: np.ndarray, of_outcome: Sequence[Density], of_target: Density, rows: np.ndarray
) -> np.ndarray:
    """The bounds that some draws give, on the target and on the parameters; shape ``(runs, 4, rows)``."""
    z, found = of_target(target[rows]), []
    z_low, z_high = _log_means(z, rows)
    z_low = _mixed(z_low, _wide(target, rows))
    for column, density in zip(outcomes.T, of_outcome, strict=True):
        y = density(column[rows])
        own = y[np.arange(len(rows)), rows]
        (y_low, y_high), (both_low, both_high) = _log_means(y, rows), _log_means(y + z, rows)
        y_low = _mixed(y_low, _wide(column, rows))
        both_low = _mixed(both_low, y_low + z_low)
        found.append([both_low - y_high - z_high, both_high - y_low - z_low, own - y_high, own - y_low])
    return np.array(found)


def _mixed(log_density: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """A log density with a little of a wide one."""
    return np.asarray(np.logaddexp(np.log1p(-WIDE) + log_density, np.log(WIDE) + wide))


def _wide(draws: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The log density of some draws under a Student-t of all, three times as wide as they."""
    low, middle, high = np.quantile(draws, [0.25, 0.5, 0.75])
    return np.asarray(DENSITIES["StudentT"](draws[rows], 3.0, middle, max(3.0 * (high - low), 1e-300)))


def _log_means(terms: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log of the average of each row's exponentials: without its own draw, and with it."""
    count, at = terms.shape[1], np.arange(len(terms))
    itself = terms[at, own].copy()
    with np.errstate(all="ignore"):  # rows of outcomes beyond any number are left out later
        terms[at, own] = -np.inf
        top = terms.max(axis=1)
        others = top + np.log(np.exp(terms - top[:, None]).sum(axis=1))
        terms[at, own] = itself
        return others - np.log(count - 1), np.logaddexp(others, itself) - np.log(count)
