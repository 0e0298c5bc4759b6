"""Tables with a separator: CSV, tabs, semicolons, bars.

Arrow splits the rows and reads plain numbers.  It reads a million rows in a second, and costs 0.07 s of processor time
to import beside NumPy; pandas is as fast, and costs 0.6 s, more than all else that ``bayeslaw runs`` does.  What Arrow
does not do is to find the separator, the lines of the header, and the lines of the file in which rows begin.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.runs.reading import numerals
from bayeslaw.runs.reading.cells import Cells, Table, Words, as_plain, table
from bayeslaw.runs.reading.header import check_title, header_of
from bayeslaw.runs.reading.numerals import COMMA, POINT, UNKNOWN
from bayeslaw.words import cut

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
# The first line of a file that tells a spreadsheet its separator.
TOLD = re.compile(rb"\"?sep=([,;|\t])\"?(?=\n)", re.IGNORECASE)
# What is at the ends of lines, and between the words, of an aligned table.
OUTER, BETWEEN = re.compile(rb"^[ \t]+|[ \t]+$", re.MULTILINE), re.compile(rb"[ \t]+")
# Below the header of a table in Markdown.
RULE = re.compile(rb"[\s|:+-]*--[\s|:+-]*")
# Rows that are looked at to find the separator and the header.
LOOKED_AT = 20
# A row must fit into a block; blocks of this size are as fast as larger ones.
BLOCK = 1 << 24
# More different words than this in a block are kept one by one.
MOST_WORDS = 50_000
# The numbers that Arrow finds in text, and its positions of words.
DTYPES = {"int64": np.int64, "double": np.float64, "int32": np.int32}
QUOTE = b'"'
BLANK = b" ,;|\t\n\f\v"
# How an empty cell of a column of numbers is written; in a column of text these are words.
NULLS = sorted({form for word in numerals.MISSING for form in (word, word.upper(), word.capitalize())} | {"NaN"})
# How pandas names a column that has no name in the file.
UNNAMED = re.compile(r"Unnamed: \d+")


def read_delimited(raw: bytes, source: str, usual: str) -> Table:
    """Read a table of text in UTF-8 with one row a line; quoted cells may span lines.

    Parameters
    ----------
    usual
        The separator that files of this name have; another one is found.

    Raises
    ------
    RunsError
        When it is not a table.
    """
    raw, usual = _told(raw, usual)
    starts, ends, lines = _records(raw, source)
    if not len(starts):
        raise RunsError(f"{source}: the file is empty; expected a header line and one line per run.")
    sample = [raw[a:b].decode("utf-8") for a, b in zip(starts[:LOOKED_AT], ends[:LOOKED_AT], strict=True)]
    separator = _separator(sample, usual)
    if not any(separator in record for record in sample) and _is_aligned(sample):
        return read_delimited(BETWEEN.sub(b"\t", OUTER.sub(b"", raw)), source, "\t")
    parsed = [_cells(record, separator, source, int(line)) for record, line in zip(sample, lines, strict=False)]
    check_title(parsed, source, lines)
    levels, names = header_of(parsed)
    rows, body = lines[levels:], _body(raw, starts[levels:], ends[levels:])
    columns = _columns(body, len(names), separator, source, rows) if len(rows) else [np.empty(0)] * len(names)
    if len(columns[0] if isinstance(columns[0], np.ndarray) else columns[0].index) != len(rows):
        # Quotes within a cell: rows cannot be told from the lines alone.
        rows = np.arange(len(_all(columns[0]))) + levels + 1
    pairs = without_index(list(zip(names, columns, strict=True)), len(rows))
    pairs = [(name or f"column_{i}", cells) for i, (name, cells) in enumerate(pairs, start=1)]
    return table(pairs, rows.astype(np.int64), source, POINT if separator == "," else UNKNOWN)


def _told(raw: bytes, usual: str) -> tuple[bytes, str]:
    """The text with blanks in place of a first line that tells spreadsheets the separator, and that separator."""
    told = TOLD.match(raw)
    if told is None:
        return raw, usual
    return b" " * len(told[0]) + raw[told.end() :], told[1].decode("ascii")


def _is_aligned(sample: Sequence[str]) -> bool:
    """Whether rows are the same number of words between spaces, among them numbers, and nothing is quoted."""
    rows = [record.split() for record in sample]
    return (
        len(rows) > 1
        and len(rows[0]) > 1
        and len({len(row) for row in rows}) == 1
        and all(any(numerals.number(cell, POINT) is not None for cell in row) for row in rows[1:])
        and not any(chr(QUOTE[0]) in record for record in sample)
    )


def _all(cells: Cells) -> np.ndarray:
    return cells.index if isinstance(cells, Words) else cells


def _records(raw: bytes, source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the rows that are not blank start and end, and in which lines; a line break within quotes ends none."""
    raw = raw.rstrip(b"\n")
    data = np.frombuffer(raw, dtype=np.uint8)
    breaks = np.flatnonzero(data == ord("\n"))
    ends = breaks
    if QUOTE in raw:
        # An odd number of quotes before a break leaves one open; sums of bytes wrap around and keep their parity.
        quoted = np.cumsum(data == QUOTE[0], dtype=np.uint8) & 1
        ends = breaks[quoted[breaks] == 0]
        if quoted[-1]:
            start = int(ends[-1]) + 1 if len(ends) else 0
            row = raw.count(b"\n", 0, start) + 1
            raise RunsError(f"{source}: row {row} is not CSV (a quote is never closed); check its quotes.")
    ends = np.append(ends, len(raw))
    starts = np.append(0, ends[:-1] + 1)
    lines = np.arange(1, len(starts) + 1) if len(ends) > len(breaks) else np.searchsorted(breaks, starts) + 1
    # A line of spaces or of separators alone is blank too, and only a line that starts with one can be.
    first = data[starts] if len(data) else np.zeros(1)
    apart = np.isin(first, np.frombuffer(BLANK, dtype=np.uint8)) | (first <= ord(" "))
    blank = [int(i) for i in np.flatnonzero(apart) if not raw[starts[i] : ends[i]].strip(BLANK)]
    blank += [i for i in range(1, min(len(starts), 3)) if RULE.fullmatch(raw[starts[i] : ends[i]])]
    return np.delete(starts, blank), np.delete(ends, blank), np.delete(lines, blank)


