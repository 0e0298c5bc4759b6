"""A condition that leaves some rows out, to be typed as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import BayeslawError
from bayeslaw.runs.filters import rows_where
from bayeslaw.words import worded

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

# More rows than this make no condition that anybody would type.
MOST_ROWS = 6


def without(runs: Runs, rows: np.ndarray, outcome: str, axes: tuple[str, ...] = ()) -> str:
    """How to leave out the rows of a mask: ``leave them out with --where "loss < 3"``.

    Parameters
    ----------
    rows
        A mask of shape ``(runs,)``.
    outcome, axes
        Columns that may tell the rows apart, beside the columns of text.
    """
    them = "it" if rows.sum() == 1 else "them"
    for condition in _conditions(runs, rows, outcome, axes):
        with contextlib.suppress(BayeslawError):
            if (rows_where(runs, condition) == ~rows).all():
                right = f'"{condition}"'
                return f"leave {them} out with {worded(f'where({right})', f'--where {right}')}"
    return f"leave {them} out"


def written(name: str) -> str:
    """A column as a condition names it."""
    return name if name.isidentifier() else f"[{name}]"


def _conditions(runs: Runs, rows: np.ndarray, outcome: str, axes: tuple[str, ...]) -> Iterator[str]:
    """Conditions that may keep all rows but these, the shortest first."""
    if runs.has(outcome) and not runs.is_text(outcome):
        values = runs.column(outcome)
        least = float(np.nanmin(values[rows])) if np.isfinite(values[rows]).any() else np.nan
        if (values[~rows] < least).all():
            yield f"{written(outcome)} < {least!r}"
    if rows.sum() > MOST_ROWS:
        return
    for name in runs.names:
        if runs.is_text(name) and not any("'" in word for word in runs.column(name)[rows]):
            words = dict.fromkeys(runs.column(name)[rows].tolist())
            yield " and ".join(f"{written(name)} != '{word}'" for word in words)
    known = [name for name in (*axes, outcome) if runs.has(name) and not runs.is_text(name)]
    for kept in ([name] for name in known):
        yield _none_of(runs, rows, kept)
    yield _none_of(runs, rows, known)


def _none_of(runs: Runs, rows: np.ndarray, names: list[str]) -> str:
    values = zip(*(runs.column(name)[rows].tolist() for name in names), strict=True)
    each = [
        " and ".join(f"{written(name)} == {value!r}" for name, value in zip(names, row, strict=True)) for row in values
    ]
    return " and ".join(f"not ({one})" for one in dict.fromkeys(each))
