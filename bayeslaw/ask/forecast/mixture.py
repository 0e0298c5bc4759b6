"""Draws of several posteriors as draws of their mixture, and whether the weights hide a disagreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayeslaw.ask.average import ONE_LAW, Average
from bayeslaw.ask.forecast.chain import Carried
from bayeslaw.ask.forecast.draws import Drawn, Families, draw
from bayeslaw.ask.forecast.drift import Drift
from bayeslaw.ask.where.extrapolation import furthest_outside
from bayeslaw.ask.where.points import Where, points_at
from bayeslaw.errors import listed
from bayeslaw.language.formula.functions import LINKS
from bayeslaw.note import Note, in_order


def draw_each(
    asked: Average,
    at: Where | Any,
    family: Families,
    drifts: Mapping[str, Drift],
    carried: Mapping[str, Carried] | None = None,
) -> dict[str, Drawn]:
    """Draws under each posterior at the same points, by name; each law reads its own inputs, and those carried."""
    points = points_at([posterior.law for posterior in asked.posteriors.values()], at)
    found = {}
    for name, posterior in asked.posteriors.items():
        with asked.naming(name):
            found[name] = draw(posterior, points, family, asked.link, drifts.get(name), carried)
    return found


def mixture(asked: Average, drawn: Mapping[str, Drawn]) -> Drawn:
    """Draws of the mixture.

    Its variance is the average of the posteriors' variances, part by part, plus the variance of their medians, which is
    the uncertainty about the law.
    """
    every = list(drawn.values())
    parts = dict.fromkeys(part for each in every for part in each.variances)
    variances = {part: np.sum([w * drawn[name].variances.get(part, 0.0) for name, w in asked.weights.items()], axis=0)
                 for part in parts}  # fmt: skip
    if len(drawn) > 1:
        variances["law"] = _between(asked, drawn)
    return Drawn(
        mean=asked.mixed({name: each.mean for name, each in drawn.items()}),
        run=asked.mixed({name: each.run for name, each in drawn.items()}),
        variances=variances,
        inputs={name: values for each in reversed(every) for name, values in each.inputs.items()},
        families=[next((f for f in families if f is not None), None)
                  for families in zip(*(each.families for each in every), strict=True)],
        # One law may know the compute of a point where another does not.
        extrapolation={ratio: np.fmax.reduce([each.extrapolation[ratio] for each in every
                                              if ratio in each.extrapolation])
                       for each in every for ratio in each.extrapolation},
        outside=[furthest_outside(found) for found in zip(*(each.outside for each in every), strict=True)],
    )  # fmt: skip


def _between(asked: Average, drawn: Mapping[str, Drawn]) -> np.ndarray:
    """The variance of the laws' medians under the weights, on the scale of the noise; shape ``(points,)``.

    A plain variance: a few medians have no heavy tails, and the central 68 % would miss a law with less than a sixth of
    the weight, which can still shift the end of an interval.
    """
    kept = {name: weight for name, weight in asked.weights.items() if weight > 0}
    weights = np.array(list(kept.values()))
    with np.errstate(all="ignore"):
        medians = np.array([np.nanmedian(LINKS[asked.link](drawn[name].mean), axis=0) for name in kept])
    return np.asarray(weights @ (medians - weights @ medians) ** 2)


def overruled(asked: Average, drawn: Mapping[str, Drawn], intervals: Sequence[tuple[float, float]]) -> tuple[Note, ...]:
    """The notes of an average, with a warning where a law other than the dominant one contradicts its interval.

    That is where the other law's median lies outside the interval: under that law, more than half of all new runs
    would.

    Parameters
    ----------
    intervals
        Intervals of a new run under the mixture, by point.
    """
    if asked.dominant is None:
        return asked.notes
    lower, upper = np.array(intervals).T
    medians = {name: np.median(each.run, axis=0) for name, each in drawn.items() if name != asked.dominant}
    outside = {name: int((~((lower <= m) & (m <= upper))).sum()) for name, m in medians.items()}
    found = [f"'{name}' (at {count} of {len(lower)} points)" for name, count in outside.items() if count]
    if not found:
        return asked.notes
    others = (note for note in asked.notes if note.code != ONE_LAW)
    return in_order((*others, Note(
        ONE_LAW, "warning",
        f"'{asked.dominant}' has {asked.weights[asked.dominant]:.3f} of the weight, but the laws disagree: the median "
        f"of {listed(found)} lies outside the interval.",
        "Weights say which law did best on these runs, not which one extrapolates best; see each law's own forecast, "
        "or average with equal weights.",
    )))  # fmt: skip
