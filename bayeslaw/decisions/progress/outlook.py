"""The answer about a run in progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.forecast import Forecast, Point
from bayeslaw.ask.interval import Interval, percent
from bayeslaw.errors import listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.note import Note, in_order
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import a_chance, chance, plain, short

# Of runs that follow the law, this share is taken for off track.
OFF_TRACK = 0.05
# Fewer effective draws than this give the ends of an interval with an error that shows.
FEW = 100.0


@dataclass(frozen=True)
class Update:
    """The forecast of a run's end before and after what it has shown.

    Attributes
    ----------
    forecast
        The forecast of the end before.
    shown, weighed
        Rows with an outcome, and how many of them the draws were weighted by.
    runs, of_the_end
        Runs that they belong to, and whether the one whose end is asked about is among them.
    shared
        Whether rows of one run share a part of their scatter; shares and counts do not.
    after, mean_after
        The end of the run and the law itself there, given what was shown.
    off, relative
        How far the run lies above the law's forecast of the shown rows, on average; as a log where `relative`, else in
        units of the outcome.
    higher
        The chance that another run of this law lies higher than that.
    limit, side
        The value not to pass, None without one, and whether passing it is ``above`` or ``below``.
    missed
        The chance of passing it, before and after; None without a limit.
    weights
        Of the laws of an average, given what was shown; 1 for a single one.
    khat, ess
        The Pareto k of the weights of the draws, and how many draws of equal weight they are worth.
    draws
        The end given what was shown, as draws of equal weight; shape ``(size,)``.
    """

    forecast: Forecast
    shown: int
    weighed: int
    runs: int
    of_the_end: bool
    shared: bool
    after: Interval
    mean_after: Interval
    off: float
    relative: bool
    higher: float
    limit: float | None
    side: str
    missed: tuple[float, float] | None
    weights: Mapping[str, float]
    khat: float
    ess: float
    draws: np.ndarray

    @property
    def point(self) -> Point:
        """The end of the run, as it was forecast before."""
        return self.forecast.points[0]

    @property
    def as_far_off(self) -> float:
        """The chance that a run of this law lies as far from its forecast, on either side."""
        return 2.0 * min(self.higher, 1.0 - self.higher)

    @property
    def on_track(self) -> bool:
        """Whether what was shown is usual for a run of this law."""
        return self.as_far_off >= OFF_TRACK

    @property
    def level(self) -> float:
        """The probability of the headline's interval."""
        return self.forecast.level

    @property
    def diagnostics(self) -> Diagnostics:
        """Those of the least trustworthy fit."""
        return self.forecast.diagnostics

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.forecast.converged

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        return in_order((*self._notes(), *self.forecast.notes))

    def _notes(self) -> Iterator[Note]:
        if not self.on_track:
            yield Note(
                "off-track", "warning",
                f"The run is off track: {a_chance(self.as_far_off)} is all that the law gives to a run so far from its "
                f"forecast.",
                "Look for what differs from the fitted runs, such as the schedule, the data or a fault, before you "
                "trust a forecast of its end.",
            )  # fmt: skip
        if self.weighed < self.shown:
            yield Note(
                "thinned", "info",
                f"The draws were weighted by {self._which} of {self.shown} rows, as more would leave too few of them.",
                "Fit the law again with all rows to use what the others tell.",
            )  # fmt: skip
        if not self.shared and self.weighed > self.runs:
            yield Note(
                "independent-rows", "warning",
                "Rows of one run are taken for independent, as outcomes of this kind have no scatter of their own to "
                "share, so many of them sharpen the forecast too much.",
                "Give the latest row alone.",
            )  # fmt: skip
        if self.ess < FEW:
            yield Note(
                "few-draws", "warning",
                f"What was shown leaves {self.ess:.0f} effective draws, too few for the ends of an interval.",
                "Fit the law again with these rows among its runs.",
            )  # fmt: skip

    @property
    def _which(self) -> str:
        return "the last" if self.weighed == 1 else f"{self.weighed}, the last and others at even distances,"

    def _page(self) -> Page:
        name, units, point = self.forecast.outcome.replace("_", " "), self.forecast.units, self.point
        what = "the run" if self.runs == 1 else "the runs"
        far = f"{100 * np.expm1(abs(self.off)):.2f} %" if self.relative else short(abs(self.off))
        track = "on track" if self.on_track else "off track"
        page: list[Block] = [
            f"In {_counted(self.shown, 'row')} with a {name}, {what} {'lies' if self.runs == 1 else 'lie'} {far} "
            f"{'above' if self.off > 0 else 'below'} the forecast of {self.forecast.by}, on average: {track}, as "
            f"{chance(self.as_far_off)} of runs that follow the law would lie as far off.",
            f"The {name} {point.place} is now forecast as {self.after.words(units)} ({percent(self.level)} interval); "
            f"before, it was {point.new_run.words(units)}.",
            f"That is {point.distance}.",
        ]  # fmt: skip
        if self.missed is not None and self.limit is not None:
            before, after = self.missed
            page.append(
                f"There is {a_chance(after)} that it ends {self.side} {short(self.limit, 4)}; before, there was "
                f"{a_chance(before)}."
            )
        if len(self.weights) > 1:
            told = listed(f"{law} {weight:.3f}" for law, weight in self.weights.items())
            page.append(f"Weights of the laws, given what was shown: {told}.")
        page.append(
            f"Draws were weighted, not fitted again: Pareto k {self.khat:.2f}, {len(self.draws):,} draws worth "
            f"{self.ess:,.0f}."
        )
        return [*page, *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the end after what was shown under ``after``, and as it was before under ``before``."""
        forecast = self.forecast.as_dict()
        kept = ("law", "outcome", "units", "drift", "diagnostics")
        found: dict[str, Any] = plain({
            "before": self.point.as_dict(), "after": {**self.after.as_dict(), "mean": self.mean_after.as_dict()},
            "shown": self.shown, "weighed": self.weighed, "runs": self.runs, "of_the_end": self.of_the_end,
            "off": self.off, "relative": self.relative, "higher": self.higher,
            "as_far_off": self.as_far_off, "on_track": self.on_track,
            "limit": self.limit, "side": self.side,
            "missed": None if self.missed is None else dict(zip(("before", "after"), self.missed, strict=True)),
            "weights": dict(self.weights), "khat": self.khat, "ess": self.ess,
            **{name: forecast[name] for name in kept},
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
