"""Runs: a table whose columns have meanings.

Why not a data frame: a law needs a handful of columns as float64, and every mistake in them (a wrong unit, a diverged
run, text in place of a number) must be reported with its row before any sampling.  ``observations`` has what a law
reads from the table; ``notes`` has what the table says about itself.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.errors import RunsError, listed
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.columns import STANDARD, is_quantity, missing_column, recognised, standard_name, understood, unit_in
from bayeslaw.runs.filters import computed, rows_where
from bayeslaw.runs.reading.cells import Table, as_numbers
from bayeslaw.runs.reading.sources import read_table
from bayeslaw.runs.tracking.joining import joined
from bayeslaw.runs.tracking.source import read_source
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
        return self.found(name) is not None

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
        found = self.found(name)
        if found is None:
            raise missing_column(name, self.names, self.source, wanted_by)
        if found in (name, standard_name(name)):
            return self.data[found]
        unit = self.wording.reading(found).unit  # by the file's own name, the file's own numbers
        return self.data[found] if unit is None else self.data[found] / unit

    def found(self, name: str) -> str | None:
        """The column of a name: its own, an alias of a standard one, or how the file calls it; None without one."""
        for known in (name, standard_name(name)):
            if known in self.data:
                return known
        return next((column for column in self.data if self.wording.reading(column).own == name), None)

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
    source: RunsLike | Table,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, float | str] | None = None,
    *,
    curve: bool = False,
    join: RunsLike | None = None,
) -> Runs:
    """Read a table of runs, and give its columns their standard names.

    Parameters
    ----------
    source
        A path (``.csv``, ``.tsv``, ``.json``, ``.jsonl``, ``.parquet``, ...); one after the word for a tracker or an
        evaluation, ``"mlflow:mlruns"`` (also ``wandb``, ``tensorboard``, ``trainer`` and ``lm-eval``); a pandas or
        polars frame, a mapping of sequences, or runs.
    columns
        The file's own name by the name a law uses: ``{"n_params": "N (M)"}``; or a formula of columns:
        ``{"loss": "log(perplexity)"}``.  Common names (``N``, ``params``, ``tokens``, ``val_loss``, ...) are recognised
        automatically, also in ``config.n_params`` and ``Tokens (B)``.
    units
        A factor that a column is multiplied by: ``{"n_params": 1e6}`` or ``{"n_params": "million"}``; in place of a
        unit that its header says.
    curve
        From a tracker, a row for each recorded outcome instead of the last of each run.
    join
        A second table with the same runs, whose columns are added by the names of runs.

    Raises
    ------
    FileError
        When a file cannot be read.
    RunsError
        When it is not a table, `columns` or `units` do not fit it, there are no curves, or the second table has none
        of the runs.
    """
    if isinstance(source, Runs) and not columns and not units and join is None:
        return source
    table = _table(source, curve)
    if join is not None:
        table = joined(table, _table(join))
    own = {name: column for name, column in (columns or {}).items() if column in table.columns}
    formulas = {name: formula for name, formula in (columns or {}).items() if name not in own}
    runs = _scaled(_renamed(table, own, formulas, units or {}), units or {}, not_yet=formulas)
    values = {name: computed(runs, name, formula) for name, formula in formulas.items()}
    readings = {**runs.wording.readings, **{name: Reading(formula, chosen=True) for name, formula in formulas.items()}}
    runs = replace(runs.with_columns(values), wording=Wording(readings)) if values else runs
    return _scaled(runs, {name: unit for name, unit in (units or {}).items() if name in formulas})


def _table(source: RunsLike | Table, curve: bool = False) -> Table:
    if isinstance(source, Runs):
        return Table(dict(source.data), source.rows, source.source)
    if isinstance(source, str | Path):
        return read_source(source, curve)
    return source if isinstance(source, Table) else read_table(source)


def _scaled(runs: Runs, units: Mapping[str, float | str], not_yet: Collection[str] = ()) -> Runs:
    """The runs with some columns multiplied by the units that a caller gives them."""
    scaled: dict[str, np.ndarray] = {}
    readings = dict(runs.wording.readings)
    for name, unit in units.items():
        if name in not_yet:
            continue
        found = runs.found(name)
        if found is None:
            raise missing_column(name, runs.names, runs.source, "units")
        if runs.data[found].dtype == object:
            raise RunsError(
                f"{runs.source}: units are given for column '{name}', but it holds text; leave it out of units."
            )
        if found in scaled:
            raise RunsError(
                f"{runs.source}: units are given twice for column '{found}', under two of its names; keep one."
            )
        factor = _factor(name, unit)
        readings[found] = replace(runs.wording.reading(found), unit=factor, by_header=False)
        scaled[found] = runs.data[found] * factor
    return replace(runs.with_columns(scaled), wording=Wording(readings)) if scaled else runs


def _renamed(
    table: Table, columns: Mapping[str, str], settled: Collection[str], units: Mapping[str, float | str]
) -> Runs:
    """The columns under their new names, assigned by the caller or recognised, in the units that their headers say."""
    assigned = {name: table.columns[own] for name, own in columns.items()}
    by_own = {own: name for name, own in columns.items()}
    left = {own: values for own, values in table.columns.items() if own not in assigned and own not in by_own}
    found = recognised(left, settled={*assigned, *settled})
    named = {by_own.get(own) or found.get(own, own): own for own in table.columns if own in by_own or own in left}
    # One column of the file may be assigned to two names; the others keep the order of the file.
    data = {name: table.columns[own] for name, own in named.items()} | assigned
    readings = {name: Reading(own, chosen=name in columns) for name, own in (named | dict(columns)).items()}
    by_caller = {name for unit in units for name in (unit, standard_name(unit), understood(unit))}
    for name, reading in list(readings.items()):
        unit = unit_in(reading.own, name) if reading.own != name else None
        if data[name].dtype == object:
            numbers = as_numbers(data[name], table.mark) if name in columns or _is_count(name) else None
            data[name] = data[name] if numbers is None else numbers
        elif unit is not None and unit != 1.0 and not {name, reading.own} & by_caller:
            data[name], readings[name] = data[name] * unit, replace(reading, unit=unit, by_header=True)
    return Runs(data, table.source, table.rows, wording=Wording(readings))


def _is_count(name: str) -> bool:
    return name in STANDARD and is_quantity(name)


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
