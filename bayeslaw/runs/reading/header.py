"""The rows above the first run: names, the names of groups of columns, and units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.runs.headers import unit_alone
from bayeslaw.runs.reading import numerals
from bayeslaw.runs.reading.numerals import POINT
from bayeslaw.words import cut


def header_of(parsed: Sequence[Sequence[str]]) -> tuple[int, list[str]]:
    """How many of the first rows are the header, and the names of the columns.

    These are two or three rows where names repeat and the rows below hold no number: the names of groups stand over
    their first column or over all, and are joined to what is below by dots.  A row of units below the names is of the
    header too, and they are written into brackets: ``Tokens`` above ``B`` is ``Tokens (B)``.
    """
    if len(set(map(len, parsed))) > 1:
        return 1, list(parsed[0])
    levels = _levels(parsed)
    names = _joined(parsed[:levels])
    units = parsed[levels] if len(parsed) > levels + 1 else []
    if not _are_units(units):
        return levels, names
    brackets = [f" ({unit.strip('()[] ')})" if unit.strip("()[] -") else "" for unit in units]
    return levels + 1, [f"{name}{unit}" for name, unit in zip(names, brackets, strict=True)]


def check_title(parsed: Sequence[Sequence[str]], source: str, lines: np.ndarray) -> None:
    """Refuse a title above the header, which would be taken for the only name.

    Raises
    ------
    RunsError
        With the title.
    """
    filled = [[cell for cell in row if cell] for row in parsed[:3]]
    if len(filled) < 3 or len(filled[0]) != 1 or len(filled[1]) < 2 or len(parsed[1]) != len(parsed[2]):
        return
    # Of a table with an index and one column, only the column has a name.
    if len(parsed[0]) == 1 or all(numerals.number(cell, POINT, sizes=True) is None for cell in filled[1]):
        raise RunsError(
            f"{source}: row {lines[0]} has 1 cell, '{cut(filled[0][0])}', and the rows below it have {len(parsed[1])}: "
            "it seems to be a title; delete it, so that the header is the first row."
        )


def _levels(parsed: Sequence[Sequence[str]]) -> int:
    header = parsed[0]
    if _distinct(header) and "" not in header[1:]:
        return 1
    said = [any(numerals.number(cell, POINT, sizes=True) is not None for cell in row) for row in parsed]
    levels = said.index(True) if True in said else 1
    return levels if levels in (2, 3) and _distinct(_joined(parsed[:levels])) else 1


def _are_units(row: Sequence[str]) -> bool:
    """Whether all cells of a row are units, or empty, and none is a number."""
    said = [cell for cell in row if cell not in ("", "-")]
    if not said or any(numerals.number(cell, POINT) is not None for cell in said):
        return False
    return all(unit_alone(cell.strip("()[] ")) for cell in said)


def _distinct(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names)


def _joined(levels: Sequence[Sequence[str]]) -> list[str]:
    if len(levels) == 1:
        return list(levels[0])
    filled = []
    for level in levels[:-1]:
        last, row = "", []
        for cell in level:
            last = cell or last
            row.append(last)
        filled.append(row)
    return [".".join(part for part in parts if part) for parts in zip(*filled, levels[-1], strict=True)]
