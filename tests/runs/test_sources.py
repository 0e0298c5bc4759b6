"""What trackers, trainers and evaluations leave behind reads as runs, is left as it was, and is refused in a sentence.

The stores here are written as their libraries write them; `test_real_stores.py` reads those of the libraries.
"""

import json
import re
import runpy
import shlex
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslaw.cli import commands
from bayeslaw.errors import FileError, InputError, RunsError
from bayeslaw.paths import SOURCES
from bayeslaw.runs.reading.cells import table, words
from bayeslaw.runs.table import Runs, read_runs
from bayeslaw.runs.tracking.histories import Run, table_of
from bayeslaw.runs.tracking.wandb_log import BLOCK, runs_of
from bayeslaw.runs.tracking.written import as_csv

CHART = """Step,Group: 80M - aa - test/lm_loss,Group: 80M - aa - test/lm_loss__MIN,Group: 80M - aa - test/lm_loss__MAX,\
300M - test/lm_loss,300M - test/lm_loss__MIN,300M - test/lm_loss__MAX
1000,3.21,3.2,3.3,,,
2000,3.0,3.0,3.1,2.61,2.61,2.61
"""
SIZES = "Name,State,n_params\n80M - aa,finished,8e7\n300M,crashed,3e8\nother,finished,1\n"


def columns(runs: Runs, *names: str) -> list[list]:
    return [runs.column(name).tolist() for name in names]


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


# --- histories --------------------------------------------------------------------------------------------------


def history(name: str = "a", **metrics: list[tuple[float, float]]) -> Run:
    return Run(name, f"id of {name}", {"config.n_params": 1e6}, dict(metrics))


def test_a_row_is_of_a_recorded_outcome_with_what_else_was_known_by_then():
    run = history(val_loss=[(100, 3.0), (200, 2.5)], tokens=[(50, 5e5), (150, 1.5e6), (250, 2.5e6)])
    runs = read_runs(table_of([run], True, "a"))
    assert columns(runs, "step", "loss", "n_tokens") == [[100, 200], [3.0, 2.5], [5e5, 1.5e6]]
    runs = read_runs(table_of([run], False, "a"))
    assert columns(runs, "run", "step", "loss", "n_tokens", "n_params") == [["a"], [200], [2.5], [1.5e6], [1e6]]


def test_of_two_values_at_one_step_the_later_counts_and_steps_may_be_out_of_order():
    run = history(val_loss=[(200, 2.5), (100, 4.0), (100, 3.0)])
    assert columns(read_runs(table_of([run], True, "a")), "step", "loss") == [[100, 200], [3.0, 2.5]]


def test_without_the_name_of_an_outcome_every_recorded_step_is_a_row():
    run = history(score=[(1, 0.1), (3, 0.3)], lr=[(2, 0.01)])
    runs = read_runs(table_of([run], True, "a"))
    assert runs.column("step").tolist() == [1, 2, 3]
    np.testing.assert_array_equal(runs.column("lr"), [np.nan, 0.01, 0.01])


def test_a_plain_loss_beside_one_on_held_out_text_is_of_training():
    both = history(loss=[(1, 5.0), (2, 4.0)], val_loss=[(2, 4.5)])
    assert columns(read_runs(table_of([both], False, "a")), "loss", "train/loss") == [[4.5], [4.0]]
    assert columns(read_runs(table_of([history(loss=[(1, 5.0)])], False, "a")), "loss") == [[5.0]]


def test_a_crashed_run_has_a_row_and_runs_of_one_name_are_told_apart():
    runs = read_runs(table_of([history(val_loss=[(1, 2.0)]), history()], False, "a"))
    assert runs.column("run").tolist() == ["a (id of a)", "a (id of a)"]
    np.testing.assert_array_equal(runs.column("loss"), [2.0, np.nan])
    with pytest.raises(RunsError, match="store: none of its 2 runs has a single recorded metric; expected at least"):
        table_of([history(), history("b")], False, "store")


points = st.lists(st.tuples(st.integers(0, 20), st.floats(-9, 9)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["val/loss", "tokens", "lr"]), points, min_size=1), min_size=1, max_size=3)
)
def test_the_last_row_of_each_curve_is_the_row_of_its_run(metrics):
    made = [Run(f"r{i}", f"r{i}", {}, {name: list(map(tuple, each)) for name, each in one.items()})
            for i, one in enumerate(metrics)]  # fmt: skip
    curves, last = read_runs(table_of(made, True, "a")), read_runs(table_of(made, False, "a"))
    ends = [max(np.flatnonzero(curves.column("run") == name)) for name in last.column("run")]
    assert curves.take(ends).digest() == last.digest()


