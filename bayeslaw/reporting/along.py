"""The forecast along budgets: the runs that a planned one would be with more or less of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.ask.forecast.mixture import draw_each
from bayeslaw.ask.where.points import points_at, words_of
from bayeslaw.ask.where.scale import Axis, labels
from bayeslaw.decisions.choice.reach import Ray, ray_of
from bayeslaw.errors import RunsError
from bayeslaw.inference.model.values import by_run
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.runs import observations
from bayeslaw.runs.stand_ins import NEW, POPULATION, Group
from bayeslaw.runs.table import Runs

# Budgets on a curve; and how far it goes on beyond what is known.
PLACES, FURTHER = 32, 10.0
# Draws that a difference of medians takes.
FEW_DRAWS = 200
# Runs on a picture; of more, as many are taken evenly.
MOST_RUNS = 300
# Multiples of the budget in a table.
TIMES = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Moved:
    """The fitted runs on the path of the curve.

    Attributes
    ----------
    places
        Where they lie along the axis; shape ``(runs,)``.
    outcomes
        Their outcomes, moved to the curve's inputs and family by what the law says of the difference.
    observed
        Their own outcomes.
    names
        Who they are, in words.
    of
        How many runs there are.
    """

    places: np.ndarray
    outcomes: np.ndarray
    observed: np.ndarray
    names: tuple[str, ...]
    of: int


@dataclass(frozen=True, eq=False)
class Along:
    """Forecasts along an axis.

    Attributes
    ----------
    here
        The place of the planned run.
    held
        What stays as it is along the axis, in words.
    places
        Shape ``(places,)``, in increasing order.
    draws
        New runs there, with the same luck at every place; shape ``(size, places)``.
    runs
        The fitted runs; None for published values, and where outcomes cannot be compared.
    largest
        The largest fitted place; None for published values.
    """

    axis: Axis
    here: float
    held: str
    places: np.ndarray
    draws: np.ndarray
    runs: Moved | None
    largest: float | None

    def multiples(self) -> dict[float, np.ndarray]:
        """Draws at multiples of the planned budget, where they lie on the curve; each of shape ``(size,)``."""
        at = {times: np.flatnonzero(np.isclose(self.places, times * self.here, rtol=1e-9)) for times in TIMES}
        return {times: self.draws[:, found[0]] for times, found in at.items() if len(found)}


def along(asked: Average, at: Mapping[str, Any], family: Families, drifts: Mapping[str, Drift]) -> Along | None:
    """Forecast along the path through a run; None where nothing can grow in proportion."""
    ray = ray_of(asked, {"run": at})
    if ray is None:
        return None
    here = float(ray.axis.values({name: np.array([value]) for name, value in ray.inputs.items()})[0])
    largest = float(ray.axis.values(asked.lead.plan.fitted).max()) if asked.measured else None
    smallest = float(ray.axis.values(asked.lead.plan.fitted).min()) if asked.measured else here / 100.0
    low, high = min(smallest, here), max(here, here if largest is None else largest)
    if low > 0:
        more = [times * here for times in TIMES if low <= times * here <= FURTHER * high]
        grid = np.geomspace(low, FURTHER * high, PLACES)
    else:  # zero means nothing on the axis, as of dates
        more, grid = [here], np.linspace(low, high + 0.5 * (high - low), PLACES)
    within = partial(_all_laws_reach, asked, ray)
    places = np.array([*filter(within, np.unique([*grid, *more]).tolist())])
    columns = []
    for place in places.tolist():
        drawn = draw_each(asked, ray.at(place), family, drifts)
        columns.append(asked.mixed({name: each.run[:, 0] for name, each in drawn.items()}))
    runs = _moved(asked, ray, family) if asked.measured else None
    return Along(ray.axis, here, ray.track.held, places, np.stack(columns, axis=1), runs, largest)


def _all_laws_reach(asked: Average, ray: Ray, place: float) -> bool:
    """Whether a place of the curve is in the range of all laws."""
    laws = [each.law for each in asked.posteriors.values()]
    points = points_at(laws, ray.at(place))
    try:
        for law in laws:
            observations.inputs(points, law)
    except RunsError:
        return False
    return True


def _moved(asked: Average, ray: Ray, family: Families) -> Moved | None:
    """The fitted runs, moved to the curve by what the law says of the difference; None for counts, whose trials differ.

    Runs with other tokens per parameter, or of another family, would look like misfits beside the curve.
    """
    lead = asked.lead
    if lead.law.output.likelihood.family.outcome == "count":
        return None
    rows = np.unique(np.linspace(0, len(lead.runs) - 1, min(MOST_RUNS, len(lead.runs))).astype(int))
    places = ray.axis.values({name: values[rows] for name, values in lead.plan.inputs.items()})
    there_too = np.array([_all_laws_reach(asked, ray, place) for place in places.tolist()])
    rows, places = rows[there_too], places[there_too]
    runs, link = lead.runs.take(rows), lead.law.output.link
    observed = lead.plan.outcome[rows]
    with np.errstate(all="ignore"):
        shift = sum(w * _difference(asked.posteriors[name], ray, places, family, rows, link)
                    for name, w in asked.weights.items())  # fmt: skip
        outcomes = UNLINKS[link](LINKS[link](observed) + shift)
    return Moved(places, np.asarray(outcomes), observed, _names(runs, asked), len(lead.runs))


def _difference(
    posterior: Posterior, ray: Ray, places: np.ndarray, family: Families, rows: np.ndarray, link: str
) -> np.ndarray:
    """How much higher a law is on the curve than at some runs, on the scale of its noise; shape ``(rows,)``."""
    law, plan = posterior.law, posterior.plan
    thin = np.linspace(0, posterior.size - 1, min(FEW_DRAWS, posterior.size)).astype(int)
    values = {name: posterior.draws(name)[thin] for name in posterior.values}
    own = law.mean({name: each[rows] for name, each in plan.inputs.items()}, by_run(plan, values, rows))
    columns = [ray.at(float(place)) for place in places]
    at = {word: [column[word] for column in columns] for word in columns[0] if word in words_of([law])}
    inputs = observations.inputs(points_at([law], at), law)
    groups = posterior.groups_of(family if isinstance(family, str | Mapping) else None)
    parameters = posterior.parameters({**dict.fromkeys(groups, POPULATION), **_known(groups)})
    there = law.mean(inputs, {name: each[thin, None] for name, each in parameters.items()})
    return np.asarray(np.median(LINKS[link](there) - LINKS[link](own), axis=0))


def _known(groups: Mapping[str, Group]) -> dict[str, Group]:
    """The groups that were fitted; the middle of all stands for a new one."""
    return {column: group for column, group in groups.items() if group != NEW}


def _names(runs: Runs, asked: Average) -> tuple[str, ...]:
    """The row of each run in its file, with its family."""
    groups = labels(runs, asked.lead.family_grouping)
    return tuple(f"row {row}{group and f', {group}'}" for row, group in zip(runs.rows, groups, strict=True))
