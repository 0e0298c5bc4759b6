"""Draws of the outcomes at some points under one posterior, which forecasts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.forecast.chain import Carried, matched, with_carried
from bayeslaw.ask.forecast.drift import Drift, drifted
from bayeslaw.ask.forecast.variance_parts import Variances, added
from bayeslaw.ask.where.extrapolation import Outside, extrapolation, outside
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.streams import NEW_FAMILY, generator
from bayeslaw.inference.posterior.noise import expected, outcomes, scatters
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.runs import observations
from bayeslaw.runs.stand_ins import NEW, POPULATION, Group, StandIn
from bayeslaw.runs.table import Runs

Families = Group | Mapping[str, Group] | Sequence[Group] | None


@dataclass(frozen=True)
class Drawn:
    """Draws of the outcome at some points, and the sources of their variance.

    Attributes
    ----------
    mean, run
        The law itself, including its drift, and new runs about it; shape ``(size, points)``.
    variances
        Variances of the new runs, by part, on the scale of `link`; each of shape ``(points,)``.
    inputs
        The inputs of the law at the points; each of shape ``(points,)``.
    families
        The family of each point; None for a fit of one family.
    extrapolation
        Ratios to the largest fitted values; each of shape ``(points,)``.
    outside
        The quantity in which each point lies farthest outside the fitted runs.
    """

    mean: np.ndarray
    run: np.ndarray
    variances: Variances
    inputs: Mapping[str, np.ndarray]
    families: Sequence[str | None]
    extrapolation: Mapping[str, np.ndarray]
    outside: Sequence[Outside | None]


def draw(
    posterior: Posterior,
    at: Runs,
    family: Families,
    link: str,
    drift: Drift | None,
    carried: Mapping[str, Carried] | None = None,
) -> Drawn:
    """Draw the law and new runs at some points.

    Parameters
    ----------
    at
        The points, as :func:`bayeslaw.ask.where.points.points_at` reads them.
    family
        As :func:`bayeslaw.forecast` takes it.
    link
        The scale of the variances.
    drift
        Drift of the law beyond the runs, if any.
    carried
        Draws of inputs, by column; the points hold their medians.

    Raises
    ------
    QuestionError
        When a family is unknown.
    RunsError
        When a value cannot be an input of the law.
    """
    law, inputs = posterior.law, observations.inputs(at, posterior.law)
    shape = posterior.size, len(at)
    columns_of = {one.column for one in law.inputs.values()}
    known = {column: one for column, one in (carried or {}).items() if column in columns_of}
    means = {column: np.broadcast_to(matched(one.mean, posterior), shape) for column, one in known.items()}
    runs = {column: np.broadcast_to(matched(one.run, posterior), shape) for column, one in known.items()}
    parts = ["parameters", "family", *(["drift"] if drift is not None else []), *(["input"] if known else [])]
    layers = {part: np.empty(shape) for part in parts}
    mean, run = np.empty(shape), np.empty(shape)
    labels: list[str | None] = [None] * len(at)
    for groups, columns in alike(groups_at(posterior, at, family)):
        # The same random numbers for every family and call: a forecast repeats to the bit.
        rng = generator(posterior.seed, NEW_FAMILY)
        part = {name: values[columns] for name, values in inputs.items()}
        parameters = posterior.parameters(groups, rng)
        drawn_anew = {c: POPULATION for c, v in groups.items() if v == NEW}
        middle = posterior.parameters({**groups, **drawn_anew})
        layers["parameters"][:, columns] = expected(posterior, part, middle)
        layers["family"][:, columns] = without = expected(posterior, part, parameters)
        law_itself = mean[:, columns] = drifted(drift, posterior, part, without)
        if drift is not None:
            layers["drift"][:, columns] = law_itself
        if known:
            at_means, part = (
                with_carried(law, part, {column: draws[:, columns] for column, draws in each.items()})
                for each in (means, runs)
            )
            mean[:, columns] = drifted(drift, posterior, at_means, expected(posterior, at_means, parameters))
            law_itself = drifted(drift, posterior, part, expected(posterior, part, parameters))
            layers["input"][:, columns] = law_itself
        run[:, columns] = outcomes(posterior, part, parameters, law_itself, rng)
        for column in columns:
            labels[column] = family_label(posterior, groups)
    # A count is on another scale than the share it estimates: its noise is then left out of the parts.
    if law.output.likelihood.family.outcome != "count" and scatters(posterior):
        layers["noise"] = run
    return Drawn(
        mean=mean, run=run, variances=added(link, layers),
        inputs={n: v for n, v in inputs.items() if n in law.free_inputs or n in law.noise_inputs},
        families=labels, extrapolation=extrapolation(posterior, inputs), outside=outside(posterior, inputs),
    )  # fmt: skip


def groups_at(posterior: Posterior, at: Runs, family: Families) -> list[dict[str, Group]]:
    """The groups of every point, by column."""
    count = len(at)
    if isinstance(family, str | StandIn | Mapping):
        return [posterior.groups_of(family)] * count
    if family is not None:
        if len(family) != count:
            raise QuestionError(f"{len(family)} families for {count} points; give one family, or one per point.")
        return [posterior.groups_of(one) for one in family]
    default = posterior.groups_of(None)
    if at.wording.by_hand:
        return [default] * count
    known = {c: grouping.names(c) for grouping in posterior.plan.groupings.values() for c in grouping.columns}
    found = [dict(default) for _ in range(count)]
    for column in known:
        if at.has(column):
            levels, index = at.levels(column)
            for i in range(count):
                found[i][column] = levels[index[i]] if levels[index[i]] in known[column] else NEW
    return found


def alike(who: Iterable[dict[str, Group]]) -> list[tuple[dict[str, Group], np.ndarray]]:
    """Points of one family together."""
    found: dict[tuple[tuple[str, Group], ...], list[int]] = {}
    for i, groups in enumerate(who):
        found.setdefault(tuple(sorted(groups.items())), []).append(i)
    return [(dict(groups), np.array(points)) for groups, points in found.items()]


def family_label(posterior: Posterior, groups: Mapping[str, Group]) -> str | None:
    """The name of a family in an answer; None for a fit of one family."""
    if posterior.family_grouping is None:
        return None
    grouping = posterior.family_grouping
    asked = {column: groups.get(column, NEW) for column in grouping.columns}
    values = [v if isinstance(v, str) else v.beside(grouping.names(c)) for c, v in asked.items()]
    return values[0] if len(set(values)) == 1 else ":".join(values)


def family_words(family: str | None, lead: str = "of") -> str:
    """The family as words within a sentence, such as `` of a new family``; nothing for a fit of one family."""
    known = {NEW.word: "a new family", POPULATION.word: "the middle of the families"}
    return "" if family is None else f" {lead} {known.get(family.strip('()'), family)}"