# --- Weights & Biases -------------------------------------------------------------------------------------------


def test_a_chart_is_a_row_a_run_with_the_columns_of_the_table_of_runs(tmp_path):
    chart, sizes = written(tmp_path / "chart.csv", CHART), written(tmp_path / "runs.csv", SIZES)
    runs = read_runs(f"wandb:{chart}", {"loss": "test/lm_loss"}, join=sizes)
    assert columns(runs, "run", "step", "loss", "n_params", "State") == [
        ["80M - aa", "300M"], [2000, 2000], [3.0, 2.61], [8e7, 3e8], ["finished", "crashed"],
    ]  # fmt: skip
    curve = read_runs(f"wandb:{chart}", curve=True)
    assert columns(curve, "run", "step") == [["80M - aa", "80M - aa", "300M"], [1000, 2000, 2000]]


def test_the_size_may_be_the_name_of_a_run_and_the_axis_may_be_tokens(tmp_path):
    text = "tokens,80M - _step,80M - loss,1.3B - _step,1.3B - loss\n1e9,5,3.5,,\n2e9,7,3.25,4,2.5\n"
    chart = written(tmp_path / "chart.csv", text)
    runs = read_runs(f"wandb:{chart}", {"n_params": "run"})
    assert columns(runs, "n_params", "n_tokens", "step", "loss") == [[8e7, 1.3e9], [2e9, 2e9], [7, 4], [3.25, 2.5]]


def test_a_chart_read_as_a_table_is_told_how_to_be_joined(tmp_path):
    chart, sizes = written(tmp_path / "chart.csv", CHART), written(tmp_path / "RUNS.csv", SIZES)
    with pytest.raises(RunsError, match=r"is wide, one column a run \(2 of them: Group: 80M - aa, 300M\)") as refused:
        read_runs(chart).column("n_params")
    call = str(refused.value).rpartition(" by ")[2].removesuffix(".")
    assert call == f"bl.read_runs('wandb:{chart}', join='RUNS.csv')"
    assert read_runs(f"wandb:{chart}", join=sizes).column("n_params").tolist() == [8e7, 3e8]


def test_columns_may_be_called_by_their_sizes(tmp_path):
    chart = written(tmp_path / "chart.csv", "step,70M,1.4B\n10,3,2\n20,2.9,1.9\n")
    runs = read_runs(f"wandb:{chart}", {"n_params": "run", "loss": "value"})
    assert columns(runs, "n_params", "step", "loss") == [[7e7, 1.4e9], [20, 20], [2.9, 1.9]]


def test_a_table_of_runs_from_the_library_has_dictionaries_in_its_cells(tmp_path):
    rows = [
        ({"_runtime": 3, "val/loss": 3.5, "grad": float("nan")}, {"n_params": 1e6, "opt": {"lr": 0.1}, "tags": ["a"]}),
        ({"val/loss": 3.25, "grad": float("-inf")}, {"n_params": 2e6}),
    ]
    text = "".join(f'{i},"{summary}","{config}",r{i}\n' for i, (summary, config) in enumerate(rows))
    runs = read_runs(f"wandb:{written(tmp_path / 'project.csv', ',summary,config,name' + chr(10) + text)}")
    assert columns(runs, "loss", "n_params", "name") == [[3.5, 3.25], [1e6, 2e6], ["r0", "r1"]]
    np.testing.assert_array_equal(runs.column("summary.grad"), [np.nan, -np.inf])
    np.testing.assert_array_equal(runs.column("config.opt.lr"), [0.1, np.nan])
    assert not runs.has("summary._runtime")


def test_nothing_in_a_cell_is_run(tmp_path):
    text = "name,config\na,\"{1: __import__('os').mkdir('made')}\"\n"
    runs = read_runs(f"wandb:{written(tmp_path / 'a.csv', text)}")
    assert runs.is_text("config")
    assert not (tmp_path / "made").exists()


