"""Columns of a second table with the same runs, such as the sizes that a chart does not show."""

from __future__ import annotations

import numpy as np

from bayeslaw.errors import RunsError, listed
from bayeslaw.runs.columns import understood
from bayeslaw.runs.reading.cells import Table
from bayeslaw.words import argument, cut

# Columns that say which run a row is of, beside those that are understood as `run`; the first that is there.
NAMES = ("run", "model", "Name", "name")


def joined(runs: Table, others: Table) -> Table:
    """The first table, with the columns of the second that it lacks.

    A row gets the cells of the row in which the second table has its run: in whichever column most runs are found,
    among those that name no run twice.  Cells of runs that are not there are empty.

    Raises
    ------
    RunsError
        When the first table names no runs, or the second has none of them.
    """
    wanted = _names(runs)
    found: dict[str, int] = {}
    best = ""
    for column, cells in others.columns.items():
        spelled = [_spelled(cell) for cell in cells]
        rows = {each: i for i, each in enumerate(spelled) if each}
        if len(rows) == sum(map(bool, spelled)) and len(set(wanted) & set(rows)) > len(set(wanted) & set(found)):
            found, best = rows, column
    if not best:
        shown = listed([f"'{cut(each, 40)}'" for each in dict.fromkeys(wanted)], 3)
        raise RunsError(
            f"{others.source}: no column has the runs of {runs.source} ({shown}), each in one row; give a table with "
            f"one row a run and a column of these names for {argument('join')}."
        )
    index = np.array([found.get(each, -1) for each in wanted])
    columns = dict(runs.columns)
    for column, cells in others.columns.items():
        if column not in columns and column != best:
            empty = "" if cells.dtype == object else np.nan
            columns[column] = np.where(index < 0, empty, cells[index])
    return Table(columns, runs.rows, runs.source, runs.mark)


def _names(runs: Table) -> list[str]:
    known = [name for name in runs.columns if understood(name) == "run"]
    column = next((name for name in (*known, *NAMES) if name in runs.columns), None)
    if column is None:
        raise RunsError(
            f"{runs.source}: has no column that names its runs (run, model or Name; it has "
            f"{listed([cut(each, 40) for each in runs.columns])}), so no other table can be joined to it."
        )
    return [_spelled(cell) for cell in runs.columns[column]]


def _spelled(cell: object) -> str:
    """A name as text: a run that is called 7 is read as a number."""
    return cell if isinstance(cell, str) else f"{cell:.15g}" if cell == cell else ""
