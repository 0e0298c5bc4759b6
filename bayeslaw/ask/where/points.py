"""Where a question is asked: points given by their inputs, or runs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import names
from bayeslaw.language.law import Input, Law
from bayeslaw.runs.table import Runs, read_runs
from bayeslaw.runs.wording import Reading, Wording
from bayeslaw.words import argument, number_in

Where = Mapping[str, float | Sequence[float] | np.ndarray] | Runs


def input_called(law: Law, word: str, asked: str | None = None) -> Input:
    """The input that has this name or column.

    Parameters
    ----------
    asked
        What the caller wrote it in, for the message; ``at`` unless said.

    Raises
    ------
    QuestionError
        When none has.
    """
    known = _by_word(law)
    if word not in known:
        raise QuestionError(
            f"{asked or argument('at')}: law '{law.name}' has no input '{word}'{did_you_mean(word, known)}; "
            f"inputs: {', '.join(law.inputs)}."
        )
    return known[word]


def _by_word(law: Law) -> dict[str, Input]:
    return {**{i.column: i for i in law.inputs.values()}, **law.inputs}


def points_at(laws: Sequence[Law], at: Where | Any) -> Runs:
    """Points as rows from which each of some laws can read its inputs.

    Parameters
    ----------
    laws
        Each reads the inputs that it has.
    at
        Values by input or column, which broadcast; or runs, or what :func:`bayeslaw.read_runs` reads.

    Raises
    ------
    QuestionError
        When an input is missing, unknown to all laws or means different things to them, or the numbers of values
        differ.
    """
    if not isinstance(at, Mapping):
        return at if isinstance(at, Runs) else read_runs(at)
    columns: dict[str, np.ndarray] = {}
    words = {i.column: i.name for law in laws for i in law.inputs.values()}
    for name, values in at.items():
        column = column_called(laws, name)
        columns[column] = read_values(values, name)
        words[column] = name
    for law in laws:
        _require(law, columns)
    if not columns:
        raise QuestionError(
            f"{argument('at')}: no point given; law '{laws[0].name}' needs {', '.join(laws[0].free_inputs)}."
        )
    try:
        arrays = np.broadcast_arrays(*columns.values())
    except ValueError:
        counts = ", ".join(f"{name} {len(v)}" for name, v in columns.items())
        raise QuestionError(f"{argument('at')}: the inputs have different numbers of values ({counts}).") from None
    if not len(arrays[0]):
        raise QuestionError(f"{argument('at')}: no values for {listed(at)}; give one or more.")
    data = dict(zip(columns, (a.copy() for a in arrays), strict=True))
    wording = Wording({column: Reading(word) for column, word in words.items()}, by_hand=True)
    return Runs(data, argument("at"), np.arange(1, len(arrays[0]) + 1), wording=wording)


def read_values(values: Any, name: str) -> np.ndarray:
    """Numbers that a caller gives of an input, one or several, as numbers or as texts such as ``"70B"``.

    Returns
    -------
    Array of float64, shape ``(values,)``.

    Raises
    ------
    QuestionError
        When one is none.
    """
    given = np.atleast_1d(np.asarray(values)).ravel()
    if given.dtype.kind not in "UO":
        return given.astype(float)
    found = [number_in(each) if isinstance(each, str) else each for each in given.tolist()]
    for text, value in zip(given.tolist(), found, strict=True):
        if value is None:
            raise QuestionError(f"{argument('at')}: '{text}' of '{name}' is not a number; write 7e10, or '70B'.")
    return np.asarray(found, dtype=float)


def column_called(laws: Sequence[Law], word: str) -> str:
    """The one column that all laws which know a word mean by it."""
    knowing = [law for law in laws if word in _by_word(law)] or laws[:1]
    meant = {input_called(law, word).column: law for law in knowing}
    if len(meant) > 1:
        meanings = listed(f"'{column}' to law '{law.name}'" for column, law in meant.items())
        raise QuestionError(f"{argument('at')}: '{word}' means {meanings}; name the columns instead.")
    return next(iter(meant))


def _require(law: Law, columns: Container[str]) -> None:
    """Refuse points that lack what a law needs."""
    noise = [name for name in law.inputs if name in law.noise_inputs and law.inputs[name].formula is None]
    for name in dict.fromkeys([*law.free_inputs, *noise]):
        one = law.inputs[name]
        computed = any(one.name in names(i.formula) for i in law.inputs.values() if i.formula and i.column in columns)
        if one.column not in columns and not computed:
            raise QuestionError(
                f"{argument('at')}: law '{law.name}' needs '{name}' ({one.meaning}, in {one.units}); give {name}=VALUE."
            )
