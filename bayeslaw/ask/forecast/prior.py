"""What a law expects of runs before it sees an outcome: the prior predictive distribution.

Priors are chosen parameter by parameter, and what they say together shows in outcomes.  A prior that allows outcomes
which nobody would believe, or none of those that were observed, is found here before a fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.streams import PRIOR, PRIOR_RUNS, generator
from bayeslaw.inference.model.plan import Plan, lay_out
from bayeslaw.inference.model.values import draw_prior
from bayeslaw.inference.posterior.noise import new_tables, placeholder
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.note import Note, in_order
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.runs.table import RunsLike, read_runs
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import chance, plain, short, size, with_units, worded

# Simulated tables; fewer where they would hold more numbers than this.
DRAWS, FEWEST_DRAWS, NUMBERS = 2000, 200, 20_000_000
# Fewer that are asked for say nothing about an interval.
LEAST_DRAWS = 20
# Outcomes outside the central interval of this level are at odds with the priors.
BELIEVABLE = 0.99
# A larger share of impossible draws is worth a note.
IMPOSSIBLE = 0.05
# Rows that the text shows, from the lowest prediction to the highest.
SHOWN = 5


@dataclass(frozen=True)
class Expected:
    """What the priors say of one run.

    Attributes
    ----------
    row
        Its row in the file.
    at
        The inputs, by name.
    new_run
        The outcome under the priors.
    observed
        The outcome; None for a table without outcomes.
    below
        The probability that the priors give to less than the outcome, half of ties included.
    """

    row: int
    at: Mapping[str, float]
    new_run: Interval
    observed: float | None
    below: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "row": self.row, "at": dict(self.at), **self.new_run.as_dict(), "observed": self.observed,
            "below": self.below,
        }  # fmt: skip


@dataclass(frozen=True)
class PriorPredictive:
    """Tables of runs that a law expects before it sees an outcome.

    Attributes
    ----------
    plan
        The law, the runs and the pooling; without outcomes in the table, placeholders stand for them.
    levels
        Probabilities of the intervals, the headline's first.
    draws
        Simulated outcomes, one table a row; shape ``(size, runs)``.  Infinite where a draw of the priors says nothing
        finite.
    observed
        The outcomes, shape ``(runs,)``; None for a table without them.
    notes
        Where the priors are at odds with the outcomes, or with what is possible.
    """

    plan: Plan
    levels: tuple[float, ...]
    points: tuple[Expected, ...]
    draws: np.ndarray
    observed: np.ndarray | None
    notes: tuple[Note, ...]

    @property
    def law(self) -> Law:
        """The law, with the priors that were asked about."""
        return self.plan.law

    @property
    def converged(self) -> bool:
        """True: draws of priors are independent, and no chain."""
        return True

    @property
    def inside(self) -> dict[float, int]:
        """How many outcomes lie inside the interval of each level; empty without outcomes."""
        if self.observed is None:
            return {}
        ends = {level: np.array([each.new_run.ends[level] for each in self.points]) for level in self.levels}
        return {
            level: int(((low <= self.observed) & (self.observed <= high)).sum())
            for level, (low, high) in ((level, both.T) for level, both in ends.items())
        }

    def _page(self) -> Page:
        law, runs = self.law, self.plan.runs
        column, units = law.output.column, law.output.units
        name = column.replace("_", " ") if units in ("", "1") else with_units(column, units)
        page: list[Block] = [
            f"The {name} that law {law.name} expects of {len(runs)} runs before it sees an outcome, with "
            f"{percent(self.levels[0])} intervals of its priors:",
            self._table(),
        ]
        if self.observed is None:
            page.append(f"The runs have no {law.output.column.replace('_', ' ')} to compare with.")
        for level, count in self.inside.items():
            page.append(f"Of {len(runs)} outcomes, {count} lie inside their {percent(level)} intervals.")
        return [*page, *map(str, self.notes)]

    def _table(self) -> list[list[str]]:
        order = np.argsort([each.new_run.median for each in self.points], kind="stable")
        chosen = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))
        shown = [self.points[i] for i in order[chosen]]
        units = {name: self.law.inputs[name].units for name in shown[0].at}
        columns = {
            "row": [str(each.row) for each in shown],
            **{name: [size(each.at[name], units[name]) for each in shown] for name in shown[0].at},
            "expected": [each.new_run.words(self.law.output.units) for each in shown],
            "observed": [
                "" if each.observed is None else size(each.observed, self.law.output.units, 4) for each in shown
            ],
        }
        kept = {name: cells for name, cells in columns.items() if any(cells)}
        return [list(kept), *map(list, zip(*kept.values(), strict=True))]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = plain({
            "law": self.law.name, "outcome": self.law.output.column, "units": self.law.output.units,
            "runs": len(self.plan.runs), "family": self.plan.family, "draws": len(self.draws), "level": self.levels[0],
            "points": [each.as_dict() for each in self.points],
            "inside": {f"{level:g}": count for level, count in self.inside.items()},
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def prior_predictive(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    level: Level = 0.9,
    draws: int | None = None,
    seed: int = 0,
) -> PriorPredictive:
    """Draw what a law expects of runs before it sees an outcome.

    Parameters
    ----------
    law, runs, family, pool, priors
        As :func:`bayeslaw.fit` takes them.  A table of planned runs, without outcomes, will do, as will fewer runs than
        the law has parameters.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    draws
        How many tables to draw (default: 2,000, and fewer of more than 10,000 runs).
    seed
        Seed of the draws.

    Returns
    -------
    PriorPredictive
        Every run with its interval and its place among the draws, and whole tables in `draws`;
        :func:`bayeslaw.plot_prior` draws it.

    Raises
    ------
    RunsError, PoolingError
        When the table or the hierarchy cannot carry the law.
    QuestionError
        When a level is no probability, or fewer than 20 tables are asked for.
    """
    law, runs, levels = with_priors(catalogue.find(law), priors), read_runs(runs), levels_of(level)
    count = max(FEWEST_DRAWS, min(DRAWS, NUMBERS // max(len(runs), 1))) if draws is None else draws
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < LEAST_DRAWS:
        raise QuestionError(f"draws is {draws!r}; expected a whole number from {LEAST_DRAWS}.")
    column, known = law.output.column, runs.has(law.output.column)
    plan = lay_out(law, runs if known else runs.with_columns({column: placeholder(law, len(runs))}), family, pool)
    values = draw_prior(plan, generator(seed, PRIOR), count)
    drawn = new_tables(plan, values, generator(seed, PRIOR_RUNS))
    impossible = _impossible(plan.law, drawn)
    drawn = np.where(np.isnan(drawn), np.inf, drawn)
    observed = plan.outcome if known else None
    points = _points(plan, drawn, observed, levels)
    return PriorPredictive(plan, levels, points, drawn, observed, in_order(_notes(plan, points, impossible)))


def _points(
    plan: Plan, drawn: np.ndarray, observed: np.ndarray | None, levels: tuple[float, ...]
) -> tuple[Expected, ...]:
    # One of the draws, since some may be infinite.
    expected = Interval.each(drawn, levels, "inverted_cdf")
    below = None if observed is None else (drawn < observed).mean(axis=0) + 0.5 * (drawn == observed).mean(axis=0)
    return tuple(
        Expected(
            row=int(row), at={name: float(values[i]) for name, values in plan.inputs.items()}, new_run=expected[i],
            observed=None if observed is None else float(observed[i]), below=None if below is None else float(below[i]),
        )
        for i, row in enumerate(plan.runs.rows)
    )  # fmt: skip


def _impossible(law: Law, drawn: np.ndarray) -> float:
    """The share of draws outside the range of the law's output."""
    low, high = law.output.range or (-np.inf, np.inf)
    return float((~((drawn >= low) & (drawn <= high) & np.isfinite(drawn))).mean())


