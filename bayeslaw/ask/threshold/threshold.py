"""The scale at which an outcome crosses a value: an ability appears, or a loss is low enough.

Each draw of the parameters is a law with its own crossing, or with none in the range of the law.  Draws without a
crossing are kept: their share is the probability that the value is not within reach, and quantiles count them as beyond
the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.chain import matched
from bayeslaw.ask.forecast.draws import family_label, family_words
from bayeslaw.ask.forecast.drift import Drift, Drifting, as_records, drifts_of, undrifted
from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.ask.threshold.crossing import POINTS, first_crossing, steepest
from bayeslaw.ask.threshold.curve import Track, make_track
from bayeslaw.ask.where.extrapolation import LOSS
from bayeslaw.ask.where.scale import COMPUTE, Axis, axis_of, labels, outcome_label, read_at, trials
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.check import outcome_range
from bayeslaw.language.law import Law
from bayeslaw.note import Note, in_order
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.words import multiple, plain, size, worded

STEEPEST = "steepest"


@dataclass(frozen=True, eq=False)
class Threshold:
    """The posterior of the scale at which an outcome crosses a value.

    Attributes
    ----------
    law
        The name of the law, or the names of an average's posteriors.
    outcome, label
        The outcome that crosses: its column, and its name in words with units.
    column
        The column of `along` in a table of runs; ``"compute"`` for parameters times tokens.
    crosses
        The value, ``"steepest"``, or the threshold that the outcome has to reach.
    held
        The other inputs, in words.
    levels
        Probabilities of the intervals, the headline's first.
    within
        The range in which crossings were searched for: that of the law, extended to the fitted runs.
    scale
        The interval of the crossing, in units of `along`; infinite ends lie outside the range.
    drift
        The drift of each law, by name; empty where it was switched off or is not known.
    notes
        What limits the answer.
    draws
        One crossing per draw, shape ``(size,)``: infinity where the outcome does not cross within the range, minus
        infinity where it has crossed at the lower end already.
    heights
        The law (a share of trials for counts) at the places of `grid`; shape ``(size, points)``.
    fitted, observed
        The fitted runs along the scale, and their outcomes; shape ``(runs,)``.
    own
        Whether each run is of the family of the question; shape ``(runs,)``.
    """

    law: str
    title: str
    outcome: str
    label: str
    along: Axis
    column: str
    crosses: Crosses
    held: str
    family: str | None
    levels: tuple[float, ...]
    within: tuple[float, float]
    scale: Interval
    drift: Mapping[str, Drift]
    notes: tuple[Note, ...]
    diagnostics: Diagnostics
    draws: np.ndarray
    grid: np.ndarray
    heights: np.ndarray
    fitted: np.ndarray
    observed: np.ndarray
    own: np.ndarray

    @property
    def level(self) -> float:
        """The probability of the headline's interval."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    @property
    def what(self) -> str:
        """What happens at the threshold, in words."""
        name = self.outcome.replace("_", " ")
        if isinstance(self.crosses, Threshold):
            return f"{name} comes to where {self.crosses.what}"
        return f"{name} is steepest" if self.crosses == STEEPEST else f"{name} crosses {self.crosses:g}"

    @property
    def probability_not_within_reach(self) -> float:
        """The share of draws that do not cross within the range."""
        return float(np.mean(self.draws == np.inf))

    @property
    def probability_before(self) -> float:
        """The share of draws that have crossed at the lower end of the range already."""
        return float(np.mean(self.draws == -np.inf))

    def probability_by(self, scale: float | np.ndarray) -> np.ndarray:
        """The probability that the outcome has crossed by a scale.

        Parameters
        ----------
        scale
            In units of `along`; one or several, within the range.

        Returns
        -------
        Of the shape of `scale`.

        Raises
        ------
        QuestionError
            When a scale is outside the range that was searched.
        """
        asked = np.asarray(scale, dtype=float)
        if not np.all((asked >= self.within[0]) & (asked <= self.within[1])):
            raise QuestionError(
                f"law '{self.law}' was followed over {self.along.name} from {self._end(0)} to "
                f"{self._end(1)}; ask for a scale within."
            )
        return np.searchsorted(np.sort(self.draws), asked, side="right") / len(self.draws)

    def _page(self) -> Page:
        words = self.scale.words(self.along.units, outside=(f"below {self._end(0)}", f"beyond {self._end(1)}"))
        held = f", with {self.held}" if self.held else ""
        found = f"The {self.what} at {self.along.name} = {words}{family_words(self.family, 'for')}{held}"
        by = f"law{'s' if ' + ' in self.law else ''} {self.law}"
        wide = "" if self.scale.exact else f", {percent(self.level)} interval"
        return [f"{found} ({by}{wide}).", *map(str, self.notes)]

    def _end(self, which: int) -> str:
        return size(self.within[which], self.along.units)

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def _crossed(self) -> dict[str, Any]:
        through = self.crosses if isinstance(self.crosses, Threshold) else None
        return {"name": self.outcome} | (
            {"crosses": self.crosses} if through is None else {"law": through.law, "through": through._crossed()}
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON, where an end outside the range is null."""
        found: dict[str, Any] = plain({
            "law": self.law, "family": self.family, "level": self.level,
            "threshold": {self.along.name: self.scale.as_dict()}, "held": self.held, "range": list(self.within),
            "outcome": self._crossed(),
            "probability_not_within_reach": self.probability_not_within_reach,
            "probability_before": self.probability_before,
            "drift": as_records(self.drift), "diagnostics": self.diagnostics.as_dict(),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


Crosses = float | str | Threshold


def threshold(
    posterior: Posterior | Average,
    crosses: Crosses,
    along: str | None = None,
    at: Mapping[str, float] | None = None,
    family: str | Mapping[str, str] | None = None,
    level: Level = 0.9,
    *,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Threshold:
    """Find the scale at which an outcome crosses a value, and the probability that it does not.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    crosses
        A value of the outcome (a share of trials for counts); or ``"steepest"``, where the outcome changes fastest on
        the log of the scale; or another threshold along this outcome, such as the loss at which a score crosses a
        value.  The answer then includes the uncertainty of both fits.
    along
        ``"compute"`` (the default of laws of parameters and tokens) or an input of the law, by name or column.
    at
        Fixed values of the other inputs, by name (default: the middle of the fitted runs).  Along compute, one of
        parameters and tokens may be fixed; both together fix their ratio.
    family
        As for :func:`bayeslaw.forecast`.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    drift
        As :func:`bayeslaw.forecast` takes it.
    allow_unconverged
        Answer even from chains that have not converged; the answer says so.

    Returns
    -------
    Threshold
        Of the law itself, without the noise of a run.

    Raises
    ------
    QuestionError
        When the outcome cannot have the value, or the law has no such input.
    RunsError
        When a value of `at` cannot be an input of the law.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    A draw crosses at the first scale where it is on the side of the value that most draws move to from the lower end of
    the range; a draw that turns back counts as moving to where it departs farthest.  Crossings are found on a grid over
    the range of the input and refined by bisection, which agrees to 1e-6 with closed forms where they exist.
    """
    levels = levels_of(level)
    asked = Average.of(posterior)
    lead = asked.lead
    _check(lead.law, crosses)
    asked.require(allow_unconverged)
    axis = axis_of(lead.law, along)
    column = COMPUTE if axis.scale else lead.law.inputs[axis.name].column
    drifts = drifts_of(asked, drift)
    tracks = _tracks(asked, column, read_at(lead.law, at), family, drifts)
    ends = np.array([track.within for track in tracks.values()])
    within = float(ends[:, 0].max()), float(ends[:, 1].min())
    found = {name: _followed(track, crosses, within) for name, track in tracks.items()}
    draws, heights, returning = (asked.mixed({name: each[part] for name, each in found.items()}) for part in range(3))
    # Quantiles are draws, because there is no interpolation between a number and infinity.
    scale = Interval.of(draws, levels, "inverted_cdf")
    track = next(each for each in tracks.values() if each.posterior is lead)
    who, count = family_label(lead, track.groups), trials(lead.law, lead.plan.inputs) if asked.measured else None
    fitted = track.fitted if asked.measured else np.empty(0)
    return Threshold(
        law=asked.name, title=asked.title, outcome=lead.law.output.quantity, label=outcome_label(lead.law),
        along=axis, column=column, crosses=crosses, held=track.held, family=who,
        levels=levels, within=within, scale=scale, drift=drifts,
        notes=in_order((*_notes(axis, column.endswith(LOSS), crosses, within, draws, returning, fitted, scale),
                        *undrifted(asked, drifts), *asked.notes)),
        diagnostics=asked.diagnostics, draws=draws, grid=_grid(within), heights=heights, fitted=fitted,
        observed=lead.plan.outcome / (1.0 if count is None else count),
        own=np.array([who not in lead.families or name == who for name in labels(lead.runs, lead.family_grouping)]),
    )  # fmt: skip


def _tracks(
    asked: Average, column: str, fixed: Mapping[str, float], family: Any, drifts: Mapping[str, Drift]
) -> dict[str, Track]:
    """The law of each posterior along the same axis, with the same inputs held, by columns."""
    lead, found = asked.lead.law, {}
    held = {lead.inputs[name].column: value for name, value in fixed.items()}
    for name, each in asked.posteriors.items():
        with asked.naming(name):
            known = {one.name: held[one.column] for one in each.law.inputs.values() if one.column in held}
            found[name] = make_track(each, column, known, each.groups_of(family), drifts.get(name))
    return found


def _grid(within: tuple[float, float]) -> np.ndarray:
    """Places at equal steps, on the log where they are positive."""
    return np.geomspace(*within, POINTS) if within[0] > 0 else np.linspace(*within, POINTS)


def _followed(track: Track, crosses: Crosses, within: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The crossing of each draw, its heights on the grid, and whether it turns back."""
    there, back = (np.log, np.exp) if within[0] > 0 else (np.asarray, np.asarray)
    grid = there(_grid(within))

    def curve(places: np.ndarray, track: Track = track) -> np.ndarray:
        return track.heights(back(places))

    size = track.posterior.size
    returning = np.zeros(size, dtype=bool)
    if isinstance(crosses, str):
        places = steepest(curve, grid)
    else:
        value = matched(crosses.draws, track.posterior) if isinstance(crosses, Threshold) else crosses
        places, returning = first_crossing(curve, grid, value)
        if track.drift is not None:
            # Drift grows without bound, but does not mean that an ability is lost again, so only the law itself may
            # turn back.
            _, returning = first_crossing(partial(curve, track=replace(track, drift=None)), grid, value)
    # Infinite places are beyond either end on any scale.
    draws = np.where(np.isfinite(places), back(np.where(np.isfinite(places), places, grid[0])), places)
    return draws, curve(grid[None, :]), returning


def _check(law: Law, crosses: Crosses) -> None:
    """Refuse a value that the outcome cannot have."""
    if isinstance(crosses, Threshold):
        if crosses.column != law.output.column:
            raise QuestionError(
                f"crosses: the threshold is along {crosses.column}, but law '{law.name}' predicts "
                f"{law.output.column}; give one along that."
            )
    elif isinstance(crosses, str):
        if crosses != STEEPEST:
            raise QuestionError(f"crosses: give a value of {law.output.quantity}, or '{STEEPEST}', not '{crosses}'.")
    else:
        low, high = outcome_range(law)
        guessed = law.parameters.get("chance")
        if guessed is not None and guessed.prior.is_constant and law.output.likelihood.family.outcome == "count":
            low = guessed.prior.arguments[0]
        if not low < crosses < high:
            raise QuestionError(
                f"crosses: {law.output.quantity} of law '{law.name}' does not reach {crosses:g}; expected a value "
                f"between {low:g} and {high:g}."
            )


def _notes(
    axis: Axis, falls: bool, crosses: Crosses, ends: tuple[float, float], draws: np.ndarray, returning: np.ndarray,
    fitted: np.ndarray, scale: Interval,
) -> Iterable[Note]:  # fmt: skip
    low, high = (f"{axis.name} = {size(end, axis.units)}" for end in ends)
    if beyond := float(np.mean(draws == np.inf)):
        yield Note(
            "not-within-reach", "warning",
            f"The probability that it is not within reach up to {high} is {beyond:.2g}.",
            "Plan for that case too; an end of an interval that lies beyond is a bound.",
        )  # fmt: skip
    if before := float(np.mean(draws == -np.inf)):
        yield Note(
            "reached-before", "info",
            f"The probability that it {'is steepest' if crosses == STEEPEST else 'has crossed'} at {low} already is "
            f"{before:.2g}.",
            "An end of an interval that lies below is a bound.",
        )  # fmt: skip
    if back := float(returning.mean()):
        yield Note(
            "turns-back", "warning",
            f"The probability that it crosses and is back by {high} is {back:.2g}.",
            f"The first crossing is given; plot the law ({worded('plot_threshold', '--plot')}) to see how it goes on.",
        )  # fmt: skip
    if isinstance(crosses, Threshold):
        about = f"{crosses.outcome} by {crosses.along.name}"
        yield from (replace(note, text=f"{about}: {note.text}") for note in crosses.notes)
    if not fitted.size:
        return
    above, below = scale.median > fitted.max() > 0, 0 < scale.median < fitted.min()
    if np.isfinite(scale.median) and (below if falls else above):
        end, what = (fitted.min(), "smallest") if falls else (fitted.max(), "largest")
        yield Note(
            "beyond-runs", "info",
            f"The median is at {multiple(scale.median / end)} the {what} {axis.name} that was fitted.",
            "Test the law on runs that it has not seen (`bayeslaw backtest`) before relying on it so far out.",
        )  # fmt: skip
    elif np.isfinite(scale.median) and below and not falls:
        yield Note(
            "below-runs", "info",
            f"The median is below the smallest {axis.name} that was fitted, {size(float(fitted.min()), axis.units)}.",
            "Add smaller runs; the law is not tested there.",
        )  # fmt: skip
