"""Recipes that are mixed in one table: schedules, tokenizers, and a learning rate that changed within a run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.notes.leaving_out import written
from bayeslaw.runs.schedule_sums import curves
from bayeslaw.words import argument, short, worded

# Words of columns that say how a run was made, and what runs that differ in it do not share.
MIXED = {
    "tokenizer": "a loss a token means another thing under each",
    "vocab_size": "a loss a token means another thing under each",
    "schedule": "runs whose rate was not brought down have a higher loss at the same scale",
    "scheduler": "runs whose rate was not brought down have a higher loss at the same scale",
    "optimizer": "they are on curves of their own",
}
# A rate that changes by more than this within a run is a schedule.
CHANGED = 1.5
MOST_VALUES = 8


def mixed_recipes(design: Design) -> Iterator[Note]:
    """Several schedules or tokenizers, which one law cannot tell apart."""
    runs, law = design.runs, design.law
    read = set() if law is None else {each.column for each in law.inputs.values()}
    for name in runs.names:
        words = name.lower().replace("-", " ").replace("_", " ").split()
        what = next((why for word, why in MIXED.items() if word in (*words, name.lower())), None)
        if what is None or name == design.family or name in read:
            continue
        values, index = np.unique(runs.data[name], return_inverse=True)
        if runs.is_text(name):
            values = np.array([value or "none" for value in values], dtype=object)
        if not 1 < len(values) <= MOST_VALUES or (design.family is not None and _follows(index, design.groups[1])):
            continue
        most = np.bincount(index).argmax()
        value = repr(str(values[most])) if runs.is_text(name) else short(float(values[most]), 12)
        keep = f'"{written(name)} == {value}"'
        column = worded(f"family={name!r}", f"--family {name}" if name.isidentifier() else f'--family "{name}"')
        shown = [str(each) if runs.is_text(name) else short(float(each), 12) for each in values]
        yield Note(
            "mixed", "warning",
            f"Column {name} has {len(values)} values ({listed(shown, 4)}), and {what}; the law does not know of it.",
            f"Keep one with {worded(f'where({keep})', f'--where {keep}')}, or let a fit tell them apart with {column}.",
        )  # fmt: skip


def _follows(index: np.ndarray, groups: np.ndarray) -> bool:
    """Whether the groups tell these values apart already."""
    return all(len(np.unique(index[groups == group])) == 1 for group in np.unique(groups))


def rate_within_run(design: Design) -> Iterator[Note]:
    """A learning rate that changes from checkpoint to checkpoint, under a law that does not read it."""
    runs, law = design.runs, design.law
    if not runs.has("learning_rate") or runs.is_text("learning_rate") or not runs.has("step"):
        return
    if runs.is_text("step"):
        return
    if law is not None and any(each.column == "learning_rate" for each in law.inputs.values()):
        return
    rate, step = runs.column("learning_rate"), runs.column("step")
    changed, found = 0, None
    for rows in curves(runs):
        known = rows[(rate[rows] > 0) & np.isfinite(rate[rows])]
        if len(known) > 2 and rate[known].max() > CHANGED * rate[known].min():
            changed += 1
            found = found or (known, step[known])
    if found is None:
        return
    known, steps = found
    order = known[np.argsort(steps, kind="stable")]
    top = int(np.argmax(rate[order]))
    first, last = float(rate[order[top]]), float(rate[order[-1]])
    how = f"falls from {short(first)} to {short(last)}" if last < first / CHANGED else f"rises to {short(first)}"
    along = "the run" if changed == 1 else f"a run, as in {counted(changed - 1, 'other')}"
    end = f'"step == {short(float(step[order[-1]]), 12)}"'
    yield Note(
        "rate-changes", "warning",
        f"The learning rate {how} along {along}, so a checkpoint has a higher loss than a run that ends there, and a "
        f"law without the rate takes what annealing gains for what scale gains.",
        f"Take law 'lr_annealing' ({argument('law', 'lr_annealing')}), which reads step and learning_rate, or keep "
        f"the ends of runs only, as {worded(f'where({end})', f'--where {end}')} does.",
    )  # fmt: skip
