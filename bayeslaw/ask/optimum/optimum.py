"""The best choice of inputs, such as the split of a budget, and what it costs to miss it.

Each draw of the parameters is a law of its own with an optimum of its own; together they are the posterior of the
optimum.  A flat optimum has a wide posterior and yet leaves little to lose, so every answer comes with its *regret*:
what each option of a menu gives up against the optimum of the same draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import family_label
from bayeslaw.ask.forecast.drift import WITHOUT, Drift, Drifting, as_records, drifts_of
from bayeslaw.ask.forecast.forecast import Interval, check_level, percent
from bayeslaw.ask.optimum.regret import Curve, Option, Solutions, Solved, judged
from bayeslaw.ask.optimum.trade import Limits, Trade, make_trade
from bayeslaw.ask.where.extrapolation import flops
from bayeslaw.errors import QuestionError, listed, shown
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.expression import to_text
from bayeslaw.runs.observations import short

# A loss that nobody would notice: seeds of one model of 2.8 billion parameters scatter by 0.001 to 0.003 nats per token
# (the repeated runs of Muennighoff et al. 2023).
TOLERANCE = 0.005


@dataclass(frozen=True)
class Optimum:
    """The posterior of an optimum and of the regret of a menu.

    Attributes
    ----------
    inputs
        The best inputs: those traded, and those computed from them.
    value
        The outcome there, the law itself without the noise of a run.
    menu
        What options give up.
    drift
        Of each law, by name; empty where it was left out or nothing is known of it.
    flags
        What to know before the answer is used, in sentences.
    draws
        The best inputs; each of shape ``(size,)``.
    outcome_draws
        Shape ``(size,)``.
    regret_draws
        Shape ``(size, options)``.
    at_edge
        Whether a draw's optimum is at the end of a range; such draws count like all others.  Shape ``(size,)``.
    """

    family: str | None
    level: float
    inputs: Mapping[str, Interval]
    value: Interval
    menu: tuple[Option, ...]
    drift: Mapping[str, Drift]
    flags: tuple[str, ...]
    diagnostics: Diagnostics
    draws: Mapping[str, np.ndarray]
    outcome_draws: np.ndarray
    regret_draws: np.ndarray
    at_edge: np.ndarray
    solutions: Solutions

    @property
    def trade(self) -> Trade:
        """What was sought over; of several posteriors, by the one whose law reads most inputs."""
        return self.solutions.trade

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The regret along each input that was sought over."""
        return tuple(self.solutions.curve(i, self.level) for i in range(len(self.trade.coordinates)))

    def flatness(self, tolerance: float = TOLERANCE) -> list[str]:
        """How far off the best value each input may be at little cost, a sentence each.

        Parameters
        ----------
        tolerance
            What counts as little, in units of the outcome.
        """
        return [self._flat(curve, tolerance) for curve in self.curves]

    def _flat(self, curve: Curve, tolerance: float) -> str:
        units = self.trade.law.output.units
        little = f"under {tolerance:g} {units}".removesuffix(" 1")
        likely = f"with a probability of {percent(self.level)}%"
        found = curve.under(tolerance)
        if found is None:
            return f"no one value of {curve.name} costs {little} {likely}"
        ratio = tokens_per_parameter(self.trade, curve.inputs)
        if ratio is None:
            return f"any {curve.name} from {found[0]:.3g} to {found[1]:.3g} costs {little} {likely}"
        size = np.log(curve.inputs[curve.name])
        ratios = np.sort(np.exp(np.interp(np.log(found), size, np.log(ratio))))
        return f"anything from {ratios[0]:.3g} to {ratios[1]:.3g} tokens per parameter costs {little} {likely}"

    def __str__(self) -> str:
        trade, output = self.trade, self.trade.law.output
        who = f"{self.family}: " if self.family else ""
        lines = [f"{who}lowest {output.column} ({output.units}){given_words(trade)}, law {self.solutions.asked.name}; "
                 f"{percent(self.level)}% intervals"]  # fmt: skip
        lines += [f"  {name} = {_spoken(each)}" for name, each in self.inputs.items()]
        lines += [f"  {output.column} there: {_spoken(self.value)}", "given up by"]
        for option in self.menu:
            inputs = {name: np.array(value) for name, value in option.inputs.items()}
            ratio = tokens_per_parameter(trade, inputs)
            words = ", ".join(f"{name} = {short(value)}" for name, value in option.inputs.items())
            beside = "" if ratio is None else f" ({float(ratio):.3g} tokens per parameter)"
            lines.append(f"  {words}{beside}: {_spoken(option.regret)}, best of these: {option.probability_best:.0%}")
        lines += [f"{one[0].upper()}{one[1:]}." for one in (*self.flatness(), *self.flags)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        law = self.trade.law
        return {
            "law": self.solutions.asked.name, "family": self.family, "level": self.level,
            "optimum": {name: each.as_dict() for name, each in self.inputs.items()},
            "outcome": {"name": law.output.column, "units": law.output.units, **self.value.as_dict()},
            "regret": [option.as_dict() for option in self.menu],
            "drift": as_records(self.drift), "flat": self.flatness(), "flags": list(self.flags),
            "diagnostics": self.diagnostics.as_dict(),
        }  # fmt: skip


Menu = Sequence[Mapping[str, float]]


def optimum(
    posterior: Posterior | Average,
    budget: Mapping[str, float] | None = None,
    at: Mapping[str, float] | None = None,
    over: Sequence[str] | Limits | None = None,
    *,
    cost: str | None = None,
    menu: Menu | None = None,
    family: str | Mapping[str, str] | None = None,
    level: float = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Optimum:
    """What inputs give the lowest outcome, and what is given up by others.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    budget
        The budget by its name, such as ``{"C": 5.76e23}``, and beside it the constants of its cost.
    at
        Inputs that are held fixed, such as ``{"U": 2.5e10}``.
    over
        The inputs that are traded (default: all that are not fixed); with limits of one's own as
        ``{"N": (1e9, 1e11), "D": (1e10, 1e13)}``.
    cost
        What the budget bounds, as a formula in the law language, such as ``"6*N*D + 2*N*T"`` with ``T`` beside the
        budget (default: training compute ``6*N*D``, or the formula of the computed input that is bounded).
    menu
        At least two options, each with all traded inputs or, where there is a budget, all but one (default: multiples
        from 1/4 to 4 of the best inputs).
    family
        As for :func:`bayeslaw.forecast`.
    level
        Probability of the central intervals.
    drift
        Of the outcome there, as :func:`bayeslaw.forecast` takes it; runs of one budget at ratios that were fitted drift
        alike, so that the optimum is sought without it.
    allow_unconverged
        Answer even from chains that have not converged; the answer says so.

    Returns
    -------
    Optimum

    Raises
    ------
    QuestionError
        When a name is unknown, nothing is left to trade, a budget is out of reach or an option breaks it.
    LawError
        When the cost is not a formula.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    Solved for each draw by search, by :mod:`bayeslaw.ask.optimum.minimum`, which closed forms where they exist
    (Hoffmann et al. 2022, equation 4) agree with to 1e-7.
    """
    check_level(level)
    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    solutions = _solutions(asked, _given(budget, at), over, cost, family)
    trade = solutions.trade
    options = solutions.usual_menu() if menu is None else _read_menu(trade, menu)
    regret = solutions.regret({name: np.array([one[name] for one in options]) for name in trade.limits})
    drifts = drifts_of(asked, drift)
    draws, value = solutions.inputs, solutions.value(drifts)
    return Optimum(
        family=family_label(asked.lead, asked.lead.groups_of(family)), level=level,
        inputs={name: Interval.of(values, level) for name, values in draws.items()},
        value=Interval.of(value, level), menu=judged(options, regret, level), drift=drifts,
        flags=(*_edges(solutions), *_beyond(asked.lead, draws), *([] if drifts else [WITHOUT]),
               *asked.diagnostics.complaints, *(str(note) for note in asked.notes)),
        diagnostics=asked.diagnostics, draws=draws, outcome_draws=value, regret_draws=regret,
        at_edge=solutions.at_edge, solutions=solutions,
    )  # fmt: skip


def _given(budget: Mapping[str, float] | None, at: Mapping[str, float] | None) -> dict[str, float]:
    """The budget, its constants and the inputs that are held fixed, by name."""
    for argument, values in (("budget", budget), ("at", at)):
        if not isinstance(values, Mapping | None):
            raise QuestionError(f'{argument}: {shown(values)} has no name; write {argument}={{"C": 1e23}}.')
    found, held = dict(budget or {}), dict(at or {})
    if twice := found.keys() & held.keys():
        raise QuestionError(f"{listed(sorted(twice))} stands in budget and in at; give it once.")
    return {**found, **held}


def _solutions(
    asked: Average, given: Mapping[str, float], over: Sequence[str] | Limits | None, cost: str | None, family: Any
) -> Solutions:
    """The trade solved under each posterior, which have to trade the same inputs."""
    found: dict[str, Solved] = {}
    for name, each in asked.posteriors.items():
        with asked.naming(name):
            trade = make_trade(each.law, given, over, cost)
            first = next(iter(found.values())).trade if found else trade
            if list(trade.limits) != list(first.limits):
                raise QuestionError(
                    f"law '{each.law.name}' trades {listed(trade.limits)}, but law '{first.law.name}' "
                    f"{listed(first.limits)}; say which by over."
                )
            # The same random numbers as a forecast's, so that both speak of the same new family.
            rng = np.random.default_rng([each.seed, 1])
            found[name] = Solved(trade, each.parameters(each.groups_of(family), rng))
    return Solutions(asked, found)


def tokens_per_parameter(trade: Trade, inputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The ratio that compute-optimal training is spoken of in, where both are traded."""
    columns = {trade.law.inputs[name].column: name for name in trade.limits}
    if not {"n_params", "n_tokens"} <= set(columns):
        return None
    return np.asarray(inputs[columns["n_tokens"]] / inputs[columns["n_params"]])


def _read_menu(trade: Trade, menu: Menu) -> list[dict[str, float]]:
    options = [trade.option(one) for one in menu]
    if len(options) < 2:
        raise QuestionError("a menu needs two options or more, or there is nothing to choose.")
    return options


def _edges(solutions: Solutions) -> Iterable[str]:
    """Which ends of ranges the optimum lies at, and in how many draws."""
    trade = solutions.trade
    for i, name in enumerate(trade.coordinates):
        for end, limit in (("smallest", trade.box[0][i]), ("largest", trade.box[1][i])):
            if share := float(np.mean(np.isclose(np.log(solutions.inputs[name]), limit, rtol=0, atol=1e-9))):
                yield (
                    f"in {share:.2g} of the draws the optimum is at the {end} {name} that is allowed, "
                    f"{np.exp(limit):.3g}: more of the same direction would be better still"
                )


def _beyond(posterior: Posterior, draws: Mapping[str, np.ndarray]) -> Iterable[str]:
    here, there = flops(posterior.law, draws), flops(posterior.law, posterior.plan.fitted)
    if here is not None and there is not None and (ratio := float(np.median(here) / there.max())) > 1.0:
        yield f"the optimum is at {ratio:.3g} times the compute of the largest fitted run"


def given_words(trade: Trade) -> str:
    """What is given, as words for a title."""
    words = [] if trade.budget is None else [f"{to_text(trade.budget.cost)} = {short(trade.budget.value)}"]
    words += [f"{name} = {short(value)}" for name, value in trade.fixed.items()]
    return f" for {listed(words)}" if words else ""


def _spoken(interval: Interval) -> str:
    return f"{short(interval.median)}  [{short(interval.lower)}, {short(interval.upper)}]"
