"""``trainer_state.json``, which the trainers of Hugging Face write beside every checkpoint.

Its ``log_history`` has an entry for each time that something was logged: ``loss`` is of training steps, ``eval_loss``
of held-out data.  Tokens and compute are there only if the trainer counted them (``include_num_input_tokens_seen``).
The settings of the model are in a ``config.json`` beside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bayeslaw.errors import FileError
from bayeslaw.runs.reading.cells import Table
from bayeslaw.runs.tracking.histories import TRAINING, Run, number, settings, table_of
from bayeslaw.runs.tracking.stored import files_at, object_at, run_name

STATE = "trainer_state.json"
# The names of what the trainer counts; other names stay as they are.
NAMES = {"loss": TRAINING, "num_input_tokens_seen": "n_tokens", "total_flos": "flops"}
# Averages over the whole training, and how fast it went.
SUMMARIES = re.compile(r"train_loss|.*(_runtime|_per_second|_per_second_per_gpu)")


def read(path: Path, curve: bool, name: str) -> Table:
    """Read states of trainers; see :class:`bayeslaw.runs.tracking.source.Source`."""
    states: dict[Path, tuple[float, Path, dict[str, Any]]] = {}
    for file in files_at(path, STATE, "state of a trainer"):
        state = object_at(file, f"a {STATE}")
        if not isinstance(state.get("log_history"), list):
            raise FileError(f"{file}: is not a {STATE} (it has no log_history); check the path.")
        folder = file.absolute().parent
        run = folder.parent if re.fullmatch(r"checkpoint-\d+", folder.name) else folder
        step = number(state.get("global_step")) or 0.0
        if run not in states or step >= states[run][0]:  # the last checkpoint of a run knows its whole history
            states[run] = (step, file, state)
    root = path.absolute() if path.is_dir() else path.absolute().parent
    runs = [_run(run_name(run, root), *states[run]) for run in sorted(states)]
    return table_of(runs, curve, name)


def _run(name: str, last: float, file: Path, state: dict[str, Any]) -> Run:
    run = Run(name, name)
    config = file.parent / "config.json"
    if config.is_file():
        run.constants |= settings("config.", object_at(config, "the settings of a model"))
    if isinstance(state.get("trial_params"), dict):
        run.constants |= settings("config.", state["trial_params"])
    for entry in state["log_history"]:
        step = number(entry.get("step")) if isinstance(entry, dict) else None
        if step is not None:
            for key, value in entry.items():
                found = number(value)
                if key != "step" and found is not None and not SUMMARIES.fullmatch(key) and not _uncounted(key, found):
                    run.record(NAMES.get(key, key), step, found)
    for key in ("num_input_tokens_seen", "total_flos"):
        total = number(state.get(key)) or 0.0
        if run.metrics and not _uncounted(key, total):
            run.record(NAMES[key], last, total)
    return run


def _uncounted(key: str, value: float) -> bool:
    """Whether a count is the 0 of a trainer that does not count."""
    return key in ("num_input_tokens_seen", "total_flos") and value == 0.0
