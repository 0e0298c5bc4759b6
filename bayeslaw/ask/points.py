"""Where a question is asked: points given by their inputs, or runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayeslaw.errors import QuestionError, did_you_mean
from bayeslaw.fit.observations import short
from bayeslaw.fit.runs import Runs, read_runs
from bayeslaw.law.expr import names
from bayeslaw.law.law import Input, Law

Where = Mapping[str, float | Sequence[float] | np.ndarray] | Runs


@dataclass(frozen=True, eq=False)
class Points(Runs):
    """Points written down by hand: what cannot be used is written anew, not read in other units or left out.

    Attributes
    ----------
    words
        What the caller called each column.
    """

    words: Mapping[str, str] = field(kw_only=True)

    def called(self, column: str) -> str:
        """A column, as words for a message."""
        return f"'{self.words[column]}'"

    def rescaled(self, column: str, factor: float) -> str:
        """What to write for a column in the law's units."""
        return f"Write {self.words[column]}={short(float(self.data[column][0]) * factor)}"

    def amended(self, how: str, condition: str | None = None) -> str:  # noqa: ARG002 - all points are asked about
        """What to do about points that cannot be used."""
        return how

    def at(self, mask: np.ndarray) -> str:
        """Which points a mask selects, as words for a message."""
        return super().at(mask).replace("row", "point")


def input_called(law: Law, word: str, asked: str = "--at") -> Input:
    """The input that has this name or column.

    Parameters
    ----------
    asked
        What the caller wrote it in, for the message.

    Raises
    ------
    QuestionError
        When none has.
    """
    known = {**{i.column: i for i in law.inputs.values()}, **law.inputs}
    if word not in known:
        raise QuestionError(
            f"{asked}: law '{law.name}' has no input '{word}'{did_you_mean(word, known)}; "
            f"inputs: {', '.join(law.inputs)}."
        )
    return known[word]


def inputs_at(law: Law, at: Where | Any) -> dict[str, np.ndarray]:
    """The law's inputs at points, each of shape ``(points,)``, checked as columns of a table of runs are.

    Parameters
    ----------
    at
        Values by input or column, which broadcast; or runs, or what :func:`bayeslaw.read_runs` reads.

    Raises
    ------
    QuestionError
        When an input is missing or unknown, or the numbers of values differ.
    RunsError
        When a value cannot be an input of the law.
    """
    if not isinstance(at, Mapping):
        return (at if isinstance(at, Runs) else read_runs(at)).inputs(law)
    columns: dict[str, np.ndarray] = {}
    words = {i.column: i.name for i in law.inputs.values()}
    for name, values in at.items():
        column = input_called(law, name).column
        columns[column] = np.atleast_1d(np.asarray(values, dtype=float)).ravel()
        words[column] = name
    noise = [name for name in law.inputs if name in law.noise_inputs and law.inputs[name].formula is None]
    for name in dict.fromkeys([*law.free_inputs, *noise]):
        one = law.inputs[name]
        computed = any(one.name in names(i.formula) for i in law.inputs.values() if i.formula and i.column in columns)
        if one.column not in columns and not computed:
            raise QuestionError(
                f"--at: law '{law.name}' needs '{name}' ({one.meaning}, in {one.units}); give {name}=VALUE."
            )
    if not columns:
        raise QuestionError(f"--at: no point given; law '{law.name}' needs {', '.join(law.free_inputs)}.")
    try:
        arrays = np.broadcast_arrays(*columns.values())
    except ValueError:
        counts = ", ".join(f"{name} {len(v)}" for name, v in columns.items())
        raise QuestionError(f"--at: the inputs have different numbers of values ({counts}).") from None
    data = dict(zip(columns, (a.copy() for a in arrays), strict=True))
    return Points(data, "--at", np.arange(1, len(arrays[0]) + 1), words=words).inputs(law)
