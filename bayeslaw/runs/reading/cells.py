"""Columns of cells as columns of numbers or of text.

All sources follow the same rule, so they give the same table.  A column is numeric if every non-empty cell says a
number (see ``numerals``).  A column of true and false is numeric too, 1 and 0, unless its name says that it is a
quantity.  Any other column is text; so are labels such as ``1.3B``, until a column of numbers is needed there.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.errors import RunsError, listed
from bayeslaw.runs.columns import is_quantity
from bayeslaw.runs.reading import numerals
from bayeslaw.runs.reading.numerals import MISSING, POINT
from bayeslaw.words import cut

TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Words:
    """A column as its different cells, each a number or stripped text, and which of them each row has."""

    different: Sequence[float | str]
    index: np.ndarray

    def taken(self, values: Sequence[Any], dtype: Any) -> np.ndarray:
        """A value for each different cell, row by row."""
        column: np.ndarray = np.empty(len(values), dtype=dtype)
        column[:] = values
        found: np.ndarray = column[self.index]
        return found


# A column before its cells are understood: numbers already, or words.
type Cells = np.ndarray | Words


@dataclass(frozen=True)
class Table:
    """Columns by name, each of shape ``(rows,)``, the number of each row in its file, and the decimal mark of text."""

    columns: dict[str, np.ndarray]
    rows: np.ndarray
    source: str
    mark: str = POINT


def table(pairs: Sequence[tuple[str, Cells]], rows: np.ndarray, source: str, usual_mark: str = POINT) -> Table:
    """A table of named columns.

    Raises
    ------
    RunsError
        When there are no columns or no rows, or two columns have one name.
    """
    pairs = [(name.strip(), cells) for name, cells in pairs]
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise RunsError(f"{source}: {count} columns are called '{cut(name)}'; rename or drop all but one.")
    if not pairs:
        raise RunsError(f"{source}: there are no columns; expected a header and one row per run.")
    if not len(rows):
        raise RunsError(f"{source}: there are no runs below the header ({listed([cut(n) for n, _ in pairs])}).")
    proven = {name: _proven(cells) for name, cells in pairs}
    common = numerals.common_mark(list(proven.values()), usual_mark)
    columns = {name: _column(cells, name, proven[name] or common) for name, cells in pairs}
    return Table(columns, rows, source, common)


def words(values: Iterable[Any], rows: np.ndarray, name: str, source: str) -> Cells:
    """The cells of a column of Python objects.

    Raises
    ------
    RunsError
        When a cell holds something else than a number or text.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        return values.astype(np.float64)
    cells: list[float | str] = []
    for row, value in zip(rows, values, strict=True):
        cell = _cell(value)
        if cell is None:
            kind = type(value).__name__
            raise RunsError(f"{source}: row {row} of column '{cut(name)}' holds a {kind}; expected a number or text.")
        cells.append(cell)
    return Words(cells, np.arange(len(cells)))


def as_plain(cells: Cells) -> np.ndarray | None:
    """A column whose cells are numbers already, or empty; None if one is text."""
    if isinstance(cells, np.ndarray):
        return cells
    plain = [math.nan if cell == "" else cell for cell in cells.different]
    return None if any(isinstance(cell, str) for cell in plain) else cells.taken(plain, np.float64)


def as_numbers(cells: np.ndarray, mark: str) -> np.ndarray | None:
    """A column of text as the numbers that it says, sizes such as ``1.3B`` among them; None if one is no number."""
    mark = numerals.decimal_mark(cells) or mark

    def read(cell: float | str) -> float | None:
        return math.nan if str(cell).lower() in MISSING else numerals.number(str(cell), mark, sizes=True)

    found = _each(cells, read)
    return None if found is None or np.isnan(found).all() else np.array(found)


def _proven(cells: Cells) -> str | None:
    if isinstance(cells, np.ndarray):
        return None
    return numerals.decimal_mark(cell for cell in cells.different if isinstance(cell, str))


def _column(cells: Cells, name: str, mark: str) -> np.ndarray:
    """One column as float64, or as objects that are all ``str``."""
    if isinstance(cells, np.ndarray):
        return cells

    def read(cell: float | str) -> float | None:
        if isinstance(cell, float):
            return cell
        return math.nan if cell.lower() in MISSING else numerals.number(cell, mark)

    for reader in (read,) if is_quantity(name) else (read, _truth):
        numbers = _each(cells.different, reader)
        if numbers is not None and (any(n == n for n in numbers) or all(map(_said_missing, cells.different))):
            return cells.taken(numbers, np.float64)
    return cells.taken([_spelled(cell) for cell in cells.different], object)


def _each(cells: Iterable[float | str], read: Callable[[float | str], float | None]) -> list[float] | None:
    found = []
    for cell in cells:
        value = read(cell)
        if value is None:
            return None
        found.append(value)
    return found


def _said_missing(cell: float | str) -> bool:
    """Whether a cell is empty or not-a-number, rather than a word such as ``none``."""
    return isinstance(cell, float) or cell.lower() in ("", "nan")


def _cell(value: Any) -> float | str | None:
    """A cell as a number or stripped text; None for what is neither."""
    if isinstance(value, str):
        return value.strip()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return math.nan
    if isinstance(value, bool | np.bool_):
        return "True" if value else "False"
    if isinstance(value, datetime.datetime):
        return (value.date() if value.time() == datetime.time() else value).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    try:
        return float(value) if np.ndim(value) == 0 else None
    except OverflowError:
        return math.copysign(math.inf, value)
    except (TypeError, ValueError):
        return None


def _truth(cell: float | str) -> float | None:
    word = "" if isinstance(cell, float) and math.isnan(cell) else str(cell).lower()
    return math.nan if word in MISSING else TRUTH.get(word)


def _spelled(cell: float | str) -> str:
    if isinstance(cell, str):
        return cell
    if math.isnan(cell):
        return ""
    return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
