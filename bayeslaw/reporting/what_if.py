"""Draws and formulas for a page that answers again: another point, another family, another target.

The page has what a forecast is made of: the draws of every parameter, the slope of the drift and the luck of a new run
in each draw, and the formula of the law as a tree.  So it gives what Python gives, to the digits of single precision.
A tree is data: the script of the page walks it, and nothing of a law file or a table is ever run.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import MIDDLE, OFF_RATIO, Drift, drifted
from bayeslaw.ask.where.extrapolation import flops, measured_ahead, params_and_tokens
from bayeslaw.inference.base.streams import NEW_FAMILY, generator
from bayeslaw.inference.posterior.noise import arguments_of, expected, outcomes, scatters
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.expression import Call, Name, Node, Number, walk
from bayeslaw.language.formula.functions import LINKS
from bayeslaw.language.law import Law, Root
from bayeslaw.reporting.parts import Parts
from bayeslaw.runs.stand_ins import NEW, Group
from bayeslaw.words import plain

# Words that the page's script has no function for.
UNKNOWN_WORDS = {"lgamma", "digamma"}
# New runs that are a location and a scale times their luck, on the scale of the noise.
LOCATION_AND_SCALE = {"Normal", "StudentT", "LogNormal", "LogStudentT"}
# At most so many numbers, of four bytes each, so that a page can be sent by mail; of more draws some are left out.
MOST_NUMBERS = 260_000
# At most so many families to choose from, beside a new one.
MOST_FAMILIES = 8
# How far a slider goes beyond the planned run and the fitted ones.
FURTHER = 100.0


def what_if(parts: Parts) -> dict[str, Any] | None:
    """All that the page needs to answer again; None where a law has what its script cannot walk."""
    asked = parts.asked
    if not all(can_walk(each.law) for each in asked.posteriors.values()) or not all(
        scatters(each) for each in asked.posteriors.values()
    ):
        return None
    families = _families(parts)
    law = asked.lead.law
    rows = _kept(asked, len(families))
    return {
        "outcome": law.output.column.replace("_", " "), "units": law.output.units, "level": parts.forecast.level,
        "target": None if parts.question.target is None else parts.question.target.value,
        "side": parts.question.missed or "above",
        "inputs": [_input(parts, name) for name in parts.point.at],
        "families": [family.label for family in families], "draws": sum(map(len, rows.values())),
        "of": sum(map(len, asked.rows.values())),
        "laws": [_law(parts, name, families, rows[name]) for name in rows],
    }  # fmt: skip


@dataclass(frozen=True)
class _Family:
    """A family to choose: its name on the page, and its groups under each posterior."""

    label: str
    groups: Mapping[str, Mapping[str, Group]]


def _families(parts: Parts) -> list[_Family]:
    """The family of the run first, then a new one and the others; one without a name for a fit of one family."""
    asked = parts.asked

    def named(label: str, asked_for: Any) -> _Family:
        return _Family(label, {name: each.groups_of(asked_for) for name, each in asked.posteriors.items()})

    if asked.lead.family_grouping is None:
        return [named("", None)]
    own = named(parts.point.family or NEW.word, parts.question.family)
    others = [named(label, label) for label in asked.families[:MOST_FAMILIES]]
    new = named(NEW.beside(asked.families), NEW)
    return [own, *(each for each in (new, *others) if each.label != own.label)]


def can_walk(law: Law) -> bool:
    """Whether the page's script can follow a law: a closed formula, with noise that is a location and a scale."""
    if law.output.likelihood.name not in LOCATION_AND_SCALE:
        return False
    trees: list[Node] = [law.formula, *law.output.likelihood.arguments]
    for term in law.terms.values():
        if isinstance(term, Root):
            return False
        trees.append(term)
    for one in law.inputs.values():
        if one.along_runs:
            return False
        trees += [] if one.formula is None else [one.formula]
    return not any(isinstance(part, Call) and part.function in UNKNOWN_WORDS for tree in trees for part in walk(tree))


def tree(node: Node) -> Any:
    """A formula for JSON: a number, a name as text, or a list of a function and its arguments."""
    match node:
        case Number(value):
            return value
        case Name(id):
            return id
        case Call(function, args):
            return [function, *map(tree, args)]
    raise TypeError(node)


