"""A progress line for long work: the current step, the share done, the elapsed and the remaining time.

It is shown where a person watches, in a terminal or a notebook, and its clock also runs while a program is compiled and
nothing can be counted.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

# A function of the work done and the work in all.
Progress = Callable[[int, int], None]

# Seconds between two updates of the clock.
TICK = 1.0
# Shown before anything can be counted: a program is compiled once per shape of law and runs.
COMPILING = "compiling, about 20 s for the first fit of this shape"
# A bar whose work cannot be counted yet.
WAITING = "{desc} [{elapsed}]"


class Watch:
    """Reports progress to a bar, to a function of the caller, or to nobody.

    :meth:`counting` counts work of one part.  For work of several parts, :meth:`expect` announces known work, and
    :meth:`part` counts each part.
    """

    def __init__(self, listener: Progress | None = None, bar: tqdm[Any] | None = None) -> None:
        self._listener, self._bar = listener, bar
        self._done = self._claimed = self._total = 0

    def waiting(self, what: str) -> None:
        """Show a step that cannot be counted; the clock restarts."""
        if self._bar is not None:
            self._bar.bar_format = WAITING
            self._bar.set_description_str(what, refresh=False)
            self._bar.reset()

    def doing(self, what: str) -> None:
        """Show a step; the count continues."""
        if self._bar is not None:
            self._bar.set_description(what)

    def counting(self, what: str) -> Progress:
        """A counter for work of one part; the estimate of the remaining time starts at its first count."""
        begun = False

        def count(done: int, total: int) -> None:
            nonlocal begun
            if self._bar is not None and not begun:
                self._bar.bar_format = None
                self._bar.set_description(what, refresh=False)
                self._bar.reset(total)
            begun = True
            self._show(done, total)

        return count

    def expect(self, count: int) -> None:
        """Announce more work."""
        self._total += count
        self._show(self._done, self._total)
        if self._bar is not None:
            self._bar.refresh()

    def part(self, count: int) -> Progress:
        """A counter for one part of the work, announced or not."""
        before = self._done
        self._claimed += count
        self._total = max(self._total, self._claimed)

        def count_part(done: int, _total: int) -> None:
            self._done = before + done
            self._show(self._done, self._total)

        return count_part

    def _show(self, done: int, total: int) -> None:
        if self._listener is not None:
            self._listener(done, total)
        if self._bar is not None:
            self._bar.bar_format = None
            self._bar.total = total
            self._bar.update(done - self._bar.n)


def somebody_watches() -> bool:
    """Whether standard error is a terminal, or Python runs in a notebook."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


@contextmanager
def watched(progress: bool | Progress | None, unit: str, what: str) -> Iterator[Watch]:
    """Work with progress; see :class:`bayeslaw.Work`.

    Parameters
    ----------
    progress
        A function, or whether to draw a bar on standard error; None draws one if a person watches.
    unit
        What is counted.
    what
        The first step, in a few words.
    """
    if callable(progress):
        yield Watch(progress)
        return
    if not (somebody_watches() if progress is None else progress):
        yield Watch()
        return
    from tqdm.auto import tqdm as progress_bar

    with (
        progress_bar(desc=what, bar_format=WAITING, unit=unit, leave=False, dynamic_ncols=True) as bar,
        _ticking(bar),
    ):
        yield Watch(bar=bar)


@contextmanager
def _ticking(bar: tqdm[Any]) -> Iterator[None]:
    """Redraw a bar regularly; otherwise its clock stands still between two counts."""
    stopped = threading.Event()

    def tick() -> None:
        while not stopped.wait(TICK):
            bar.refresh()

    ticker = threading.Thread(target=tick, name="progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        stopped.set()
        ticker.join()
