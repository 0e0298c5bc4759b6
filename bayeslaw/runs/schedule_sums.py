"""Checkpoints: which rows form one training run, and sums over its schedule along them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.language.formula.expression import Call, Name, Node, Number
from bayeslaw.language.formula.schedule import SCHEDULES
from bayeslaw.language.law import Law
from bayeslaw.runs.columns import STANDARD
from bayeslaw.runs.wording import called

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs


# Columns that count repeats of one configuration.
SEEDS = ("seed", "rep", "repeat", "replicate", "trial")


def seed_column(runs: Runs) -> str | None:
    """The column that counts repeats of one configuration; None without one."""
    return next((name for name in SEEDS if name in runs.data), None)


def run_column(runs: Runs) -> str | None:
    """The column that says which run a row belongs to; None without one."""
    return next((name for name in ("run", "run_id") if name in runs.data), None)


def check_run_ids(runs: Runs) -> None:
    """Refuse a run id that rows of different configurations have, unless steps or seeds tell them apart.

    Rows that agree in all standard columns but the outcome repeat a configuration.

    Raises
    ------
    RunsError
        With the id and its rows.
    """
    name = run_column(runs)
    if name is None or "step" in runs.data:
        return
    seed = seed_column(runs)
    ids, keys = runs.data[name].tolist(), configurations(runs)
    repeats = [None] * len(runs) if seed is None else runs.data[seed].tolist()
    seen: dict[object, int] = {}
    for i, each in enumerate(ids):
        if each == "" or each != each:
            continue
        first = seen.setdefault((each, repeats[i]), i)
        if keys[first] != keys[i]:
            shown = f"{each:g}" if isinstance(each, float) else each
            raise RunsError(
                f"{runs.source}: a duplicated run id: '{shown}' of {called(runs, name)} is in rows "
                f"{runs.rows[first]} and {runs.rows[i]}; drop one, or add "
                f"a column 'step' if they are checkpoints of one run."
            )


def configurations(runs: Runs) -> list[tuple[object, ...]]:
    """What was trained in each row: its standard columns without names, seeds, outcomes and weights."""
    apart = {"run", "run_id", "loss", "se", "weight", *SEEDS}
    names = [name for name in STANDARD if name in runs.data and name not in apart]
    rows = zip(*([None if cell != cell else cell for cell in runs.data[name].tolist()] for name in names), strict=True)
    return list(rows) if names else [()] * len(runs)


def sum_along(runs: Runs, law: Law, formula: Call, known: Mapping[str, np.ndarray]) -> np.ndarray:
    """A word of ``SCHEDULES``, computed along each training run in the order of its steps; shape ``(runs,)``.

    A step counts whether or not its record is kept: the sums include records that :meth:`Runs.where` left out, in every
    run that the whole table identifies.

    Raises
    ------
    RunsError
        When a run has two records of one step.
    """
    function = SCHEDULES[formula.function][0]
    sources = [argument.id for argument in formula.args if isinstance(argument, Name)]
    by_step = next((argument.id for argument in formula.args[1:] if isinstance(argument, Name)), None)
    table, values = _with_left_out(runs, law, {name: known[name] for name in sources})
    result = np.empty(len(table))
    for rows in curves(table):
        if rows[0] >= len(runs):
            continue  # no record of this run is kept: kept records come first
        order = rows
        if by_step is not None:
            order = rows[np.argsort(values[by_step][rows], kind="stable")]
            if len(_repeats(values[by_step][order])):
                order = order[order < len(runs)]
            for again in _repeats(values[by_step][order]):
                first, second = table.rows[order[again]], table.rows[order[again + 1]]
                raise RunsError(
                    f"{runs.source}: rows {first} and {second} are the same step of one run, but "
                    f"'{formula.function}' sums over the steps of each run; add a column 'run' that tells the runs "
                    f"apart, or drop the repeat."
                )
        result[order] = function(*(_argument(argument, values, order) for argument in formula.args))
    return result[: len(runs)]


def _argument(node: Node, values: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray | float:
    if isinstance(node, Number):
        return node.value
    assert isinstance(node, Name)
    chosen: np.ndarray = values[node.id][rows]
    return chosen


def _with_left_out(runs: Runs, law: Law, known: dict[str, np.ndarray]) -> tuple[Runs, dict[str, np.ndarray]]:
    """The runs, followed by the usable other records of the table that they were chosen from; with their values."""
    if runs.whole is None:
        return runs, known
    table, kept = runs.whole
    columns = {name: law.inputs[name].column for name in known}
    if not all(table.has(column) and not table.is_text(column) for column in columns.values()):
        return runs, known
    usable = np.ones(len(table), dtype=bool)
    usable[kept] = False
    for column in columns.values():
        usable &= np.isfinite(table.column(column)) & (table.column(column) >= 0)
    values = {name: np.concatenate([known[name], table.column(column)[usable]]) for name, column in columns.items()}
    return table.take(np.concatenate([kept, np.flatnonzero(usable)])), values


def _repeats(steps: np.ndarray) -> np.ndarray:
    """The positions at which sorted steps repeat, of the first of each pair."""
    return np.flatnonzero(np.diff(steps) <= 0)


def curves(runs: Runs) -> list[np.ndarray]:
    """The rows of each training run: by ``run`` or, without it, by all columns of text together; and by seed."""
    by = [next((n for n in ("run", "run_id") if n in runs.data), "")]
    if not by[0]:
        by = [name for name in runs.names if runs.is_text(name)]
    by = list(dict.fromkeys([*by, *([seed] if (seed := seed_column(runs)) else [])]))
    keys = list(zip(*(runs.data[name].tolist() for name in by), strict=True)) if by else [()] * len(runs)
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, key in enumerate(keys):
        groups.setdefault(key, []).append(i)
    return [np.array(rows) for rows in groups.values()]