def test_a_table_without_an_outcome_is_refused(tmp_path):
    crashed = written(tmp_path / "a.csv", "Name,n_params,val/loss\na,1,NaN\nb,2,\n")
    with pytest.raises(RunsError, match="none of its 2 runs has a value in 'val/loss'; export runs that have finished"):
        read_runs(f"wandb:{crashed}")


# A log of Weights & Biases, written field by field.


def varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def message(*fields: tuple[int, bytes | str]) -> bytes:
    given = [(number, value.encode() if isinstance(value, str) else value) for number, value in fields]
    return b"".join(varint(number << 3 | 2) + varint(len(value)) + value for number, value in given)


def item(key: str, value: object) -> tuple[int, bytes]:
    return 1, message((2, key), (16, json.dumps(value)))


def log(*records: bytes) -> bytes:
    raw = b":W&B\xe1\xbe\x00"
    for record in records:
        begun = False
        while True:
            left = BLOCK - len(raw) % BLOCK
            if left < 7:
                raw += b"\0" * left
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = {(False, False): 1, (False, True): 2, (True, True): 3, (True, False): 4}[begun, bool(record)]
            raw += struct.pack("<IHB", 0, len(piece), kind) + piece
            begun = True
            if not record:
                break
    return raw


ABOUT = message(
    (17, message((1, "x1"), (4, message(item("n_params", 1e6), item("notes", "z" * 3 * BLOCK))), (8, "small")))
)


def entry(step: int, **values: object) -> bytes:
    return message(
        (2, message(*(item(key.replace("_slash_", "/"), value) for key, value in values.items()), item("_step", step)))
    )


RECORDS = [
    ABOUT,
    entry(10, val_slash_loss=3.5, media={"_type": "image", "path": "a"}),
    message((5, message(item("lr", 0.1), item("gone", 1), (2, message((1, "gone")))))),
    entry(20, val_slash_loss="NaN", nested={"tokens": 7}),
    message((3, message(item("best", 3.5), item("_runtime", 9)))),
]  # fmt: skip


def test_a_log_is_read_across_its_blocks_also_when_it_was_cut_off(tmp_path):
    path = tmp_path / "wandb" / "offline-run-1-x1" / "run-x1.wandb"
    path.parent.mkdir(parents=True)
    path.write_bytes(log(*RECORDS))
    runs = read_runs(f"wandb:{tmp_path / 'wandb'}", curve=True)
    assert columns(runs, "run", "step", "n_params", "config.lr", "summary.best") == [
        ["small"] * 2, [10, 20], [1e6] * 2, [0.1] * 2, [3.5] * 2,
    ]  # fmt: skip
    np.testing.assert_array_equal(runs.column("loss"), [3.5, np.nan])
    np.testing.assert_array_equal(runs.column("nested.tokens"), [np.nan, 7])
    assert not any(runs.has(name) for name in ("config.gone", "media.path", "summary._runtime"))
    path.write_bytes(log(*RECORDS[:2]) + log(RECORDS[3])[7:-5])
    assert read_runs(f"wandb:{path}").column("loss").tolist() == [3.5]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_log_costs_only_an_error_of_ours(tmp_path_factory, data):
    raw = bytearray(log(*RECORDS[1:]))
    for at in data.draw(st.lists(st.integers(7, len(raw) - 1), max_size=6)):
        raw[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "run-damaged.wandb"
    path.write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    refused_in_a_sentence(lambda: table_of(runs_of([path]), True, "a"))


# --- MLflow -----------------------------------------------------------------------------------------------------

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, lifecycle_stage TEXT,
    experiment_id INTEGER);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER);
INSERT INTO experiments VALUES (1, 'ladder', 'active'), (2, 'old', 'deleted');
INSERT INTO runs VALUES ('u1', 'small', 'FINISHED', 2, 'active', 1), ('u2', 'big', 'FAILED', 1, 'active', 1),
    ('u3', 'gone', 'FINISHED', 3, 'deleted', 1), ('u4', 'old', 'FINISHED', 4, 'active', 2);
INSERT INTO params VALUES ('n_params', '1000000', 'u1'), ('n_params', '2000000', 'u2'), ('n_params', '3', 'u3');
INSERT INTO metrics VALUES ('val_loss', 3.5, 1, 'u1', 10, 0), ('val_loss', 3.25, 2, 'u1', 20, 0),
    ('tokens', 5, 3, 'u1', 0, 0), ('val_loss', 0, 1, 'u2', 10, 1), ('grad', 1.7976931348623157e308, 1, 'u2', 10, 0);
