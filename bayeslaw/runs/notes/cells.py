"""Empty cells, the runs that were started again, and which columns of the file were taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.note import Note
from bayeslaw.runs.headers import without_holder
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.schedule_sums import run_column
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import exact, worded

# Where trackers say whether a run ended.
STATES = ("state", "status")


def missing_cells(design: Design) -> Iterator[Note]:
    """Empty cells, which a fit refuses in the columns that it needs."""
    if not design.empty:
        return
    kept = f'"{" and ".join(f"{name} is known" for name in design.empty)}"'
    leave_out = worded(f"where({kept})", f"--where {kept}")
    restarted = _restarted(design)
    if restarted is not None:
        attempts, names = restarted
        verb = "is an earlier attempt" if attempts.sum() == 1 else "are earlier attempts"
        yield Note(
            "restarts", "serious",
            f"{counted(int(attempts.sum()), 'row')} without {design.outcome_name} ({rows_of(design.runs, attempts)}) "
            f"{verb} of {names}, of which another row has one.",
            f"Leave such rows out with {leave_out}.",
        )  # fmt: skip
        return
    found = [
        f"{'column' if i else 'Column'} {name} is empty in {counted(int(empty.sum()), 'row')} of {len(empty)} "
        f"({rows_of(design.runs, empty)}{_state(design, empty)})"
        for i, (name, empty) in enumerate(design.empty.items())
    ]
    yield Note(
        "missing-cells", "serious", f"{'; '.join(found)}.",
        f"Fill in these cells, or leave such rows out with {leave_out}.",
    )  # fmt: skip


def columns_taken(design: Design) -> Iterator[Note]:
    """What was read from columns whose headers say more than a name: what holds them, or a unit."""
    readings = {name: design.runs.wording.reading(name) for name in (*design.axes, design.outcome_name)}
    taken = {
        name: each for name, each in readings.items()
        if not each.chosen and design.runs.has(name) and (each.by_header or without_holder(each.own) != each.own)
    }  # fmt: skip
    if taken:
        said = [f"{name} is '{each.own}'" + (f" times {exact(each.unit)}" if each.unit else "")
                for name, each in taken.items()]  # fmt: skip
        yield Note(
            "columns-taken", "info", f"Of the columns of the file, {'; '.join(said)}.",
            f"Name another with {worded('columns={name: column}', '--columns NAME=COLUMN')} if one is not meant.",
        )  # fmt: skip


def _state(design: Design, empty: np.ndarray) -> str:
    """What a tracker says became of the runs whose cells are empty: ``, which crashed``; nothing without one word."""
    for name in design.runs.names:
        if without_holder(name).lower() in STATES and design.runs.is_text(name):
            words = set(design.runs.column(name)[empty].tolist()) - {""}
            others = set(design.runs.column(name)[~empty].tolist())
            if len(words) == 1 and not words & others:
                return f", {name} '{words.pop()}'"
    return ""


def _restarted(design: Design) -> tuple[np.ndarray, str] | None:
    """The rows without an outcome and their runs, if nothing else is empty and each run has an outcome elsewhere."""
    runs, name = design.runs, run_column(design.runs)
    if name is None or set(design.empty) != {design.outcome_name}:
        return None
    empty, ids = design.empty[design.outcome_name], runs.data[name]
    again = sorted({str(each) for each in ids[empty].tolist()})
    if not set(ids[empty].tolist()) <= set(ids[~empty].tolist()):
        return None
    shown = f"'{again[0]}'" if len(again) == 1 else f"{len(again)} runs"
    return empty, shown
