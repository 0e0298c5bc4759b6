"""Empty cells."""

from __future__ import annotations

from collections.abc import Iterator

from bayeslaw.note import Note
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.wording import rows_of
from bayeslaw.words import worded


def missing_cells(design: Design) -> Iterator[Note]:
    """Empty cells, which a fit refuses in the columns that it needs."""
    if not design.empty:
        return
    found = [
        f"{'column' if i else 'Column'} {name} is empty in {counted(int(empty.sum()), 'row')} of {len(empty)} "
        f"({rows_of(design.runs, empty)})"
        for i, (name, empty) in enumerate(design.empty.items())
    ]
    kept = f'"{" and ".join(f"{name} is known" for name in design.empty)}"'
    yield Note(
        "missing-cells", "serious", f"{'; '.join(found)}.",
        f"Fill in these cells, or leave such rows out with {worded(f'where({kept})', f'--where {kept}')}.",
    )  # fmt: skip