"""


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as store:
        store.executescript(TABLES)
    return path


def test_a_database_of_mlflow_is_its_runs_that_are_not_deleted(database):
    runs = read_runs(f"mlflow:{database}")
    assert columns(runs, "run", "experiment", "status", "n_params") == [
        ["big", "small"], ["ladder"] * 2, ["FAILED", "FINISHED"], [2e6, 1e6],
    ]  # fmt: skip
    np.testing.assert_array_equal(runs.column("loss"), [np.nan, 3.25])
    np.testing.assert_array_equal(runs.column("metrics.grad"), [np.inf, np.nan])
    assert runs.column("n_tokens").tolist()[1] == 5, "recorded once, without a step"
    assert read_runs(f"mlflow:{database.parent}").digest() == runs.digest()


def test_a_database_that_is_being_written_to_is_read_to_its_end_and_left_alone(database):
    with closing(sqlite3.connect(database)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("INSERT INTO metrics VALUES ('val_loss', 3.0, 9, 'u1', 30, 0)")
        store.commit()
        before = {each: each.read_bytes() for each in database.parent.iterdir()}
        assert read_runs(f"mlflow:{database}").column("loss").tolist()[1] == 3.0
        assert {each: each.read_bytes() for each in database.parent.iterdir()} == before


META = "artifact_uri: ''\nlifecycle_stage: {stage}\nrun_id: {run}\nrun_name: '{run} #1'\nstatus: 3\ntags: []\n"


@pytest.fixture
def mlruns(tmp_path) -> Path:
    root = tmp_path / "mlruns"
    written(root / "7" / "meta.yaml", "experiment_id: '7'\nlifecycle_stage: active\nname: ladder\n")
    for run, stage in (("r1", "active"), ("r2", "deleted")):
        written(root / "7" / run / "meta.yaml", META.format(run=run, stage=stage))
        written(root / "7" / run / "params" / "n_params", "1000000")
        written(root / "7" / run / "metrics" / "val" / "loss", "1 3.5 10\n2 nan 20\n3 3.25 30 data digest\n")
    written(root / "0" / "meta.yaml", "experiment_id: '0'\nlifecycle_stage: active\nname: Default\n")
    return root


def test_folders_of_mlflow_are_its_runs_that_are_not_deleted(mlruns):
    runs = read_runs(f"mlflow:{mlruns}", curve=True)
    assert columns(runs, "run", "experiment", "status", "step", "n_params") == [
        ["r1 #1"] * 3, ["ladder"] * 3, ["FINISHED"] * 3, [10, 20, 30], [1e6] * 3,
    ]  # fmt: skip
    np.testing.assert_array_equal(runs.column("loss"), [3.5, np.nan, 3.25])
    assert read_runs(f"mlflow:{mlruns.parent}").column("loss").tolist() == [3.25]


def test_a_metric_that_mlflow_did_not_write_is_named_by_its_line(mlruns):
    written(mlruns / "7" / "r1" / "metrics" / "bad", "1 2 3\n!!python/object:os.system 1\n")
    with pytest.raises(FileError, match=r"metrics/bad: line 2 is not 'time value step', as MLflow writes it"):
        read_runs(f"mlflow:{mlruns}")


# --- Hugging Face -----------------------------------------------------------------------------------------------

STATE = {
    "global_step": 100, "num_input_tokens_seen": 819200, "total_flos": 1.2e15, "trial_params": None,
    "log_history": [
        {"loss": 5.0, "learning_rate": 1e-3, "step": 50, "num_input_tokens_seen": 409600},
        {"eval_loss": 4.8, "eval_runtime": 1.0, "step": 50},
        {"loss": 4.0, "step": 100, "num_input_tokens_seen": 819200},
        {"eval_loss": 3.9, "step": 100},
        {"train_loss": 4.5, "train_runtime": 3.0, "step": 100},
    ],
}  # fmt: skip


def test_the_state_of_a_trainer_is_the_loss_on_held_out_data_by_step(tmp_path):
    path = written(tmp_path / "small" / "checkpoint-100" / "trainer_state.json", json.dumps(STATE))
    curve = read_runs(f"trainer:{path}", curve=True)
    assert columns(curve, "run", "step", "loss", "train/loss", "n_tokens") == [
        ["small"] * 2, [50, 100], [4.8, 3.9], [5.0, 4.0], [409600, 819200],
    ]  # fmt: skip
    np.testing.assert_array_equal(curve.column("flops"), [np.nan, 1.2e15])
    assert not any("runtime" in name or name == "train_loss" for name in curve.names)


def test_a_run_is_its_last_checkpoint_and_has_the_settings_beside_it(tmp_path):
    half = {**STATE, "global_step": 50, "log_history": STATE["log_history"][:2]}
    for run, width in (("a", 64), ("b", 128)):
        written(tmp_path / run / "checkpoint-50" / "trainer_state.json", json.dumps(half))
        written(tmp_path / run / "checkpoint-100" / "trainer_state.json", json.dumps(STATE))
        written(
            tmp_path / run / "checkpoint-100" / "config.json", json.dumps({"hidden_size": width, "torch_dtype": None})
        )
    runs = read_runs(f"trainer:{tmp_path}")
    assert columns(runs, "run", "step", "loss", "width") == [["a", "b"], [100] * 2, [3.9] * 2, [64, 128]]


def test_a_trainer_that_does_not_count_tokens_has_none(tmp_path):
    log_history = [{"eval_loss": 3.0, "step": 5, "num_input_tokens_seen": 0}]
    state = {"global_step": 5, "num_input_tokens_seen": 0, "total_flos": 0.0, "log_history": log_history}
    path = written(tmp_path / "trainer_state.json", json.dumps(state))
    assert read_runs(f"trainer:{path}").names == ("run", "step", "loss")
    counted = read_runs(f"trainer:{path}", {"n_tokens": "step * 524288"})
    assert counted.column("n_tokens").tolist() == [5 * 524288]


# --- lm-eval ----------------------------------------------------------------------------------------------------


TASKS = ("one", "two", "math", "wiki")


def result(model: str = "org/small", size: int = 70_000_000, right: int = 6, date: float = 1.0) -> dict:
    task = {"alias": "one", "sample_len": 20, "acc,none": right / 20, "acc_stderr,none": 0.1, "acc_norm,none": 0.3}
    return {
        "results": {
            "mmlu": {"acc,none": (right + 3) / 30, "acc_stderr,none": 0.05},
            "one": task,
            "two": {"acc,none": 3 / 10, "acc_stderr,none": "N/A"},
            "wiki": {"bits_per_byte,none": 0.9, "bits_per_byte_stderr,none": "N/A"},
            "math": {"exact_match,strict": 0.25, "exact_match_stderr,strict": 0.04},
        },
        "group_subtasks": {"mmlu": ["one", "two"], "one": []},
        "n-shot": {"one": 5},
        "n-samples": {name: {"original": 99, "effective": n} for name, n in zip(TASKS, (20, 10, 8, 4), strict=True)},
        "config": {"model": "hf", "model_args": f"pretrained={model},revision=step3000", "model_num_parameters": size},
        "date": date,
    }  # fmt: skip


def test_an_evaluation_is_a_row_a_task_with_its_counts_and_standard_error(tmp_path):
    written(tmp_path / "s" / "results_1.json", json.dumps(result()))
    runs = read_runs(f"lm-eval:{tmp_path}")
    assert columns(runs, "task", "model", "revision", "n_params") == [
        ["mmlu", "one", "two", "wiki", "math"], ["org/small"] * 5, ["step3000"] * 5, [7e7] * 5,
    ]  # fmt: skip
    np.testing.assert_array_equal(runs.column("n_correct"), [9, 6, 3, np.nan, 2])
    np.testing.assert_array_equal(runs.column("n_trials"), [30, 20, 10, np.nan, 8])
    np.testing.assert_array_equal(runs.column("se"), [0.05, 0.1, np.nan, np.nan, 0.04])
    np.testing.assert_array_equal(runs.column("acc"), [0.3, 0.3, 0.3, np.nan, np.nan])
    np.testing.assert_array_equal(runs.column("n_shot"), [np.nan, 5, np.nan, np.nan, np.nan])
    assert not runs.has("sample_len")


def test_of_two_evaluations_of_a_model_the_later_is_taken_and_models_are_joined_to_their_compute(tmp_path):
    written(tmp_path / "s" / "results_2.json", json.dumps(result(right=6, date=2.0)))
    written(tmp_path / "s" / "results_1.json", json.dumps(result(right=7, date=3.0)))
    written(tmp_path / "b" / "results_1.json", json.dumps(result("org/big", -1, right=12)))
    sizes = {"which": ["org/big", "org/small"], "flops": [1e21, 1e19]}
    runs = read_runs(f"lm-eval:{tmp_path}", join=sizes).where("task == 'one'")
    assert sorted(zip(*columns(runs, "model", "n_correct", "flops"), strict=True)) == [
        ("org/big", 12, 1e21), ("org/small", 7, 1e19),
    ]  # fmt: skip


def test_a_score_that_is_no_share_of_its_questions_has_no_counts(tmp_path):
    partly = {"results": {"a": {"acc,none": 0.333}}, "n-samples": {"a": {"effective": 10}}}
    runs = read_runs(f"lm-eval:{written(tmp_path / 'results.json', json.dumps(partly))}")
    assert runs.names == ("model", "task", "acc")


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "nan", "one", "a=b,c"])
inner = st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from(["one", "effective", "revision"]), leaves)
fields = st.dictionaries(st.sampled_from(["acc,none", "acc_stderr,none", "step", "loss", "eval_loss"]), leaves | inner)
FORMS = {
    "lm-eval": {
        "results": st.dictionaries(st.sampled_from(["one", "two"]), fields), "group_subtasks": inner,
        "n-samples": inner, "n-shot": inner, "config": inner, "date": leaves,
    },
    "trainer": {"log_history": st.lists(fields | leaves, max_size=3), "global_step": leaves, "trial_params": inner},
}  # fmt: skip


@pytest.mark.parametrize("word", FORMS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_strange_json_costs_only_an_error_of_ours(tmp_path_factory, word, data):
    path = written(
        tmp_path_factory.getbasetemp() / "strange.json", json.dumps(data.draw(st.fixed_dictionaries(FORMS[word])))
    )
    refused_in_a_sentence(lambda: read_runs(f"{word}:{path}"))


def refused_in_a_sentence(read: Callable[[], object]) -> None:
    """Whatever is read is taken, or refused by the package itself."""
    said = ""
    try:
        read()
    except InputError as error:
        said = str(error)
    assert "\n" not in said


# --- all sources ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", SOURCES)
def test_a_source_that_is_not_there_or_is_empty_or_is_something_else_is_refused(word, tmp_path):
    for place in (tmp_path / "none", tmp_path, written(tmp_path / "other.txt", "hello\n")):
        with pytest.raises((FileError, RunsError)) as refused:
            read_runs(f"{word}:{place}")
        assert str(place) in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1


def test_a_word_that_is_no_source_is_named_with_those_that_are(tmp_path):
    with pytest.raises(
        FileError, match="'neptune' is no source, sources are lm-eval, mlflow, tensorboard, trainer, wandb"
    ):
        read_runs("neptune:somewhere")
    named = written(tmp_path / "a:b.csv", "loss\n1\n2\n")
    assert len(read_runs(named)) == 2


@pytest.mark.parametrize("source", ["{table}", "wandb:{table}", "lm-eval:{result}"])
def test_curves_are_refused_where_there_are_none(source, tmp_path):
    table, found = written(tmp_path / "a.csv", SIZES), written(tmp_path / "r.json", json.dumps(result()))
    with pytest.raises(RunsError, match="holds no curves; leave out curve"):
        read_runs(source.format(table=table, result=found), curve=True)


def test_tables_without_names_or_without_these_runs_are_not_joined():
    with pytest.raises(RunsError, match="has no column that names its runs"):
        read_runs({"loss": [1.0]}, join={"run": ["a"]})
    with pytest.raises(RunsError, match="no column has the runs of mapping \\('a', 'b'\\), each in one row"):
        read_runs({"run": ["a", "b"]}, join={"run": ["a", "a"], "x": [1, 2]})
    numbers = read_runs({"run": [7, 8]}, join={"id": ["8", "9"], "x": [1, 2], "note": ["p", "q"]})
    np.testing.assert_array_equal(numbers.column("x"), [np.nan, 1])
    assert numbers.column("note").tolist() == ["", "p"]


# --- the command ------------------------------------------------------------------------------------------------


def use(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(commands, ["import", *arguments], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_what_is_imported_reads_as_what_the_source_says(database, tmp_path):
    out = str(tmp_path / "runs.csv")
    code, said, _ = use(f"mlflow:{database}", "--out", out, "--curve", "--where", "loss is known")
    assert code == 0
    assert said.startswith(f"{out}: 2 rows with run, step, loss (from metrics.val_loss), ")
    expected = read_runs(f"mlflow:{database}", curve=True).where("loss is known")
    assert read_runs(out).data["loss"].tolist() == expected.data["loss"].tolist() == [3.5, 3.25]
    code, said, _ = use(f"mlflow:{database}", "--out", out, "--json")
    assert json.loads(said)["columns"]["n_params"] == "params.n_params"
    assert len(read_runs(out)) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_infinity=False), st.text("ab ,;\"'|", max_size=6)), min_size=1, max_size=4))
def test_a_written_table_reads_as_the_same_table(tmp_path_factory, rows):
    numbers, text = [row[0] for row in rows], [f"x{row[1]}y" for row in rows]
    index = np.arange(len(rows))
    runs = read_runs(table([(n, words(c, index, n, "a")) for n, c in (("loss", numbers), ("run", text))], index, "a"))
    path = written(tmp_path_factory.getbasetemp() / "written.csv", as_csv(runs.data))
    assert read_runs(path).digest() == runs.digest()


def test_a_refused_import_writes_nothing(database, tmp_path):
    out = tmp_path / "runs.csv"
    out.write_text("kept")
    for arguments in (
        (f"mlflow:{tmp_path / 'none.db'}", "--out", str(out)),
        (f"mlflow:{database}", "--out", str(out), "--columns", "loss=nothing"),
        (f"mlflow:{database}", "--out", str(tmp_path / "runs.xlsx")),
        (f"mlflow:{database}", "--out", str(database)),
        (f"mlflow:{database}", "--out", str(out), "--join", str(tmp_path / "none.csv")),
    ):
        code, said, error = use(*arguments)
        assert (code, said) == (2, "")
        assert len(error.splitlines()) == 1
    assert out.read_text() == "kept"
    assert not (tmp_path / "runs.xlsx").exists()


# --- the page ---------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


@pytest.fixture
def recorded(tmp_path, mlruns, monkeypatch) -> Path:
    """A folder in which everything lies that the page reads."""
    logs = tmp_path / "wandb" / "run-1-x1" / "run-x1.wandb"
    logs.parent.mkdir(parents=True)
    logs.write_bytes(log(*RECORDS[:2], entry(10, tokens=1e9)))
    written(tmp_path / "checkpoints" / "a" / "trainer_state.json", json.dumps(STATE))
    written(tmp_path / "chart.csv", CHART)
    written(tmp_path / "wandb-runs.csv", SIZES)
    written(tmp_path / "chart-by-size.csv", "step,70M,1.4B\n10,3,2\n20,2.9,1.9\n")
    scores = result()
    written(tmp_path / "results" / "s" / "results_1.json", json.dumps(scores).replace('"one"', '"arc_easy"'))
    written(tmp_path / "models.csv", "model,flops\norg/small,1e19\n")
    event_file(tmp_path / "logs" / "small")
    written(tmp_path / "sizes.csv", "which,n_params\nsmall,1e6\nbig,1e7\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def event_file(folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    events = EventFileWriter(str(folder))
    events.add_event(Event(step=10, summary=Summary(value=[Summary.Value(tag="val_loss", simple_value=2.5)])))
    events.close()


def test_the_commands_of_the_page_can_be_pasted_and_show_every_source(recorded):
    text = PAGE.read_text(encoding="utf-8")
    fences = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", text)
    shown = [shlex.split(line) for kind, block in fences if kind == "sh" for line in block.splitlines()]
    for _, *arguments in shown:
        done = CliRunner().invoke(commands, arguments, catch_exceptions=False)
        assert done.exit_code == 0, f"{arguments}: {done.output}"
        if "--out" in arguments:
            assert len(read_runs(arguments[arguments.index("--out") + 1])) > 0
    used = {word.partition(":")[0] for words in shown for word in words if ":" in word}
    assert used == set(SOURCES) == set(re.findall(r"(?m)^\| `([\w-]+):` \|", text))
    for kind, block in fences:
        if kind == "python":
            written(recorded / "example.py", block)
            assert len(runpy.run_path("example.py")["curves"]) == 3
