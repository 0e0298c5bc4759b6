"""MLflow: a tracking store in an SQLite file, or the older one in folders such as ``mlruns``.

Both are read as they lie there.  MLflow itself takes six seconds to import, makes folders, asks for a database to be
upgraded before it shows what is inside, and no longer opens folders unless told to.  Deleted runs and experiments are
left out.
"""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bayeslaw.errors import FileError
from bayeslaw.runs.reading.cells import Table
from bayeslaw.runs.tracking.histories import Run, settings, table_of
from bayeslaw.runs.tracking.stored import text_at

DATABASE, FOLDER, META = "mlflow.db", "mlruns", "meta.yaml"
EXPECTED = "expected an SQLite file of MLflow, or its folder (mlruns); check the path"
# How infinities are stored in SQLite.
LARGEST = 1.7976931348623157e308
STATES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
RUNS = """
    SELECT runs.run_uuid, runs.name, runs.status, experiments.name FROM runs JOIN experiments
    ON runs.experiment_id = experiments.experiment_id
    WHERE runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active' ORDER BY runs.start_time
"""
PARAMS = "SELECT run_uuid, key, value FROM params"
METRICS = "SELECT run_uuid, key, step, value, is_nan FROM metrics ORDER BY timestamp"


def read(path: Path, curve: bool, name: str) -> Table:
    """Read a store; see :class:`bayeslaw.runs.tracking.source.Source`."""
    inside = [path / DATABASE, path / FOLDER] if path.is_dir() else []
    path = next((each for each in inside if each.exists()), path)
    runs = list(_of_folders(path) if path.is_dir() else _of_database(path))
    for run in runs:
        _move_to_the_end(run)
    return table_of(runs, curve, name)


def _of_database(path: Path) -> Iterator[Run]:
    try:
        with _opened(path) as store:
            runs = {
                uuid: Run(name or uuid, uuid, {"experiment": experiment, "status": status})
                for uuid, name, status, experiment in store.execute(RUNS)
            }
            for uuid, key, value in store.execute(PARAMS):
                if uuid in runs:
                    runs[uuid].constants |= settings("params.", {key: value})
            for uuid, key, step, value, is_nan in store.execute(METRICS):
                if uuid in runs:
                    infinite = math.copysign(math.inf, value) if abs(value) >= LARGEST else value
                    runs[uuid].record(f"metrics.{key}", float(step), math.nan if is_nan else infinite)
    except (sqlite3.Error, UnicodeError, TypeError):
        raise FileError(f"{path}: is not a store of MLflow; {EXPECTED}.") from None
    yield from runs.values()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is read as it is; a copy of one that somebody is writing to, whose last rows lie beside it."""
    ahead = path.with_name(f"{path.name}-wal")
    with tempfile.TemporaryDirectory() as folder:
        if ahead.exists() and ahead.stat().st_size:
            for each in (path, ahead):
                shutil.copy(each, folder)
            path = Path(folder) / path.name
            mode = "mode=rw"
        else:
            mode = "mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as store:
            yield store


def _of_folders(root: Path) -> Iterator[Run]:
    experiments = sorted(each.parent for each in root.glob(f"*/{META}"))
    if not experiments:
        raise FileError(f"{root}: is not a store of MLflow (there is no {META} in its folders); {EXPECTED}.")
    for experiment in experiments:
        if _meta(experiment).get("lifecycle_stage") == "deleted":
            continue
        metas = {each.parent: _meta(each.parent) for each in experiment.glob(f"*/{META}")}
        for place, meta in sorted(metas.items(), key=lambda each: (each[1].get("start_time", ""), each[0])):
            if meta.get("lifecycle_stage") != "deleted" and {"run_id", "run_uuid"} & set(meta):
                yield _of_folder(place, meta, _meta(experiment).get("name", experiment.name))


def _of_folder(place: Path, meta: dict[str, str], experiment: str) -> Run:
    tag = place / "tags" / "mlflow.runName"
    name = meta.get("run_name") or (text_at(tag).strip() if tag.is_file() else "") or place.name
    status = meta.get("status", "")
    run = Run(name, place.name, {"experiment": experiment, "status": STATES.get(status, status)})
    for key, path in _files(place / "params"):
        run.constants |= settings("params.", {key: text_at(path).strip()})
    for key, path in _files(place / "metrics"):
        for number, line in enumerate(text_at(path).splitlines(), start=1):
            try:
                _, value, step = map(float, [*line.split(), "0"][:3])  # older ones have no step, newer ones go on
                run.record(f"metrics.{key}", step, value)
            except ValueError:
                raise FileError(f"{path}: line {number} is not 'time value step', as MLflow writes it.") from None
    return run


def _meta(folder: Path) -> dict[str, str]:
    """The plain lines of a ``meta.yaml``; nothing else of YAML is understood."""
    lines = (re.fullmatch(r"(\w+): (.*)", line) for line in text_at(folder / META).splitlines())
    return {found[1]: found[2].strip("'\"") for found in lines if found and found[2] != "null"}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Files by what they are about; a slash in a name makes a folder."""
    return [(each.relative_to(folder).as_posix(), each) for each in sorted(folder.rglob("*")) if each.is_file()]


def _move_to_the_end(run: Run) -> None:
    """Move what was recorded without steps, which MLflow stores as step 0, to the last step of the run."""
    last = max((step for pairs in run.metrics.values() for step, _ in pairs), default=0.0)
    for metric, pairs in run.metrics.items():
        if not any(step for step, _ in pairs):
            run.metrics[metric] = [(last, pairs[-1][1])]
