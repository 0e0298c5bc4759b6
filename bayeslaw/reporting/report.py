"""Report on a planned run: one page to decide from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.interval import Level, levels_of
from bayeslaw.decisions.choice.plan import Plan
from bayeslaw.errors import InputError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.reporting.parts import parts_of
from bayeslaw.reporting.question import Question
from bayeslaw.reporting.record import Report
from bayeslaw.reporting.verdict import paragraph
from bayeslaw.runs.table import RunsLike
from bayeslaw.validation.backtest.report import Backtest

# What makes pages, which an install without them has not.
LIBRARIES = ("altair", "vl_convert", "jinja2")


def missing_libraries() -> str:
    """How to get what makes pages, in a sentence; empty where it is there."""
    import importlib.util

    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    return f"a report needs {', '.join(absent)}: pip install 'bayeslaw[report]'." if absent else ""


def report(
    posterior: Posterior | Average,
    at: Mapping[str, Any] | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    plan: Plan | Mapping[str, Any] | str | Path | None = None,
    runs: RunsLike | None = None,
    backtest: Backtest | Mapping[str, Any] | str | Path | None = None,
    family: Families = None,
    level: Level = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
    out: str | Path | None = None,
) -> Report:
    """Report on a planned run: one page of HTML to decide from, which needs no network.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    at
        The inputs of the planned run, one number each; left out, the best option of the plan.
    above, below
        The highest acceptable loss or the lowest acceptable score, in units of the outcome, as :func:`bayeslaw.risk`
        takes them.  With a plan, its target.
    plan
        The runs that can be bought, as :func:`bayeslaw.decide` takes them.
    runs
        Runs that were held out, with their outcomes.
    backtest
        What :func:`bayeslaw.backtest` found on the user's own runs: its answer, or the path of it as JSON, as
        ``bayeslaw backtest --json`` prints it and ``bayeslaw predict`` keeps it in ``forecast.json``.
    family, level, drift, allow_unconverged
        As :func:`bayeslaw.forecast` takes them.
    out
        Also write the page to this path.

    Returns
    -------
    Report
        The verdict in one paragraph, a card of what it rests on, and the page.

    Raises
    ------
    QuestionError
        When no run, several or two targets are given, or what :func:`bayeslaw.forecast` refuses.
    FileError
        When a file cannot be read, or the page cannot be written.
    InputError
        When the libraries that make pages are not installed.
    ConvergenceError
        When the chains have not converged.
    """
    absent = missing_libraries()
    if absent:
        raise InputError(absent)
    from bayeslaw.reporting.page import render

    levels, asked = levels_of(level), Average.of(posterior)
    question = Question.read(asked, at, plan, family, above, below)
    tested = HiddenRuns.of(backtest)
    parts = parts_of(asked, question, tested, runs, levels, drift, allow_unconverged)
    said = paragraph(parts.forecast, parts.risk, tested, "", parts.notes, parts.decision, parts.card)
    answers = {
        "risk": None if parts.risk is None else parts.risk.as_dict(),
        "decision": None if parts.decision is None else parts.decision.as_dict(),
        "laws": {name: point.as_dict() for name, point in parts.laws.items()},
        "held_out": None if parts.held is None else {"n": len(parts.held.outcomes), "inside": parts.held.inside},
    }
    found = Report(said, parts.card, parts.forecast, render(parts, said), answers, parts.notes)
    if out is not None:
        found.save(out)
    return found
