"""Rows that are not independent runs: checkpoints of one run, seeds of one configuration, and copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.runs.columns import runs_of_a_chart
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.notes.leaving_out import without
from bayeslaw.runs.schedule_sums import configurations, curves, run_column, seed_column
from bayeslaw.words import worded

# Two runs agree in so many digits by chance only where outcomes have few.
DIGITS_OF_ONE_RUN = 6


def checkpoints(design: Design) -> Iterator[Note]:
    """Checkpoints of one run, which share its errors."""
    runs = design.runs
    if len(runs_of_a_chart(runs.names)) > 1:
        return
    known = np.ones(len(runs), dtype=bool) if design.outcome is None else np.isfinite(design.outcome)
    name = run_column(runs)
    if name is not None:
        # Seeds of one name are runs of their own.
        seeds = [""] * len(runs) if (by := seed_column(runs)) is None else runs.data[by].tolist()
        ids = [(i, seed) for i, seed, k in zip(runs.data[name].tolist(), seeds, known, strict=True)
               if k and i not in ("",) and i == i]  # fmt: skip
        keys = [(key, seed) for key, seed, k in zip(configurations(runs), seeds, known, strict=True) if k]
        if len(ids) == len(set(ids)) or len(ids) != len(keys) or len(set(keys)) <= len(set(ids)):
            return  # one configuration a run: seeds and repeats
        yield Note(
            "checkpoints", "warning",
            f"{len(ids)} rows are checkpoints of {len(set(ids))} runs: rows of one run err together, so they tell "
            "less than as many independent runs.",
            f"Let them err together with {_together(name)}, or keep the last row of each run."
            if by is None
            else "Keep the last row of each run.",
        )  # fmt: skip
    elif "step" in runs.data and not runs.is_text("step"):
        rows = [each[known[each]] for each in curves(runs)]
        steps = runs.data["step"]
        if all(len(set(steps[each].tolist())) == len(each) for each in rows) and max(map(len, rows), default=0) > 1:
            n, one = sum(map(len, rows)), len(rows) == 1
            yield Note(
                "checkpoints", "warning",
                f"{n} rows differ by the column step: they look like checkpoints of "
                f"{'one run' if one else f'{len(rows)} runs'}, which err together.",
                "Read intervals as about this run, or add others."
                if one
                else f"Add a column run that tells runs apart and let them err together with {_together('run')}, or "
                "keep the last row of each.",
            )  # fmt: skip


def _together(name: str) -> str:
    return worded(f'law.with_group_effect("{name}")', f"--group-effect {name}")


def seeds(design: Design) -> Iterator[Note]:
    """Repeats of one configuration, whose scatter is the noise between runs."""
    runs, y = design.runs, design.outcome
    by, name = seed_column(runs), run_column(runs)
    if y is None or not design.axes:
        return
    if by is None and name is None and design.empty:
        return  # rows that look alike may differ in what is empty
    groups = [g for g in _alike(configurations(runs), np.isfinite(y)) if _are_repeats(design, g, by, name)]
    groups = [g for g in groups if np.ptp(y[g]) > 0]
    if not groups:
        return
    freedom = sum(len(g) - 1 for g in groups)
    scatter = float(np.sqrt(sum(((y[g] - y[g].mean()) ** 2).sum() for g in groups) / freedom))
    middle = float(np.mean([y[g].mean() for g in groups]))
    relative = f", about {100 * scatter / middle:.2g} %" if middle > 0 else ""
    rows, sizes = sum(map(len, groups)), sorted({len(g) for g in groups})
    each = f"{sizes[0]} each" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} each"
    told = "they agree in all columns but the outcome"
    if by is not None or name is not None:
        told = f"column {by} tells them apart" if by is not None else f"they share a name in column {name}"
    yield Note(
        "seeds", "info",
        f"{rows} rows are {counted(len(groups), 'configuration')}, {each} ({told}): runs of their own, whose outcomes "
        f"scatter by {scatter:.2g}{relative} ({counted(freedom, 'degree')} of freedom).",
        "Compare sigma of a fit with it: what is more is what the law misses.",
    )  # fmt: skip


def _are_repeats(design: Design, group: np.ndarray, by: str | None, name: str | None) -> bool:
    if by is not None:
        return len(set(design.runs.data[by][group].tolist())) == len(group)
    if name is not None:
        return len(set(design.runs.data[name][group].tolist())) == 1
    others = [values for each, values in design.runs.data.items() if each != design.outcome_name]
    return all(len(set(_cells(values[group]))) == 1 for values in others)


def _alike(keys: Sequence[tuple[object, ...]], known: np.ndarray) -> list[np.ndarray]:
    """The rows of each key that several have."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i in np.flatnonzero(known):
        groups.setdefault(keys[int(i)], []).append(int(i))
    return [np.array(rows) for rows in groups.values() if len(rows) > 1]


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


def copies(design: Design) -> Iterator[Note]:
    """One run under two names: the same configuration, and the same outcome to all of its many digits."""
    runs, y = design.runs, design.outcome
    if y is None or not design.axes:
        return
    whole = list(zip(*(_cells(values) for values in runs.data.values()), strict=True))
    axes = list(zip(*(values.tolist() for values in design.axes.values()), y.tolist(), strict=True))
    seed = seed_column(runs)
    found, second, shared = [], np.zeros(len(runs), dtype=bool), False
    for rows in _alike(axes, np.isfinite(y)):
        digits = len(f"{y[rows[0]]:.15g}".replace(".", "").replace("-", "").lstrip("0"))
        one_seed = seed is not None and len(set(runs.data[seed][rows].tolist())) == 1
        if len({whole[i] for i in rows}) < len(rows) or (digits < DIGITS_OF_ONE_RUN and not (one_seed and digits > 3)):
            continue
        groups = {design.groups[1][i] for i in rows}
        shared = shared or len(groups) > 1
        second[rows[1:]] |= len(groups) == 1
        found.append(f"rows {' and '.join(str(runs.rows[i]) for i in rows)}")
    if not found:
        return
    text = f"{'; '.join(found[:4])}"
    names = listed([*design.axes, design.outcome_name], 5)
    of = f", though of several groups of {design.family}: a run that they share" if shared else ", under several names"
    yield Note(
        "copied-run", "info" if not second.any() else "warning",
        f"{text[:1].upper()}{text[1:]} agree in {names} to all digits: one run{of}, which counts as often as it is "
        "there.",
        "Leave a shared run in each of its groups."
        if not second.any()
        else f"If it is one run, {without(runs, second, design.outcome_name, tuple(design.axes))}.",
    )  # fmt: skip
