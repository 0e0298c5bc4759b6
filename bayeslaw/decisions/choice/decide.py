"""Decide which of several runs to buy: the chance of a target, its price, and what each option is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift, Drifting, drifts_of, undrifted
from bayeslaw.ask.forecast.forecast import Forecast, forecast
from bayeslaw.ask.forecast.mixture import draw_each
from bayeslaw.ask.interval import Level, levels_of
from bayeslaw.ask.where.points import points_at
from bayeslaw.decisions.choice.answer import GO, GREY, STOP, Decision, Option, Worth
from bayeslaw.decisions.choice.chances import FEWEST, Probability, effective, mean_and_error
from bayeslaw.decisions.choice.look import Rates
from bayeslaw.decisions.choice.plan import Plan, read_plan
from bayeslaw.decisions.choice.reach import Ray, ray_of, reach
from bayeslaw.decisions.choice.utility import check_utility, utilities, worst
from bayeslaw.errors import InputError, QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.note import Note, in_order
from bayeslaw.runs import observations
from bayeslaw.words import short

# The probability that is enough where a plan has no thresholds.
LIKELY = 0.8
# An estimate is close to a threshold within this many Monte-Carlo errors.
CLOSE = 2.0


def decide(
    posterior: Posterior | Average,
    plan: Plan | Mapping[str, Any] | str | Path,
    *,
    level: Level = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Decision:
    """Decide which of several runs to buy.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    plan
        The path of a TOML file, as ``bayeslaw decide --example`` prints one; or a mapping with the same keys:
        ``option`` (runs by name, each by its inputs), ``target`` (``"loss below 2.0"``), and where they matter ``cost``
        (a formula of inputs and ``flops``, or prices by option), ``utility`` (a formula of the outcome, ``cost`` and
        ``met``), ``money``, ``go`` and ``stop`` (chances of the target), ``tail``, ``family`` and ``look``.
    level
        Probability of the intervals of outcomes and budgets.
    drift, allow_unconverged
        As :func:`bayeslaw.forecast` takes them.

    Returns
    -------
    Decision
        By option the chance of the target with its Monte-Carlo error, cost, utility and regret; the least budget at
        which the target is likely enough; and how often the plan would go or stop wrongly after one more run.

    Raises
    ------
    QuestionError
        When the plan says what cannot be: a target that the outcome cannot have, an unknown name, a negative cost.
    RunsError
        When an option is beyond the law's domain.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    All options are drawn from the same draws of the posterior, and with the same luck, so that their differences are
    those of the runs.  A chance is that of :func:`bayeslaw.risk` at one point.
    """
    levels = levels_of(level)
    asked, plan = Average.of(posterior), read_plan(plan)
    laws = [each.law for each in asked.posteriors.values()]
    costs = check_plan(plan, laws)
    asked.require(allow_unconverged)
    forecasts: dict[str, Forecast] = {}
    for name, at in plan.options.items():
        with _naming(name):
            forecasts[name] = forecast(
                asked, at, plan.family, levels, drift=drift, allow_unconverged=allow_unconverged
            )  # fmt: skip
    outcomes = {name: each.draws[:, 0] for name, each in forecasts.items()}
    met = {name: plan.target.met(draws) for name, draws in outcomes.items()}
    chances = {name: Probability.of(asked, met[name], draws) for name, draws in outcomes.items()}
    values, drifts, ray = utilities(plan, outcomes, costs), drifts_of(asked, drift), ray_of(asked, plan.options)
    # Of a chance that is only a bound there are too few draws on one side to say what a look would change.
    open_ = {name: met[name] for name, each in chances.items() if each.bound is None}
    look, rates = _look(asked, plan, ray, open_, drifts)
    worths = {} if values is None else _worths(asked, plan, values)
    options = tuple(
        Option(
            name=name, forecast=each, probability=chances[name],
            of_law=float(plan.target.met(each.mean_draws[:, 0]).mean()), cost=costs.get(name), worth=worths.get(name),
            verdict=_verdict(plan, chances[name].value), rates=rates.get(name),
        )
        for name, each in forecasts.items()
    )  # fmt: skip
    wanted = LIKELY if plan.go is None else plan.go
    found = None if ray is None else reach(ray, plan, wanted, plan.family, drifts, levels)
    return Decision(
        law=asked.name, plan=plan, options=options, reach=found, look=look, utilities=values,
        diagnostics=asked.diagnostics, drift=drifts,
        notes=in_order((*_notes(plan, options, asked, values), *undrifted(asked, drifts),
                        *(note for each in forecasts.values() for note in each.notes))),
    )  # fmt: skip


def check_plan(plan: Plan, laws: list[Law]) -> dict[str, float]:
    """Refuse a plan that laws cannot answer; return the cost of each option, if the plan has costs.

    Raises
    ------
    QuestionError, RunsError
        With the first thing that is wrong.
    """
    output, target = laws[0].output, plan.target
    if target.outcome != output.column:
        raise QuestionError(
            f"{plan.source}: the target is of '{target.outcome}', but law '{laws[0].name}' forecasts '{output.column}'."
        )
    low, high = output.range or ((0.0, np.inf) if output.likelihood.family.outcome != "real" else (-np.inf, np.inf))
    if not low < target.value < high:
        raise QuestionError(
            f"{plan.source}: the target '{target}' is outside the range of the outcome, which law '{laws[0].name}' "
            f"takes to be between {short(low)} and {short(high)}."
        )
    check_utility(plan)
    costs: dict[str, float] = {}
    for name, at in plan.options.items():
        with _naming(name):
            points = points_at(laws, at)
            for law in laws:
                observations.inputs(points, law)
        if plan.cost is not None:
            costs[name] = float(plan.cost.of(laws, points, [name])[0])
    return costs


@contextmanager
def _naming(option: str) -> Iterator[None]:
    """Name the option that an error is about."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"option '{option}': {error}") from None


