"""The search space of an optimum: the inputs that are traded, those that are fixed, and a budget that ties them.

A budget is a bound on a cost, and a cost is a formula of inputs: by default training compute, ``6 * N * D``.  The last
of the traded inputs that the cost contains spends the rest of the budget, so the search runs over the others alone, on
their logs.  Of two inputs under a budget the one that is searched keeps to an interval.  Of three, as of size,
vocabulary and tokens, two are searched in a box, in parts of which the rest of the budget is beyond its limits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.ask.optimum.budget import Budget, read_budget
from bayeslaw.ask.where.points import input_called, read_values
from bayeslaw.errors import QuestionError, listed, shown
from bayeslaw.language.formula.expression import names, to_text
from bayeslaw.language.law import Law
from bayeslaw.words import argument

# Tolerated excess over a budget: options are written with a few digits.
TOLERANCE = 0.005
# Points along an input at which a cost and the ranges are evaluated, and again between two of these for the ends, which
# are then right to 1e-4 over the widest range of the catalogue.
POINTS = 501
# An end of the box is reached to the last digit; a limit within it by steps that stop a little short, in e-folds.
CLOSE, NEARLY = 1e-9, 1e-3
# Points at which splits between several inputs are tried for the box about those in range.
GRID = 16_384

Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Trade:
    """Inputs that are traded for each other, with everything else that a law needs.

    Attributes
    ----------
    limits
        Limits of the traded inputs, in the order in which they were named.
    fixed
        The other inputs.
    """

    law: Law
    limits: Limits
    fixed: Mapping[str, float]
    budget: Budget | None

    @cached_property
    def spends(self) -> str | None:
        """The input that spends the rest of the budget."""
        if self.budget is None:
            return None
        return [name for name in self.limits if name in names(self.budget.cost)][-1]

    @cached_property
    def coordinates(self) -> tuple[str, ...]:
        """The inputs that a search runs over."""
        return tuple(name for name in self.limits if name != self.spends)

    def inputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The law's inputs at coordinates; shape ``(coordinates, ...)``, on the log."""
        return self.whole(self.traded(x))

    def traded(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The traded inputs at coordinates."""
        found = dict(zip(self.coordinates, np.exp(x), strict=True))
        if self.budget is not None and self.spends is not None:
            found[self.spends] = self.budget.rest(self.spends, {**self.fixed, **found}, self.limits[self.spends])
        return {name: found[name] for name in self.limits}

    @cached_property
    def along_size(self) -> int | None:
        """Whether size rises (1) or falls (-1) with the only coordinate, along a budget of training compute.

        None where something else is traded, or no budget is given.
        """
        column = {name: self.law.inputs[name].column for name in {**self.limits, **self.fixed}}
        if len(self.coordinates) != 1:
            return None
        if self.spends is None:
            spent = "flops" in (column[name] for name in self.fixed)
            return 1 if spent and column[self.coordinates[0]] == "n_params" else None
        return {("n_params", "n_tokens"): 1, ("n_tokens", "n_params"): -1}.get(
            (column[self.coordinates[0]], column[self.spends])
        )

    def moved(self, traded: Mapping[str, np.ndarray], e_folds: np.ndarray) -> dict[str, np.ndarray]:
        """Traded inputs at a place that is so many e-folds of size further along their own budget.

        Parameters
        ----------
        traded, e_folds
            Arrays that broadcast.
        """
        (name,) = self.coordinates
        there = traded[name] * np.exp((self.along_size or 0) * e_folds)
        if self.budget is None or self.spends is None:
            return {**traded, name: there}
        left, was = (
            self.budget.rest(self.spends, {**self.fixed, name: value}, self.limits[self.spends])
            for value in (there, traded[name])
        )
        return {**traded, name: there, self.spends: traded[self.spends] * left / was}

    @cached_property
    def shared(self) -> tuple[int, ...]:
        """The coordinates that the budget is split between, beside the input that spends its rest."""
        used = () if self.budget is None else names(self.budget.cost)
        return tuple(i for i, name in enumerate(self.coordinates) if name in used)

    @property
    def boxed(self) -> bool:
        """Whether every input is in its range everywhere in the box."""
        return len(self.shared) < 2

    @cached_property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the coordinates beyond which some input leaves its range; each of shape ``(coordinates,)``.

        Raises
        ------
        QuestionError
            When the budget is too small or too large for the limits.
        """
        ends = np.log(np.array([self.limits[name] for name in self.coordinates]))
        if not self.boxed:
            return self._around_what_is_inside(ends)
        # Without a budget, only an input that is computed from a single coordinate can narrow it.
        alone = (0,) if len(self.coordinates) == 1 else ()
        walked = alone if self.budget is None else self.shared
        line = np.repeat(ends.mean(axis=1)[:, None], POINTS, axis=1)
        for i in walked:
            line[i] = np.linspace(ends[i, 0], ends[i, 1], POINTS)
        there = self.inside(self.inputs(line))
        if not there.any():
            raise QuestionError(self._out_of_reach())
        for i in walked:
            first, last = np.flatnonzero(there)[[0, -1]]
            for end, inner, outer in ((0, first, max(first - 1, 0)), (1, last, min(last + 1, POINTS - 1))):
                finer = line.copy()
                finer[i] = np.linspace(line[i, outer], line[i, inner], POINTS)
                ends[i, end] = finer[i][self.inside(self.inputs(finer))][0]
        return ends[:, 0], ends[:, 1]

    @cached_property
    def edges(self) -> dict[str, tuple[float, float]]:
        """The ends, on the log, at which an optimum is held back by a limit, by input."""
        if self.boxed:
            return {name: (self.box[0][i], self.box[1][i]) for i, name in enumerate(self.coordinates)}
        return {name: (math.log(low), math.log(high)) for name, (low, high) in self.limits.items()}

    def at(self, end: float, values: np.ndarray) -> np.ndarray:
        """Whether values of an input are at one of its edges."""
        return np.isclose(np.log(values), end, rtol=0.0, atol=CLOSE if self.boxed else NEARLY)

    def _around_what_is_inside(self, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The box about the splits of a budget between several coordinates that keep every input in its range."""
        count = len(self.shared)
        points = round(GRID ** (1.0 / count))
        share = np.array(list(itertools.product(np.linspace(0.0, 1.0, points), repeat=count))).T
        grid = np.repeat(ends.mean(axis=1)[:, None], share.shape[1], axis=1)
        chosen = list(self.shared)
        low, wide = ends[chosen, 0, None], np.diff(ends[chosen], axis=1)
        grid[chosen] = low + share * wide
        there = self.inside(self.inputs(grid))
        if not there.any():
            raise QuestionError(self._out_of_reach())
        step = wide[:, 0] / (points - 1)
        ends[chosen, 0] = np.maximum(ends[chosen, 0], grid[chosen][:, there].min(axis=1) - step)
        ends[chosen, 1] = np.minimum(ends[chosen, 1], grid[chosen][:, there].max(axis=1) + step)
        return ends[:, 0], ends[:, 1]

    def whole(self, traded: Mapping[str, np.ndarray | float]) -> dict[str, np.ndarray]:
        """The traded inputs with the fixed and the computed ones."""
        given = {name: np.asarray(value, dtype=float) for name, value in {**self.fixed, **traded}.items()}
        return self.law.with_computed_inputs(given)

    def answers(self, name: str) -> bool:
        """Whether an input is part of the answer: traded, or computed from traded inputs and not itself the budget."""
        return name not in self.fixed and (self.budget is None or name != self.budget.name)

    def inside(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where traded and computed inputs are in their ranges; of the shape to which they broadcast."""
        inside = np.ones(np.broadcast_shapes(*(np.shape(values) for values in inputs.values())), dtype=bool)
        for name, values in inputs.items():
            limits = self.limits.get(name, self.law.inputs[name].range)
            if limits is not None and name not in self.fixed:
                inside &= (values >= limits[0] * (1 - 1e-9)) & (values <= limits[1] * (1 + 1e-9))
        return inside

    def _out_of_reach(self) -> str:
        ranges = ", ".join(f"{name} from {low:.3g} to {high:.3g}" for name, (low, high) in self.limits.items())
        if self.budget is None:
            return f"law '{self.law.name}', with {ranges}: no choice keeps every input in its range."
        ends = {name: np.array(limits) for name, limits in self.limits.items()}
        least, most = self.budget.spent({**self.fixed, **ends})
        return (
            f"a budget of {self.budget} is out of reach: for law '{self.law.name}', with {ranges}, "
            f"'{to_text(self.budget.cost)}' goes from {least:.3g} to {most:.3g}."
        )

    def option(self, given: Mapping[str, float]) -> dict[str, float]:
        """Complete one option of a menu: every traded input, the one left out from the budget.

        Raises
        ------
        QuestionError
            When it lacks an input, gives one that is fixed, leaves a range, or costs more than the budget.
        """
        given = {name: float(read_values(value, name)[0]) for name, value in given.items()}
        words = ", ".join(f"{name}={value:.4g}" for name, value in given.items())
        named = {input_called(self.law, word, f"option {words}").name: v for word, v in given.items()}
        if extra := set(named) - set(self.limits):
            raise QuestionError(f"option {words}: only {listed(self.limits)} is traded, not {listed(sorted(extra))}.")
        missing = [name for name in self.limits if name not in named]
        if self.budget is not None and len(missing) == 1 and missing[0] in names(self.budget.cost):
            named[missing[0]] = float(self.budget.rest(missing[0], {**self.fixed, **named}, self.limits[missing[0]]))
            missing = []
        if missing:
            raise QuestionError(f"option {words}: give {listed(missing)} too.")
        for name, (low, high) in self.limits.items():
            if not low * (1 - TOLERANCE) <= named[name] <= high * (1 + TOLERANCE):
                raise QuestionError(
                    f"option {words}: {name} would be {named[name]:.4g}, but may be from {low:.3g} to {high:.3g}."
                )
        if self.budget is not None:
            spent = float(self.budget.spent({**self.fixed, **named}))
            if spent > self.budget.value * (1 + TOLERANCE):
                raise QuestionError(f"option {words}: costs {spent:.4g}, more than the budget of {self.budget}.")
        return {name: named[name] for name in self.limits}


def all_given(budget: Mapping[str, float] | None, at: Mapping[str, float] | None) -> dict[str, float]:
    """The budget, its constants and the inputs that are held fixed, by name.

    Raises
    ------
    QuestionError
        When a value has no name, or a name has two values.
    """
    for which, values in (("budget", budget), ("at", at)):
        if not isinstance(values, Mapping | None):
            raise QuestionError(f'{which}: {shown(values)} has no name; write {which}={{"C": 1e23}}.')
    found, held = dict(budget or {}), dict(at or {})
    if twice := found.keys() & held.keys():
        raise QuestionError(f"{listed(sorted(twice))} is given in budget and in at; give it once.")
    return {**found, **held}


def make_trade(law: Law, given: Mapping[str, float], over: Sequence[str] | Limits | None, cost: str | None) -> Trade:
    """Read the search space of an optimum; the other parameters are those of :func:`bayeslaw.optimum`.

    Parameters
    ----------
    given
        The budget, its constants and the inputs that are held fixed, by name.

    Raises
    ------
    QuestionError
        When a name is unknown, an input is missing or beyond its range, or nothing is left to trade.
    LawError
        When the cost is not a formula.
    """
    free = {name: one for name, one in law.inputs.items() if one.formula is None or one.along_runs}
    words = {**{one.column: one.name for one in law.inputs.values()}, **{name: name for name in law.inputs}}
    fixed: dict[str, float] = {}
    rest: dict[str, float] = {}
    for word, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise QuestionError(f"{word}={value:g}: a budget and a fixed input are positive numbers.")
        name = words.get(word, word)
        (fixed if name in free else rest)[name] = float(read_values(value, name)[0])
    budget = read_budget(law, free, rest, cost)
    for name, value in fixed.items():
        low, high = free[name].range or (0.0, math.inf)
        if not low <= value <= high:
            raise QuestionError(
                f"{name}={value:.4g}: law '{law.name}' expects {free[name].units or name} from {low:.3g} to {high:.3g}."
            )
    limits = _limits(law, fixed, over)
    missing = [name for name in law.free_inputs if name not in limits and name not in fixed]
    if missing:
        raise QuestionError(
            f"law '{law.name}' needs '{missing[0]}' ({law.inputs[missing[0]].meaning}): fix it by "
            f"{missing[0]}=VALUE, or trade it too."
        )
    if budget is not None and not set(limits) & set(names(budget.cost)):
        raise QuestionError(f"the cost '{to_text(budget.cost)}' contains no traded input ({listed(limits)}).")
    if len(limits) - (budget is not None) < 1:
        left = f"; the budget leaves no choice of '{next(iter(limits))}'" if limits else ""
        raise QuestionError(f"law '{law.name}': there is nothing to trade when {listed(given)} is given{left}.")
    found = Trade(law, limits, fixed, budget)
    _check_rising(found)
    return found


def _limits(law: Law, fixed: Mapping[str, float], over: Sequence[str] | Limits | None) -> Limits:
    """The traded inputs with their ranges."""
    if isinstance(over, str):
        over = [over]
    found: dict[str, tuple[float, float]] = {}
    for word in [name for name in law.free_inputs if name not in fixed] if over is None else over:
        one = input_called(law, word, argument("over"))
        if one.name not in law.free_inputs:
            raise QuestionError(f"over: '{word}' is not traded itself; trade {listed(law.free_inputs)}.")
        if one.name in fixed:
            raise QuestionError(f"over: '{word}' cannot be traded when it is fixed at {fixed[one.name]:.4g}.")
        if isinstance(over, Mapping):
            limits = over[word]
        elif one.range is not None and one.range[0] > 0:
            limits = one.range
        else:
            raise QuestionError(
                f"over: law '{law.name}' gives '{word}' no range of positive numbers; say over={{'{word}': "
                f"(LOW, HIGH)}}."
            )
        low, high = limits
        if not 0.0 < low < high:
            raise QuestionError(f"over: the limits of '{word}' must be positive and rise, not {low:.4g} to {high:.4g}.")
        least, most = one.range or limits
        if low < least or high > most:
            raise QuestionError(f"over: law '{law.name}' expects '{word}' from {least:.3g} to {most:.3g}.")
        found[one.name] = (float(low), float(high))
    return found


def _check_rising(trade: Trade) -> None:
    """A cost must rise with the input that spends the rest of the budget, or the budget would not determine it."""
    if trade.budget is None or trade.spends is None:
        return
    middle = {name: math.sqrt(low * high) for name, (low, high) in trade.limits.items()}
    low, high = trade.limits[trade.spends]
    line = np.geomspace(low, high, POINTS)
    spent = trade.budget.spent({**trade.fixed, **middle, trade.spends: line})
    if not np.all(np.diff(spent) > 0):
        raise QuestionError(f"the cost '{to_text(trade.budget.cost)}' must rise with '{trade.spends}', and does not.")
