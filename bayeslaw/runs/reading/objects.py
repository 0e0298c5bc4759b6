"""JSON as a table: an object a line, an array of objects, an object of columns, or an object that holds one of these.

Also rows without names below a row of names, as pandas writes a frame that it splits, and an object of runs by name.

Nested objects become columns with dotted names, ``{"config": {"lr": 3e-4}}`` a column ``config.lr``.  A list in a cell
is text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.words import cut

# Nested deeper than this, a file is no table.
DEEPEST = 40


class _Pairs(list[tuple[str, Any]]):
    """A JSON object that keeps its duplicate keys."""


def read_objects(raw: bytes, source: str) -> Table:
    """Read runs from JSON in UTF-8.

    Raises
    ------
    RunsError
        When it is not JSON, or holds no runs.
    """
    records = _records(raw.decode("utf-8"), source)
    columns: dict[str, list[Any]] = {}
    numbers: list[int] = []
    for number, record in records:
        seen = set()
        for name, value in _flat(record, f"{source}: row {number}"):
            if name in seen:
                raise RunsError(f"{source}: row {number} gives '{cut(name)}' twice; keep one.")
            seen.add(name)
            cells = columns.setdefault(name, [])
            cells.extend([None] * (len(numbers) - len(cells)))
            cells.append(value)
        numbers.append(number)
    for cells in columns.values():
        cells.extend([None] * (len(numbers) - len(cells)))
    rows = np.array(numbers, dtype=np.int64)
    return table([(name, words(cells, rows, name, source)) for name, cells in columns.items()], rows, source)


def _records(text: str, source: str) -> list[tuple[int, _Pairs]]:
    """The objects of all runs, each with its line, or its place in an array."""
    try:
        whole = _parsed(text)
    except ValueError:
        return list(_by_line(text, source))
    return [(i, _object(each, source, i)) for i, each in enumerate(_runs_in(whole), start=1)]


def _by_line(text: str, source: str) -> Iterator[tuple[int, _Pairs]]:
    # Not splitlines(): JSON allows U+2028 inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                found = _parsed(line)
            except ValueError:
                raise RunsError(
                    f"{source}: row {number} is not JSON; expected one object per line, or one array of objects."
                ) from None
            yield number, _object(found, source, number)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except RecursionError:
        raise ValueError from None


def _object(found: Any, source: str, number: int) -> _Pairs:
    if not isinstance(found, _Pairs):
        raise RunsError(f"{source}: row {number} is not a JSON object; expected one object per run.")
    return found


def _runs_in(whole: Any) -> list[Any]:
    """The runs of a file that is one value."""
    if not isinstance(whole, _Pairs):
        if not isinstance(whole, list):
            return [whole]
        return _named(whole[0], whole[1:]) if _is_table(whole) else whole
    values = [value for _, value in whole]
    parts = dict(whole)
    if isinstance(parts.get("columns"), list) and _is_table([parts["columns"], *_rows(parts.get("data"))]):
        return _named(parts["columns"], parts["data"])
    arrays = [value for value in values if _is_array_of_objects(value)]
    if len(arrays) == 1:  # beside what describes the file
        return list(arrays[0])
    lengths = {len(value) if _is_column(value) else -1 for value in values}
    if len(lengths) == 1 and -1 not in lengths:
        cells = [value if not isinstance(value, _Pairs) else [cell for _, cell in value] for value in values]
        names = [name for name, _ in whole]
        return [_Pairs(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    if len(whole) > 1 and all(isinstance(value, _Pairs) and value for value in values):
        kinds = {tuple(sorted(key for key, _ in value)) for value in values}
        if len(kinds) == 1:  # runs by name
            return [each if "name" in dict(each) else _Pairs([("name", name), *each]) for name, each in whole]
    return [whole]


def _rows(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _is_table(rows: list[Any]) -> bool:
    """Whether a list of lists has names in the first and as many cells in the others."""
    return (
        len(rows) > 1
        and all(type(row) is list and len(row) == len(rows[0]) for row in rows)
        and len(rows[0]) > 0
        and all(isinstance(name, str) for name in rows[0])
    )


def _named(names: list[str], rows: list[list[Any]]) -> list[_Pairs]:
    return [_Pairs(zip(names, row, strict=True)) for row in rows]


def _is_array_of_objects(value: Any) -> bool:
    return type(value) is list and bool(value) and all(isinstance(each, _Pairs) for each in value)


def _is_column(value: Any) -> bool:
    """Whether a value is a column: an array, or an object by row number, as pandas writes it."""
    if isinstance(value, _Pairs):
        return bool(value) and [key for key, _ in value] == [str(i) for i in range(len(value))]
    return type(value) is list and bool(value)


def _flat(pairs: _Pairs, where: str, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise RunsError(f"{where} is nested deeper than {DEEPEST} levels; expected an object of numbers and text.")
    for key, value in pairs:
        name = f"{prefix}{key.strip()}"
        if isinstance(value, _Pairs) and "value" in dict(value) and {key for key, _ in value} <= {"value", "desc"}:
            value = dict(value)["value"]  # as trackers keep a setting
        if isinstance(value, _Pairs):
            yield from _flat(value, where, f"{name}.", depth + 1)
        else:
            yield name, json.dumps(_plain(value, depth)) if isinstance(value, list) else value


def _plain(value: Any, depth: int) -> Any:
    """A list as JSON writes it; objects in it have lost their type to their pairs."""
    if isinstance(value, _Pairs):
        return {key: _plain(each, depth + 1) for key, each in value}
    return [_plain(each, depth + 1) for each in value] if isinstance(value, list) else value
