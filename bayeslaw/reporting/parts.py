"""All answers that a page is made of, asked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift, Drifting, drifts_of
from bayeslaw.ask.forecast.forecast import Forecast, Point, forecast
from bayeslaw.ask.forecast.risk import Risk, risk
from bayeslaw.ask.interval import Level
from bayeslaw.ask.where.extrapolation import Span, spans
from bayeslaw.ask.where.points import words_of
from bayeslaw.decisions.choice.answer import Decision
from bayeslaw.decisions.choice.decide import decide
from bayeslaw.errors import QuestionError
from bayeslaw.note import Note, by_name, in_order
from bayeslaw.reporting.along import Along, along
from bayeslaw.reporting.card import Check, HeldOut, Learned, checks, learned_by
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.reporting.question import Question
from bayeslaw.runs.table import RunsLike, read_runs


@dataclass(frozen=True, eq=False)
class Parts:
    """Answers about one planned run.

    Attributes
    ----------
    at
        The run as a question takes it.
    forecast
        At this one point.
    risk
        Of missing the target; None without one.
    decision
        None without a plan.
    laws
        Each law's own forecast, by name; empty for a single law.
    along
        None where no budget can grow in proportion.
    spans
        The run beside the fitted runs in every quantity; empty for published values.
    learned
        Every parameter beside its prior; empty for published values.
    drifts
        How each law drifts, by name.
    """

    asked: Average
    question: Question
    at: Mapping[str, Any]
    forecast: Forecast
    risk: Risk | None
    decision: Decision | None
    laws: Mapping[str, Point]
    along: Along | None
    spans: tuple[Span, ...]
    learned: tuple[Learned, ...]
    tested: HiddenRuns | None
    held: HeldOut | None
    drifts: Mapping[str, Drift]
    card: tuple[Check, ...]
    notes: tuple[Note, ...]

    @property
    def point(self) -> Point:
        """The forecast of the run."""
        return self.forecast.points[0]


def parts_of(
    asked: Average, question: Question, tested: HiddenRuns | None, runs: RunsLike | None, level: Level, drift: Drifting,
    allow_unconverged: bool,
) -> Parts:  # fmt: skip
    """Ask everything that a page says."""
    asked.require(allow_unconverged)
    how: dict[str, Any] = {"drift": drift, "allow_unconverged": allow_unconverged}
    decision = None if question.plan is None else decide(asked, question.plan, level=level, **how)
    at, family = question.run(decision), question.family
    found = forecast(asked, at, family, level, **how)
    missed = None
    if question.target is not None:
        limit: dict[str, Any] = {question.missed: question.target.value}
        missed = risk(asked, at, family=family, **limit, **how)
    several = len(asked.posteriors) > 1
    laws = {}
    for name, each in asked.posteriors.items() if several else ():
        known = {word: value for word, value in at.items() if word in words_of([each.law])}
        laws[name] = forecast(each, known, family, level, **how).points[0]
    held = None if runs is None else _held_out(asked, runs, how)
    learned: tuple[Learned, ...] = ()
    if asked.measured:
        learned = tuple(one for name, each in asked.posteriors.items() for one in learned_by(name, each))
    drifts = drifts_of(asked, drift)
    return Parts(
        asked=asked, question=question, at=at, forecast=found, risk=missed, decision=decision, laws=laws,
        along=along(asked, at, family, drifts), spans=_spans(asked, found), learned=learned, tested=tested, held=held,
        drifts=drifts, card=checks(asked, found, tested, held, learned),
        notes=in_order((*found.notes, *_notes_of_fits(asked), *(() if decision is None else decision.notes))),
    )  # fmt: skip


def _notes_of_fits(asked: Average) -> tuple[Note, ...]:
    """What was noted when the laws were fitted, and how they were averaged."""
    return (*by_name({name: each.notes for name, each in asked.posteriors.items()}), *asked.about)


def _spans(asked: Average, found: Forecast) -> tuple[Span, ...]:
    """The run beside the fitted runs in every quantity that a law reads; the law with the most inputs says it."""
    if not asked.measured:
        return ()
    at = {name: np.array([value]) for name, value in found.points[0].at.items()}
    return spans(asked.lead, asked.lead.law.with_computed_inputs(at))


def _held_out(asked: Average, runs: RunsLike, how: Mapping[str, Any]) -> HeldOut:
    """Forecasts of runs whose outcome is known."""
    table, column = read_runs(runs), asked.lead.law.output.column
    if not table.has(column):
        raise QuestionError(f"{table.source}: has no column '{column}', the outcome that forecasts are compared with.")
    known = np.flatnonzero(np.isfinite(table.column(column)))
    if not len(known):
        raise QuestionError(f"{table.source}: no run has a value of '{column}', the outcome to compare with.")
    kept = table.take(known)
    return HeldOut(forecast(asked, kept, **how), kept.column(column), table.source)
