"""One line for long work: done, in all, rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

Progress = Callable[[int, int], None]


@contextmanager
def watched(progress: bool | Progress, unit: str, doing: str) -> Iterator[Progress | None]:
    """A function of done and in all: the caller's own, one that draws a bar, or None.

    Parameters
    ----------
    progress
        A function, or whether to draw a bar on standard error.
    unit, doing
        What is counted, and what goes on once counting starts.
    """
    if callable(progress) or not progress:
        yield progress or None
        return
    from tqdm import tqdm as progress_bar

    bar: tqdm[Any]
    with progress_bar(total=0, desc="compiling", unit=unit, leave=False, mininterval=0.2, dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            if bar.total != total:
                bar.reset(total)
                bar.set_description(doing)
            bar.update(done - bar.n)

        yield show
