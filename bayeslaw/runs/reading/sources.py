"""A path, a frame or a mapping as a table: the only module that knows which library a table comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError, RunsError, listed
from bayeslaw.paths import runs_file
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.runs.reading.delimited import read_delimited
from bayeslaw.runs.reading.encodings import text_of
from bayeslaw.runs.reading.objects import read_objects
from bayeslaw.runs.reading.workbook import read_workbook

SEPARATED = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t", ".txt": "\t"}
OBJECTS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
WORKBOOKS = (".xlsx", ".xls", ".ods")
READABLE = (*SEPARATED, *OBJECTS, ".parquet", *WORKBOOKS)


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
        return _columns([(_joined(c), _values(frame.iloc[:, i])) for i, c in enumerate(frame.columns)], "pandas frame")
    if library == "polars" and name == "DataFrame":
        return _columns([(c, source.get_column(c).to_list()) for c in source.columns], "polars frame")
    if library == "pyarrow" and name == "Table":
        return _arrow(source, "pyarrow table")
    if isinstance(source, Mapping):
        return _mapping(source)
    lazy = "; call .collect() on it first" if name == "LazyFrame" else ""
    raise RunsError(
        f"runs cannot be read from a {library}.{name}{lazy}: give a path, a pandas or polars DataFrame, or a mapping "
        "of sequences."
    )


def _joined(name: Any) -> str:
    """The name of a column of pandas; of several levels, joined by dots."""
    return ".".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)


def _values(series: Any) -> Any:
    """Plain numbers as an array, which needs no look at each; other cells as a list."""
    return series.to_numpy() if getattr(series.dtype, "kind", "") in "iuf" and series.dtype.type else series.tolist()


def _read_path(path: Path) -> Table:
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if path.is_dir():
        raise FileError(f"{path}: this is a folder; give one file of runs ({listed(READABLE)}).")
    size = runs_file(path).stat().st_size
    if suffix not in READABLE:
        raise FileError(f"{path}: a file of runs ends in {listed(READABLE)}, not in '{suffix}'; convert or rename it.")
    if size == 0:
        raise RunsError(f"{path}: the file is empty; expected a header line and one line per run.")
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix in WORKBOOKS:
        return read_workbook(path)
    text = text_of(path, compressed=suffix.endswith(".gz"))
    return read_objects(text, str(path)) if suffix in OBJECTS else read_delimited(text, str(path), SEPARATED[suffix])


def _read_parquet(path: Path) -> Table:
    from pyarrow import ArrowException, parquet

    try:
        read = parquet.read_table(path)
    except (ArrowException, OSError, ValueError):
        raise FileError(f"{path}: not a readable Parquet file; write it again, or save the table as CSV.") from None
    return _arrow(read, str(path))


def _arrow(source: Any, name: str) -> Table:
    from pyarrow import types

    pairs = []
    for i, column in enumerate(map(str, source.column_names)):
        # pandas writes an unnamed index that is not a plain count under this name.
        if column != "__index_level_0__":
            cells = source.column(i)
            plain = types.is_floating(cells.type) or types.is_integer(cells.type)
            pairs.append((column, np.asarray(cells.to_numpy(), dtype=np.float64) if plain else cells.to_pylist()))
    return _columns(pairs, name)


def _mapping(source: Mapping[Any, Any]) -> Table:
    pairs = []
    for name, values in source.items():
        is_sequence = isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping)
        if not is_sequence or np.ndim(_shape(values)) != 1:
            raise RunsError(f"mapping: column '{name}' must be a sequence of numbers or text, one per run.")
        pairs.append((str(name), _shape(values)))
    lengths = {name: len(values) for name, values in pairs}
    if len(set(lengths.values())) > 1:
        shown = listed([f"{name} {length}" for name, length in lengths.items()])
        raise RunsError(f"mapping: columns must be equally long, but their lengths are {shown}.")
    return _columns(pairs, "mapping")


def _shape(values: Any) -> Any:
    """Arrays and series as they are, other iterables as an array of objects."""
    if isinstance(values, np.ndarray):
        return values
    cells = list(values)
    column = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):
        column[i] = cell
    return column


def _columns(pairs: Sequence[tuple[str, Any]], source: str) -> Table:
    rows = np.arange(1, len(pairs[0][1]) + 1 if pairs else 1)
    return table([(name, words(values, rows, name.strip(), source)) for name, values in pairs], rows, source)
