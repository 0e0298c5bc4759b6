"""Medians with central intervals at one or several levels, which answers are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayeslaw.errors import QuestionError, listed
from bayeslaw.words import numbers, size

# One level, or several of which the first is the headline's.
Level = float | Sequence[float]
# Of a value without uncertainty, which no interval says how to round.
EXACT_DIGITS = 4
Method = Literal["linear", "inverted_cdf"]


@dataclass(frozen=True)
class Interval:
    """A median and its central intervals.

    Attributes
    ----------
    ends
        The lower and upper end by level, the headline's first.
    """

    median: float
    ends: Mapping[float, tuple[float, float]]

    @staticmethod
    def of(draws: np.ndarray, levels: Sequence[float], method: Method = "linear") -> Interval:
        """Of draws; shape ``(size,)``."""
        return Interval.each(np.asarray(draws)[:, None], levels, method)[0]

    @staticmethod
    def each(draws: np.ndarray, levels: Sequence[float], method: Method = "linear") -> list[Interval]:
        """Of draws of several quantities; shape ``(size, quantities)``.

        Parameters
        ----------
        method
            NumPy's method for quantiles: interpolated between draws or, where that is impossible, as between a number
            and infinity, one of them.
        """
        tails = [(1.0 - level) / 2.0 for level in levels]
        with np.errstate(invalid="ignore"):
            found = np.quantile(draws, [0.5, *tails, *(1.0 - tail for tail in tails)], axis=0, method=method)
        medians, lower, upper = found[0], found[1 : len(tails) + 1], found[len(tails) + 1 :]
        return [
            Interval(float(median), {k: (float(a), float(b)) for k, a, b in zip(levels, low, high, strict=True)})
            for median, low, high in zip(medians, lower.T, upper.T, strict=True)
        ]

    @property
    def lower(self) -> float:
        """The lower end at the headline's level."""
        return next(iter(self.ends.values()))[0]

    @property
    def upper(self) -> float:
        """The upper end at the headline's level."""
        return next(iter(self.ends.values()))[1]

    @property
    def exact(self) -> bool:
        """Whether all draws share one value, but for rounding."""
        return all(math.isclose(end, self.median, rel_tol=1e-12) for ends in self.ends.values() for end in ends)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the headline's ends, and those of every level."""
        intervals = {f"{level:g}": {"lower": low, "upper": high} for level, (low, high) in self.ends.items()}
        return {"median": self.median, "lower": self.lower, "upper": self.upper, "intervals": intervals}

    def flat(self) -> dict[str, float]:
        """For a table: the median, the headline's ends, and those of other levels with the level in their names."""
        others = {f"{end}_{level:g}": value for level, ends in list(self.ends.items())[1:]
                  for end, value in zip(("lower", "upper"), ends, strict=True)}  # fmt: skip
        return {"median": self.median, "lower": self.lower, "upper": self.upper, **others}

    def words(self, units: str = "", outside: tuple[str, str] = ("-inf", "inf")) -> str:
        """The median and its intervals, such as ``1.900 [1.737, 2.076]``; levels after the first are named.

        A value that all draws share is said once.

        Parameters
        ----------
        units
            Units of the quantity: counts are written as ``70B``.
        outside
            The words for an end that is minus infinity, and for one that is infinity.
        """
        if self.exact and math.isfinite(self.median):
            return size(self.median, units, EXACT_DIGITS)
        every = [self.median, *(end for ends in self.ends.values() for end in ends)]
        median, *ends = (
            text if np.isfinite(value) else outside[int(value > 0)]
            for value, text in zip(every, numbers(every, units), strict=True)
        )
        others = [
            f", {percent(level)} [{ends[2 * i]}, {ends[2 * i + 1]}]" for i, level in enumerate(self.ends) if i > 0
        ]
        return f"{median} [{ends[0]}, {ends[1]}]{''.join(others)}"


def levels_of(level: Level) -> tuple[float, ...]:
    """The levels that are asked for, each a probability.

    Raises
    ------
    QuestionError
        When one is not between 0 and 1, there is none, or one is given twice.
    """
    levels = tuple(float(each) for each in np.atleast_1d(np.asarray(level, dtype=float)))
    if not levels or len(set(levels)) < len(levels):
        raise QuestionError(f"level: {listed(map(str, levels)) or 'none'}; give one level or several different ones.")
    for each in levels:
        if not 0.0 < each < 1.0:
            raise QuestionError(f"level is a probability between 0 and 1, such as 0.9, not {each:g}.")
    return levels


def percent(level: float) -> str:
    """A level in percent, with all of its digits: 0.9999 is not 100 %."""
    return f"{100.0 * level:.10g} %"
