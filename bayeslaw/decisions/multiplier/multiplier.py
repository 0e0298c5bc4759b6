"""What a recipe is worth: the factor of compute at equal outcome.

Two recipes (data, optimiser, architecture) are two families of a fit.  In each draw of the parameters each is a curve,
and the *multiplier* at a scale is how many times that scale the old recipe needs for what the new one comes to there.
Where the old one never comes to it, as when its floor is higher, it is infinite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift, Drifting, drifts_of, undrifted
from bayeslaw.ask.interval import Interval, Level, levels_of
from bayeslaw.ask.threshold.curve import make_track
from bayeslaw.ask.where.points import COMPUTE as COMPUTE_WORDS
from bayeslaw.ask.where.points import Where, points_at, read_values
from bayeslaw.ask.where.scale import COMPUTE, Axis, axis_of, path, read_at
from bayeslaw.decisions.multiplier.answer import Crossing, Factor, Multiplier, Trend
from bayeslaw.decisions.multiplier.ray import Ray, Rays
from bayeslaw.decisions.multiplier.recipes import Recipe, few_budgets, recipes_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.note import Note, in_order
from bayeslaw.runs import observations
from bayeslaw.runs.stand_ins import Group
from bayeslaw.runs.table import Runs
from bayeslaw.words import size

# A ratio of inputs that agrees to so many digits is one ray.
DIGITS = 9


def compute_multiplier(
    posterior: Posterior | Average,
    families: tuple[Group, Group],
    at: Where | Mapping[str, Any] | None = None,
    along: str | None = None,
    level: Level = 0.9,
    *,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Multiplier:
    """Find what one recipe is worth against another: the factor of compute at equal outcome.

    Parameters
    ----------
    posterior
        A fit in which recipes are families, or an average of several.
    families
        The new recipe and the old one, by the names of their families.
    at
        Runs of the new recipe: inputs by name or column, each one number or several.  Compute alone keeps the tokens
        per parameter of the fitted runs.  The default is the smallest, a middle and the largest fitted scale.
    along
        ``"flops"`` (the default of laws of parameters and tokens) or an input of the law, such as ``"n_tokens"``: what
        the factor multiplies, while other inputs stay; along compute the tokens per parameter do.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    drift, allow_unconverged
        As :func:`bayeslaw.forecast` takes them.

    Returns
    -------
    Multiplier
        Of the laws themselves, without the noise of a run: records by point, how the factor changes with scale, and
        where the two recipes cross.

    Raises
    ------
    QuestionError
        When a recipe is no fitted family, or has runs at one budget only.
    RunsError
        When a value of `at` cannot be an input of the law.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    A factor of 1.2 at ``C`` says that the old recipe needs ``1.2 C``.  Recipes that share a floor and an exponent
    differ by one factor at all scales; with exponents of their own, by one that grows or shrinks with the scale.
    """
    levels = levels_of(level)
    asked = Average.of(posterior)
    lead = asked.lead
    axis = axis_of(lead.law, along)
    recipes = recipes_of(lead, families, axis)
    asked.require(allow_unconverged)
    drifts = drifts_of(asked, drift)
    scales = np.concatenate([each.scales for each in recipes])
    fitted = float(scales.min()), float(scales.max())
    points = _points(asked, axis, at, fitted)
    inputs = observations.inputs(points, lead.law)
    places = axis.values(inputs).tolist()
    rays = _rays(asked, families, axis, points, drifts)
    draws = np.stack([ray.factor(place) for ray, place in zip(rays, places, strict=True)], axis=1)
    # Quantiles are draws, because there is no interpolation between a number and infinity.
    factors = Interval.each(draws, levels, "inverted_cdf")
    found = tuple(
        Factor(
            at={name: float(inputs[name][i]) for name in lead.law.free_inputs},
            units={name: lead.law.inputs[name].units for name in lead.law.free_inputs},
            scale=place, outcome=float(np.median(rays[i].reached(place))), factor=factors[i],
            probability_better=float(np.mean(draws[:, i] > 1.0)),
            probability_never=float(np.mean(np.isposinf(draws[:, i]))),
        )
        for i, place in enumerate(places)
    )  # fmt: skip
    first, laws = rays[0], rays[0].without_drift
    ends = np.stack([laws.factor(end) for end in fitted], axis=1)
    return Multiplier(
        law=asked.name, title=asked.title, outcome=lead.law.output.column, along=axis,
        families=(recipes[0].name, recipes[1].name), levels=levels, points=found, fitted=fitted,
        trend=Trend.of(fitted, ends, levels), crossing=Crossing.of(first.within, fitted, first.crossing(), levels),
        rays=first, diagnostics=asked.diagnostics, draws=draws, drift=drifts,
        notes=in_order((*_notes(found, axis, first.within, recipes), *undrifted(asked, drifts), *asked.notes)),
    )  # fmt: skip


def _points(asked: Average, axis: Axis, at: Where | Mapping[str, Any] | None, fitted: tuple[float, float]) -> Runs:
    """The runs of the new recipe, in whose inputs what is left open is that of the fitted runs."""
    lead, laws = asked.lead, [each.law for each in asked.posteriors.values()]
    law = lead.law
    if at is None:
        at = {axis.name: np.geomspace(*fitted, 3)}
    elif not isinstance(at, Mapping):
        return points_at(laws, at)
    words = {axis.name, *(COMPUTE_WORDS if axis.scale else (law.inputs[axis.name].column,))}
    scale = [word for word in at if word in words]
    sizes = {word for name in axis.scale or () for word in (name, law.inputs[name].column)}
    others: dict[str, Any] = {word: value for word, value in at.items() if word not in words}
    if len(scale) != 1 or sizes & set(at) or any(np.size(value) != 1 for value in others.values()):
        return points_at(laws, at)
    grid = read_values(at[scale[0]], scale[0])
    inputs, _ = path(lead, axis, grid, lead.usual, read_at(law, others))
    columns: dict[str, Any] = {law.inputs[name].column: values for name, values in inputs.items()}
    return points_at(laws, columns)


def _rays(
    asked: Average, families: tuple[Group, Group], axis: Axis, points: Runs, drifts: Mapping[str, Drift]
) -> list[Rays]:
    """The ray of each point; points that differ along the axis alone share theirs."""
    column = COMPUTE if axis.scale else asked.lead.law.inputs[axis.name].column
    every = {name: observations.inputs(points, each.law) for name, each in asked.posteriors.items()}
    known: dict[tuple[float, ...], Rays] = {}
    found = []
    for i in range(len(points)):
        at = {name: {key: float(values[i]) for key, values in inputs.items()} for name, inputs in every.items()}
        where = _direction(asked.lead.law, axis, at[_lead(asked)])
        if where not in known:
            rays = {}
            for name, posterior in asked.posteriors.items():
                with asked.naming(name):
                    own = axis_of(posterior.law, column)
                    fixed = {each: at[name][each] for each in posterior.law.free_inputs if each != own.name}
                    new, old = (
                        make_track(posterior, own.name, fixed, posterior.groups_of(family), drifts.get(name))
                        for family in families
                    )
                    rays[name] = Ray(new, old)
            known[where] = Rays(asked, rays)
        found.append(known[where])
    return found


def _lead(asked: Average) -> str:
    """The name of the posterior whose law reads the most inputs."""
    return next(name for name, each in asked.posteriors.items() if each is asked.lead)


def _direction(law: Law, axis: Axis, at: Mapping[str, float]) -> tuple[float, ...]:
    """What points on one ray have in common: the ratio of parameters and tokens along compute, and other inputs."""
    ratio = [at[axis.scale[1]] / at[axis.scale[0]]] if axis.scale else []
    kept = [*ratio, *(at[name] for name in law.free_inputs if name not in (axis.scale or (axis.name,)))]
    return tuple(float(f"{value:.{DIGITS}g}") for value in kept)


def _notes(
    points: tuple[Factor, ...], axis: Axis, within: tuple[float, float], recipes: tuple[Recipe, Recipe]
) -> Iterator[Note]:
    yield from few_budgets(recipes)
    worst = max(points, key=lambda point: point.probability_never)
    if worst.probability_never:
        yield Note(
            "never-reached", "warning",
            f"The probability that '{recipes[1].name}' does not come to what '{recipes[0].name}' comes to at "
            f"{worst.place} up to {axis.name} = {size(within[1], axis.units)} is {worst.probability_never:.2g}; the "
            f"factor then counts as infinite.",
            "An end of an interval that is infinite has no upper bound.",
        )  # fmt: skip
