"""What parameters, tokens and compute count: with or without embeddings, active or all, by which rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.note import Note
from bayeslaw.runs.columns import FLOPS, understood
from bayeslaw.runs.headers import without_holder
from bayeslaw.runs.notes.design import Design, usable
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import multiple, worded

# Rules that count attention or leave out embeddings differ from 6 N D by less than this for large models.
COUNTED_OTHERWISE = 1.2
# A second count matters where it differs by more than this for some model.
ANOTHER_COUNT = 1.05
# A share of embeddings from which an exponent depends on whether they are counted.
MANY_EMBEDDINGS = 0.2


def compute_of_another_count(design: Design) -> Iterator[Note]:
    """Compute that is not 6 N D."""
    found = _numbers(design, "flops", "n_params", "n_tokens")
    if found is None or understood(design.runs.wording.reading("flops").own) not in (None, "flops"):
        return  # what is read as compute is something else by its name
    flops, size, tokens = found
    keep = usable(flops) & usable(size) & usable(tokens)
    if not keep.any():
        return
    ratio = np.full(len(flops), np.nan)
    ratio[keep] = flops[keep] / (FLOPS * size[keep] * tokens[keep])
    off = keep & (np.abs(np.log(np.where(keep, ratio, 1.0))) > np.log(COUNTED_OTHERWISE))
    if not off.any():
        return
    middle, low, high = (float(f(ratio[keep])) for f in (np.median, np.min, np.max))
    if off.sum() <= 0.2 * keep.sum():
        first = int(np.flatnonzero(off)[0])
        yield Note(
            "compute-off", "warning",
            f"Column flops is 6 n_params n_tokens within a fifth, but not in {rows_of(design.runs, off)}, where it is "
            f"{multiple(float(ratio[first]))} as much: a typing error, or another count.",
            "Correct one of the three there.",
        )  # fmt: skip
        return
    reads = set() if design.law is None else {each.column for each in design.law.inputs.values()}
    answers = (
        "a law that reads flops counts a budget as that column does, and a law in n_params and n_tokens as "
        "6 n_params n_tokens"
        if design.law is None
        else f"answers of law '{design.law.name}' by compute count it as "
        + ("column flops does" if "flops" in reads and "n_tokens" not in reads else "6 n_params n_tokens")
    )
    all_rows = f"all {keep.sum()} rows" if off.all() else f"{off.sum()} of {keep.sum()} rows"
    yield Note(
        "compute-count", "warning",
        f"Column flops is {middle:.3g} ({low:.4g} to {high:.4g}) of 6 n_params n_tokens; in {all_rows} it is off by "
        f"more than a fifth, so parameters and compute count different things; {answers}.",
        f"Before you ask about a budget, multiply one that is counted as column flops by {1 / middle:.3g} to have it "
        f"in 6 n_params n_tokens, or the other way round; and count embeddings in both or in neither.",
    )  # fmt: skip


def another_count_of_parameters(design: Design) -> Iterator[Note]:
    """A second column of parameters, or a vocabulary whose embeddings are much of the model."""
    runs = design.runs
    sizes = [name for name in design.axes if name == "n_params"]
    if not sizes:
        return
    size = runs.column("n_params")
    for name in runs.names:
        kind = _kind(without_holder(name))
        if name == "n_params" or kind is None or runs.is_text(name):
            continue
        other = runs.column(name)
        keep = usable(size) & usable(other)
        if not keep.any() or np.abs(np.log(size[keep] / other[keep])).max() < np.log(ANOTHER_COUNT):
            continue
        small, large = (int(f(size[keep])) for f in (np.argmin, np.argmax))
        share = [1.0 - min(a, b) / max(a, b) for a, b in ((size[keep][i], other[keep][i]) for i in (small, large))]
        right = worded(f"columns={{'n_params': '{name}'}}", f'--columns "n_params={name}"')
        yield Note(
            "another-count", "warning",
            f"There is a second count of parameters, column {name}: {kind} are {100 * share[0]:.0f} % of the smallest "
            f"model and {100 * share[1]:.0f} % of the largest, and exponents and best sizes depend on which is taken; "
            f"this is column {runs.wording.reading('n_params').own}.",
            f"Fit both: {right} takes the other.",
        )  # fmt: skip
        return
    found = _numbers(design, "vocab_size", "width")
    if found is not None and "n_params" in design.axes:
        keep = usable(size) & usable(found[0]) & usable(found[1])
        share = (found[0] * found[1])[keep] / size[keep]
        if keep.any() and MANY_EMBEDDINGS < share.max() < 1 and share.max() > 2 * share.min():
            yield Note(
                "embeddings", "info",
                f"A table of vocab_size x width entries is {100 * share.max():.0f} % of one model and "
                f"{100 * share.min():.0f} % of another, so exponents and best sizes depend on whether n_params counts "
                "embeddings.",
                "Count them as the compute does, and as those do whom you compare with.",
            )  # fmt: skip


def _kind(name: str) -> str | None:
    """What two counts of parameters differ by, by the name of the second."""
    words = name.lower()
    if "param" not in words and words not in ("n_active", "n_total", "active", "n_non_embedding"):
        return None
    if "emb" in words:
        return "embeddings"
    return "experts that a token does not pass" if "active" in words or "total" in words else "what it leaves out"


def _numbers(design: Design, *names: str) -> list[np.ndarray] | None:
    runs = design.runs
    there = all(runs.has(name) and not runs.is_text(name) for name in names)
    return [runs.column(name) for name in names] if there else None
