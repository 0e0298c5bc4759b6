"""Which rows of a table meet a condition such as ``"family == 'c4' and n_params >= 1e8"``; and columns by a formula.

A condition is parsed by the law language (``language.formula``), where a name is a column.  Types are checked on the
tree before anything is computed, so NumPy never compares text with a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from bayeslaw.errors import LawError, RunsError, did_you_mean, listed
from bayeslaw.language.formula import expression as expr
from bayeslaw.language.formula.functions import CONDITION_WORDS, NUMPY_WORDS
from bayeslaw.runs.columns import FLOPS, missing_column
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import cut

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

Kind = Literal["a number", "text", "a comparison"]


def rows_where(runs: Runs, condition: str) -> np.ndarray:
    """The mask of the runs that meet a condition, booleans of shape ``(runs,)``.

    An empty cell meets no comparison but ``!=``; a column ``is known`` where it is not empty.  Where the table has
    parameters and tokens and no compute, ``flops`` is 6 x parameters x tokens (Kaplan et al. 2020).

    Raises
    ------
    RunsError
        When a column is missing, types do not match, or a formula of finite columns is not finite in a row that depends
        on it.
    LawError
        When the condition cannot be parsed.
    """
    if not isinstance(condition, str):
        raise RunsError(f'{runs.source}: a condition is a text such as "n_params >= 1e8", not {condition!r}.')
    runs = _with_compute(runs)
    node = _parsed(runs, condition, condition=True)
    for name in expr.names(node):
        if not runs.has(name):
            raise missing_column(name, runs.names, runs.source, f"the condition {condition!r}")
    if _kind(node, runs, condition) != "a comparison":
        raise _wrong(runs, condition, 'it is not a comparison; write one such as "n_params >= 1e8"')
    values = {name: runs.column(name) for name in expr.names(node)}
    met, possible = _met(node, values)
    if (open_ := met != possible).any():
        raise _wrong(
            runs, condition, f"it compares what is not a finite number in {rows_of(runs, open_)}; leave such rows out "
            f"by a condition before it, joined with 'and'"
        )  # fmt: skip
    return met


def computed(runs: Runs, name: str, formula: str) -> np.ndarray:
    """A column by a formula of others, such as ``log(perplexity)`` or ``6 * n_params * n_tokens``; shape ``(runs,)``.

    Raises
    ------
    RunsError
        When a column is missing or text, or `formula` is not one.
    """
    try:
        node = _parsed(runs, formula)
    except LawError:
        raise _no_column(runs, name, formula) from None
    used = list(expr.names(node))
    absent = [each for each in used if not runs.has(each)]
    if isinstance(node, expr.Name) or (absent and did_you_mean(formula, runs.names)):
        raise _no_column(runs, name, formula)
    if absent:
        raise missing_column(absent[0], runs.names, runs.source, f"'{name}={formula}'")
    text = next((each for each in used if runs.is_text(each)), None)
    if text is not None:
        raise RunsError(
            f"{runs.source}: '{name}={formula}' needs numbers, but column '{text}' holds text, "
            f"'{cut(runs.column(text)[0])}' in {rows_of(runs, np.arange(len(runs)) == 0)}; write plain numbers there."
        )
    values = expr.evaluate(node, {each: runs.column(each) for each in used}, NUMPY_WORDS)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (len(runs),)).copy()


def _no_column(runs: Runs, name: str, own: str) -> RunsError:
    owns = [runs.wording.reading(each).own for each in runs.names]
    return RunsError(
        f"{runs.source}: columns says '{name}' is the file's '{own}', which is not there"
        f"{did_you_mean(own, owns)}; the file has {listed(owns, 20)}."
    )


def _parsed(runs: Runs, text: str, condition: bool = False) -> expr.Node:
    words = dict.fromkeys([*runs.names, *(runs.wording.reading(name).own for name in runs.names)])
    try:
        return expr.parse(text, condition=condition, words=words)
    except LawError as error:
        odd = next((word for word in words if not word.isidentifier()), None)
        if odd is None or not condition:
            raise
        raise LawError(f"{error}\n    A name of several words may stand in square brackets, such as [{odd}].") from None


def _with_compute(runs: Runs) -> Runs:
    """The runs with a column of compute, if that is missing and parameters and tokens are there."""
    sizes = ("n_params", "n_tokens")
    if runs.has("flops") or not all(runs.has(name) and not runs.is_text(name) for name in sizes):
        return runs
    return runs.with_columns({"flops": FLOPS * runs.column(sizes[0]) * runs.column(sizes[1])})


def _met(node: expr.Node, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Which rows meet a condition, and which may: a comparison of a non-finite value is undecided."""
    match node:
        case expr.Call("not", (negated,)):
            met, possible = _met(negated, values)
            return ~possible, ~met
        case expr.Call("and" | "or" as word, args):
            join = np.logical_and if word == "and" else np.logical_or
            sides = [_met(arg, values) for arg in args]
            return join.reduce([met for met, _ in sides]), join.reduce([possible for _, possible in sides])
    met = np.asarray(expr.evaluate(node, values, CONDITION_WORDS), dtype=bool)
    undefined = np.zeros(met.shape, dtype=bool)
    for side in node.args if isinstance(node, expr.Call) else ():
        undefined |= _undefined(side, values)
    return met & ~undefined, met | undefined


