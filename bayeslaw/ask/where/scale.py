"""The horizontal axis of a picture, the path of inputs along it, and which family each run belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.where.points import read_columns
from bayeslaw.errors import QuestionError, did_you_mean
from bayeslaw.inference.model.pooling import Grouping
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law
from bayeslaw.runs.columns import FLOPS
from bayeslaw.runs.stand_ins import NEW, Group
from bayeslaw.runs.table import Runs
from bayeslaw.words import argument, short, size, with_units

COMPUTE = "compute"
# More families than this can be neither compared nor read on a page.
MOST_SHOWN = 6
Inputs = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Axis:
    """The axis that runs are shown along: training compute, or one input of the law.

    Attributes
    ----------
    name
        ``compute``, or the input's name in the law.
    scale
        The inputs that make up compute, parameters and tokens; None for an input.
    units
        Units of its values.
    """

    name: str
    label: str
    scale: tuple[str, str] | None
    units: str = "FLOP"

    def values(self, inputs: Inputs) -> np.ndarray:
        """Where runs lie; shape ``(runs,)``."""
        if self.scale is None:
            return inputs[self.name]
        return FLOPS * inputs[self.scale[0]] * inputs[self.scale[1]]


def axis_of(law: Law, along: str | None) -> Axis:
    """The axis to use; by default compute where the law has parameters and tokens, else its first free input."""
    by_column = {law.inputs[name].column: name for name in law.free_inputs}
    scale = (by_column["n_params"], by_column["n_tokens"]) if {"n_params", "n_tokens"} <= set(by_column) else None
    own = (one.name for one in law.inputs.values() if one.column == "flops")
    compute = {COMPUTE, "flops", *({"C"} - set(law.inputs)), *own}
    if scale is not None and (along is None or along in compute):
        return Axis(COMPUTE, "training compute, 6 x parameters x tokens (FLOP)", scale)
    known = {**by_column, **{name: name for name in law.free_inputs}}
    if along == COMPUTE:
        along = "flops"
    name = law.free_inputs[0] if along is None else known.get(along)
    if name is None:
        raise QuestionError(
            f"along: law '{law.name}' has no input '{along}'{did_you_mean(along or '', known)}; choose "
            f"{' or '.join([COMPUTE] * (scale is not None) + list(law.free_inputs))}."
        )
    one = law.inputs[name]
    return Axis(name, with_units(one.column, one.units), None, one.units)


def path(
    posterior: Posterior, axis: Axis, grid: np.ndarray, fitted: Inputs, at: Mapping[str, float], noise: bool = True
) -> tuple[dict[str, np.ndarray], str]:
    """The inputs of a curve along an axis, and words for what it holds fixed.

    Along compute, a curve keeps the tokens per parameter; other inputs stay at the middle of the runs.

    Parameters
    ----------
    grid
        Values on the axis; of any shape, which the inputs take.
    fitted
        Inputs of the runs that the curve should pass through.
    at
        Values to hold fixed, by input; the curve passes through a full point.
    noise
        Whether to include inputs that only affect the noise, such as a number of trials.
    """
    law = posterior.law
    shaping = sorted(law.noise_inputs - set(law.free_inputs)) if noise else []
    inputs: dict[str, np.ndarray] = {}
    words: list[str] = []
    if axis.scale is None:
        inputs[axis.name] = grid
    else:
        N, D = axis.scale
        if (N in at) != (D in at):
            kept, other = (N, D) if N in at else (D, N)
            inputs = {kept: np.full_like(grid, at[kept]), other: grid / (FLOPS * at[kept])}
            words.append(f"{size(at[kept], law.inputs[kept].units)} {law.inputs[kept].units}s")
        else:
            _require_middle(posterior, [name for name in axis.scale if name not in at], fitted)
            ratio = at[D] / at[N] if N in at else float(np.exp(np.median(np.log(fitted[D] / fitted[N]))))
            inputs = {N: np.sqrt(grid / (FLOPS * ratio)), D: np.sqrt(grid * ratio / FLOPS)}
            words.append(f"{short(ratio)} tokens per parameter")
    for name in (*law.free_inputs, *shaping):
        if name not in inputs:
            _require_middle(posterior, [] if name in at else [name], fitted)
            value = at[name] if name in at else float(np.median(fitted[name]))
            inputs[name] = np.full_like(grid, value)
            words.append(f"{law.inputs[name].column.replace('_', ' ')} {size(value, law.inputs[name].units)}")
    return inputs, ", ".join(words)


def _require_middle(posterior: Posterior, names: list[str], usual: Inputs) -> None:
    """Refuse to hold inputs in the middle of runs that are not there."""
    if missing := [name for name in names if name not in usual]:
        raise QuestionError(
            f"{argument('at')}: {posterior.name} comes without runs, in whose middle '{missing[0]}' could be held; "
            f"give {missing[0]}=VALUE."
        )


def read_at(law: Law, at: Mapping[str, float] | None) -> dict[str, float]:
    """The values to hold fixed, by the input's name."""
    columns, _ = read_columns([law], at or {})
    return {one.name: float(columns[one.column][0]) for one in law.inputs.values() if one.column in columns}