def _separator(sample: Sequence[str], usual: str) -> str:
    """The separator by which all rows have as many cells as the first, at least two; otherwise the header's."""

    def cells(record: str, sign: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(record, newline=""), delimiter=sign)))
        except (csv.Error, StopIteration):
            return 0

    counts = {sign: [cells(record, sign) for record in sample] for sign in (usual, *SEPARATORS)}
    even = {sign: each[0] for sign, each in counts.items() if len(set(each)) == 1 and each[0] > 1}
    return max(even or counts, key=lambda sign: even.get(sign, 0) or counts[sign][0])


def _cells(record: str, separator: str, source: str, line: int) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(record, newline=""), delimiter=separator))]
    except csv.Error as error:
        raise RunsError(f"{source}: row {line} is not CSV ({error}); check its quotes.") from None


def _body(raw: bytes, starts: np.ndarray, ends: np.ndarray) -> memoryview:
    """The rows below the header, without those that are left out among them."""
    if not len(starts):
        return memoryview(b"")
    if (starts[1:] == ends[:-1] + 1).all():
        return memoryview(raw)[starts[0] : ends[-1]]
    return memoryview(b"\n".join(raw[a:b] for a, b in zip(starts, ends, strict=True)))


def _columns(body: memoryview, width: int, separator: str, source: str, rows: np.ndarray) -> list[Cells]:
    """The columns below the header: plain numbers as Arrow reads them, anything else as words."""
    read = _arrow(body, width, separator, source, rows)
    number = [str(each) in DTYPES for each in read.schema.types]
    as_text = [str(each).startswith(("string", "dictionary")) for each in read.schema.types]
    # Dates, truth and empty columns are understood with all others, from their text.
    others = [i for i in range(width) if not (number[i] or as_text[i])]
    text = _arrow(body, width, separator, source, rows, others) if others else None
    words = {i: _words(read.column(i)) for i in range(width) if as_text[i]}
    words |= {i: _words(column) for i, column in zip(others, text.columns if text else (), strict=True)}
    if any(numerals.decimal_mark(map(str, each.different)) == COMMA for each in words.values()):
        # A point may then separate thousands in what looks like plain numbers.
        plain = [i for i in range(width) if number[i]]
        text = _arrow(body, width, separator, source, rows, plain) if plain else None
        words |= {i: _words(column) for i, column in zip(plain, text.columns if text else (), strict=True)}
    return [words[i] if i in words else _numbers(read.column(i)) for i in range(width)]


