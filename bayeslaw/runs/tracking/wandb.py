"""Weights & Biases: a local ``wandb`` folder, or an exported CSV file of runs or of a chart."""

from __future__ import annotations

from pathlib import Path

from bayeslaw.runs.reading.cells import Table
from bayeslaw.runs.reading.sources import read_table
from bayeslaw.runs.tracking.histories import table_of
from bayeslaw.runs.tracking.source import no_curve
from bayeslaw.runs.tracking.stored import files_at
from bayeslaw.runs.tracking.wandb_log import LOG, runs_of
from bayeslaw.runs.tracking.wandb_table import axis_of, runs_of_chart, unfolded


def read(path: Path, curve: bool, name: str) -> Table:
    """Read what is at a path; see :class:`bayeslaw.runs.tracking.source.Source`."""
    if path.is_dir() or path.match(LOG):
        return table_of(runs_of(files_at(path, LOG, "log of Weights & Biases")), curve, name)
    exported = read_table(path)
    axis = axis_of(exported)
    if axis is not None:
        return table_of(runs_of_chart(exported, axis), curve, name, axis)
    if curve:
        raise no_curve(name, "a table of runs")
    return unfolded(exported, name)
