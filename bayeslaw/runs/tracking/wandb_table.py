"""Exports of Weights & Biases: a chart, in which each run is a few columns, and a table of runs.

The columns of a chart are called ``run - metric``, beside each its bounds ``run - metric__MIN`` and ``__MAX``, and the
first is what the chart is drawn along.  A table that was saved by way of the library has one column ``config`` and one
``summary``, whose cells are Python's dictionaries; they are read as literals, and nothing in them is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayeslaw.errors import RunsError, listed
from bayeslaw.runs.columns import is_size, part_of_chart, standard_name, understood
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.runs.tracking.histories import OUTCOME, Run, number
from bayeslaw.runs.tracking.stored import flat

# What comes before the name of runs that are drawn as one line.
GROUPED = "Group: "
# Columns of a run that are no metrics of it.
STEP = "_step"
# The metric of a chart whose columns are called by their runs alone.
UNNAMED = "value"
# Numbers that Python writes without quotes and its literals do not have.
_NO_LITERAL = re.compile(r"(?<=[:,\[({])\s*(-?(?:nan|inf))\b(?=\s*[,}\])])")


def axis_of(exported: Table) -> str | None:
    """What a chart is drawn along: a column's name, ``row`` without one; None if the table is no chart."""
    others = [name for name in exported.columns if _part(name) is None]
    if len(others) > 1 or len(others) == len(exported.columns):
        return None
    return others[0] if others else "row"


def _part(column: str) -> tuple[str, str, bool] | None:
    """The run, metric and kind of a column; one that is called by the size of its run does not name its metric."""
    return (column, UNNAMED, False) if is_size(column) else part_of_chart(column)


def runs_of_chart(exported: Table, axis: str) -> list[Run]:
    """The runs of a chart, with the points at which each was recorded.

    Raises
    ------
    RunsError
        When it is drawn along something that is no number.
    """
    along = exported.columns.get(axis, np.arange(len(exported.rows), dtype=np.float64))
    if along.dtype == object:
        raise RunsError(f"{exported.source}: the chart is drawn along '{axis}', which holds text; expected numbers.")
    runs: dict[str, Run] = {}
    for column, values in exported.columns.items():
        part = _part(column)
        if part is None or part[2]:
            continue
        name, metric = part[0].removeprefix(GROUPED), part[1]
        run = runs.setdefault(name, Run(name, name))
        if metric == STEP and (standard_name(axis) or axis) == "step":
            continue
        known = np.isfinite(along) & (values == values) if values.dtype != object else np.zeros(len(values), dtype=bool)
        for step, value in zip(along[known], values[known], strict=True):
            run.record("step" if metric == STEP else metric, float(step), float(value))
    return list(runs.values())


def unfolded(exported: Table, name: str) -> Table:
    """A table of runs, with a column for each entry of dictionaries in its cells.

    Raises
    ------
    RunsError
        When no run has an outcome.
    """
    pairs: list[tuple[str, Any]] = []
    for column, values in exported.columns.items():
        entries = _dictionaries(values)
        if entries is None:
            pairs.append((column, values))
            continue
        unfolded_cells = [dict(flat(each, f"{column}.")) for each in entries]
        keys = [key for key in dict.fromkeys(key for each in unfolded_cells for key in each) if "._" not in key]
        pairs += [(key, [each.get(key) for each in unfolded_cells]) for key in keys]
    whole = table([(each, words(cells, exported.rows, each, name)) for each, cells in pairs], exported.rows, name)
    outcomes = [each for each in whole.columns if understood(each) == OUTCOME]
    if outcomes and not any(_has_number(whole.columns[each]) for each in outcomes):
        raise RunsError(
            f"{name}: none of its {len(whole.rows)} runs has a value in {listed([f"'{each}'" for each in outcomes])}; "
            "export runs that have finished."
        )
    return whole


def _dictionaries(values: np.ndarray) -> list[Mapping[Any, Any]] | None:
    """Cells as dictionaries, empty where they are; None unless all others are dictionaries."""
    if values.dtype != object or not all(cell == "" or (cell[0], cell[-1]) == ("{", "}") for cell in values):
        return None
    found = []
    for cell in values:
        try:
            read = ast.literal_eval(_NO_LITERAL.sub(r"'\1'", cell)) if cell else {}
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
        if not isinstance(read, Mapping):
            return None
        found.append(read)
    return found if any(found) else None


def _has_number(values: np.ndarray) -> bool:
    if values.dtype == object:
        return any(number(cell) is not None for cell in values)
    return bool(np.isfinite(values).any())
