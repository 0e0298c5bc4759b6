"""The risk of a run: the probability that it misses its target, and by how much.

A forecast says where a run will end; a decision depends on which side of a value.  Both use the same draws, so the
answer includes the uncertainty about parameters, family, noise, choice of law and drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import Forecast, Point, forecast, table
from bayeslaw.ask.interval import EXACT_DIGITS
from bayeslaw.ask.where.points import Where
from bayeslaw.errors import QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import a_chance, argument, chance, decimals, plain, short


@dataclass(frozen=True)
class Chance:
    """The risk at one point.

    Attributes
    ----------
    at, family
        As in a forecast.
    probability
        The probability that a new run misses the limit.
    of_mean
        The probability that the law itself does, the average of runs at this point.
    by
        The average miss of a run that misses the limit, in units of the outcome; None where no draw does.
    median
        Median of the forecast.
    """

    at: Mapping[str, float]
    family: str | None
    probability: float
    of_mean: float
    by: float | None
    median: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Risk:
    """The chances of missing a limit, by point.

    Attributes
    ----------
    limit, side
        The value not to pass, and whether passing it is ``above`` or ``below``.
    forecast
        The forecast behind it.
    """

    limit: float
    side: str
    points: tuple[Chance, ...]
    forecast: Forecast

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer: the notes of the forecast."""
        return self.forecast.notes

    @property
    def converged(self) -> bool:
        """Whether the chains had; if not, the caller asked anyway."""
        return self.forecast.converged

    def _page(self) -> Page:
        name, by = self.forecast.outcome.replace("_", " "), self.forecast.by
        chances, reached = [each.probability for each in self.points], self.forecast.points
        said = [self._numbers(*each) for each in zip(self.points, reached, strict=True)]
        if len(said) == 1:
            ((limit, median, miss),) = said
            ends = f"a new run {reached[0].place} ends with a {name}"
            if not reached[0].measured:
                ends = f"the {name} {reached[0].place} is"
            page: list[Block] = [
                f"There is {a_chance(chances[0])} that {ends} {self.side} {limit} ({by})."
                f"{miss and f' If it does, expect to miss by about {miss}.'} "
                f"(Median forecast: {median}.)"
            ]
        else:
            _, medians, misses = zip(*said, strict=True)
            columns = {"chance": [*map(chance, chances)], "miss by about": misses, "median": medians}
            page = [
                f"The chance that new runs end with a {name} {self.side} {short(self.limit)}, by {by}:",
                table(reached, columns),
            ]
        return [*page, *map(str, self.notes)]

    def _numbers(self, point: Chance, reached: Point) -> tuple[str, str, str]:
        """The limit, the median and the average miss, with decimals by the width of the forecast."""
        exact, width = reached.new_run.exact, reached.new_run.upper - reached.new_run.lower
        digits = EXACT_DIGITS - 1 if exact else decimals(width, 2)
        limit, median = (f"{value:,.{digits}f}" for value in (self.limit, point.median))
        if point.by is None:
            return limit, median, ""
        return limit, median, f"{point.by:.{digits}f}" if point.by >= 0.5 * 10**-digits else short(point.by, 1)

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        kept = ("law", "outcome", "units", "family", "diagnostics", "weights", "drift", "notes", "converged")
        forecast = self.forecast.as_dict()
        found: dict[str, Any] = plain({
            "limit": self.limit, "side": self.side, "points": [point.as_dict() for point in self.points],
            **{name: forecast[name] for name in kept},
        })  # fmt: skip
        return found


def risk(
    posterior: Posterior | Average,
    at: Where | Mapping[str, Any] | Any,
    *,
    above: float | None = None,
    below: float | None = None,
    family: Families = None,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Risk:
    """Find the probability that a run misses its target.

    Parameters
    ----------
    posterior, at, family, drift, allow_unconverged
        As :func:`bayeslaw.forecast` takes them.
    above
        The highest acceptable loss, in units of the outcome.
    below
        The lowest acceptable score; give one of the two.

    Returns
    -------
    Risk
        Probabilities by point, and the average miss.

    Raises
    ------
    QuestionError
        When not one limit is given, or what :func:`bayeslaw.forecast` refuses.
    ConvergenceError
        When the chains have not converged.
    """
    given = {side: limit for side, limit in (("above", above), ("below", below)) if limit is not None}
    if len(given) != 1 or not all(np.isfinite(limit) for limit in given.values()):
        raise QuestionError(
            f"a risk is of passing one limit, not {given or 'none'}; give {argument('above', '2.1')} for a loss, or "
            f"{argument('below', '0.5')} for a score."
        )
    ((side, limit),) = given.items()
    found = forecast(posterior, at, family, drift=drift, allow_unconverged=allow_unconverged)
    sign = 1.0 if side == "above" else -1.0
    beyond, mean = sign * (found.draws - limit), sign * (found.mean_draws - limit)
    points = tuple(
        Chance(
            at=point.at, family=point.family, probability=float((each > 0).mean()), of_mean=float((own > 0).mean()),
            by=float(each[each > 0].mean()) if (each > 0).any() else None, median=point.new_run.median,
        )
        for point, each, own in zip(found.points, beyond.T, mean.T, strict=True)
    )  # fmt: skip
    return Risk(float(limit), side, points, found)
