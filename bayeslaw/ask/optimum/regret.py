"""What a choice loses against the best one: options, menus of them, and curves along an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.ask.interval import Interval
from bayeslaw.ask.optimum.minimum import Lowest, lowest
from bayeslaw.ask.optimum.place import Moving, PlaceDrift
from bayeslaw.ask.optimum.trade import Trade
from bayeslaw.inference.posterior.best_sizes import best_size_note
from bayeslaw.language.parts import BEST
from bayeslaw.note import Note, by_name

# The options of the default menu: multiples of the median of the best value of each input.
MULTIPLES = (0.25, 0.5, 2**-0.5, 1.0, 2**0.5, 2.0, 4.0)
# A curve of regret: e-folds to either side of the optimum, and points.
REACH, POINTS = 3.0, 73
# The rounding error of a regret, relative to the outcome.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Option:
    """One choice, and what it loses against the best of each draw.

    Attributes
    ----------
    inputs
        The traded inputs, by name.
    regret
        In units of the outcome.
    probability_best
        The share of draws in which no other option of the menu is better.
    """

    inputs: Mapping[str, float]
    regret: Interval
    probability_best: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"option": dict(self.inputs), **self.regret.as_dict(), "probability_best": self.probability_best}


@dataclass(frozen=True)
class Curve:
    """The regret along one input, with the budget spent and the other inputs at their best.

    Attributes
    ----------
    inputs
        The traded inputs along the curve; each of shape ``(points,)``.
    regret
        Median, lower and upper end of the interval, and the quantile at the probability of the level; shape
        ``(4, points)``.
    """

    name: str
    inputs: Mapping[str, np.ndarray]
    regret: np.ndarray

    def under(self, tolerance: float) -> tuple[float, float] | None:
        """The values between which the regret stays below a tolerance with the level's probability; None if none."""
        place = np.log(self.inputs[self.name])
        fine = np.linspace(place[0], place[-1], 50 * len(place))
        # Near an optimum a regret is nearly quadratic, so its square root is nearly linear between points.
        regret = np.interp(fine, place, np.sqrt(np.maximum(self.regret[3], 0.0))) ** 2
        inside, best = regret <= tolerance, int(regret.argmin())
        if not inside[best]:
            return None
        outside = np.flatnonzero(~inside)
        first = outside[outside < best].max(initial=-1) + 1
        last = outside[outside > best].min(initial=len(fine)) - 1
        return float(np.exp(fine[first])), float(np.exp(fine[last]))


