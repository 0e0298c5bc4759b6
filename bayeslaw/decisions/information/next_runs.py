"""The next small run: which of some candidates tells most about the outcome of a large one, for what it costs.

What counts is information about the target's outcome, and not about parameters: a run may pin down a parameter on which
the target hardly depends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import Forecast, forecast
from bayeslaw.ask.where.extrapolation import furthest_outside, outside
from bayeslaw.ask.where.points import Where, points_at
from bayeslaw.decisions.choice.plan import Plan, read_plan
from bayeslaw.decisions.cost import Cost
from bayeslaw.decisions.information.bounds import Told, told
from bayeslaw.decisions.information.candidates import Candidate, NextRuns
from bayeslaw.decisions.information.screen import Screened
from bayeslaw.decisions.information.value import Value
from bayeslaw.decisions.information.worth import stakes_of
from bayeslaw.decisions.joint import Joint, draw_jointly, families_of, family_columns
from bayeslaw.errors import InputError, QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs
from bayeslaw.words import argument, short

# More candidates than these would take more memory than a laptop has.
MOST = 2000
# Candidates whose information is bounded by nested Monte Carlo, and the draws whose outcomes are averaged over there.
BOUNDED, OUTER = 4, 2000


def next_runs(
    posterior: Posterior | Average,
    candidates: Where | Any,
    at: Where | Any,
    budget: float | None = None,
    *,
    cost: str | float | Mapping[str, float] | None = None,
    plan: Plan | Mapping[str, Any] | str | Path | None = None,
    family: str | Mapping[str, str] | None = None,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> NextRuns:
    """Find the run that tells most about the outcome of another one, for what it costs.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    candidates
        The runs that could be made: a table, or inputs by name that broadcast, as :func:`bayeslaw.forecast` takes them.
        A table's column of families says of which family each is; otherwise they are of the target's.
    at
        The run that is asked about, one point.
    budget
        What may be spent in all, in units of the cost: candidates that cost more are left out, and those that tell most
        together for it are chosen.
    cost
        What a candidate costs, as a formula of its inputs in the law language, such as ``"2.5e-18 * C"``, or one number
        for all (default: that of the plan, else its training compute, ``C``).
    plan
        What is at stake, as for :func:`bayeslaw.decide`.  What a candidate's outcome is worth to the choice among the
        plan's options, or none of them, is then said in the plan's money, and the cost is in that money too.
    family
        Of the target, as for :func:`bayeslaw.forecast`.
    drift
        As for :func:`bayeslaw.forecast`.  Candidates beyond the fitted runs tell of the drift on the way to the target.
    allow_unconverged
        Answer even from chains that have not converged; the answer says so.

    Returns
    -------
    NextRuns
        The candidates with their information in nats, the best for its cost, and the best together.

    Raises
    ------
    QuestionError
        When candidates are all alike, none is within the budget, or a cost has unknown names or is negative.
    RunsError
        When a candidate is beyond the domain of a law.
    LawError
        When the cost is not a formula.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    All candidates are screened by :mod:`bayeslaw.decisions.information.screen`; the information of the best few is
    bounded by :mod:`bayeslaw.decisions.information.bounds`.  Nothing is fitted again.
    """
    asked = Average.of(posterior)
    for each in asked.posteriors.values():
        each.require_runs("the next run")
    about = forecast(posterior, at, family, drift=drift, allow_unconverged=allow_unconverged)
    if len(about) != 1:
        raise QuestionError(f"{argument('at')}: {len(about)} points; the next run is chosen for one, so give one.")
    stakes = None if plan is None else stakes_of(asked, plan, drift, allow_unconverged)
    if cost is None and plan is not None:
        cost = _cost_of_plan(plan)
    table, costs = priced(asked, candidates, cost, budget)
    affordable = np.flatnonzero(costs <= (np.inf if budget is None else budget))
    kept = table.take(affordable)
    joint = draw_jointly(asked, [(kept, families_of(asked, kept, family)), (target_of(asked, at), family)], about.drift)
    screened = Screened.of(joint.outcome[:, :-1], joint.outcome[:, -1])
    kept_costs = costs[affordable]
    chosen = () if budget is None else tuple(screened.batch(kept_costs, budget))
    bounds = _bounds(joint, asked, _worth_bounding(screened.information, kept_costs, chosen))
    worths = [None] * len(kept) if stakes is None else stakes.of(screened.scores, kept_costs)
    return NextRuns(
        forecast=about,
        candidates=tuple(_candidates(asked, kept, about, kept_costs, screened.information, bounds, worths)),
        cost=str(cost_of(cost)), budget=budget, left_out=len(table) - len(kept),
        chosen=chosen, together=screened.together(list(chosen)), size=len(joint.mean),
        fitted=asked.lead.plan.fitted, perfect=None if stakes is None else stakes.perfect,
        money="" if stakes is None else stakes.money,
    )  # fmt: skip


def priced(
    asked: Average, candidates: Where | Any, cost: str | float | Mapping[str, float] | None, budget: float | None
) -> tuple[Runs, np.ndarray]:
    """The candidates as a table and their costs, of shape ``(candidates,)``.

    Raises
    ------
    QuestionError, RunsError, LawError
        As :func:`next_runs`.
    """
    laws = [posterior.law for posterior in asked.posteriors.values()]
    try:
        table = points_at(laws, candidates)
        inputs = [observations.inputs(table, law) for law in laws]
        costs = cost_of(cost).of(laws, table)
    except InputError as error:
        said, own = str(error), argument("at")
        raise type(error)(f"{argument('candidates')}{said[len(own) :]}" if said.startswith(own) else said) from None
    if len(table) > MOST:
        raise QuestionError(f"{argument('candidates')}: {len(table):,} runs; give at most {MOST:,}.")
    columns = [*(values for each in inputs for values in each.values()), *_levels(asked, table)]
    if len(table) > 1 and len(np.unique(np.stack(columns, axis=1), axis=0)) == 1:
        raise QuestionError(
            f"{argument('candidates')}: all {len(table)} are one and the same run, so there is nothing to choose; vary "
            f"an input."
        )
    if budget is not None and not costs.min() <= budget:
        raise QuestionError(
            f"{argument('budget')} {short(budget)}: the cheapest of {len(table)} candidates costs "
            f"{short(float(costs.min()))}; raise the budget, or add cheaper candidates."
        )
    return table, costs


def _cost_of_plan(plan: Plan | Mapping[str, Any] | str | Path) -> str | float | Mapping[str, float]:
    """The formula of a plan's cost, in whose money information is worth something.

    Raises
    ------
    QuestionError
        When it has none.
    """
    found = read_plan(plan)
    if found.cost is None or found.cost.formula is None:
        raise QuestionError(
            f"{found.source}: has no formula of a cost, so nothing says what a candidate costs in {found.money}; give "
            f"{argument('cost', '2e-18 * C')}."
        )
    return found.cost.text


def cost_of(cost: str | float | Mapping[str, float] | None) -> Cost:
    """The cost as it is given, or training compute."""
    return Cost.read("C" if cost is None else cost)


def _levels(asked: Average, table: Runs) -> list[np.ndarray]:
    """The families of candidates, as numbers, by column."""
    return [table.levels(column)[1] for column in family_columns(asked) if table.has(column)]


def target_of(asked: Average, at: Where | Any) -> Runs:
    """The target as a table of one row."""
    if isinstance(at, Mapping) and any(isinstance(value, Forecast) for value in at.values()):
        raise QuestionError(f"{argument('at')}: the target of the next run is given by numbers, not by a forecast.")
    return points_at([posterior.law for posterior in asked.posteriors.values()], at)


def _worth_bounding(information: np.ndarray, cost: np.ndarray, chosen: Sequence[int]) -> list[int]:
    """The candidates that an answer speaks of first: the best, the best for its cost, and the chosen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        per_cost = np.nan_to_num(information / cost, nan=0.0, posinf=np.inf)
    first = [int(information.argmax()), int(per_cost.argmax()), *chosen, *np.argsort(-information).tolist()]
    return list(dict.fromkeys(first))[:BOUNDED]


