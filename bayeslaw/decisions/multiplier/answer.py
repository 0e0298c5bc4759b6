"""What a recipe is worth, in words and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.drift import Drift, as_records
from bayeslaw.ask.interval import Interval, percent
from bayeslaw.ask.where.scale import Axis
from bayeslaw.decisions.multiplier.ray import Rays
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.note import Note
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import chance, multiple, plain, size

# Factors that differ by less, relatively, are one: this much is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Factor:
    """What the new recipe is worth at one scale.

    Attributes
    ----------
    at, units
        The inputs of a run of the new recipe, by name, and their units.
    scale
        Its place along the axis.
    outcome
        The median of what the new recipe comes to there.
    factor
        How many times the scale the old recipe needs for that; an end that it never reaches is infinite.
    probability_better
        The probability that the factor is above 1.
    probability_never
        The probability that the old recipe does not come to it within the range.
    """

    at: Mapping[str, float]
    units: Mapping[str, str]
    scale: float
    outcome: float
    factor: Interval
    probability_better: float
    probability_never: float

    @property
    def place(self) -> str:
        """The inputs, in words."""
        return ", ".join(f"{name} = {size(value, self.units[name])}" for name, value in self.at.items())

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the interval of the factor at the top."""
        return {
            "at": dict(self.at), **self.factor.as_dict(), "outcome": self.outcome,
            "probability_better": self.probability_better, "probability_never": self.probability_never,
        }  # fmt: skip


@dataclass(frozen=True)
class Trend:
    """How the factor changes from the smallest to the largest fitted run of the two recipes, by the laws themselves.

    Attributes
    ----------
    between
        The two scales.
    per_decade
        The factor of the factor per tenfold scale.
    shrinks, grows
        The probabilities of either; the rest is that of one factor for all scales.
    """

    between: tuple[float, float]
    per_decade: Interval
    shrinks: float
    grows: float

    @staticmethod
    def of(between: tuple[float, float], ends: np.ndarray, levels: tuple[float, ...]) -> Trend:
        """From the factors at both scales, shape ``(size, 2)``; where both are infinite nothing is known to change."""
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.nan_to_num(np.log(ends[:, 1]) - np.log(ends[:, 0]), nan=0.0, posinf=np.inf, neginf=-np.inf)
        slope = change / np.log10(between[1] / between[0])
        drawn = Interval.of(np.exp(slope), levels, "inverted_cdf")
        return Trend(between, drawn, float(np.mean(slope < -ROUNDING)), float(np.mean(slope > ROUNDING)))

    def __str__(self) -> str:
        if self.shrinks == self.grows == 0.0:
            return "The law has one factor for all scales."
        verb, sure = ("shrinks", self.shrinks) if self.shrinks >= self.grows else ("grows", self.grows)
        return (
            f"The factor {verb} with scale with a probability of {chance(sure)}: among the fitted runs it changes by "
            f"{factor_words(self.per_decade)} per tenfold scale."
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "between": list(self.between), "per_decade": self.per_decade.as_dict(),
            "probability_shrinks": self.shrinks, "probability_grows": self.grows,
        }  # fmt: skip