@dataclass(frozen=True)
class Solved:
    """A trade solved for each draw of a law's parameters.

    Attributes
    ----------
    parameters
        By name, each of shape ``(size,)``.
    moving
        The drift of the place of the optimum, and of the whole bowl with it; None where it stays.
    """

    trade: Trade
    parameters: Mapping[str, np.ndarray]
    moving: Moving | None = None

    @cached_property
    def sign(self) -> float:
        """What makes the best outcome the lowest number."""
        return BEST[self.trade.law.output.best]

    @cached_property
    def lowest(self) -> Lowest:
        """The minimum of each draw, or of the outcome's negative where the highest is best."""
        return lowest(self._searched, *self.trade.box)

    def _searched(self, x: np.ndarray) -> np.ndarray:
        inputs = self.trade.inputs(x)
        found = self.sign * self.outcome(inputs)
        # With one input beside the one that spends the rest, the box itself ends where the budget does.
        return found if self.trade.boxed else np.where(self.trade.inside(inputs), found, np.nan)

    @cached_property
    def value(self) -> np.ndarray:
        """The best outcome of each draw; shape ``(size,)``."""
        return self.sign * self.lowest.value

    @cached_property
    def at_edge(self) -> np.ndarray:
        """Whether the optimum of the law itself is at the end of a range; shape ``(size,)``."""
        places = [self.trade.at(end, self.unmoved[name]) for name, ends in self.trade.edges.items() for end in ends]
        return np.asarray(np.any(places, axis=0))

    @cached_property
    def best(self) -> dict[str, np.ndarray]:
        """All inputs at the minimum, moved within the trade's box; each of shape ``(size,)``."""
        if self.shift is None:
            return self.unmoved
        low, high = self.trade.box
        moved = self.lowest.at + (self.trade.along_size or 0) * self.shift
        return self._at(np.clip(moved, low[:, None], high[:, None]))

    @cached_property
    def unmoved(self) -> dict[str, np.ndarray]:
        """All inputs at the minimum of the law itself; each of shape ``(size,)``."""
        return self._at(self.lowest.at)

    @cached_property
    def shift(self) -> np.ndarray | None:
        """The e-folds of size by which each draw's optimum has moved, if any; shape ``(size,)``."""
        return None if self.moving is None else self.moving.shifts(self.unmoved)

    def _at(self, x: np.ndarray) -> dict[str, np.ndarray]:
        found = self.trade.inputs(x)
        return {name: np.broadcast_to(values, self.lowest.value.shape) for name, values in found.items()}

    @cached_property
    def size(self) -> int:
        """The number of draws."""
        return max(np.size(values) for values in self.parameters.values())

    def outcome(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The law at inputs of shape ``(points, 1)`` or ``(points, size)``; shape ``(points, size)``."""
        mean = np.asarray(self.trade.law.mean(inputs, self.parameters), dtype=float)
        shape: tuple[int, ...] = np.broadcast_shapes(mean.shape, (1, self.size))
        return np.broadcast_to(mean, shape)

    def regret(self, traded: Mapping[str, np.ndarray]) -> np.ndarray:
        """The regret of options of shape ``(options,)`` in each draw; shape ``(size, options)``."""
        columns = {name: values[:, None] for name, values in traded.items()}
        if self.shift is not None:
            # A bowl that has moved by some e-folds gives an option the loss that the law's own has so many before it.
            columns = self.trade.moved(columns, -self.shift)
        given_up = self.sign * (self.outcome(self.trade.whole(columns)) - self.value).T
        # An option cheaper than the budget may truly be better; on the budget only rounding can be.
        rounding = ROUNDING * np.abs(self.lowest.value)[:, None]
        return np.asarray(np.where(given_up < -rounding, given_up, np.maximum(given_up, 0.0)))


@dataclass(frozen=True)
class Solutions:
    """One trade solved under each posterior of an average.

    Attributes
    ----------
    each
        By the average's names of its posteriors.
    """

    asked: Average
    each: Mapping[str, Solved]

    @cached_property
    def lead(self) -> str:
        """The name of the posterior whose law reads the most inputs."""
        return next(name for name, each in self.asked.posteriors.items() if each is self.asked.lead)

    @property
    def trade(self) -> Trade:
        """The trade of the lead."""
        return self.each[self.lead].trade

    @property
    def place_drifts(self) -> dict[str, PlaceDrift]:
        """The drift of the place under each posterior that has one, by name."""
        return {name: one.moving.drift for name, one in self.each.items() if one.moving is not None}

    @property
    def moved(self) -> tuple[Note, ...]:
        """Notes on laws whose best sizes at fitted budgets are not those of the runs."""
        shown = {name: () if one.moving is None else one.moving.shown for name, one in self.each.items()}
        found = {name: best_size_note(each) for name, each in shown.items()}
        return by_name({name: (note,) for name, note in found.items() if note is not None})

    def value(self, drifts: Mapping[str, Drift]) -> np.ndarray:
        """The best outcome of each draw, including the law's drift; shape ``(size,)``."""
        found = {name: one.value for name, one in self.each.items()}
        for name, drift in drifts.items():
            # Runs of one budget at fitted ratios drift alike, which moves the outcome and not the optimum.
            inputs = {key: values[:, None] for key, values in self.each[name].unmoved.items()}
            found[name] = drift.apply(self.asked.posteriors[name], inputs, found[name][:, None])[:, 0]
        return self.asked.mixed(found)

    @cached_property
    def at_edge(self) -> np.ndarray:
        """Whether a draw's optimum is at the end of a range; shape ``(size,)``."""
        return self.asked.mixed({name: one.at_edge for name, one in self.each.items()})

    @cached_property
    def inputs(self) -> dict[str, np.ndarray]:
        """The best inputs; each of shape ``(size,)``."""
        found = {name: one.best for name, one in self.each.items()}
        answered = [name for name in found[self.lead] if self.trade.answers(name)]
        return {name: self.asked.mixed({k: best[name] for k, best in found.items()}) for name in answered}

    @cached_property
    def middle(self) -> np.ndarray:
        """The middle of the best values, in the lead's coordinates."""
        return np.log([np.median(self.inputs[name]) for name in self.trade.coordinates])

    def regret(self, traded: Mapping[str, np.ndarray]) -> np.ndarray:
        """The regret of options of shape ``(options,)`` in each draw; shape ``(size, options)``."""
        return self.asked.mixed({name: one.regret(traded) for name, one in self.each.items()})

    def curve(self, position: int, level: float) -> Curve:
        """The regret along one coordinate, about the middle of the best values."""
        middle, (low, high) = self.middle, self.trade.box
        x = np.repeat(middle[:, None], POINTS, axis=1)
        x[position] = np.linspace(
            max(low[position], middle[position] - REACH), min(high[position], middle[position] + REACH), POINTS
        )
        traded = self.trade.traded(x)
        tail = (1.0 - level) / 2.0
        regret = np.quantile(self.regret(traded), [0.5, tail, 1.0 - tail, level], axis=0)
        return Curve(self.trade.coordinates[position], traded, regret)

    def usual_menu(self) -> list[dict[str, float]]:
        """Multiples of the middle of the best values, one coordinate at a time, within the box."""
        middle, (low, high) = self.middle, self.trade.box
        places: dict[tuple[float, ...], None] = {}
        for i in range(len(middle)):
            for multiple in MULTIPLES:
                place = middle.copy()
                place[i] = np.clip(place[i] + np.log(multiple), low[i], high[i])
                places[tuple(place)] = None
        traded = self.trade.traded(np.array(list(places)).T)
        return [{name: float(values[k]) for name, values in traded.items()} for k in range(len(places))]


def judged(menu: list[dict[str, float]], regret: np.ndarray, levels: Sequence[float]) -> tuple[Option, ...]:
    """A menu with its regret, shape ``(size, options)``, summarised."""
    best = np.bincount(regret.argmin(axis=1), minlength=len(menu)) / len(regret)
    lost = Interval.each(regret, levels)
    return tuple(Option(one, lost[i], float(best[i])) for i, one in enumerate(menu))