def packed(values: np.ndarray) -> str:
    """Numbers in single precision, as text."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def _kept(asked: Average, families: int) -> dict[str, np.ndarray]:
    """The draws of each posterior that the page gets: those of the mixture, or as many of them as there is room for."""
    per_draw = {name: (len(asked.posteriors[name].law.parameters) + 1) * families + 1 for name in asked.rows}
    total = sum(len(rows) * per_draw[name] for name, rows in asked.rows.items())
    share = min(1.0, MOST_NUMBERS / total)
    counts = {name: max(1, int(len(rows) * share)) for name, rows in asked.rows.items()}
    return {name: rows[np.arange(counts[name]) * len(rows) // counts[name]] for name, rows in asked.rows.items()}


def _input(parts: Parts, name: str) -> dict[str, Any]:
    """An input with its value, and where a slider may go."""
    laws = [each.law for each in parts.asked.posteriors.values()]
    one = next(law.inputs[name] for law in laws if name in law.inputs)
    value = parts.point.at[name]
    known = [span for span in parts.spans if span.name == name]
    low, high = min([value, *(span.low for span in known)]), max([value, *(span.high for span in known)])
    logarithmic = low > 0
    room = (low / 10.0, high * FURTHER) if logarithmic else (low - (high - low) - 1.0, high + (high - low) + 1.0)
    limits = one.range or (-np.inf, np.inf)
    return {
        "name": name, "meaning": one.meaning, "units": one.units, "value": value, "log": logarithmic,
        "low": max(room[0], limits[0]), "high": min(room[1], limits[1]), "column": one.column,
    }  # fmt: skip


def _law(parts: Parts, name: str, families: Sequence[_Family], rows: np.ndarray) -> dict[str, Any]:
    """One law with its draws."""
    posterior, drift = parts.asked.posteriors[name], parts.drifts.get(name)
    law = posterior.law
    known = {each: np.array([value]) for each, value in parts.point.at.items() if each in law.inputs}
    inputs = law.with_computed_inputs(known)
    arguments = dict(zip(law.output.likelihood.family.arguments, law.output.likelihood.arguments, strict=True))
    family = law.output.likelihood.family
    assert family.scale is not None
    by_family = [_draws(posterior, inputs, each.groups[name], drift) for each in families]
    draws: dict[str, list[str]] = {}
    for drawn in (*law.parameters, "luck"):
        texts = [packed(found[drawn][rows]) for found in by_family]
        draws[drawn] = texts[:1] if len(set(texts)) == 1 else texts
    found: dict[str, Any] = plain({
        "name": name, "count": len(rows), "link": law.output.link, "draws": draws,
        "formula": tree(law.formula), "terms": [[name, tree(node)] for name, node in _closed(law)],
        "computed": [[one.name, tree(one.formula)] for one in law.inputs.values() if one.formula is not None],
        "known": {**_defaults(law), **law.references},
        "scale": tree(arguments[family.scale]),
        "drift": None if drift is None else {
            "slopes": packed(drift.slopes(posterior)[rows]), "direction": drift.direction, "power": drift.power,
            "middle": MIDDLE, "far": _far(posterior),
        },
    })  # fmt: skip
    return found


def _defaults(law: Law) -> dict[str, float]:
    return {one.name: one.default for one in law.inputs.values() if one.default is not None}


def _closed(law: Law) -> Iterator[tuple[str, Node]]:
    for name, term in law.terms.items():
        assert not isinstance(term, Root)
        yield name, term


def _draws(
    posterior: Posterior, inputs: Mapping[str, np.ndarray], groups: Mapping[str, Group], drift: Drift | None
) -> dict[str, np.ndarray]:
    """Draws of every parameter for one family, and the luck of a new run; each of shape ``(size,)``.

    The luck is what a forecast draws: its random numbers are the same at every point that is asked for alone.
    """
    law = posterior.law
    rng = generator(posterior.seed, NEW_FAMILY)
    parameters = posterior.parameters(groups, rng)
    mean = drifted(drift, posterior, inputs, expected(posterior, inputs, parameters))
    run = outcomes(posterior, inputs, parameters, mean, rng)
    scale = _scale(law, inputs, parameters, mean)
    with np.errstate(all="ignore"):
        luck = (LINKS[law.output.link](run) - LINKS[law.output.link](mean)) / scale
    return {**parameters, "luck": luck[:, 0]}


def _scale(law: Law, inputs: Mapping[str, Any], parameters: Mapping[str, np.ndarray], mean: np.ndarray) -> np.ndarray:
    columns = {name: values[:, None] for name, values in parameters.items()}
    family = law.output.likelihood.family
    assert family.scale is not None
    return arguments_of(law, inputs, columns, mean)[family.arguments.index(family.scale)]


def _far(posterior: Posterior) -> dict[str, Any]:
    """What the distance beyond the runs is measured from; see :func:`bayeslaw.ask.forecast.drift.distance`."""
    law, fitted = posterior.law, posterior.plan.fitted
    columns = {one.column: one.name for one in law.inputs.values()}
    found: dict[str, Any] = {
        "n_params": columns.get("n_params"), "n_tokens": columns.get("n_tokens"), "flops": columns.get("flops"),
        "off": OFF_RATIO.get(law.output.link, 1.0), "measure": measured_ahead(posterior),
    }  # fmt: skip
    compute, pair = flops(law, fitted), params_and_tokens(law, fitted)
    if compute is not None:
        found["C"] = float(compute.max())
    elif len(law.free_inputs) == 1:
        (found["only"],) = law.free_inputs
        values = fitted[found["only"]]
        found["ends"] = [float(values.min()), float(values.max())]
    if pair is not None:
        found |= {
            name: [float(each.min()), float(each.max())]
            for name, each in (("N", pair[0]), ("D", pair[1]), ("ratio", pair[1] / pair[0]))
        }
    return found
