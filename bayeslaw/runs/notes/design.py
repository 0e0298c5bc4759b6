"""What the checks of a table examine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.language.law import Law

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs


@dataclass(frozen=True)
class Design:
    """The data that the checks examine.

    Attributes
    ----------
    axes
        The inputs of the outcome, by column name, each positive and of shape ``(runs,)``; NaN where empty.
    outcome, outcome_name
        The outcome, shape ``(runs,)``; None where the table has no such column.
    family
        The grouping column, or None.
    groups
        Its levels and the level of each run; no levels without a grouping column.
    pooled
        Whether a fit pools over it, or only could.
    empty
        Where the columns that a fit needs are empty, by name; masks of shape ``(runs,)``.
    """

    runs: Runs
    law: Law | None
    axes: Mapping[str, np.ndarray]
    outcome_name: str
    outcome: np.ndarray | None
    family: str | None
    groups: tuple[tuple[str, ...], np.ndarray]
    pooled: bool = True
    empty: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def falls(self) -> bool:
        """Whether the outcome is a loss, which falls with scale."""
        return self.outcome_name == "loss"


def usable(values: np.ndarray) -> np.ndarray:
    """Which values have a logarithm."""
    return (values > 0) & (values < np.inf)


def counted(n: int, noun: str) -> str:
    """A number of things: ``1 run``, ``3 runs``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def named_rows(design: Design, rows: Sequence[int] | np.ndarray) -> str:
    """Some rows by their numbers in the file, with the name of a single one and its outcome: ``row 12 (a, 3.219)``."""
    runs = design.runs
    numbers = [str(runs.rows[i]) for i in rows]
    if len(numbers) > 1:
        return f"rows {' and '.join(numbers)}" if len(numbers) == 2 else f"rows {listed(numbers, 3)}"
    called = [repr(str(runs.data[name][rows[0]])) for name in ("run", "run_id", "model", "name") if name in runs.data]
    outcome = [] if design.outcome is None else [f"{design.outcome[rows[0]]:.4g}"]
    beside = [*called[:1], *outcome]
    return f"row {numbers[0]}" + (f" ({', '.join(beside)})" if beside else "")
