"""Spreadsheets: the first sheet of a workbook, by the extra ``excel``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError, RunsError
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.runs.reading.delimited import LOOKED_AT, without_index
from bayeslaw.runs.reading.header import check_title, header_of


def read_workbook(path: Path) -> Table:
    """Read the first sheet, whose first row that is not empty is the header.

    Raises
    ------
    FileError
        When it cannot be read, or its reader is not installed.
    RunsError
        When it is not a table.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise FileError(
            f"{path}: reading a workbook needs python-calamine; install it with `pip install 'bayeslaw[excel]'`, or "
            "save the sheet as CSV."
        ) from None
    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError):
        raise FileError(f"{path}: not a readable workbook; save it again, or its sheet as CSV.") from None
    rows = [(i, row) for i, row in enumerate(sheet, start=1) if any(cell != "" for cell in row)]
    if not rows:
        raise RunsError(f"{path}: the first sheet is empty; expected a header row and one row per run.")
    said = [[str(cell).strip() for cell in row] for _, row in rows[:LOOKED_AT]]
    check_title(said, str(path), np.array([i for i, _ in rows]))
    levels, names = header_of(said)
    lines = np.array([i for i, _ in rows[levels:]], dtype=np.int64)
    cells = zip(*([None if cell == "" else cell for cell in row] for _, row in rows[levels:]), strict=True)
    columns: list[Any] = list(cells) or [()] * len(names)
    read = [(name, words(each, lines, name, str(path))) for name, each in zip(names, columns, strict=True)]
    kept = enumerate(without_index(read, len(lines)), start=1)
    return table([(name or f"column_{i}", each) for i, (name, each) in kept], lines, str(path))
