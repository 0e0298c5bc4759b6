"""The least budget at which a target is likely enough, along the ray of an option.

Along a ray the inputs of one option grow together: along compute its tokens per parameter stay, else one input grows
and the others stay.  The chance at a budget is the share of draws whose run there meets the target.  In a draw a run
has the same luck at every budget, so each draw also has a budget from which on its run meets the target, or has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.ask.forecast.mixture import draw_each
from bayeslaw.ask.interval import Interval, percent
from bayeslaw.ask.threshold.curve import Track, make_track
from bayeslaw.ask.where.points import points_at
from bayeslaw.ask.where.scale import Axis, axis_of
from bayeslaw.decisions.choice.plan import Plan, Target
from bayeslaw.language.formula.functions import LINKS
from bayeslaw.runs import observations
from bayeslaw.words import chance, short, size

# Budgets at which the chance is drawn; between them its normal score is nearly straight on the log.
PLACES = 25
# How far to look: below the smallest and above the largest of options and fitted runs, within the range of the law.
BELOW, ABOVE = 100.0, 1e4
# Normal scores of shares that no draw can tell from 0 or 1.
SURE = 1e-6


@dataclass(frozen=True)
class Ray:
    """The runs that one option stands for, along an axis.

    Attributes
    ----------
    through
        The option's name.
    within
        Where budgets are searched.
    inputs
        The option's own inputs, by name in the law.
    """

    asked: Average
    through: str
    track: Track
    within: tuple[float, float]
    inputs: Mapping[str, float]

    @property
    def axis(self) -> Axis:
        """What grows."""
        return self.track.axis

    def at(self, place: float) -> dict[str, Any]:
        """A run along the ray, by columns as a question takes it."""
        law, moved = self.asked.lead.law, self.track.inputs(np.array([place]))
        kept = {
            name: self.inputs[name] for name in law.noise_inputs if name in self.inputs and name not in law.free_inputs
        }
        found = {name: float(values[0]) for name, values in moved.items()} | kept
        return {law.inputs[name].column: value for name, value in found.items()}


@dataclass(frozen=True, eq=False)
class Reach:
    """The budget that a target takes.

    Attributes
    ----------
    ray
        Through the largest option.
    places, chances
        Budgets, and the probability that a run of each meets the target; shape ``(places,)``.
    wanted
        The probability asked for.
    least
        The least budget at which the chance is at least that; None where none is.
    cost
        Of that run; None where it is not known.
    needed
        The budget from which on a run meets the target; infinite ends lie beyond the range.
    never, before
        The probabilities that no budget of the range is enough, and that its smallest is.
    """

    ray: Ray
    places: np.ndarray
    chances: np.ndarray
    wanted: float
    least: float | None
    cost: float | None
    needed: Interval
    never: float
    before: float

    def sentences(self, target: Target, money: str) -> list[str]:
        """For people."""
        axis, held = self.ray.axis, f", with {self.ray.track.held}" if self.ray.track.held else ""
        low, high = (size(end, axis.units) for end in self.ray.within)
        start = f"Along the ray of '{self.ray.through}'{held}, a chance of {percent(self.wanted)}"
        if self.least is None:
            said = f"{start} is not reached up to {axis.name} = {high}."
        elif self.least <= self.places[0]:
            said = f"{start} is there from {axis.name} = {low} on, the smallest that was looked at."
        else:
            price = "" if self.cost is None else f", at a cost of {amount(self.cost, money)}"
            said = f"{start} takes {axis.name} = {size(self.least, axis.units)}{price}."
        words = self.needed.words(axis.units, outside=(f"below {low}", f"beyond {high}"))
        return [
            said,
            f"A run along it comes to {target} from {axis.name} = {words} on, and not up to {high} with a probability "
            f"of {chance(self.never)}.",
        ]

    def as_dict(self) -> dict[str, Any]:
        """For JSON, where an end outside the range is null."""
        return {
            "along": self.ray.axis.name, "through": self.ray.through, "held": self.ray.track.held,
            "range": list(self.ray.within), "probability": self.wanted, "least": self.least, "cost": self.cost,
            "needed": self.needed.as_dict(), "probability_never": self.never, "probability_before": self.before,
            "chances": [{"budget": float(place), "probability": float(p)}
                        for place, p in zip(self.places, self.chances, strict=True)],
        }  # fmt: skip


def ray_of(asked: Average, options: Mapping[str, Mapping[str, Any]]) -> Ray | None:
    """The ray of the largest option; None for a law along whose axis nothing can grow in proportion."""
    lead, laws = asked.lead, [each.law for each in asked.posteriors.values()]
    axis = axis_of(lead.law, None)
    inputs = {name: observations.inputs(points_at(laws, at), lead.law) for name, at in options.items()}
    places = {name: float(axis.values(each)[0]) for name, each in inputs.items()}
    if min(places.values()) <= 0.0:
        return None
    through = max(places, key=lambda name: places[name])
    own = {name: float(values[0]) for name, values in inputs[through].items()}
    fixed = {name: own[name] for name in lead.law.free_inputs if name != axis.name}
    track = make_track(lead, axis.name, fixed, lead.groups_of(None), None)
    known = [*places.values(), *([float(axis.values(lead.plan.fitted).max())] if asked.measured else [])]
    low, high = max(track.within[0], min(known) / BELOW), min(track.within[1], max(known) * ABOVE)
    return Ray(asked, through, track, (low, high), own)


def reach(ray: Ray, plan: Plan, wanted: float, family: Families, drifts: Mapping[str, Drift],
          levels: Sequence[float]) -> Reach:  # fmt: skip
    """Find the budget that a target takes along a ray.

    Parameters
    ----------
    wanted
        The probability that is enough.
    """
    asked, target, places = ray.asked, plan.target, np.geomspace(*ray.within, PLACES)
    # One point after another, each with the same random numbers: the same luck at every budget.
    columns = []
    for place in places.tolist():
        drawn = draw_each(asked, ray.at(place), family, drifts)
        columns.append(asked.mixed({name: each.run[:, 0] for name, each in drawn.items()}))
    outcomes = np.stack(columns, axis=1)
    met = target.met(outcomes)
    chances = met.mean(axis=0)
    needed = _first_met(np.log(places), met, LINKS[asked.link](outcomes), float(LINKS[asked.link](target.value)))
    least = _least(np.log(places), chances, wanted)
    cost = None
    if least is not None and plan.cost is not None and plan.cost.formula is not None:
        laws = [each.law for each in asked.posteriors.values()]
        cost = float(plan.cost.of(laws, points_at(laws, ray.at(least)))[0])
    return Reach(
        ray=ray, places=places, chances=chances, wanted=wanted, least=least, cost=cost,
        needed=Interval.of(needed, levels, "inverted_cdf"), never=float(np.mean(np.isposinf(needed))),
        before=float(met[:, 0].mean()),
    )  # fmt: skip


def _first_met(logs: np.ndarray, met: np.ndarray, heights: np.ndarray, value: float) -> np.ndarray:
    """Where each draw first meets the target, straight between budgets on the scale of the noise; shape ``(size,)``."""
    rows, first = np.arange(len(met)), met.argmax(axis=1)
    before = np.maximum(first - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (value - heights[rows, before]) / (heights[rows, first] - heights[rows, before])
    place = logs[before] + np.clip(np.nan_to_num(part, nan=1.0), 0.0, 1.0) * (logs[first] - logs[before])
    return np.select([~met.any(axis=1), met[:, 0]], [np.inf, 0.0], np.exp(place))


def _least(logs: np.ndarray, chances: np.ndarray, wanted: float) -> float | None:
    """The first place at which a chance is enough, straight between places on normal scores."""
    enough = chances >= wanted
    if not enough.any():
        return None
    first = int(enough.argmax())
    if first == 0:
        return float(np.exp(logs[0]))
    low, high = ndtri(np.clip(chances[first - 1 : first + 1], SURE, 1.0 - SURE))
    part = (ndtri(wanted) - low) / (high - low)
    return float(np.exp(logs[first - 1] + part * (logs[first] - logs[first - 1])))


def chance_at(found: Reach, place: float) -> float:
    """The chance at any budget of the range, as the least budget is found."""
    scores = ndtri(np.clip(found.chances, SURE, 1.0 - SURE))
    return float(ndtr(np.interp(np.log(place), np.log(found.places), scores)))


def amount(value: float, money: str) -> str:
    """A sum of money."""
    words = f"{value:,.0f}" if 100.0 <= abs(value) < 1e9 else short(value)
    return f"{words} {money}".strip()