def _bounds(joint: Joint, asked: Average, which: Sequence[int]) -> dict[int, Told]:
    """The information of some candidates between bounds, by candidate."""
    size, last = joint.outcome.shape[0], joint.outcome.shape[1] - 1
    # Draws of a chain that are alike count as fewer.
    fewer = min(1.0, asked.diagnostics.ess / size)
    rows = np.arange(0, size, max(1, round(size / OUTER)))
    found = told(
        joint.outcome[:, list(which)], joint.outcome[:, last],
        [partial(joint.log_density, point) for point in which], partial(joint.log_density, last), rows,
    )  # fmt: skip
    return {i: each.with_fewer(fewer) for i, each in zip(which, found, strict=True)}


def _candidates(
    asked: Average,
    table: Runs,
    about: Forecast,
    costs: np.ndarray,
    information: np.ndarray,
    bounds: Mapping[int, Told],
    worths: Sequence[Value | None],
) -> list[Candidate]:
    """Each candidate as a record."""
    inputs = {name: each for one in reversed(list(asked.posteriors.values())) for name, each in
              observations.inputs(table, one.law).items() if name in one.law.free_inputs}  # fmt: skip
    units = {name: one.units for each in asked.posteriors.values() for name, one in each.law.inputs.items()}
    away = [outside(each, observations.inputs(table, each.law)) for each in asked.posteriors.values()]
    labels = _labels(asked, table)
    target = about.points[0]
    found = []
    for i in range(len(table)):
        here = {name: float(values[i]) for name, values in inputs.items()}
        same = all(np.isclose(value, target.at.get(name, np.nan), rtol=1e-9) for name, value in here.items())
        found.append(Candidate(
            at=here, units={name: units[name] for name in here}, family=labels[i], cost=float(costs[i]),
            information=float(information[i]), told=bounds.get(i),
            outside=furthest_outside(each[i] for each in away), is_target=same, worth=worths[i],
        ))  # fmt: skip
    return found


def _labels(asked: Average, table: Runs) -> list[str | None]:
    """The family of each candidate, where the table says it."""
    column = asked.lead.family
    if column is None or table.wording.by_hand or not table.has(column):
        return [None] * len(table)
    levels, index = table.levels(column)
    return [levels[i] for i in index]
