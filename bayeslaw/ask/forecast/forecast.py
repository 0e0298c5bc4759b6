"""Forecast the outcome of a run: the main question.

A forecast separates two things.  The *mean* is the law itself: the average outcome of runs at this point (the median,
under relative noise), with the uncertainty about the law's parameters and about the family.  A *new run* scatters about
it with the fitted noise; compare an outcome with the interval of the new run.

The forecast of one law may be an input of the next, such as the loss behind a score.  The mean then follows the mean of
the first law, and a new run follows the loss of a new run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.chain import Carried
from bayeslaw.ask.forecast.draws import Drawn, Families, family_words
from bayeslaw.ask.forecast.drift import Drift, Drifting, as_records, drifting_in, drifts_of, undrifted
from bayeslaw.ask.forecast.mixture import draw_each, mixture, overruled
from bayeslaw.ask.forecast.variance_parts import shares
from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.ask.where.extrapolation import COMPUTE, Outside, far_off, furthest_outside
from bayeslaw.ask.where.points import Where, column_called
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note, in_order
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import argument, chance, multiple, plain, size, with_units

if TYPE_CHECKING:
    import pandas as pd

# Smaller parts of the uncertainty are not printed.
LEAST = 0.005
QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


@dataclass(frozen=True)
class Point:
    """A forecast at one point.

    Attributes
    ----------
    at
        The inputs, by name; an input that another law forecasts is its median, beside the inputs of that law.
    units
        Units of the inputs, by name.
    family
        The family of the run; None for a fit of one family.
    new_run, mean
        The outcome of one new run, and the law itself.
    quantiles
        Quantiles of the new run, by probability.
    parts
        The shares of the forecast's variance, on the scale of the noise: of the parameters, the family, an input that
        another law forecasts, the noise, the drift and, in an average, the choice of law; None for a part that was not
        computed.
    extrapolation
        How far the point lies beyond the runs: the ratio to the largest fitted value, by input and, where it is known,
        in compute.
    outside
        The quantity in which the point lies farthest outside the fitted runs: compute, an input or tokens per
        parameter; None for a point within them.
    measured
        Whether there are runs to measure the distance from; published values have none.
    """

    at: Mapping[str, float]
    units: Mapping[str, str]
    family: str | None
    new_run: Interval
    mean: Interval
    quantiles: Mapping[float, float]
    parts: Mapping[str, float | None]
    extrapolation: Mapping[str, float | None]
    outside: Outside | None
    measured: bool = True

    @property
    def inputs(self) -> dict[str, str]:
        """The inputs as words, by name."""
        return {name: size(value, self.units.get(name, "")) for name, value in self.at.items()}

    @property
    def place(self) -> str:
        """The family and the inputs, in words."""
        at = ", ".join(f"{name} = {value}" for name, value in self.inputs.items())
        return f"{family_words(self.family)} at {at}".strip()

    @property
    def because(self) -> str:
        """Where the uncertainty comes from, the largest part first."""
        known = sorted(((share, part) for part, share in self.parts.items() if share and share >= LEAST), reverse=True)
        return listed(f"{part} {chance(share)}" for share, part in known)

    @property
    def distance(self) -> str:
        """How far outside the fitted runs, in words: in compute where it is beyond, and in what is farther outside."""
        if not self.measured:
            return "an unknown distance from the runs behind the published values"
        said = [f"{times} the compute of the largest fitted run" for times in self._beyond]
        return " and ".join([*said, *map(str, self._beside)]) or "within the fitted runs"

    @property
    def in_short(self) -> str:
        """The same for a table."""
        if not self.measured:
            return "unknown"
        said = [f"{times} compute" for times in self._beyond]
        return ", ".join([*said, *(each.in_short for each in self._beside)]) or "within"

    @property
    def _beyond(self) -> list[str]:
        """The compute as a multiple of the largest fitted run; empty where it is not larger."""
        ratio = self.extrapolation.get("flops_ratio") or 0.0
        # A slack of 1e-9, as in `outside`, so that the rounding of a computed value does not matter.
        return [multiple(ratio)] if ratio > 1.0 + 1e-9 else []

    @property
    def _beside(self) -> list[Outside]:
        """The quantity that is farther outside than compute is beyond, if any."""
        worst = self.outside
        return [] if worst is None or (worst.name, worst.side) == (COMPUTE, "above") else [worst]

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
        The name of the law; the names of an average's posteriors, or those of a chain in order.
    levels
        Probabilities of the intervals, the headline's first.
    draws
        New runs; shape ``(size, points)``.
    mean_draws
        The law itself; shape ``(size, points)``.
    weights
        Weights of the laws, by name; 1 for a single one.
    drift
        The drift of each law, by name; empty where it was switched off or is not known.
    notes
        What limits the answer.
    """

    law: str
    outcome: str
    units: str
    levels: tuple[float, ...]
    points: tuple[Point, ...]
    diagnostics: Diagnostics
    draws: np.ndarray
    mean_draws: np.ndarray
    weights: Mapping[str, float]
    drift: Mapping[str, Drift]
    notes: tuple[Note, ...]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def level(self) -> float:
        """The probability of the headline's interval."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    @property
    def by(self) -> str:
        """The law or laws behind the forecast, in words."""
        return f"laws {self.law}" if len(self.weights) > 1 else f"law {self.law}"

    def _page(self) -> Page:
        name = self.outcome.replace("_", " ") if self.units in ("", "1") else with_units(self.outcome, self.units)
        page: list[Block] = []
        if len(self) == 1:
            (point,) = self.points
            what = f"{name} of a new run" if point.measured else name
            is_forecast = "is forecast as" if point.measured else "is"
            wide = "" if point.new_run.exact else f" ({percent(self.level)} interval)"
            page += [
                f"The {what} {point.place} {is_forecast} {point.new_run.words(self.units)} by {self.by}{wide}.",
                f"That is {point.distance}.",
                *([f"Uncertainty: {point.because}."] if point.because else []),
            ]
        else:
            page += [
                f"The {name} of new runs, forecast by {self.by}, with {percent(self.level)} intervals:"
                if all(point.measured for point in self.points)
                else f"The {name} by {self.by}, with {percent(self.level)} intervals:",
                table(self.points, {self.outcome: [each.new_run.words(self.units) for each in self.points]}),
            ]
        if len(self.weights) > 1:
            page.append(f"Weights: {listed(f'{name} {weight:.3f}' for name, weight in self.weights.items())}.")
        return [*page, *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        families = {p.family for p in self.points}
        found: dict[str, Any] = plain({
            "law": self.law, "outcome": self.outcome, "units": self.units,
            "family": families.pop() if len(families) == 1 else None, "level": self.level,
            "points": [p.as_dict() for p in self.points], "diagnostics": self.diagnostics.as_dict(),
            "weights": dict(self.weights), "drift": as_records(self.drift),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found

    def frame(self) -> pd.DataFrame:
        """The forecasts as a pandas data frame, one row per point."""
        import pandas as pd

        return pd.DataFrame([
            {**p.at, "family": p.family, **p.new_run.flat(), **{f"mean_{k}": v for k, v in p.mean.flat().items()},
             **p.extrapolation, **{f"part_{part}": share for part, share in p.parts.items()}}
            for p in self.points
        ])  # fmt: skip


def table(points: Sequence[Point], answers: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Points as rows of text: family and inputs, answers, distance beyond the runs, and the sources of the uncertainty.

    Parameters
    ----------
    answers
        One cell per point, by the head of their column.
    """
    inputs = list(dict.fromkeys(name for point in points for name in point.at))
    columns: dict[str, Sequence[str]] = {
        "family": [point.family or "" for point in points],
        **{name: [point.inputs.get(name, "") for point in points] for name in inputs},
        **answers,
        "beyond the runs": [point.in_short for point in points],
        "uncertainty": [point.because for point in points],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    return [list(shown), *map(list, zip(*shown.values(), strict=True))]


def forecast(
    posterior: Posterior | Average,
    at: Where | Mapping[str, Any] | Any,
    family: Families = None,
    level: Level = 0.9,
    *,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Forecast:
    """Forecast the outcome of runs at some points.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    at
        Inputs by name (``{"N": 7e10, "D": 1.4e12}``) or column, each one number or several, which broadcast.  Where a
        law has parameters and tokens, compute may stand for one of them (``{"C": 1e21, "N": 1e9}``).  An input may also
        be another law's forecast (``{"L": bl.forecast(loss_by_scale, ...)}``), whose uncertainty is then part
        of the answer.  Or runs, whose families are then read from their column.
    family
        A fitted family; ``"new"`` for one drawn from the population; ``"population"`` for its middle; by column when
        there are several (``{"corpus": "c4", "tokenizer": "new"}``); or one per point.  The default is ``"new"``, since
        the uncertainty about an unknown family is part of the forecast.  A family that is called one of these words
        takes precedence; ``"(new)"`` and ``"(population)"`` always keep their meaning.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    drift
        Let the law drift beyond the largest fitted run, as laws did in public sweeps (default: True).  Without drift,
        intervals far beyond the runs are too narrow, and the answer says so.  A :class:`bayeslaw.Drift` of your own
        replaces what was learned.
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
    levels = levels_of(level)
    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    places, stages = _read_chain(asked, at)
    carried = {column: Carried(one.mean_draws, one.draws) for column, one in stages.items()}
    drifts = drifts_of(asked, drift)
    drawn = draw_each(asked, places, family, drifts, carried)
    mixed = mixture(asked, drawn)
    laws = [posterior.law for posterior in asked.posteriors.values()]
    units = {name: each.units for law in laws for name, each in law.inputs.items()}
    points, output = _points(mixed, units, levels, tuple(stages.values()), asked.measured), laws[0].output
    # An average drifts along a quantity only if all of its laws do.
    drifting = set.intersection(*(drifting_in(asked.posteriors[name]) for name in drifts)) if drifts else set()
    drifted = {**{name: each for one in stages.values() for name, each in one.drift.items()}, **drifts}
    diagnostics = Diagnostics.worst([asked.diagnostics, *(one.diagnostics for one in stages.values())])
    return Forecast(
        law=" -> ".join([*(one.law for one in stages.values()), asked.name]), outcome=output.column,
        units=output.units, levels=levels, points=points, diagnostics=diagnostics, draws=mixed.run,
        mean_draws=mixed.mean, weights=asked.weights, drift=drifted,
        notes=in_order((*far_off({f"A run {p.place}": p.outside for p in points}, drifting),
                        *overruled(asked, drawn, [(p.new_run.lower, p.new_run.upper) for p in points]),
                        *(note for one in stages.values() for note in one.notes),
                        *undrifted(asked, drifted))),
    )  # fmt: skip


def _read_chain(asked: Average, at: Where | Any) -> tuple[Where | Any, dict[str, Forecast]]:
    """The points, with medians for inputs that other laws forecast; and those forecasts, by column."""
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
            wanted = {law.inputs[one].units for law in laws for one in law.inputs if law.inputs[one].column == column}
            if wanted - {value.units}:
                raise QuestionError(
                    f"{argument('at')} {word}: law '{value.law}' forecasts {column} in {value.units}, but is read in "
                    f"{listed(wanted)}; another text or tokenizer has another loss, so fit both laws to one."
                )
            places[word], stages[column] = np.median(value.mean_draws, axis=0), value
    return places, stages


def _points(
    drawn: Drawn, units: Mapping[str, str], levels: Sequence[float], stages: Sequence[Forecast], measured: bool
) -> tuple[Point, ...]:
    """The forecast at each point; an earlier stage has as many points, or one for all."""
    runs, means = Interval.each(drawn.run, levels), Interval.each(drawn.mean, levels)
    with np.errstate(invalid="ignore"):
        quantiles = np.quantile(drawn.run, QUANTILES, axis=0)
    return tuple(
        Point(
            at={**{name: value for one in before for name, value in one.at.items()},
                **{name: float(values[i]) for name, values in drawn.inputs.items()}},
            units={**{name: unit for one in before for name, unit in one.units.items()}, **units},
            family=family,
            new_run=runs[i],
            mean=means[i],
            quantiles={p: float(q) for p, q in zip(QUANTILES, quantiles[:, i], strict=True)},
            parts=shares(drawn.variances, i),
            extrapolation={**{name: float(r[i]) if np.isfinite(r[i]) else None
                              for name, r in drawn.extrapolation.items()},
                           **{name: ratio for one in before for name, ratio in one.extrapolation.items()}},
            outside=furthest_outside([*(one.outside for one in before), drawn.outside[i]]),
            measured=measured and all(one.measured for one in before),
        )
        for i, family in enumerate(drawn.families)
        for before in [[one.points[i % len(one)] for one in stages]]
    )  # fmt: skip
