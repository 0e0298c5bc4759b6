"""What a run will reach: the main question.

A forecast keeps two things apart.  The *mean* is the law itself: what runs at this point reach on average (their
median, under relative noise), with the doubt about the law's parameters and about the family.  A *new run* scatters
about it with the noise that was fitted; its interval is the one to hold an outcome against.

What one law forecasts may be an input of the next, such as the loss behind a score.  The mean then follows the mean of
the first law, and a new run the loss of a new run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.chain import Carried
from bayeslaw.ask.forecast.draws import Drawn, Families
from bayeslaw.ask.forecast.drift import WITHOUT, Drift, Drifting, as_records, drifting_in, drifts_of
from bayeslaw.ask.forecast.mixture import draw_each, mixture, overruled
from bayeslaw.ask.forecast.variance_parts import shares
from bayeslaw.ask.where.extrapolation import COMPUTE, Outside, far_off, furthest_outside, times
from bayeslaw.ask.where.points import Where, column_called
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note, in_order
from bayeslaw.words import argument

QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


@dataclass(frozen=True)
class Interval:
    """A median and a central interval, in units of the outcome."""

    median: float
    lower: float
    upper: float

    @staticmethod
    def of(draws: np.ndarray, level: float) -> Interval:
        """Of draws; shape ``(size,)``."""
        tail = (1.0 - level) / 2.0
        return Interval(*(float(each) for each in np.quantile(draws, [0.5, tail, 1.0 - tail])))

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"median": self.median, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class Point:
    """A forecast at one point.

    Attributes
    ----------
    at
        The inputs, by name; of one that another law forecasts the median, beside the inputs of that law.
    family
        Whose run it is; None for a fit of one family.
    new_run, mean
        The outcome of one new run, and the law itself.
    quantiles
        Of the new run, by probability.
    parts
        The shares of the forecast's variance, on the scale of the noise: of the parameters, the family, an input that
        another law forecasts, the noise and, in an average, the choice of law; None for what was not reckoned.
    extrapolation
        How far the point lies beyond the runs: by input, and in compute where it is known, the ratio to the largest
        fitted.
    outside
        The quantity in which it lies farthest outside the fitted runs, of compute, every input and tokens per
        parameter; None within them in all.
    """

    at: Mapping[str, float]
    family: str | None
    new_run: Interval
    mean: Interval
    quantiles: Mapping[float, float]
    parts: Mapping[str, float | None]
    extrapolation: Mapping[str, float | None]
    outside: Outside | None

    @property
    def place(self) -> str:
        """Where and whose, in words."""
        at = ", ".join(f"{name} = {value:.4g}" for name, value in self.at.items())
        return f"{self.family}: {at}" if self.family else at

    @property
    def distance(self) -> str:
        """How far from the fitted runs, in words: in compute where it is known, and in what is farther outside."""
        compute, worst = self.extrapolation.get("flops_ratio"), self.outside
        said = [] if compute is None else [f"{times(compute)} x the compute of the largest fitted run"]
        if worst is not None and (worst.name, worst.side) != (COMPUTE, "above"):
            said.append(str(worst))
        return ", ".join(said) or "within the fitted runs"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the new run's interval at the top, the mean's under ``mean``."""
        return {
            "at": dict(self.at), "family": self.family, **self.new_run.as_dict(),
            "quantiles": {f"{p:g}": v for p, v in self.quantiles.items()}, "mean": self.mean.as_dict(),
            "parts": dict(self.parts), "extrapolation": dict(self.extrapolation),
            "outside": None if self.outside is None else self.outside.as_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class Forecast:
    """Forecasts at some points, with the draws behind them.

    Attributes
    ----------
    law
        Or several: the names of an average's posteriors; of a chain in their order.
    draws
        New runs; shape ``(size, points)``.
    mean_draws
        The law itself; shape ``(size, points)``.
    flag
        True when the chains had not converged and the caller asked anyway.
    weights
        Of the laws, by name; 1 for a single one.
    drift
        Of each law, by name; empty where it was left out or nothing is known of it.
    notes
        What limits the answer.
    """

    law: str
    outcome: str
    units: str
    level: float
    points: tuple[Point, ...]
    diagnostics: Diagnostics
    draws: np.ndarray
    mean_draws: np.ndarray
    flag: bool
    weights: Mapping[str, float]
    drift: Mapping[str, Drift]
    notes: tuple[Note, ...]

    def __len__(self) -> int:
        return len(self.points)

    def __str__(self) -> str:
        lines = [f"{self.outcome} ({self.units}), law {self.law}; {percent(self.level)}% intervals of a new run"]
        averaged = len(self.weights) > 1
        if averaged:
            lines.append(f"  weights: {listed(f'{name} {weight:.3f}' for name, weight in self.weights.items())}")
        for point in self.points:
            run = point.new_run
            lines.append(f"  {point.place}: {run.median:.4g}  [{run.lower:.4g}, {run.upper:.4g}]   {point.distance}")
            if averaged or len(self.points) == 1 or point.parts["input"] is not None:
                lines.append(
                    f"    doubt: {listed(f'{part} {share:.0%}' for part, share in point.parts.items() if share)}"
                )
        return "\n".join([*lines, *self.caveats])

    @property
    def caveats(self) -> tuple[str, ...]:
        """What limits the answer, as lines."""
        drift, notes = () if self.drift else (f"  {WITHOUT}",), (f"  {note}" for note in self.notes)
        flag = (f"  NOT CONVERGED: {listed(self.diagnostics.complaints)}",) if self.flag else ()
        return (*drift, *notes, *flag)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        families = {p.family for p in self.points}
        return {
            "law": self.law, "outcome": self.outcome, "units": self.units,
            "family": families.pop() if len(families) == 1 else None, "level": self.level,
            "points": [p.as_dict() for p in self.points], "diagnostics": self.diagnostics.as_dict(),
            "weights": dict(self.weights), "drift": as_records(self.drift),
            "notes": [asdict(note) for note in self.notes],
        }  # fmt: skip

    def frame(self) -> Any:
        """The forecasts as a pandas data frame, one row a point."""
        import pandas as pd

        return pd.DataFrame(
            [{**p.at, "family": p.family, **p.new_run.as_dict(),
              **{f"mean_{k}": v for k, v in p.mean.as_dict().items()}, **p.extrapolation} for p in self.points]
        )  # fmt: skip


def forecast(
    posterior: Posterior | Average,
    at: Where | Mapping[str, Any] | Any,
    family: Families = None,
    level: float = 0.9,
    *,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Forecast:
    """What runs at some points will reach.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    at
        Inputs by name (``{"N": 7e10, "D": 1.4e12}``) or column, each one number or several, which broadcast, or what
        another law forecasts of it (``{"L": bl.forecast(loss_by_scale, ...)}``), whose doubt is then part of the
        answer; or runs, whose families are then read from their column.
    family
        A family that was fitted; ``"new"`` for one drawn from the population; ``"population"`` for its middle; by
        column when there are several (``{"corpus": "c4", "tokenizer": "new"}``); or one a point.  The default is
        ``"new"``, since the uncertainty about an unknown family is part of the forecast.  Where a family has one of
        these words as its name, the name comes first, and ``"(new)"`` or ``"(population)"`` keep their meaning.
    level
        Probability of the central intervals.
    drift
        Let the law drift beyond the dearest fitted run, as laws were found to do in public sweeps: without it intervals
        far beyond the runs are too narrow, and the answer says that it was left out.  A :class:`bayeslaw.Drift` of
        your own replaces what was learned.
    allow_unconverged
        Answer even from chains that have not converged; the answer says so.

    Returns
    -------
    Forecast
        Records by point, in units of the outcome.

    Raises
    ------
    QuestionError
        When an input is missing or unknown, or a family is.
    ConvergenceError
        When the chains have not converged.
    """
    check_level(level)
    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    places, stages = _read_chain(asked, at)
    carried = {column: Carried(one.mean_draws, one.draws) for column, one in stages.items()}
    drifts = drifts_of(asked, drift)
    drawn = draw_each(asked, places, family, drifts, carried)
    mixed = mixture(asked, drawn)
    points = _points(mixed, level, tuple(stages.values()))
    output = next(iter(asked.posteriors.values())).law.output
    # What one law of an average does not drift in, the average does not wholly.
    drifting = set.intersection(*(drifting_in(asked.posteriors[name]) for name in drifts)) if drifts else set()
    diagnostics = Diagnostics.worst([asked.diagnostics, *(one.diagnostics for one in stages.values())])
    return Forecast(
        law=" -> ".join([*(one.law for one in stages.values()), asked.name]), outcome=output.column,
        units=output.units, level=level, points=points, diagnostics=diagnostics, draws=mixed.run,
        mean_draws=mixed.mean, flag=not diagnostics.converged, weights=asked.weights,
        drift={**{name: each for one in stages.values() for name, each in one.drift.items()},
               **drifts},
        notes=in_order((*far_off({p.place: p.outside for p in points}, drifting),
               *overruled(asked, drawn, [(p.new_run.lower, p.new_run.upper) for p in points]),
               *(note for one in stages.values() for note in one.notes))),
    )  # fmt: skip


def _read_chain(asked: Average, at: Where | Any) -> tuple[Where | Any, dict[str, Forecast]]:
    """Where to forecast, with medians for what other laws forecast; and their forecasts, by column."""
    if not isinstance(at, Mapping):
        return at, {}
    laws = [posterior.law for posterior in asked.posteriors.values()]
    places, stages = dict(at), {}
    for word, value in at.items():
        if isinstance(value, Forecast):
            column = column_called(laws, word)
            if value.outcome != column:
                raise QuestionError(
                    f"{argument('at')} {word}: is the column '{column}', but law '{value.law}' forecasts "
                    f"{value.outcome}; give a forecast of {column}."
                )
            places[word], stages[column] = np.median(value.mean_draws, axis=0), value
    return places, stages


def check_level(level: float) -> None:
    """A level is a probability, neither 0 nor 1.

    Raises
    ------
    QuestionError
        When it is not.
    """
    if not 0.0 < level < 1.0:
        raise QuestionError(f"level is a probability between 0 and 1, such as 0.9, not {level:g}.")


def percent(level: float) -> str:
    """A level in percent, with the digits that it has: 0.9999 is not 100 %."""
    return f"{100.0 * level:.10g}"


def _points(drawn: Drawn, level: float, stages: Sequence[Forecast]) -> tuple[Point, ...]:
    """What the draws say of each point; a stage before has as many, or one for all."""
    tail = (1.0 - level) / 2.0
    with np.errstate(invalid="ignore"):
        bounds, mean_bounds = (np.quantile(each, [0.5, tail, 1.0 - tail], axis=0) for each in (drawn.run, drawn.mean))
        quantiles = np.quantile(drawn.run, QUANTILES, axis=0)
    return tuple(
        Point(
            at={**{name: value for one in before for name, value in one.at.items()},
                **{name: float(values[i]) for name, values in drawn.inputs.items()}},
            family=family,
            new_run=Interval(*(float(b) for b in bounds[:, i])),
            mean=Interval(*(float(b) for b in mean_bounds[:, i])),
            quantiles={p: float(q) for p, q in zip(QUANTILES, quantiles[:, i], strict=True)},
            parts=shares(drawn.variances, i),
            extrapolation={**{name: float(r[i]) if np.isfinite(r[i]) else None
                              for name, r in drawn.extrapolation.items()},
                           **{name: ratio for one in before for name, ratio in one.extrapolation.items()}},
            outside=furthest_outside([*(one.outside for one in before), drawn.outside[i]]),
        )
        for i, family in enumerate(drawn.families)
        for before in [[one.points[i % len(one)] for one in stages]]
    )  # fmt: skip
