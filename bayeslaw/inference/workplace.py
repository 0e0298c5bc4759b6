"""Where many fits are made: with progress, kept in a folder, by this process or an executor."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from bayeslaw.inference.base.progress import Progress, Watch, watched
from bayeslaw.inference.base.work import Work
from bayeslaw.inference.executors import opened
from bayeslaw.inference.shards import Shards


class Means(TypedDict):
    """The arguments of :func:`bayeslaw.inference.many.infer_many` that do not change its draws."""

    progress: Progress
    shards: Shards | None
    executor: Executor | None


@dataclass(frozen=True)
class Workplace:
    """The means of making fits."""

    watch: Watch = field(default_factory=Watch)
    shards: Shards | None = None
    executor: Executor | None = None

    def part(self, fits: int) -> Means:
        """The means for a part of the work of this many fits."""
        return {"progress": self.watch.part(fits), "shards": self.shards, "executor": self.executor}


@contextmanager
def opened_workplace(work: Work, what: str) -> Iterator[Workplace]:
    """Open the workplace that the caller asked for.

    Parameters
    ----------
    what
        The work, in a few words.

    Raises
    ------
    FileError
        When fits cannot be kept in the folder.
    ExecutorError
        When the executor is invalid, or no scheduler answers.
    """
    shards = None if work.shards is None else Shards(Path(work.shards))
    with opened(work.executor) as executor, watched(work.progress, "fit", what) as watch:
        yield Workplace(watch, shards, executor)


# This process alone, without progress.
HERE: Workplace = Workplace()
