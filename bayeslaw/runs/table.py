"""Runs: a table whose columns have meanings.

Why not a data frame: a law needs a handful of columns as float64, and every mistake in them (a wrong unit, a diverged
run, text in place of a number) must be reported with its row before any sampling.  ``observations`` has what a law
reads from the table; ``notes`` has what the table says about itself.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import RunsError, did_you_mean, listed
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.columns import missing_column, recognised, standard_name
from bayeslaw.runs.files import Table, read_table
from bayeslaw.runs.filters import rows_where
from bayeslaw.runs.wording import Reading, Wording, amended, rows_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from bayeslaw.runs.summary import RunsSummary

# The sources of a table of runs; see :func:`read_runs`.
type RunsLike = Runs | str | Path | Mapping[str, Sequence[Any] | np.ndarray] | pd.DataFrame | pl.DataFrame

UNIT_WORDS: Mapping[str, float] = {
    "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "percent": 1e-2,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Runs:
    """A table of training runs, one row per run or checkpoint; made by :func:`read_runs` or :meth:`from_arrays`.

    Attributes
    ----------
    data
        Columns by name, each of shape ``(runs,)``: float64 (NaN where empty), or objects that are all ``str``
        (``""`` where empty).  The arrays cannot be written to.
    source
        The name of the table in messages: the path of its file.
    rows
        The number of each row in its file, shape ``(runs,)``; a header counts as row 1.
    whole
        The table that these runs were chosen from, and their positions there; None if nothing was left out.
    wording
        How messages describe its rows and columns.
    """

    data: Mapping[str, np.ndarray]
    source: str
    rows: np.ndarray
    whole: tuple[Runs, np.ndarray] | None = None
    wording: Wording = field(default_factory=Wording)

    def __post_init__(self) -> None:
        for array in (*self.data.values(), self.rows):
            array.setflags(write=False)

    @staticmethod
    def from_arrays(data: Mapping[str, Any], source: str = "runs") -> Runs:
        """Runs from sequences by column name, read like a mapping by :func:`read_runs`, but without renaming columns.

        Parameters
        ----------
        data
            Equally long sequences of numbers or text.
        source
            The name of the table in messages.
        """
        table = read_table(dict(data))
        return Runs(table.columns, source, table.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Runs({self.source}: {len(self)} runs, columns {listed(self.names, 12)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of the file."""
        return tuple(self.data)

    def has(self, name: str) -> bool:
        """Whether there is such a column, under this name or as the standard column that the name is an alias of."""
        return self._found(name) is not None

    def column(self, name: str, wanted_by: str = "the question") -> np.ndarray:
        """A column, shape ``(runs,)``.

        Parameters
        ----------
        name
            Its name, or an alias of a standard column.
        wanted_by
            What needs the column, for the message.

        Raises
        ------
        RunsError
            When it is missing; the message suggests the closest name.
        """
        found = self._found(name)
        if found is None:
            raise missing_column(name, self.names, self.source, wanted_by)
        return self.data[found]

    def _found(self, name: str) -> str | None:
        if name in self.data:
            return name
        standard = standard_name(name)
        return standard if standard in self.data else None

    def is_text(self, name: str) -> bool:
        """Whether a column holds text."""
        return self.column(name).dtype == object

    def levels(self, name: str) -> tuple[tuple[str, ...], np.ndarray]:
        """The groups of a grouping column, and which group each run is in.

        Parameters
        ----------
        name
            A column of text, or of numbers (such as a budget).

        Returns
        -------
        levels
            Names of the groups, sorted; numbers by value, written like ``1e+20``.
        index
            Positions in `levels`, integers of shape ``(runs,)``.

        Raises
        ------
        RunsError
            When a cell is empty: every run must be in a group.
        """
        values = self.column(name, "the grouping")
        empty = values == "" if values.dtype == object else np.isnan(values)
        if empty.any():
            raise RunsError(
                f"{self.source}: column '{name}' groups the runs, but is empty in {rows_of(self, empty)}; "
                f"{amended(self, 'fill it in', f'{name} is known')}."
            )
        if values.dtype == object:
            words, index = np.unique(values.astype(str), return_inverse=True)
            return tuple(str(word) for word in words), index
        numbers, index = np.unique(values, return_inverse=True)
        shown = [f"{n:g}" for n in numbers]
        if len(set(shown)) < len(shown):  # six digits do not distinguish the levels
            shown = [repr(float(n)) for n in numbers]
        return tuple(shown), index

    def where(self, condition: str) -> Runs:
        """The runs that meet a condition: ``"family == 'c4' and flops < 2e19"``, ``"loss is known"``.

        Without a column ``flops``, it is 6 x parameters x tokens.

        Raises
        ------
        RunsError
            When a column is missing, text is compared with a number, or no run is left.
        LawError
            When the condition cannot be parsed.
        """
        mask = rows_where(self, condition)
        if not mask.any():
            raise RunsError(f"{self.source}: no run of {len(self)} meets the condition {condition!r}; loosen it.")
        return self.take(mask)

    def take(self, rows: Any) -> Runs:
        """Some of the runs.

        Parameters
        ----------
        rows
            Positions from 0, or a mask of shape ``(runs,)``.
        """
        rows = np.asarray(rows)
        if rows.size == 0:
            rows = rows.astype(np.int64)
        table, positions = (self, np.arange(len(self))) if self.whole is None else self.whole
        data = {name: values[rows] for name, values in self.data.items()}
        return Runs(data, self.source, self.rows[rows], (table, positions[rows]), self.wording)

    def hiding(self, hidden: np.ndarray) -> Runs:
        """The same table with weight 0 on some runs, which hides them from a fit but keeps them in the table.

        Parameters
        ----------
        hidden
            A mask of shape ``(runs,)``.
        """
        return self.with_columns({"weight": np.where(hidden, 0.0, observations.weights(self))})

    def with_columns(self, columns: Mapping[str, np.ndarray]) -> Runs:
        """The same runs with other values in some columns, or with more columns; each of shape ``(runs,)``."""
        return replace(self, data={**self.data, **columns})

    def followed_by(self, others: Runs) -> Runs:
        """These runs, and after them others with the same columns."""
        tables = [each.with_columns({"weight": observations.weights(each)}) for each in (self, others)]
        data = {name: np.concatenate([each.data[name] for each in tables]) for name in tables[0].data}
        return Runs(data, self.source, np.concatenate([each.rows for each in tables]), wording=self.wording)

    def frame(self) -> pd.DataFrame:
        """The table as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame({name: values.copy() for name, values in self.data.items()})

    def digest(self) -> str:
        """SHA-256 of the contents as 64 hex digits: the same for the same table, in whatever format it was stored.

        The order of columns, the name of the file and the row numbers do not matter; the order of rows does.
        """
        total = hashlib.sha256()
        for name in sorted(self.data):
            values = self.data[name]
            if values.dtype == object:
                content = b"\0".join(str(cell).encode("utf-8", "surrogatepass") for cell in values)
            else:
                # Adding zero turns -0.0 into 0.0; all NaN are given one bit pattern.
                content = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8").tobytes()
            head = f"{name}\0{values.dtype.kind}\0{len(content)}\0"
            total.update(head.encode("utf-8", "surrogatepass") + content)
        return total.hexdigest()

    def summary(self, law: Law | str | None = None, family: str | None = None) -> RunsSummary:
        """Summarise the table, with notes on what limits a fit: see ``summary`` and ``notes``.

        Parameters
        ----------
        law
            The law whose columns to summarise, or its name (default: the standard columns).
        family
            The column of the groups (default: ``family``, if there is one).
        """
        from bayeslaw.runs.summary import summarise

        return summarise(self, law, family)


def read_runs(
    source: RunsLike | Table, columns: Mapping[str, str] | None = None, units: Mapping[str, float | str] | None = None
) -> Runs:
    """Read a table of runs, and give its columns their standard names.

    Parameters
    ----------
    source
        A path (``.csv``, ``.csv.gz``, ``.tsv``, ``.jsonl``, ``.ndjson``, ``.parquet``), a pandas or polars frame, a
        mapping of sequences, or runs.
    columns
        The file's own name by the name a law uses: ``{"n_params": "N (M)"}``.  Common names (``N``, ``params``,
        ``tokens``, ``val_loss``, ...) are recognised automatically.
    units
        A factor that a column is multiplied by: ``{"n_params": 1e6}`` or ``{"n_params": "million"}``.

    Raises
    ------
    FileError
        When a file cannot be read.
    RunsError
        When it is not a table, or `columns` or `units` do not fit it.
    """
    if isinstance(source, Runs):
        if not columns and not units:
            return source
        source = Table(dict(source.data), source.rows, source.source)
    table = source if isinstance(source, Table) else read_table(source)
    data, readings = _renamed(table, dict(columns or {}))
    scaled: set[str] = set()
    for name, unit in (units or {}).items():
        found = name if name in data else standard_name(name)
        if found is None or found not in data:
            raise missing_column(name, data, table.source, "units")
        if data[found].dtype == object:
            raise RunsError(
                f"{table.source}: units are given for column '{name}', but it holds text; leave it out of units."
            )
        if found in scaled:
            raise RunsError(
                f"{table.source}: units are given twice for column '{found}', under two of its names; keep one."
            )
        scaled.add(found)
        factor = _factor(name, unit)
        data[found], readings[found] = data[found] * factor, replace(readings[found], unit=factor)
    return Runs(data, table.source, table.rows, wording=Wording(readings))


def _renamed(table: Table, columns: dict[str, str]) -> tuple[dict[str, np.ndarray], dict[str, Reading]]:
    """The columns under their new names, assigned by the caller or recognised; and how they were read."""
    for name, own in columns.items():
        if own not in table.columns:
            raise RunsError(
                f"{table.source}: columns says '{name}' is the file's '{own}', which is not there"
                f"{did_you_mean(own, table.columns)}; the file has {listed(table.columns, 20)}."
            )
    assigned = {name: table.columns[own] for name, own in columns.items()}
    by_own = {own: name for name, own in columns.items()}
    rest = {name: None for name in table.columns if name not in assigned and name not in by_own}  # a set in order
    found = recognised(rest, table.source, settled=assigned)
    named = {by_own.get(own) or found.get(own, own): own for own in table.columns if own in by_own or own in rest}
    # One column of the file may be assigned to two names; the others keep the order of the file.
    data = {name: table.columns[own] for name, own in named.items()} | assigned
    return data, {name: Reading(own) for name, own in (named | columns).items()}


def _factor(name: str, unit: float | str) -> float:
    value: float | None = None
    if isinstance(unit, str):
        value = UNIT_WORDS.get(unit.strip().lower().removesuffix("s"))
    if value is None:
        try:
            value = float(unit)
        except (TypeError, ValueError):
            value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise RunsError(
            f"the unit of '{name}' is {unit!r}; expected a positive number such as 1e6, or one of {listed(UNIT_WORDS)}."
        )
    return value
