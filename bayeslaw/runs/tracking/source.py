"""Which file reads a source, by the word before its path."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol

from bayeslaw.errors import RunsError
from bayeslaw.paths import runs_file, source_of
from bayeslaw.runs.reading.cells import Table
from bayeslaw.runs.reading.sources import read_table
from bayeslaw.words import argument


class Source(Protocol):
    """The function ``read`` of a source's file."""

    def __call__(self, path: Path, curve: bool, name: str) -> Table:
        """Read what is at a path.

        Parameters
        ----------
        curve
            A row for each checkpoint at which the outcome is known, instead of the last of each run.
        name
            How messages call the source.

        Raises
        ------
        FileError
            When it cannot be read, or is something else.
        RunsError
            When it holds no runs with an outcome, or has no curves.
        """


def read_source(path: str | Path, curve: bool = False) -> Table:
    """Read runs from a file, or from a source whose word stands before its path: ``mlflow:mlruns``.

    Raises
    ------
    FileError
        When it is not there, cannot be read, or is something else.
    RunsError
        When it holds no runs with an outcome, or curves are asked of what has none.
    """
    word, bare = source_of(path)
    runs_file(path)
    if word is not None:
        read: Source = importlib.import_module(f"bayeslaw.runs.tracking.{word.replace('-', '_')}").read
        return read(bare, curve, str(path))
    if curve:
        raise no_curve(str(path), "a table")
    return read_table(bare)


def no_curve(name: str, what: str) -> RunsError:
    """The error for curves of what has one row a run."""
    return RunsError(f"{name}: {what} holds no curves; leave out {argument('curve')}.")
