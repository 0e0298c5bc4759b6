"""Runs that are worse than a smaller and shorter one: something went wrong in them, or they diverged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.note import Note
from bayeslaw.runs.columns import FLOPS
from bayeslaw.runs.notes.design import Design, counted, named_rows, usable
from bayeslaw.runs.notes.leaving_out import without
from bayeslaw.runs.notes.outcome import outlying
from bayeslaw.runs.notes.score import rises

# Seeds of one configuration differ by half of this at most, and so do the ends of a flat curve.
WORSE = 1.025
# A run of so many times the loss of a smaller one has diverged.
DIVERGED = 1.5
# Where more are worse, something else moves the outcome; of few runs, two may be.
MOST, ALWAYS = 0.15, 3
# All pairs are compared.
MOST_RUNS = 2000
# A column with more different values than this share of rows is a name or an outcome, and no setting of a recipe.
MOST_RECIPES = 0.5


def worse_than_smaller(design: Design) -> Iterator[Note]:
    """Runs that no smaller and shorter run should beat, and one does."""
    y, scale = design.outcome, _scale(design)
    if y is None or not design.falls or not scale or rises(design) is not None:
        return
    keep = ~outlying(design) & np.isfinite(y) & (y > 0) & np.all([usable(x) for x in scale.values()], axis=0)
    kept = np.flatnonzero(keep)
    if not 3 <= len(kept) <= MOST_RUNS:
        return
    better = _better(np.log([x[keep] for x in scale.values()]), y[keep], _recipe(design, keep))
    worst = np.array([y[keep][i] / y[keep][j].min() if j.any() else 1.0 for i, j in enumerate(better)])
    if (worst > WORSE).sum() > max(ALWAYS, MOST * len(kept)):
        return
    for code, which in (("diverged", worst > DIVERGED), ("dominated", (worst > WORSE) & (worst <= DIVERGED))):
        if which.any():
            yield _note(design, code, kept, which, better, worst, tuple(scale))


def _note(
    design: Design, code: str, kept: np.ndarray, which: np.ndarray, better: np.ndarray, worst: np.ndarray,
    scale: tuple[str, ...],
) -> Note:  # fmt: skip
    assert design.outcome is not None
    smaller = "smaller" if scale == ("n_params",) else "with less compute" if scale == ("flops",) else "no larger"
    longer = " and saw no more tokens" if "n_tokens" in scale else ""
    said = []
    for i in np.flatnonzero(which)[:4]:
        beside = kept[better[i]]
        times = f" ({worst[i]:.2g} times the loss)" if code == "diverged" else ""
        is_ = "are" if len(beside) > 1 else "is"
        said.append(
            f"{named_rows(design, [kept[i]])} is worse than {named_rows(design, beside)}{times}, which {is_} "
            f"{smaller}{longer}"
        )
    lost = np.zeros(len(design.runs), dtype=bool)
    lost[kept[which]] = True
    text = "; ".join(said)
    more = int(which.sum()) - len(said)
    text = f"{text[:1].upper()}{text[1:]}{f', and so on in {counted(more, "run")} more' if more else ''}"
    them = "it" if lost.sum() == 1 else "them"
    ends = {
        "diverged": "it has diverged" if lost.sum() == 1 else "they have diverged",
        "dominated": f"something went wrong in {them}, or in the recipe at that size (a warm-up that is most of the "
        "run, data that are repeated too often)",
    }
    return Note(
        code, "warning", f"{text}: {ends[code]}.",
        f"Run {them} again, or {without(design.runs, lost, design.outcome_name, tuple(design.axes))}.",
    )  # fmt: skip


def _scale(design: Design) -> dict[str, np.ndarray]:
    """What is larger and longer: parameters and tokens, else compute."""
    runs = design.runs
    names = [name for name in ("n_params", "n_tokens", "flops") if runs.has(name) and not runs.is_text(name)]
    found: dict[str, np.ndarray] = {name: runs.column(name) for name in names}
    if {"n_params", "flops"} == set(found):
        with np.errstate(divide="ignore", invalid="ignore"):
            found["n_tokens"] = found["flops"] / (FLOPS * found["n_params"])
    size: dict[str, np.ndarray] = {name: found[name] for name in ("n_params", "n_tokens") if name in found}
    return size or found


def _recipe(design: Design, keep: np.ndarray) -> np.ndarray:
    """The recipe of each run as a number: its group, and every column that changes at one scale and is no name."""
    runs, scale = design.runs, _scale(design)
    apart = {"flops", "seed", "loss", "se", "weight", design.outcome_name, *scale}
    at = list(zip(*(values[keep].tolist() for values in scale.values()), strict=True))
    columns = [design.groups[1][keep].tolist()]
    for name in runs.names:
        cells = runs.data[name][keep].tolist()
        few = len(set(cells)) <= MOST_RECIPES * len(cells)
        if name not in apart and few and len(set(zip(at, cells, strict=True))) > len(set(at)):
            columns.append([None if cell != cell else cell for cell in cells])
    numbers: dict[tuple[object, ...], int] = {}
    return np.array([numbers.setdefault(row, len(numbers)) for row in zip(*columns, strict=True)])


def _better(logs: np.ndarray, y: np.ndarray, recipe: np.ndarray) -> np.ndarray:
    """Which runs are no larger in anything, smaller in something, of the same recipe, and better; ``(runs, runs)``."""
    gap = logs[:, :, None] - logs[:, None, :]
    smaller = (gap > -1e-9).all(axis=0) & (gap > 0.01).any(axis=0)
    better: np.ndarray = smaller & (recipe[:, None] == recipe[None, :]) & (y[:, None] > WORSE * y[None, :])
    return better
