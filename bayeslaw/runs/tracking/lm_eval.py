"""Results of lm-eval: a row for each task of each model, with counts of right answers.

Where a task's ``acc`` is a share of its questions, ``n_correct`` is that share of ``n_trials``; that of a group such as
``mmlu`` is the sum over its tasks.  Its standard error is ``se``, which laws of that outcome take as known.  Of a model
that was evaluated twice on a task, the later result is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError, RunsError
from bayeslaw.runs.reading.cells import Table, table, words
from bayeslaw.runs.tracking.histories import number
from bayeslaw.runs.tracking.source import no_curve
from bayeslaw.runs.tracking.stored import files_at, object_at

# The metric that answers are counted by, the first that a task has.
COUNTED = ("acc", "exact_match")
STANDARD_ERROR = "_stderr"
# Numbers beside the scores of a task that are none.
NO_SCORES = ("sample_len", "sample_count")
# How far a share of questions may be from a whole number of them, as floats of single precision are.
WHOLE = 1e-6


def read(path: Path, curve: bool, name: str) -> Table:
    """Read results; see :class:`bayeslaw.runs.tracking.source.Source`."""
    if curve:
        raise no_curve(name, "an evaluation")
    pattern = "*.json" if path.is_dir() and not any(path.rglob("results*.json")) else "results*.json"
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    files = [(file, object_at(file, "a result of lm-eval")) for file in files_at(path, pattern, "result of lm-eval")]
    for file, found in sorted(files, key=lambda each: (number(each[1].get("date")) or 0.0, each[0].name)):
        tasks = found.get("results")
        if not isinstance(tasks, dict) or not all(isinstance(task, dict) for task in tasks.values()):
            raise FileError(f"{file}: is not a result of lm-eval (it has no object 'results'); check the path.")
        model = _model(found, file)
        for task in tasks:
            row = {**model, "task": task, **_setting(found, task), **_answers(found, task)}
            rows[tuple(row.get(key) for key in ("model", "revision", "task", "n_shot"))] = row
    scores = {key for row in rows.values() for key in row} - {"model", "revision", "n_params", "task", "n_shot"}
    if not scores:
        raise RunsError(f"{name}: none of its {len(rows)} tasks has a score; expected at least one metric such as acc.")
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    numbers = np.arange(1, len(rows) + 1)
    cells = {column: [row.get(column) for row in rows.values()] for column in columns}
    return table([(each, words(cells[each], numbers, each, name)) for each in columns], numbers, name)


def _model(found: Mapping[str, Any], file: Path) -> dict[str, Any]:
    config = found["config"] if isinstance(found.get("config"), dict) else {}
    arguments = config.get("model_args") or {}
    if not isinstance(arguments, dict):
        arguments = dict(re.findall(r"(\w+)=([^,]*)", str(arguments)))
    named = (found.get("model_name"), *(arguments.get(key) for key in ("peft", "pretrained", "model", "path")))
    model: dict[str, Any] = {"model": next((str(each) for each in named if each), file.parent.name)}
    revision = arguments.get("revision") or config.get("model_revision")
    if revision:
        model["revision"] = str(revision)
    size = number(config.get("model_num_parameters"))
    if size is not None and size > 0:  # -1 where the model's program does not tell
        model["n_params"] = size
    return model


def _setting(found: Mapping[str, Any], task: str) -> dict[str, Any]:
    shots = found["n-shot"].get(task) if isinstance(found.get("n-shot"), dict) else None
    return {} if number(shots) is None else {"n_shot": shots}


def _scores(results: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the results of a task, under plain names: ``acc`` of ``acc,none``."""
    found = {}
    for key, value in results.items():
        metric, _, answers_by = key.partition(",")
        score = number(value)
        if score is not None and metric not in NO_SCORES:
            found[metric if answers_by in ("", "none") else f"{metric}.{answers_by}"] = score
    return found


def _answers(found: Mapping[str, Any], task: str) -> dict[str, Any]:
    """The scores of a task, the counts behind them, and the standard error of the score that is counted."""
    scores, counts = _scores(found["results"][task]), _counts(found, task)
    metric, dot, answers_by = (_counted(scores) or "").partition(".")
    error = scores.pop(f"{metric}{STANDARD_ERROR}{dot}{answers_by}", None)
    counted = {} if counts is None else {"n_correct": counts[0], "n_trials": counts[1]}
    return counted | scores | ({} if error is None else {"se": error})


def _counted(scores: Mapping[str, float]) -> str | None:
    return next((key for metric in COUNTED for key in scores if key.partition(".")[0] == metric), None)


def _counts(found: Mapping[str, Any], task: str, above: tuple[str, ...] = ()) -> tuple[float, float] | None:
    """Right answers and questions; of a group, the sums over its tasks; None where they cannot be told."""
    groups, samples = found.get("group_subtasks"), found.get("n-samples")
    parts = groups.get(task) if isinstance(groups, dict) else None
    if isinstance(parts, list) and parts and task not in above:
        sums = [_counts(found, str(part), (*above, task)) for part in parts]
        known = [each for each in sums if each is not None]
        return (sum(c for c, _ in known), sum(n for _, n in known)) if len(known) == len(sums) else None
    asked = samples.get(task) if isinstance(samples, dict) else None
    questions = number(asked.get("effective", asked.get("original")) if isinstance(asked, dict) else asked)
    results = found["results"].get(task)
    if questions is None or not isinstance(results, dict):
        return None
    plain = {
        key.replace(",none", "").replace(",", "."): n for key, v in results.items() if (n := number(v)) is not None
    }
    score = plain.get(_counted(plain) or "")
    right = None if score is None else score * questions
    if right is None or not (0.0 <= right <= questions and abs(right - round(right)) <= WHOLE * max(questions, 1.0)):
        return None
    return float(round(right)), questions
