"""Files and frames as plain columns: the only module that knows CSV, JSON lines, Parquet, pandas and polars.

All sources follow the same rule, so they give the same table.  A column is numeric if every non-empty cell is a number.
A column of true and false is numeric too, 1 and 0, unless its name says that it is a quantity.  Any other column is
text.  CSV and JSON lines need the standard library only: importing pandas takes longer than most fits of a small table
take to read.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError, RunsError, listed
from bayeslaw.paths import runs_file, why
from bayeslaw.runs.columns import is_quantity
from bayeslaw.words import cut

# While a table is read, its cells are Python objects of some 50 bytes each: a larger file is a mistake.
LARGEST_FILE = 2 * 1024**3
READABLE = (".csv", ".csv.gz", ".tsv", ".jsonl", ".ndjson", ".parquet")
# Spellings of a missing number; in a column of text these are ordinary words.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>"})
TRUTH = {"true": 1.0, "false": 0.0}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Table:
    """Columns by name, each of shape ``(rows,)``, and the number of each row in its file."""

    columns: dict[str, np.ndarray]
    rows: np.ndarray
    source: str


def read_table(source: Any) -> Table:
    """Read a file, a frame or a mapping of sequences.

    Raises
    ------
    FileError
        When a file is missing, too large, unreadable or of an unknown kind.
    RunsError
        When its contents are not a table.
    """
    if isinstance(source, str | Path):
        return _read_path(Path(source))
    library = type(source).__module__.partition(".")[0]
    name = type(source).__name__
    if library == "pandas" and name == "DataFrame":
        # A named index is a column in pandas; an unnamed one only counts rows.
        frame = source.reset_index() if any(n is not None for n in source.index.names) else source
        pairs = [(str(c), frame.iloc[:, i].tolist()) for i, c in enumerate(frame.columns)]
        return _table(pairs, range(1, len(frame) + 1), "pandas frame")
    if library == "polars" and name == "DataFrame":
        pairs = [(c, source.get_column(c).to_list()) for c in source.columns]
        return _table(pairs, range(1, source.height + 1), "polars frame")
    if library == "pyarrow" and name == "Table":
        return _arrow(source, "pyarrow table")
    if isinstance(source, Mapping):
        return _mapping(source)
    lazy = "; call .collect() on it first" if name == "LazyFrame" else ""
    raise RunsError(
        f"runs cannot be read from a {library}.{name}{lazy}: give a path, a pandas or polars DataFrame, or a mapping "
        "of sequences."
    )


def _read_path(path: Path) -> Table:
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if path.is_dir():
        raise FileError(f"{path}: this is a folder; give one file of runs ({listed(READABLE)}).")
    size = runs_file(path).stat().st_size
    if suffix not in READABLE:
        raise FileError(f"{path}: a file of runs ends in {listed(READABLE)}, not in '{suffix}'; convert or rename it.")
    if size > LARGEST_FILE:
        raise _too_large(path)
    if size == 0:
        raise RunsError(f"{path}: the file is empty; expected a header line and one line per run.")
    if suffix == ".parquet":
        return _read_parquet(path)
    text = _text(path, compressed=suffix == ".csv.gz")
    if suffix in (".jsonl", ".ndjson"):
        return _read_json_lines(text, str(path))
    return _read_csv(text, str(path), "\t" if suffix == ".tsv" else ",")


def _too_large(path: Path) -> FileError:
    return FileError(
        f"{path}: the file holds more than {LARGEST_FILE / 1024**3:g} GB; a table of runs has one row per run or "
        "checkpoint: leave out the rows that are not needed."
    )


def _text(path: Path, compressed: bool) -> str:
    try:
        with gzip.open(path) if compressed else path.open("rb") as handle:
            raw = handle.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot read this file of runs ({why(error)}).") from None
    if len(raw) > LARGEST_FILE:
        raise _too_large(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{path}: not text in UTF-8; save the table as CSV in UTF-8, or as Parquet.") from None
    if "\0" in text:
        raise FileError(f"{path}: binary data, not a table of text; save it as CSV in UTF-8, or as Parquet.")
    return text


def _read_csv(text: str, source: str, delimiter: str) -> Table:
    header: list[str] | None = None
    rows: list[list[str]] = []
    numbers: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for cells in reader:
            # A quoted cell may span lines: a row is numbered by its first line.
            number, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells) and len(cells) <= 1:
                continue
            if header is None:
                header = cells
                _check_delimiter(header, source, delimiter)
            elif len(cells) != len(header):
                raise RunsError(
                    f"{source}: row {number} has {len(cells)} cells, but the header has {len(header)}; "
                    "fill in the row, or quote cells that contain the separator."
                )
            else:
                rows.append(cells)
                numbers.append(number)
    except csv.Error as error:
        raise RunsError(f"{source}: row {start} is not CSV ({error}); check its quotes.") from None
    if header is None:
        raise RunsError(f"{source}: the file is empty; expected a header line and one line per run.")
    names = [name.strip() or f"column_{i}" for i, name in enumerate(header, start=1)]
    columns: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [()] * len(names)
    return _table(list(zip(names, columns, strict=True)), numbers, source)


def _check_delimiter(header: list[str], source: str, delimiter: str) -> None:
    other = next((sign for sign in (";", "\t", "|") if len(header) == 1 and sign in header[0]), None)
    if other is not None:
        raise RunsError(
            f"{source}: the header is one cell, '{cut(header[0])}'; its columns seem to be separated by {other!r}, "
            f"but {'tabs' if delimiter != ',' else 'commas'} are expected in this kind of file; save it with them."
        )


def _read_json_lines(text: str, source: str) -> Table:
    columns: dict[str, list[Any]] = {}
    numbers: list[int] = []
    # Not splitlines(): JSON allows U+2028 inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            pairs = json.loads(line, object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):
            raise RunsError(f"{source}: row {number} is not JSON; expected one object per line.") from None
        if not isinstance(pairs, _Pairs):
            raise RunsError(f"{source}: row {number} is not a JSON object; expected one object per line.")
        seen = set()
        for key, value in pairs:
            name = key.strip()
            if name in seen:
                raise RunsError(f"{source}: row {number} gives '{cut(name)}' twice; keep one.")
            seen.add(name)
            cells = columns.setdefault(name, [])
            cells.extend([None] * (len(numbers) - len(cells)))
            cells.append(value)
        numbers.append(number)
    for cells in columns.values():
        cells.extend([None] * (len(numbers) - len(cells)))
    return _table(list(columns.items()), numbers, source)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object that keeps its duplicate keys."""


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise FileError(
            f"{path}: reading Parquet needs pyarrow; install it with `pip install 'bayeslaw[parquet]'`, or save as CSV."
        ) from None
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError, ValueError):
        raise FileError(f"{path}: not a readable Parquet file; write it again, or save the table as CSV.") from None
    return _arrow(table, str(path))