def _undefined(node: expr.Node, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where a formula is not finite although its columns are."""
    if not isinstance(node, expr.Call):
        return np.zeros((), dtype=bool)
    finite = np.logical_and.reduce([np.isfinite(values[name]) for name in expr.names(node)])
    return np.asarray(finite & ~np.isfinite(expr.evaluate(node, values, CONDITION_WORDS)))


def _wrong(runs: Runs, condition: str, why: str) -> RunsError:
    return RunsError(f"{runs.source}: cannot use the condition {condition!r}: {why}.")


def _kind(node: expr.Node, runs: Runs, condition: str) -> Kind:
    """The type of a part of a condition; mismatches are refused."""
    match node:
        case expr.Number():
            return "a number"
        case expr.Text():
            return "text"
        case expr.Name(id=name):
            return "text" if runs.is_text(name) else "a number"
        case expr.Call(function=word, args=args):
            kinds = [_kind(arg, runs, condition) for arg in args]
            if word in ("and", "or", "not"):
                if set(kinds) != {"a comparison"}:
                    raise _wrong(runs, condition, f"'{word}' joins comparisons, but '{_not(kinds, args)}' is not one")
                return "a comparison"
            if word == "known":
                return "a comparison"
            if word in expr.CONDITIONS.values():
                _check_sides(word, kinds, args, runs, condition)
                return "a comparison"
            if set(kinds) != {"a number"}:
                raise _wrong(
                    runs, condition, f"'{word}' takes numbers, not {next(k for k in kinds if k != 'a number')}"
                )
            return "a number"


def _not(kinds: list[Kind], args: tuple[expr.Node, ...]) -> str:
    return next(expr.to_text(a) for k, a in zip(kinds, args, strict=True) if k != "a comparison")


def _check_sides(
    word: str, kinds: list[Kind], args: tuple[expr.Node, ...], runs: Runs, condition: str
) -> None:  # fmt: skip
    sides = [f"{expr.to_text(arg)} ({kind})" for arg, kind in zip(args, kinds, strict=True)]
    if "a comparison" in kinds:
        raise _wrong(runs, condition, f"'{word}' compares numbers or text, not other comparisons; use 'and' or 'or'")
    if kinds[0] != kinds[1]:
        raise _wrong(runs, condition, f"'{word}' compares {sides[0]} with {sides[1]}")
    if not any(expr.names(arg) for arg in args):
        raise _wrong(runs, condition, f"{sides[0]} and {sides[1]} are both constants; name a column")
