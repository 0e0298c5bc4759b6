"""What a run will reach: the main question.

A forecast keeps two things apart.  The *mean* is the law itself: what runs at this point reach on average (their
median, under relative noise), with the doubt about the law's parameters and about the family.  A *new run* scatters
about it with the noise that was fitted; its interval is the one to hold an outcome against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.points import Where, inputs_at
from bayeslaw.ask.predictive import expected, outcomes
from bayeslaw.errors import QuestionError, listed
from bayeslaw.fit.diagnostics import Diagnostics
from bayeslaw.fit.posterior import NEW, POPULATION, Posterior
from bayeslaw.fit.runs import Runs
from bayeslaw.law.functions import LINKS
from bayeslaw.law.law import Law

# Training compute a parameter and token, in FLOP: Kaplan et al. 2020, section 2.1.
FLOPS = 6.0
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
        The inputs, by name.
    family
        Whose run it is; None for a fit of one family.
    new_run, mean
        The outcome of one new run, and the law itself.
    quantiles
        Of the new run, by probability.
    parts
        The shares of the forecast's variance, on the scale of the noise: of the parameters, the family and the
        noise; None for what was not reckoned.
    extrapolation
        How far the point lies beyond the runs: by input, and in compute where it is known, the ratio to the largest
        fitted.
    """

    at: Mapping[str, float]
    family: str | None
    new_run: Interval
    mean: Interval
    quantiles: Mapping[float, float]
    parts: Mapping[str, float | None]
    extrapolation: Mapping[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the new run's interval at the top, the mean's under ``mean``."""
        return {
            "at": dict(self.at), "family": self.family, **self.new_run.as_dict(),
            "quantiles": {f"{p:g}": v for p, v in self.quantiles.items()}, "mean": self.mean.as_dict(),
            "parts": dict(self.parts), "extrapolation": dict(self.extrapolation),
        }  # fmt: skip


@dataclass(frozen=True)
class Forecast:
    """Forecasts at some points, with the draws behind them.

    Attributes
    ----------
    draws
        New runs; shape ``(size, points)``.
    mean_draws
        The law itself; shape ``(size, points)``.
    flag
        True when the chains had not converged and the caller asked anyway.
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

    def __len__(self) -> int:
        return len(self.points)

    def __str__(self) -> str:
        lines = [f"{self.outcome} ({self.units}), law {self.law}; {self.level:.0%} intervals of a new run"]
        for point in self.points:
            at = ", ".join(f"{name} = {value:.4g}" for name, value in point.at.items())
            who = f"{point.family}: " if point.family else ""
            run, far = point.new_run, point.extrapolation.get("flops_ratio")
            beyond = f"   {far:.3g} x the compute of the largest fitted run" if far else ""
            lines.append(f"  {who}{at}: {run.median:.4g}  [{run.lower:.4g}, {run.upper:.4g}]{beyond}")
        if self.flag:
            lines.append(f"  NOT CONVERGED: {listed(self.diagnostics.complaints)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        families = {p.family for p in self.points}
        return {
            "law": self.law, "outcome": self.outcome, "units": self.units,
            "family": families.pop() if len(families) == 1 else None, "level": self.level,
            "points": [p.as_dict() for p in self.points], "diagnostics": self.diagnostics.as_dict(),
        }  # fmt: skip

    def frame(self) -> Any:
        """The forecasts as a pandas data frame, one row a point."""
        import pandas as pd

        return pd.DataFrame(
            [{**p.at, "family": p.family, **p.new_run.as_dict(),
              **{f"mean_{k}": v for k, v in p.mean.as_dict().items()}, **p.extrapolation} for p in self.points]
        )  # fmt: skip


Families = str | Mapping[str, str] | Sequence[str] | None


def forecast(
    posterior: Posterior,
    at: Where | Any,
    family: Families = None,
    level: float = 0.9,
    *,
    allow_unconverged: bool = False,
) -> Forecast:
    """What runs at some points will reach.

    Parameters
    ----------
    posterior
        A fit.
    at
        Inputs by name (``{"N": 7e10, "D": 1.4e12}``) or column, each one number or several, which broadcast; or runs,
        whose families are then read from their column.
    family
        A family that was fitted; ``"new"`` for one drawn from the population; ``"population"`` for its middle; by
        column when there are several (``{"corpus": "c4", "tokenizer": "new"}``); or one a point.  ``"new"`` unless
        given, since the doubt about an unknown family is part of the forecast.
    level
        Probability of the central intervals.
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
    posterior.diagnostics.require(allow_unconverged)
    inputs = inputs_at(posterior.law, at)
    count = len(next(iter(inputs.values())))
    who = _families(posterior, at, family, count)
    law = posterior.law

    mean, run = np.empty((posterior.size, count)), np.empty((posterior.size, count))
    middle = np.empty((posterior.size, count))
    labels: list[str | None] = [None] * count
    for groups, columns in _alike(who):
        # The same random numbers for every family and call: a forecast repeats to the bit.
        rng = np.random.default_rng([posterior.seed, 1])
        part = {name: values[columns] for name, values in inputs.items()}
        parameters = posterior.parameters(groups, rng)
        mean[:, columns] = expected(posterior, part, parameters)
        run[:, columns] = outcomes(posterior, part, parameters, mean[:, columns], rng)
        drawn_anew = {c: POPULATION for c, v in groups.items() if v == NEW}
        middle[:, columns] = expected(posterior, part, posterior.parameters({**groups, **drawn_anew}))
        for column in columns:
            labels[column] = family_label(posterior, groups)

    tail = (1.0 - level) / 2.0
    with np.errstate(invalid="ignore"):
        bounds = np.quantile(run, [0.5, tail, 1.0 - tail], axis=0)
        law_bounds = np.quantile(mean, [0.5, tail, 1.0 - tail], axis=0)
        quantiles = np.quantile(run, QUANTILES, axis=0)
    beyond = _extrapolation(posterior, inputs)
    shown = [n for n in inputs if n in law.free_inputs or n in law.noise_inputs]
    points = tuple(
        Point(
            at={name: float(inputs[name][i]) for name in shown},
            family=labels[i],
            new_run=Interval(*(float(b) for b in bounds[:, i])),
            mean=Interval(*(float(b) for b in law_bounds[:, i])),
            quantiles={p: float(q) for p, q in zip(QUANTILES, quantiles[:, i], strict=True)},
            parts=_parts(law.output.likelihood.family.link, middle[:, i], mean[:, i], run[:, i], law),
            extrapolation={name: float(r[i]) if np.isfinite(r[i]) else None for name, r in beyond.items()},
        )
        for i in range(count)
    )
    return Forecast(
        law=law.name, outcome=law.output.column, units=law.output.units, level=level, points=points,
        diagnostics=posterior.diagnostics, draws=run, mean_draws=mean, flag=not posterior.diagnostics.converged,
    )  # fmt: skip


def check_level(level: float) -> None:
    """A level is a probability, neither 0 nor 1.

    Raises
    ------
    QuestionError
        When it is not.
    """
    if not 0.0 < level < 1.0:
        raise QuestionError(f"level is a probability between 0 and 1, such as 0.9, not {level:g}.")


def _families(posterior: Posterior, at: Any, family: Families, count: int) -> list[dict[str, str]]:
    """The groups of every point, by column."""
    if isinstance(family, str | Mapping):
        return [posterior.groups_of(family)] * count
    if family is not None:
        if len(family) != count:
            raise QuestionError(f"{len(family)} families for {count} points; give one family, or one a point.")
        return [posterior.groups_of(one) for one in family]
    default = posterior.groups_of(None)
    if not isinstance(at, Runs):
        return [default] * count
    known = {
        column: {level[grouping.columns.index(column)] for level in grouping.levels}
        for grouping in posterior.plan.groupings.values()
        for column in grouping.columns
    }
    found = [dict(default) for _ in range(count)]
    for column in known:
        if at.has(column):
            levels, index = at.levels(column)
            for i in range(count):
                found[i][column] = levels[index[i]] if levels[index[i]] in known[column] else NEW
    return found


def _alike(who: Iterable[dict[str, str]]) -> list[tuple[dict[str, str], np.ndarray]]:
    """Points of one family together."""
    found: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for i, groups in enumerate(who):
        found.setdefault(tuple(sorted(groups.items())), []).append(i)
    return [(dict(groups), np.array(points)) for groups, points in found.items()]


def family_label(posterior: Posterior, groups: Mapping[str, str]) -> str | None:
    """What a family is called in an answer; None for a fit of one family."""
    if posterior.family_grouping is None:
        return None
    values = [groups.get(column, NEW) for column in posterior.family_grouping.columns]
    return values[0] if len(set(values)) == 1 else ":".join(values)


def _parts(link: str, middle: np.ndarray, mean: np.ndarray, run: np.ndarray, law: Law) -> dict[str, float | None]:
    """Shares of the variance on the scale of the noise, by spreads that heavy tails do not move."""
    trials = law.output.likelihood.family.outcome == "count"
    known, whole = _width(link, middle) ** 2, _width(link, mean) ** 2
    # A count is on another scale than the share it estimates: its noise is then left out of the parts.
    total = max(_width(link, run) ** 2, whole) if not trials else whole
    family = max(whole - known, 0.0)
    parameters = whole - family
    total = total or 1.0
    return {
        "parameters": parameters / total, "family": family / total,
        "noise": None if trials else max(total - whole, 0.0) / total, "law": None, "drift": None,
    }  # fmt: skip


def _width(link: str, draws: np.ndarray) -> float:
    """Half the central 68 %, a standard deviation for bell curves."""
    with np.errstate(all="ignore"):
        scaled = LINKS[link](draws)
    scaled = scaled[np.isfinite(scaled)]
    if not len(scaled):
        return 0.0
    low, high = np.quantile(scaled, [0.158655, 0.841345])
    return float(high - low) / 2.0


def _extrapolation(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Ratios to the largest fitted, in compute and by input."""
    fitted = posterior.plan.inputs
    found: dict[str, np.ndarray] = {}
    here, there = flops(posterior.law, inputs), flops(posterior.law, fitted)
    found["flops_ratio"] = (
        here / there.max()
        if here is not None and there is not None
        else np.full(len(next(iter(inputs.values()))), np.nan)
    )
    for name in posterior.law.free_inputs:
        if name in inputs and name in fitted and np.all(fitted[name] > 0):
            found[f"{name}_ratio"] = inputs[name] / fitted[name].max()
    return found


def flops(law: Law, inputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Training compute, where it can be known."""
    columns = {i.column: i.name for i in law.inputs.values() if i.name in inputs}
    if "n_params" in columns and "n_tokens" in columns:
        return np.asarray(FLOPS * inputs[columns["n_params"]] * inputs[columns["n_tokens"]])
    return inputs[columns["flops"]] if "flops" in columns else None
