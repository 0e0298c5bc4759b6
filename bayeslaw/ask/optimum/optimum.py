"""The best choice of inputs, such as the split of a budget, and the cost of missing it.

Each draw of the parameters is a law with its own optimum; together these are the posterior of the optimum.  A flat
optimum has a wide posterior although little is at stake, so every answer comes with its *regret*: what each option of a
menu loses against the optimum of the same draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import family_label, family_words
from bayeslaw.ask.forecast.drift import Drift, Drifting, as_records, drifts_of, undrifted
from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.ask.optimum.place import Moving, PlaceDrift, place_drift_of, without_place_drift
from bayeslaw.ask.optimum.regret import Curve, Option, Solutions, Solved, judged
from bayeslaw.ask.optimum.trade import Limits, Trade, all_given, make_trade
from bayeslaw.ask.where.extrapolation import flops
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.base.streams import NEW_FAMILY, generator
from bayeslaw.inference.posterior.best_sizes import best_sizes
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.expression import to_text
from bayeslaw.language.law import Law
from bayeslaw.note import Note, in_order
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.words import chance, multiple, plain, short, size, worded

# A loss that nobody would notice: seeds of a model of 2.8 billion parameters scatter by 0.001 to 0.003 nats per token
# (the repeated runs of Muennighoff et al. 2023).
TOLERANCE = 0.005


@dataclass(frozen=True)
class Optimum:
    """The posterior of an optimum and of the regret of a menu.

    Attributes
    ----------
    levels
        Probabilities of the intervals, the headline's first.
    inputs
        The best inputs: the traded ones, and those computed from them.
    value
        The outcome there: the law itself, without the noise of a run.
    menu
        The options with their regret.
    drift, place_drift
        The drift of the outcome and of the best inputs by law; empty where it was switched off or is not known.
    notes
        What limits the answer.
    draws
        The best inputs; each of shape ``(size,)``.
    outcome_draws
        Shape ``(size,)``.
    regret_draws
        Shape ``(size, options)``.
    at_edge
        Whether a draw's optimum is at an end of a range; such draws count like the others.  Shape ``(size,)``.
    """

    family: str | None
    levels: tuple[float, ...]
    inputs: Mapping[str, Interval]
    value: Interval
    menu: tuple[Option, ...]
    drift: Mapping[str, Drift]
    place_drift: Mapping[str, PlaceDrift]
    notes: tuple[Note, ...]
    diagnostics: Diagnostics
    draws: Mapping[str, np.ndarray]
    outcome_draws: np.ndarray
    regret_draws: np.ndarray
    at_edge: np.ndarray
    solutions: Solutions

    @property
    def level(self) -> float:
        """The probability of the headline's intervals."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    @property
    def trade(self) -> Trade:
        """The trade that was solved; for an average, that of the posterior whose law reads the most inputs."""
        return self.solutions.trade

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The regret along each traded input."""
        return tuple(self.solutions.curve(i, self.level) for i in range(len(self.trade.coordinates)))

    def flatness(self, tolerance: float = TOLERANCE) -> list[str]:
        """How far each input may be from its best value at little cost, one sentence each.

        Parameters
        ----------
        tolerance
            The cost that counts as little, in units of the outcome.
        """
        return [self._flat(curve, tolerance) for curve in self.curves]

    def _flat(self, curve: Curve, tolerance: float) -> str:
        units = self.trade.law.output.units
        little = f"under {tolerance:g} {units}".removesuffix(" 1")
        likely = f"with a probability of {percent(self.level)}"
        found = curve.under(tolerance)
        if found is None:
            return f"No one value of {curve.name} costs {little} {likely}."
        ratio = tokens_per_parameter(self.trade, curve.inputs)
        if ratio is None:
            low, high = (self._size(curve.name, end) for end in found)
            return f"Any {curve.name} from {low} to {high} costs {little} {likely}."
        logs = np.log(curve.inputs[curve.name])
        ratios = np.sort(np.exp(np.interp(np.log(found), logs, np.log(ratio))))
        return f"Anything from {ratios[0]:.3g} to {ratios[1]:.3g} tokens per parameter costs {little} {likely}."

    def _size(self, name: str, value: float) -> str:
        return size(value, units_of(self.trade.law, name))

    def _page(self) -> Page:
        output, asked = self.trade.law.output, self.solutions.asked
        name, units = output.quantity.replace("_", " "), "" if output.units in ("", "1") else f" {output.units}"
        by = f"law{'s' if len(asked.posteriors) > 1 else ''} {asked.name}"
        exact = all(each.exact for each in (self.value, *self.inputs.values()))
        wide = "" if exact else f", {percent(self.level)} interval"
        best = [f"{each} = {one.words(units_of(self.trade.law, each))}" for each, one in self.inputs.items()]
        return [
            f"The {output.best} {name}{family_words(self.family)}{given_words(self.trade)} is {self.value.words()}"
            f"{units}, at {listed(best)} ({by}{wide and f'{wide}s'}).",
            f"Cost of choosing another size ({given_up(self.trade.law)}{wide}):",
            self._menu(), *self.flatness(), *map(str, self.notes),
        ]  # fmt: skip

    def _menu(self) -> list[list[str]]:
        """The regret of each option, one row each."""
        inputs = {name: np.array([option.inputs[name] for option in self.menu]) for name in self.trade.limits}
        ratios = tokens_per_parameter(self.trade, inputs)
        columns = {
            **{each: [self._size(each, value) for value in values.tolist()] for each, values in inputs.items()},
            **({} if ratios is None else {"tokens per parameter": [short(ratio) for ratio in ratios.tolist()]}),
            given_up(self.trade.law): [option.regret.words() for option in self.menu],
            "best of these": [chance(option.probability_best) for option in self.menu],
        }
        return [list(columns), *map(list, zip(*columns.values(), strict=True))]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        law = self.trade.law
        found: dict[str, Any] = plain({
            "law": self.solutions.asked.name, "family": self.family, "level": self.level,
            "optimum": {name: each.as_dict() for name, each in self.inputs.items()},
            "outcome": {"name": law.output.column, "units": law.output.units, **self.value.as_dict()},
            "regret": [option.as_dict() for option in self.menu],
            "drift": as_records(self.drift),
            "place_drift": {name: asdict(each) for name, each in self.place_drift.items()},
            "flat": self.flatness(), "diagnostics": self.diagnostics.as_dict(),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


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
    level: Level = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Optimum:
    """Find the inputs of the best outcome, and the regret of others.

    Best is the lowest of a loss and the highest of a score, as the law file says.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    budget
        The budget by its name, such as ``{"C": 5.76e23}``, together with the constants of its cost.
    at
        Inputs that are held fixed, such as ``{"U": 2.5e10}``.
    over
        The inputs that are traded (default: all that are not fixed); a mapping also sets limits:
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
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    drift
        Drift of the outcome there, as for :func:`bayeslaw.forecast`.  Unless it is False, the place of the optimum
        drifts too, as learned for the best size at a budget of training compute.
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
    Each draw is solved numerically, by :mod:`bayeslaw.ask.optimum.minimum`, which agrees to 1e-7 with closed forms
    where they exist (Hoffmann et al. 2022, equation 4).
    """
    levels = levels_of(level)
    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    solutions = _solutions(asked, all_given(budget, at), over, cost, family, drifting=drift is not False)
    trade = solutions.trade
    options = solutions.usual_menu() if menu is None else _read_menu(trade, menu)
    regret = solutions.regret({name: np.array([one[name] for one in options]) for name in trade.limits})
    drifts, moving = drifts_of(asked, drift), solutions.place_drifts
    draws, value = solutions.inputs, solutions.value(drifts)
    return Optimum(
        family=family_label(asked.lead, asked.lead.groups_of(family)), levels=levels,
        inputs={name: Interval.of(values, levels) for name, values in draws.items()},
        value=Interval.of(value, levels), menu=judged(options, regret, levels), drift=drifts,
        place_drift=moving,
        notes=in_order((*_edges(solutions), *_beyond(asked.lead, draws), *undrifted(asked, drifts),
                        *(() if moving or not drifts else (without_place_drift(),)), *solutions.moved,
                        *asked.notes)),
        diagnostics=asked.diagnostics, draws=draws, outcome_draws=value, regret_draws=regret,
        at_edge=solutions.at_edge, solutions=solutions,
    )  # fmt: skip


def _solutions(
    asked: Average, given: Mapping[str, float], over: Sequence[str] | Limits | None, cost: str | None, family: Any,
    drifting: bool,
) -> Solutions:  # fmt: skip
    """The trade, solved under each posterior; all have to trade the same inputs."""
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
            # The same random numbers as in a forecast, so that both draw the same new family.
            rng = generator(each.seed, NEW_FAMILY)
            parameters = each.parameters(each.groups_of(family), rng)
            known = place_drift_of(each, trade) if drifting else None
            shown = [] if known is None else best_sizes(each, each.groups_of(family))
            found[name] = Solved(trade, parameters, None if known is None else Moving(known, each, shown))
    return Solutions(asked, found)


def tokens_per_parameter(trade: Trade, inputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Tokens per parameter, the usual measure of compute-optimal training, where both are traded."""
    columns = {trade.law.inputs[name].column: name for name in trade.limits}
    if not {"n_params", "n_tokens"} <= set(columns):
        return None
    return np.asarray(inputs[columns["n_tokens"]] / inputs[columns["n_params"]])


