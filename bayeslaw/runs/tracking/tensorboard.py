"""TensorBoard's event files, by the extra ``tensorboard``: a folder of them is a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError
from bayeslaw.runs.reading.cells import Table
from bayeslaw.runs.tracking.histories import Run, settings, table_of
from bayeslaw.runs.tracking.stored import files_at, run_name

EVENTS = "*tfevents*"
# Where the plugin of hyperparameters keeps those of a run.
HPARAMS, START = "hparams", "_hparams_/session_start_info"


def read(path: Path, curve: bool, name: str) -> Table:
    """Read event files; see :class:`bayeslaw.runs.tracking.source.Source`."""
    root = path if path.is_dir() else path.parent
    folders = sorted({each.parent for each in files_at(path.resolve(), EVENTS, "event file of TensorBoard")})
    runs = {folder: _run(folder if path.is_dir() else path, run_name(folder, root.resolve())) for folder in folders}
    for folder, run in list(runs.items()):
        above = next((runs[each] for each in folder.parents if each in runs), None)
        if above is not None and run.constants:  # PyTorch writes hyperparameters to a folder within the run's
            above.constants |= run.constants
            above.metrics |= {metric: pairs for metric, pairs in run.metrics.items() if metric not in above.metrics}
            del runs[folder]
    return table_of(runs.values(), curve, name)


def _run(place: Path, name: str) -> Run:
    try:
        from tensorboard.backend.event_processing import event_accumulator as events
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        raise FileError(
            f"{place}: reading event files needs tensorboard; install it with `pip install 'bayeslaw[tensorboard]'`."
        ) from None
    sizes = dict.fromkeys(events.DEFAULT_SIZE_GUIDANCE, 1) | {events.SCALARS: 0, events.TENSORS: 0}  # 0 is no limit
    found = events.EventAccumulator(str(place), size_guidance=sizes)
    found.Reload()
    run = Run(name, name, _hparams(found))
    for metric in found.Tags()[events.SCALARS]:
        run.metrics[metric] = [(float(event.step), _shortest(event.value)) for event in found.Scalars(metric)]
    for metric in found.Tags()[events.TENSORS]:
        if found.SummaryMetadata(metric).plugin_data.plugin_name == "scalars":  # as TensorFlow 2 writes them
            points = [(event.step, make_ndarray(event.tensor_proto)) for event in found.Tensors(metric)]
            run.metrics[metric] = [(float(step), _shortest(value.item())) for step, value in points if value.size == 1]
    return run


def _shortest(value: float) -> float:
    """A number in single precision as it was meant: 2.6, and not 2.5999999."""
    return float(str(np.float32(value))) if np.float32(value) == value else float(value)


def _hparams(found: Any) -> dict[str, Any]:
    try:
        content = found.PluginTagToContent(HPARAMS)[START]
    except KeyError:
        return {}
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    try:
        given = HParamsPluginData.FromString(content).session_start_info.hparams
    except DecodeError:
        return {}
    return settings(
        "config.", {key: getattr(value, value.WhichOneof("kind") or "", None) for key, value in given.items()}
    )