def _arrow(table: Any, source: str) -> Table:
    pairs = [(str(name), table.column(i).to_pylist()) for i, name in enumerate(table.column_names)]
    # pandas writes an unnamed index that is not a plain count under this name.
    pairs = [(name, values) for name, values in pairs if name != "__index_level_0__"]
    return _table(pairs, range(1, table.num_rows + 1), source)


def _mapping(source: Mapping[Any, Any]) -> Table:
    pairs = []
    for name, values in source.items():
        is_sequence = isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)
        if not is_sequence or np.ndim(_shape(values)) != 1:
            raise RunsError(f"mapping: column '{name}' must be a sequence of numbers or text, one per run.")
        pairs.append((str(name), list(_shape(values))))
    lengths = {name: len(values) for name, values in pairs}
    if len(set(lengths.values())) > 1:
        shown = listed([f"{name} {length}" for name, length in lengths.items()])
        raise RunsError(f"mapping: columns must be equally long, but their lengths are {shown}.")
    return _table(pairs, range(1, next(iter(lengths.values()), 0) + 1), "mapping")


def _shape(values: Any) -> Any:
    """Arrays and series as they are, other iterables as an array of objects."""
    if isinstance(values, np.ndarray):
        return values
    cells = list(values)
    column = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):
        column[i] = cell
    return column


def _table(pairs: Sequence[tuple[str, Sequence[Any]]], numbers: Iterable[int], source: str) -> Table:
    rows = np.fromiter(numbers, dtype=np.int64)
    names = [name.strip() for name, _ in pairs]
    for name, count in Counter(names).items():
        if count > 1:
            raise RunsError(f"{source}: {count} columns are called '{cut(name)}'; rename or drop all but one.")
    if not names:
        raise RunsError(f"{source}: there are no columns; expected a header and one row per run.")
    if not len(rows):
        raise RunsError(f"{source}: there are no runs below the header ({listed(map(cut, names))}).")
    columns = {name: _column(values, rows, name, source) for name, (_, values) in zip(names, pairs, strict=True)}
    return Table(columns, rows, source)


def _column(values: Iterable[Any], rows: np.ndarray, name: str, source: str) -> np.ndarray:
    """One column as float64, or as objects that are all ``str``."""
    cells: list[Any] = []
    for row, value in zip(rows, values, strict=True):
        cell = _cell(value)
        if cell is None:
            kind = type(value).__name__
            raise RunsError(f"{source}: row {row} of column '{cut(name)}' holds a {kind}; expected a number or text.")
        cells.append(cell)
    for read in (_number,) if is_quantity(name) else (_number, _truth):
        numbers = [read(cell) for cell in cells]
        is_number = [n is not None for n in numbers]
        if all(is_number) and (any(n == n for n in numbers) or all(_said_missing(c) for c in cells)):
            return np.array(numbers, dtype=np.float64)
    column = np.empty(len(cells), dtype=object)
    column[:] = ["" if isinstance(c, float) and math.isnan(c) else _spelled(c) for c in cells]
    return column


def _said_missing(cell: Any) -> bool:
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


def _number(cell: float | str) -> float | None:
    if isinstance(cell, float):
        return cell
    if NUMBER.fullmatch(cell):  # not float() alone, which accepts the label "2024_01" as a number
        return float(cell)
    return math.nan if cell.lower() in MISSING else None


def _truth(cell: float | str) -> float | None:
    word = "" if isinstance(cell, float) and math.isnan(cell) else str(cell).lower()
    return math.nan if word in MISSING else TRUTH.get(word)


def _spelled(cell: float | str) -> str:
    if isinstance(cell, str):
        return cell
    return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