@dataclass(frozen=True)
class Crossing:
    """Where the better recipe becomes the worse one.

    Attributes
    ----------
    within
        Where it was searched for: the range of the law.
    probability, among_runs
        The probabilities that they cross there, and between the smallest and the largest fitted run.
    scale
        Of the draws that cross; None where none does.
    """

    within: tuple[float, float]
    probability: float
    among_runs: float
    scale: Interval | None

    @staticmethod
    def of(
        within: tuple[float, float], fitted: tuple[float, float], draws: np.ndarray, levels: tuple[float, ...]
    ) -> Crossing:
        """From the place in every draw, infinite where they do not cross; shape ``(size,)``."""
        known = draws[np.isfinite(draws)]
        inside = (draws >= fitted[0]) & (draws <= fitted[1])
        scale = Interval.of(known, levels) if len(known) else None
        return Crossing(within, len(known) / len(draws), float(inside.mean()), scale)

    def words(self, axis: Axis) -> str:
        """A sentence."""
        low, high = (size(end, axis.units) for end in self.within)
        if self.scale is None:
            return f"The two do not cross between {axis.name} = {low} and {high}."
        among = f", and among the fitted runs with one of {chance(self.among_runs)}"
        return (
            f"The two cross between {axis.name} = {low} and {high} with a probability of {chance(self.probability)}"
            f"{among}; if so, at {self.scale.words(axis.units)}."
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "range": list(self.within), "probability": self.probability, "probability_among_runs": self.among_runs,
            "scale": None if self.scale is None else self.scale.as_dict(),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Multiplier:
    """What a recipe is worth: how many times its scale another recipe needs for the same outcome.

    Attributes
    ----------
    law
        The name of the law; the names of an average's posteriors.
    outcome, along
        What is equal, and the axis of the factor.
    families
        The new recipe, and the old one that it is compared with.
    levels
        Probabilities of the intervals, the headline's first.
    fitted
        The smallest and the largest fitted run of the two, along the axis.
    trend, crossing
        Through the first point.
    rays
        The two recipes through the first point, for factors at other scales.
    draws
        Factors; shape ``(size, points)``.
    drift
        The drift of each law, by name; empty where it was switched off or is not known.
    notes
        What limits the answer.
    """

    law: str
    title: str
    outcome: str
    along: Axis
    families: tuple[str, str]
    levels: tuple[float, ...]
    points: tuple[Factor, ...]
    fitted: tuple[float, float]
    trend: Trend
    crossing: Crossing
    rays: Rays
    diagnostics: Diagnostics
    draws: np.ndarray
    drift: Mapping[str, Drift]
    notes: tuple[Note, ...]

    @property
    def level(self) -> float:
        """The probability of the headline's interval."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    def _page(self) -> Page:
        new, old = (f"'{each}'" for each in self.families)
        name, by = self.outcome.replace("_", " "), f"law{'s' if ' + ' in self.law else ''} {self.law}"
        exact = all(point.factor.exact for point in self.points)
        by = by if exact else f"{by}, {percent(self.level)} interval{'s' if len(self.points) > 1 else ''}"
        page: list[Block]
        if len(self.points) == 1:
            (point,) = self.points
            page = [
                f"To reach the {name} of {new} at {point.place}, {old} needs {factor_words(point.factor)} that "
                f"{self.along.name} ({by}).",
                f"The probability that {new} is better there is {chance(point.probability_better)}.",
            ]
        else:
            columns = {
                **{
                    each: [size(point.at[each], point.units[each]) for point in self.points]
                    for each in self.points[0].at
                },
                f"times {self.along.name}": [factor_words(point.factor) for point in self.points],
                f"{new} better": [chance(point.probability_better) for point in self.points],
                f"never by {old}": [chance(point.probability_never) for point in self.points],
            }
            if not any(point.probability_never for point in self.points):
                del columns[f"never by {old}"]
            page = [f"To reach the {name} of {new}, {old} needs so many times its {self.along.name} ({by}):",
                    [list(columns), *map(list, zip(*columns.values(), strict=True))]]  # fmt: skip
        return [*page, str(self.trend), self.crossing.words(self.along), *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON, where a factor that is infinite is null."""
        found: dict[str, Any] = plain({
            "law": self.law, "outcome": self.outcome, "families": list(self.families), "along": self.along.name,
            "held": self.rays.held, "level": self.level, "points": [point.as_dict() for point in self.points],
            "trend": self.trend.as_dict(), "crossing": self.crossing.as_dict(), "drift": as_records(self.drift),
            "diagnostics": self.diagnostics.as_dict(), "notes": [note.as_dict() for note in self.notes],
            "converged": self.converged,
        })  # fmt: skip
        return found


def factor_words(factor: Interval) -> str:
    """A factor with its intervals: ``1.24x [1.19x, 1.30x]``."""
    if factor.exact and np.isfinite(factor.median):
        return multiple(factor.median)
    ends = [f"[{_times(low)}, {_times(high)}]" for low, high in factor.ends.values()]
    others = [f", {percent(level)} {words}" for level, words in list(zip(factor.ends, ends, strict=True))[1:]]
    return f"{_times(factor.median)} {ends[0]}{''.join(others)}"


def _times(value: float) -> str:
    return multiple(value) if np.isfinite(value) else "infinity"
