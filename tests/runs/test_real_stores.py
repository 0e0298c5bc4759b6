"""Stores that the trackers' own libraries make are read as what was recorded, and are afterwards as they were."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bayeslaw.runs.table import Runs, read_runs

MLFLOW = """
import math, sys
from mlflow import MlflowClient
for uri in sys.argv[1:]:
    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("ladder: no. 1")
    for i, name in enumerate(["small", "big", "deleted"]):
        run = client.create_run(experiment, run_name=name).info.run_id
        client.log_param(run, "n_params", 10 ** (6 + i))
        for step in (100, 200):
            client.log_metric(run, "val/loss", 400 / step + i, step=step)
            client.log_metric(run, "tokens", step * 1000.0, step=step)
            client.log_metric(run, "grad", math.nan, step=step)
        client.log_metric(run, "score", 0.5)
        client.set_terminated(run)
    client.delete_run(run)
"""
WANDB = """
import math, sys
import wandb
for i, name in enumerate(["small", "big"]):
    config = {"n_params": 10 ** (6 + i), "model": {"n_layer": 4}, "tags": ["a"]}
    with wandb.init(project="ladder", name=name, mode="offline", dir=sys.argv[1], config=config) as run:
        for step in (100, 150, 200):
            run.log({"train/loss": 5.0, "tokens": step * 1000, "grad": math.nan}, step=step)
            if step != 150:
                run.log({"val/loss": 400 / step + i}, step=step)
        run.summary["best"] = 2.0
"""


def made(code: str, home: Path, *arguments: str) -> None:
    """Run a program that records runs, offline and away from the user's own settings."""
    asked = {"WANDB_MODE": "offline", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
    environment = {**os.environ, **asked, "HOME": str(home), "WANDB_SILENT": "true"}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, env=environment, cwd=home)  # noqa: S603


def contents(store: Path) -> dict[Path, tuple[int, bytes]]:
    return {each: (each.stat().st_mtime_ns, each.read_bytes()) for each in store.rglob("*") if each.is_file()}


def read(source: str, store: Path) -> tuple[Runs, Runs]:
    """The last values and the curves of a source, which leaves its store as it is."""
    before = contents(store)
    found = read_runs(f"{source}:{store}"), read_runs(f"{source}:{store}", curve=True)
    assert before
    assert contents(store) == before
    return found


def check(last: Runs, curve: Runs) -> None:
    # Runs that began within the shortest time that a store tells apart have no order.
    last, curve = (each.take(np.argsort(each.column("n_params"), kind="stable")) for each in (last, curve))
    assert last.column("run").tolist() == ["small", "big"]
    assert last.column("n_params").tolist() == [1e6, 1e7]
    assert last.column("loss").tolist() == [2.0, 3.0]
    assert last.column("n_tokens").tolist() == [2e5, 2e5]
    assert curve.column("step").tolist() == [100, 200] * 2
    assert curve.column("loss").tolist() == [4.0, 2.0, 5.0, 3.0]
    assert curve.column("n_tokens").tolist() == [1e5, 2e5] * 2


@pytest.mark.slow
def test_stores_of_mlflow_in_a_database_and_in_folders(tmp_path):
    database, folders = tmp_path / "database", tmp_path / "folders"
    database.mkdir()
    made(MLFLOW, tmp_path, f"sqlite:///{database / 'mlflow.db'}", folders.as_uri())
    for store in (database, folders):
        last, curve = read("mlflow", store)
        check(last, curve)
        assert set(last.column("experiment")) == {"ladder: no. 1"}
        assert set(last.column("status")) == {"FINISHED"}
        assert last.column("metrics.score").tolist() == [0.5, 0.5]


@pytest.mark.slow
def test_a_local_folder_of_weights_and_biases(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    made(WANDB, tmp_path, str(store))
    last, curve = read("wandb", store)
    check(last, curve)
    assert last.column("depth").tolist() == [4, 4]
    assert last.column("train/loss").tolist() == [5.0, 5.0]
    assert last.column("summary.best").tolist() == [2.0, 2.0]
    assert last.column("config.tags").tolist() == ['["a"]'] * 2


def test_event_files_of_tensorboard(tmp_path):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata as hparams
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    def writer(name: str) -> EventFileWriter:
        return EventFileWriter(str(tmp_path / name))

    for i, name in enumerate(["big", "small"]):
        events = writer(name)
        for step in (100, 200):
            values = [
                Summary.Value(tag="val/loss", simple_value=400 / step + 1 - i + 0.1),
                # As TensorFlow 2 writes a scalar.
                Summary.Value(
                    tag="tokens", tensor=make_tensor_proto(step * 1000.0),
                    metadata=metadata.create_summary_metadata("", ""),
                ),
            ]  # fmt: skip
            events.add_event(Event(wall_time=step, step=step, summary=Summary(value=values)))
        events.close()
        # As PyTorch writes hyperparameters: in a folder of their own within that of the run.
        events = writer(f"{name}/1700000000.1")
        start = HParamsPluginData()
        start.session_start_info.hparams["n_params"].number_value = 10 ** (7 - i)
        start.session_start_info.hparams["opt"].string_value = "adam"
        tag, about = hparams.SESSION_START_INFO_TAG, hparams.create_summary_metadata(start)
        for value in (Summary.Value(tag=tag, metadata=about), Summary.Value(tag="hparam/best", simple_value=2.0)):
            events.add_event(Event(wall_time=1.0, summary=Summary(value=[value])))
        events.close()
    last, curve = read("tensorboard", tmp_path)
    assert last.column("run").tolist() == ["big", "small"]
    assert last.column("n_params").tolist() == [1e7, 1e6]
    assert curve.column("loss").tolist() == [5.1, 3.1, 4.1, 2.1]
    assert curve.column("n_tokens").tolist() == [1e5, 2e5] * 2
    assert last.column("config.opt").tolist() == ["adam"] * 2
    [file] = (tmp_path / "small").glob("*tfevents*")
    assert read_runs(f"tensorboard:{file}").column("loss").tolist() == [2.1]


def test_without_tensorboard_its_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing", None)
    with pytest.raises(Exception, match=r"needs tensorboard; install it with `pip install 'bayeslaw\[tensorboard\]'`"):
        read_runs(f"tensorboard:{tmp_path}")