def _read_menu(trade: Trade, menu: Menu) -> list[dict[str, float]]:
    options = [trade.option(one) for one in menu]
    if len(options) < 2:
        raise QuestionError("a menu needs two options or more, or there is nothing to choose.")
    return options


def given_up(law: Law) -> str:
    """What a choice that is not the best one costs, as words for a column."""
    name = law.output.quantity.replace("_", " ")
    return f"extra {name}" if law.output.best == "lowest" else f"{name} given up"


def units_of(law: Law, name: str) -> str:
    """The units of an input; empty for a constant of a cost."""
    return law.inputs[name].units if name in law.inputs else ""


def _edges(solutions: Solutions) -> Iterable[Note]:
    """Notes on the ends of ranges at which the optimum lies, with the share of draws."""
    trade = solutions.trade
    for name, ends in trade.edges.items():
        for end, limit in zip(("smallest", "largest"), ends, strict=True):
            if share := float(np.mean(trade.at(limit, solutions.inputs[name]))):
                yield Note(
                    "at-edge", "warning",
                    f"In {share:.2g} of the draws the optimum is at the {end} allowed {name}, "
                    f"{size(float(np.exp(limit)), units_of(trade.law, name))}.",
                    f"The optimum may lie further out; widen the limits{worded(' (over)', '')} where the law holds.",
                )  # fmt: skip


def _beyond(posterior: Posterior, draws: Mapping[str, np.ndarray]) -> Iterable[Note]:
    here, there = flops(posterior.law, draws), flops(posterior.law, posterior.plan.fitted)
    if here is not None and there is not None and (ratio := float(np.median(here) / there.max())) > 1.0:
        yield Note(
            "beyond-runs", "info",
            f"The optimum is at {multiple(ratio)} the compute of the largest fitted run.",
            "Test the law on runs that it has not seen (`bayeslaw backtest`) before relying on it so far out.",
        )  # fmt: skip


def given_words(trade: Trade) -> str:
    """The budget and the fixed inputs, as words for a title."""
    words = [] if trade.budget is None else [f"{to_text(trade.budget.cost)} = {short(trade.budget.value)}"]
    words += [f"{name} = {size(value, units_of(trade.law, name))}" for name, value in trade.fixed.items()]
    return f" for {listed(words)}" if words else ""
