"""Rows of one run: checkpoints, and copies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.runs.notes.design import Design, counted


def repeated_runs(design: Design) -> Iterator[Note]:
    """Checkpoints of one run share errors."""
    runs = design.runs
    name = next((n for n in ("run", "run_id") if n in runs.data), None)
    if name is not None:
        ids = runs.data[name].tolist()
        known = [i for i in ids if i not in ("",) and i == i]
        extra = len(known) - len(set(known))
        if extra:
            yield Note(
                "repeated-run", "warning",
                f"{len(known)} rows are of {len(set(known))} runs: rows of one run err together, so they tell "
                "less than as many independent runs.",
                f'Use law.with_group_effect("{name}"), or keep the last row of each run.',
            )  # fmt: skip
    elif "step" in runs.data and not runs.is_text("step"):
        rest = [n for n in runs.names if runs.is_text(n)]
        keys = list(zip(*(runs.data[n].tolist() for n in rest), strict=True)) if rest else [()] * len(runs)
        if len({*zip(keys, runs.data["step"].tolist(), strict=True)}) == len(runs) and len(set(keys)) < len(runs):
            yield Note(
                "repeated-run", "warning",
                f"There is a column step and {len(runs)} rows differ by it within {len(set(keys))} groups: "
                "they look like checkpoints, which err together.",
                'Add a column run that tells runs apart and use law.with_group_effect("run"), or keep the '
                'last row of each.',
            )  # fmt: skip


def duplicate_rows(design: Design) -> Iterator[Note]:
    """A duplicated row counts twice."""
    rows = list(zip(*(_cells(values) for values in design.runs.data.values()), strict=True))
    seen: dict[tuple[object, ...], int] = {}
    again = []
    for i, row in enumerate(rows):
        if seen.setdefault(row, i) != i:
            again.append(f"{design.runs.rows[i]} (as {design.runs.rows[seen[row]]})")
    if again:
        yield Note(
            "duplicate-rows", "warning",
            f"{counted(len(again), 'row')} {'repeats' if len(again) == 1 else 'repeat'} another in every column: "
            f"{listed(again, 4)}.",
            "Drop the repeats, or add the column that tells them apart (seed, step).",
        )  # fmt: skip


def _cells(values: np.ndarray) -> list[object]:
    """Cells for comparison, in which empty cells are equal, unlike NaN."""
    return [None if cell != cell else cell for cell in values.tolist()]
