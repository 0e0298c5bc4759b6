"""One line for long work: what goes on, how much is done, for how long already and for how much longer.

It is there where a person watches, in a terminal or a notebook, and its clock goes on while a program is compiled and
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

# A function of what is done and what there is in all.
Progress = Callable[[int, int], None]

# Between two looks at the clock, which shows seconds.
TICK = 1.0
# What is said before anything can be counted: a program is compiled once a shape of law and runs.
COMPILING = "compiling, about 20 s for the first fit of this shape"
# A bar whose work cannot be counted yet.
WAITING = "{desc} [{elapsed}]"


class Watch:
    """Shows how far work is, by a bar, to a function of the caller's, or to nobody.

    Work of one part is counted by :meth:`counting`.  Work of several parts is announced by :meth:`expect`, as far as
    it is known, and each of them is counted by :meth:`part`.
    """

    def __init__(self, told: Progress | None = None, bar: tqdm[Any] | None = None) -> None:
        self._told, self._bar = told, bar
        self._done = self._claimed = self._total = 0

    def waiting(self, what: str) -> None:
        """Say what goes on while nothing can be counted; the clock starts again."""
        if self._bar is not None:
            self._bar.bar_format = WAITING
            self._bar.set_description_str(what, refresh=False)
            self._bar.reset()

    def doing(self, what: str) -> None:
        """Say what goes on; the count goes on too."""
        if self._bar is not None:
            self._bar.set_description(what)

    def counting(self, what: str) -> Progress:
        """What counts the only part of some work; the clock of the time left starts at its first count."""
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
        """Announce so much more work."""
        self._total += count
        self._show(self._done, self._total)
        if self._bar is not None:
            self._bar.refresh()

    def part(self, count: int) -> Progress:
        """What counts a part of the work, which was announced or not."""
        before = self._done
        self._claimed += count
        self._total = max(self._total, self._claimed)

        def count_part(done: int, _total: int) -> None:
            self._done = before + done
            self._show(self._done, self._total)

        return count_part

    def _show(self, done: int, total: int) -> None:
        if self._told is not None:
            self._told(done, total)
        if self._bar is not None:
            self._bar.bar_format = None
            self._bar.total = total
            self._bar.update(done - self._bar.n)


def somebody_watches() -> bool:
    """Whether standard error is a terminal, or Python runs in a notebook."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


@contextmanager
def watched(progress: bool | Progress | None, unit: str, what: str) -> Iterator[Watch]:
    """Work that is watched; see :class:`bayeslaw.Work`.

    Parameters
    ----------
    progress
        A function, or whether to draw a bar on standard error; None where a person watches.
    unit
        What is counted.
    what
        What goes on at first, in a few words.
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
    """Draw a bar again and again, whose clock stands still between two counts otherwise."""
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