def _arrow(
    body: memoryview, width: int, separator: str, source: str, rows: np.ndarray, as_text: Sequence[int] | None = None
) -> Any:
    """Some columns as text, or all of them as Arrow understands them."""
    import pyarrow as pa
    from pyarrow import csv

    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    names = [str(i) for i in range(width)]
    quoted = QUOTE in body.obj if isinstance(body.obj, bytes) else True
    parsing = csv.ParseOptions(delimiter=separator, newlines_in_values=quoted, invalid_row_handler=refuse)
    convert = csv.ConvertOptions(
        null_values=NULLS, strings_can_be_null=False, auto_dict_encode=True, auto_dict_max_cardinality=MOST_WORDS,
        include_columns=None if as_text is None else [names[i] for i in as_text],
        column_types={} if as_text is None else {names[i]: pa.string() for i in as_text},
    )  # fmt: skip
    block = max(BLOCK, len(body) + 1) if quoted else BLOCK
    for threads in (True, False):  # with threads, Arrow does not know the number of a row
        reading = csv.ReadOptions(column_names=names, block_size=block, use_threads=threads)
        try:
            return csv.read_csv(
                pa.py_buffer(body), read_options=reading, parse_options=parsing, convert_options=convert
            )
        except pa.ArrowException as error:
            reason = cut(str(error))
    if ragged and ragged[-1].number is not None:
        at = rows[min(ragged[-1].number, len(rows)) - 1]
        raise RunsError(
            f"{source}: row {at} has {ragged[-1].actual_columns} cells, but the header has {width}; "
            "fill in the row, or quote cells that contain the separator."
        )
    raise RunsError(f"{source}: cannot read this table ({reason}); check its quotes.")


def _numbers(column: Any) -> np.ndarray:
    return np.concatenate([_values(chunk) for chunk in column.chunks]).astype(np.float64)


def _values(chunk: Any) -> np.ndarray:
    """The numbers of an array of Arrow, whose own conversion imports pandas; NaN where empty."""
    known, data = chunk.buffers()
    bits = slice(chunk.offset, chunk.offset + len(chunk))
    values = np.frombuffer(data, dtype=DTYPES[str(chunk.type)])[bits]
    if known is None:
        return values
    there = np.unpackbits(np.frombuffer(known, dtype=np.uint8), bitorder="little")[bits]
    return np.where(there, values, np.nan)


def _words(column: Any) -> Words:
    """The words of a column of text, which Arrow has collected where they repeat."""
    different: list[float | str] = []
    index = []
    for chunk in column.chunks:
        known, at = (chunk.dictionary, _values(chunk.indices)) if hasattr(chunk, "indices") else (chunk, None)
        index.append((np.arange(len(known)) if at is None else at) + len(different))
        different += [word.strip() for word in known.to_pylist()]
    return Words(different, np.concatenate(index))


def without_index(pairs: list[tuple[str, Cells]], count: int) -> list[tuple[str, Cells]]:
    """The columns without one that only counts the rows, as a data frame writes its index, or that has no cell."""

    def kept(name: str, cells: Cells) -> bool:
        if name and not UNNAMED.fullmatch(name):
            return True
        values = as_plain(cells)
        counts = values is not None and any(np.array_equal(values, np.arange(count) + first) for first in (0, 1))
        return not (counts or (values is not None and np.isnan(values).all()))

    return [pair for pair in pairs if kept(*pair)] if len(pairs) > 1 else pairs
