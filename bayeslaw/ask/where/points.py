"""The points of a question: given by their inputs, or as runs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import names
from bayeslaw.language.law import Input, Law
from bayeslaw.runs.columns import FLOPS
from bayeslaw.runs.table import Runs, read_runs
from bayeslaw.runs.wording import Reading, Wording
from bayeslaw.words import argument, number_in

# What training compute is called where a law has no input of its own for it.
COMPUTE = ("C", "flops", "compute")
# The columns that it is made of, 6 x parameters x tokens, and its own.
SIZES, FLOPS_COLUMN = ("n_params", "n_tokens"), "flops"

Where = Mapping[str, float | Sequence[float] | np.ndarray] | Runs


def input_called(law: Law, word: str, asked: str | None = None) -> Input:
    """The input that has this name or column.

    Parameters
    ----------
    asked
        The argument that the caller wrote it in, for the message (default: ``at``).

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


def words_of(laws: Iterable[Law]) -> set[str]:
    """All words that some laws know of a point."""
    return {word for law in laws for word in (*_by_word(law), *(COMPUTE if _has_both_sizes(law) else ()))}


def _has_both_sizes(law: Law) -> bool:
    """Whether a law reads parameters and tokens, and compute, if at all, as what follows from them."""
    by_column = {one.column: one for one in law.inputs.values()}
    return by_column.keys() >= {*SIZES} and (
        FLOPS_COLUMN not in by_column or by_column[FLOPS_COLUMN].formula is not None
    )


def points_at(laws: Sequence[Law], at: Where | Any) -> Runs:
    """Points as a table from which each of some laws can read its inputs.

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
    columns, words = read_columns(laws, at)
    for law in laws:
        _require(law, columns)
    if not columns:
        raise QuestionError(
            f"{argument('at')}: no point given; law '{laws[0].name}' needs {', '.join(laws[0].free_inputs)}."
        )
    count = len(next(iter(columns.values())))
    if not count:
        raise QuestionError(f"{argument('at')}: no values for {listed(at)}; give one or more.")
    called = {**{i.column: i.name for law in laws for i in law.inputs.values()}, **words}
    wording = Wording({column: Reading(word) for column, word in called.items()}, by_hand=True)
    return Runs(columns, argument("at"), np.arange(1, count + 1), wording=wording)


def read_columns(laws: Sequence[Law], at: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The values of some points by column, each of shape ``(points,)``, and the caller's name of each column.

    Where a law has parameters and tokens, one of them may be given by the training compute, 6 x parameters x tokens.

    Raises
    ------
    QuestionError
        When a word is unknown to all laws or means different things to them, the numbers of values differ, or compute
        says too little or too much.
    """
    by_compute = [law for law in laws if _has_both_sizes(law)]
    words: dict[str, str] = {}
    for word in at:
        is_compute = word in COMPUTE and bool(by_compute) and not any(word in _by_word(law) for law in laws)
        words[FLOPS_COLUMN if is_compute else column_called(laws, word)] = word
    values = {column: read_values(at[word], word) for column, word in words.items()}
    try:
        columns = dict(zip(values, (each.copy() for each in np.broadcast_arrays(*values.values())), strict=True))
    except ValueError:
        counts = ", ".join(f"{words[column]} {len(each)}" for column, each in values.items())
        raise QuestionError(f"{argument('at')}: the inputs have different numbers of values ({counts}).") from None
    if FLOPS_COLUMN in columns and by_compute:
        readers = [one for law in laws for one in law.inputs.values() if one.column == FLOPS_COLUMN]
        columns |= _from_compute(by_compute[0], columns, words, readers)
        if not readers:
            del columns[FLOPS_COLUMN]
    return columns, words


def _from_compute(
    law: Law, columns: Mapping[str, np.ndarray], words: Mapping[str, str], readers: Sequence[Input]
) -> dict[str, np.ndarray]:
    """Tokens by compute and parameters, or parameters by compute and tokens.

    Parameters
    ----------
    readers
        The inputs that are read from compute: one that is not computed from others may be any beside both sizes.
    """
    known = [column for column in SIZES if column in columns]
    if len(known) == 1:
        (other,) = {*SIZES} - {*known}
        with np.errstate(divide="ignore"):  # 0 is refused where its range is known
            return {other: columns[FLOPS_COLUMN] / (FLOPS * columns[known[0]])}
    C, (N, D) = words[FLOPS_COLUMN], (words.get(column, _by_word(law)[column].name) for column in SIZES)
    if known and all(each.formula is not None for each in readers):
        raise QuestionError(f"{argument('at')}: {C} follows from {N} and {D}, as 6 x {N} x {D}; give two of the three.")
    if not known and not readers:
        raise QuestionError(f"{argument('at')}: {C} leaves open how large {N} and {D} are; give one of them too.")
    return {}


def read_values(values: Any, name: str) -> np.ndarray:
    """A caller's values of an input, one or several, as numbers or as texts such as ``"70B"``.

    Returns
    -------
    Array of float64, shape ``(values,)``.

    Raises
    ------
    QuestionError
        When one is not a number.
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
    """The column that a word means, the same for all laws that know the word."""
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