def trials(law: Law, inputs: Inputs) -> np.ndarray | None:
    """The trials behind each count, shape ``(runs,)``; None for other outcomes.  Pictures show shares of trials."""
    likelihood = law.output.likelihood
    if likelihood.family.outcome != "count":
        return None
    argument = likelihood.arguments[likelihood.family.arguments.index("trials")]
    return np.asarray(evaluate(argument, {**law.references, **inputs}, NUMPY_WORDS), dtype=float)


def outcome_label(law: Law) -> str:
    """The outcome with its units; counts are shown as shares of their trials."""
    name, units = law.output.column, law.output.units
    return (
        f"share of trials, {name.replace('_', ' ')} per trial"
        if (law.output.likelihood.family.outcome == "count")
        else with_units(name, units)
    )


@dataclass(frozen=True)
class Family:
    """A family as pictures show it.

    Attributes
    ----------
    groups
        The argument of :meth:`Posterior.parameters`.
    """

    name: str
    groups: Mapping[str, Group]

    def of(self, runs: Runs, grouping: Grouping | None) -> np.ndarray:
        """The runs of the family; a mask of shape ``(runs,)``."""
        return np.array([label == self.name for label in labels(runs, grouping)])


def labels(runs: Runs, grouping: Grouping | None) -> list[str]:
    """The name of each run's family; empty text for a fit of one family, ``new`` where the columns are not there."""
    if grouping is None:
        return [""] * len(runs)
    columns = []
    for column in grouping.columns:
        if not runs.has(column):
            return [NEW.beside(grouping.labels)] * len(runs)
        levels, index = runs.levels(column)
        columns.append([levels[i] for i in index])
    return [":".join(row) for row in zip(*columns, strict=True)]


def families(posterior: Posterior, held_out: Runs | None = None) -> tuple[list[Family], int]:
    """The families to show, those with the most runs, and the total number of families."""
    grouping = posterior.family_grouping
    if grouping is None:
        return [Family("", posterior.groups_of(None))], 1
    fitted = labels(posterior.runs, grouping)
    counts = {name: fitted.count(name) for name in grouping.labels}
    for name in [] if held_out is None else labels(held_out, grouping):
        counts[name] = counts.get(name, 0) + 1
    kept = sorted(counts, key=lambda name: -counts[name])[:MOST_SHOWN]
    return [Family(name, _groups(posterior, grouping, name)) for name in counts if name in kept], len(counts)


def _groups(posterior: Posterior, grouping: Grouping, name: str) -> dict[str, Group]:
    """The groups of a family; in columns that are not the families', where most of its runs are."""
    groups = posterior.groups_of(None)
    if name not in grouping.labels:
        return groups
    at = grouping.labels.index(name)
    for column in set(groups) - set(grouping.columns):
        levels, index = posterior.runs.levels(column)
        groups[column] = levels[int(np.bincount(index[grouping.index == at]).argmax())]
    return {**groups, **dict(zip(grouping.columns, grouping.levels[at], strict=True))}