def _worths(asked: Average, plan: Plan, values: np.ndarray) -> dict[str, Worth]:
    """What options are worth, from their utilities in each draw; shape ``(size, options)``."""
    best = values.max(axis=1)
    found = {}
    for i, name in enumerate(plan.options):
        own = values[:, i]
        expected, error = mean_and_error(asked, own)
        regret, regret_error = mean_and_error(asked, best - own)
        at_risk, shortfall = worst(own, plan.tail)
        found[name] = Worth(expected, error, at_risk, shortfall, regret, regret_error, float(np.mean(own >= best)))
    return found


def _verdict(plan: Plan, probability: float) -> str | None:
    if plan.go is None or plan.stop is None:
        return None
    return GO if probability >= plan.go else STOP if probability <= plan.stop else GREY


def _look(
    asked: Average, plan: Plan, ray: Ray | None, met: Mapping[str, np.ndarray], drifts: Mapping[str, Drift]
) -> tuple[dict[str, float] | None, dict[str, Rates]]:
    """The run that could be looked at first, and what the plan would then say of each option."""
    if plan.go is None or plan.stop is None or not met:
        return None, {}
    at: Mapping[str, Any] | None = plan.look
    if at is None:
        if ray is None or not asked.measured:
            return None, {}
        largest, fitted = (float(ray.axis.values(each).max()) for each in (
            {name: np.array([value]) for name, value in ray.inputs.items()}, asked.lead.plan.fitted,
        ))  # fmt: skip
        at = ray.at(float(np.sqrt(min(fitted, largest) * largest)))
    laws = [each.law for each in asked.posteriors.values()]
    with _naming("look"):
        inputs = observations.inputs(points_at(laws, at), asked.lead.law)
        # The second of two runs there: the first has the luck of the options, and a look has its own.
        drawn = draw_each(asked, {word: [value, value] for word, value in at.items()}, plan.family, drifts)
    seen = asked.mixed({name: each.run[:, 1] for name, each in drawn.items()})
    rates = {name: Rates.of(each, seen, plan.go, plan.stop) for name, each in met.items()}
    return {name: float(inputs[name][0]) for name in asked.lead.law.free_inputs}, rates


def _notes(plan: Plan, options: tuple[Option, ...], asked: Average, values: np.ndarray | None) -> Iterator[Note]:
    if len(options) == 1:
        yield Note(
            "nothing-to-choose", "info",
            f"The plan has one option, '{options[0].name}', so there is nothing to choose.",
            "Give the option of not running it too, or another run.",
        )  # fmt: skip
    for option in options:
        error = option.probability.error
        for word, threshold in (("go", plan.go), ("stop", plan.stop)):
            if (
                error is not None
                and threshold is not None
                and abs(option.probability.value - threshold) < CLOSE * error
            ):
                yield Note(
                    "close-call", "warning",
                    f"The chance of option '{option.name}' is within its Monte-Carlo error of the threshold of {word}.",
                    "Fit again with more draws before the verdict is taken as said.",
                )  # fmt: skip
    if values is not None and min(effective(asked, column) for column in values.T) * plan.tail < FEWEST:
        yield Note(
            "thin-tail", "warning",
            f"Fewer than {FEWEST:.0f} effective draws lie in the worst {100.0 * plan.tail:g} % of cases, so value at "
            f"risk and expected shortfall are rough.",
            "Fit again with more draws, or ask for a larger tail.",
        )  # fmt: skip