def _notes(plan: Plan, points: tuple[Expected, ...], impossible: float) -> list[Note]:
    law, found = plan.law, [*plan.law.notes]
    tail = 0.5 * (1.0 - BELIEVABLE)
    odd = np.array([each.below is not None and not tail <= each.below <= 1.0 - tail for each in points])
    if odd.any():
        verb = "lies" if odd.sum() == 1 else "lie"
        found.append(Note(
            "prior-conflict", "warning",
            f"{odd.sum()} of {len(points)} outcomes {verb} outside the middle {percent(BELIEVABLE)} of what the priors "
            f"expect ({rows_of(plan.runs, odd)}): priors and runs contradict each other.",
            f"Check the units of these rows, and that law '{law.name}' is about such runs; else widen what does "
            f"not hold for them, such as {_widened(law, 2.0)}.",
        ))  # fmt: skip
    if impossible > IMPOSSIBLE:
        low, high = law.output.range or (-np.inf, np.inf)
        found.append(Note(
            "prior-too-wide", "info",
            f"{chance(impossible)} of the outcomes that the priors expect lie outside {short(low)} to {short(high)}, "
            f"which law '{law.name}' takes for possible.",
            f"Where runs are few, say in the priors what you know, such as {_widened(law, 0.5)}.",
        ))  # fmt: skip
    return found


def _widened(law: Law, factor: float) -> str:
    """How to widen the prior of one parameter, to be pasted."""
    name = next((each for each in law.free_parameters if each not in law.noise_parameters), law.free_parameters[0])
    prior = law.parameters[name].prior.widened(factor)
    text = f"{prior.name}({', '.join(short(each, 4) for each in prior.arguments)})"
    return worded(f'law.with_priors({name}="{text}")', f'--prior "{name}={text}"')
