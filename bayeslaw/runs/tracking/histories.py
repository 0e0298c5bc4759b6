"""Runs with histories as one table: of each run the last values, or its whole curve.

Metrics are not all recorded at the same steps: the loss on held-out text every thousand, tokens every ten.  A row is of
a step at which the outcome was recorded, with the values that the other metrics had last been given by then, so that
tokens belong to the loss beside them.  Where no metric has the name of an outcome, a row is of every recorded step.
The last row of a run's curve is its row in a table without curves.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayeslaw.errors import RunsError
from bayeslaw.runs.columns import understood
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.runs.tracking.stored import flat

OUTCOME = "loss"
# What trackers call the loss of a step where the loss on held-out text has a name of its own.
TRAINING = "train/loss"


@dataclass
class Run:
    """A run as it was recorded.

    Attributes
    ----------
    name, id
        What people call it, and what tells it from others of that name.
    constants
        What does not change along it, by column.
    metrics
        Pairs of step and value by metric, in the order in which they were recorded.
    """

    name: str
    id: str
    constants: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def record(self, metric: str, step: float, value: float) -> None:
        """Add one value."""
        self.metrics.setdefault(metric, []).append((step, value))


def settings(prefix: str, given: Mapping[Any, Any]) -> dict[str, Any]:
    """Nested settings as constants of a run, without those that are empty."""
    return {name: value for name, value in flat(given, prefix) if value is not None and value not in ("", "[]")}


def number(value: Any) -> float | None:
    """A recorded value as a number, also where JSON had to write it as text; None if it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip("-+").lower() in ("nan", "infinity")):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    return None


def table_of(runs: Iterable[Run], curve: bool, source: str, axis: str = "step") -> Table:
    """One table of all runs, with a column ``run`` and one for the steps.

    Parameters
    ----------
    curve
        All rows of each run, instead of its last.
    source
        The name of the table in messages.
    axis
        The name of what metrics were recorded along.

    Raises
    ------
    RunsError
        When there are no runs, or none has recorded anything.
    """
    runs = list(runs)
    if not any(run.metrics for run in runs):
        found = f"none of its {len(runs)} runs has" if len(runs) != 1 else "its only run does not have"
        raise RunsError(
            f"{source}: {found if runs else 'it holds no runs, so there is not'} a single recorded metric; "
            "expected at least one run with an outcome."
        )
    names = _plain_loss_is_of_training({name for run in runs for name in run.metrics})
    outcomes = {name for name in names if understood(names[name]) == OUTCOME}
    repeated = {name for name, count in Counter(run.name for run in runs).items() if count > 1}
    parts = []
    for run in runs:
        steps, values = _rows(run, outcomes)
        part = {
            "run": np.full(len(steps), f"{run.name} ({run.id})" if run.name in repeated else run.name, dtype=object)
        }
        part |= {axis: steps} | {names[name]: column for name, column in values.items()}
        constant = {name: value for name, value in run.constants.items() if name not in part}
        part |= {name: np.full(len(steps), value, dtype=object) for name, value in constant.items()}
        parts.append(part if curve else {name: column[-1:] for name, column in part.items()})
    total = sum(len(part["run"]) for part in parts)
    rows = np.arange(1, total + 1)
    columns = dict.fromkeys(name for part in parts for name in part)
    cells = {name: _joined([part.get(name, np.full(len(part["run"]), math.nan)) for part in parts]) for name in columns}
    return table([(name, words(column, rows, name, source)) for name, column in cells.items()], rows, source)


def _rows(run: Run, outcomes: Set[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The steps of a run's rows, and each metric's value there; of a run without metrics, a row with no step."""
    series = {name: _series(pairs) for name, pairs in run.metrics.items()}
    told = [series[name][0] for name in (outcomes & set(series) or series)]
    steps = np.unique(np.concatenate(told)) if told else np.array([math.nan])
    values = {}
    for name, (at, known) in series.items():
        last = np.searchsorted(at, steps, side="right") - 1
        values[name] = np.where(last < 0, math.nan, known[last])
    return steps, values


def _joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """One column of several; of numbers, as long as all are."""
    if all(column.dtype != object for column in columns):
        return np.concatenate(columns)
    return np.concatenate([column.astype(object) for column in columns])


def _plain_loss_is_of_training(metrics: Iterable[str]) -> dict[str, str]:
    """Columns by metric: a plain loss beside one on held-out text is that of the training step."""
    names = {name: name for name in sorted(metrics)}
    if OUTCOME in names and TRAINING not in names and any(understood(n) == OUTCOME for n in names if n != OUTCOME):
        names[OUTCOME] = TRAINING
    return names


def _series(pairs: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Steps in their order and the value of each; of several at one step, the last that was recorded."""
    at, values = np.array(pairs, dtype=np.float64).T
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    last = np.append(at[1:] != at[:-1], True)
    return at[last], values[last]
