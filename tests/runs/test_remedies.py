"""Every remedy works when it is pasted: taken out of the messages of tables made for it, and run."""

import csv
import math
import re
import shlex

import pytest
from click.testing import CliRunner

from bayeslaw.cli import commands
from bayeslaw.cli.options import find_law
from bayeslaw.runs.faults.enough import check_enough
from bayeslaw.runs.table import read_runs

OPTION = r"--(?:where|columns|units|prior|law|pool|group-effect|family)[ =](?:\"[^\"]+\"|'[^']+'|[^\s;,)]*[\w\]'\"/])"
# Options that stand together are pasted together.
REMEDY = re.compile(rf"{OPTION}(?: {OPTION})*")

N, D = [1e8, 1e9, 1e10], [1e9, 1e10, 1e11]
GRID = [(n, d, round(1.8 + 400 / n**0.34 + 400 / d**0.28, 4)) for n in N for d in D]
SCALE = [{"n_params": n, "n_tokens": d, "loss": loss} for n, d, loss in GRID]


def changed(rows, at, **values):
    return [{**row, **(values if i == at else {})} for i, row in enumerate(rows)]


def renamed(rows, **names):
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


CURVE = [{"flops": 10.0**power, "loss": 1.7 + 5.0 / (i + 3)} for i, power in enumerate(range(17, 25))]
STEPS = [{"step": 100 * i, "lr": 1e-3 / i, "flops": 1e17 * i, "loss": 2 + 1 / i, "run": "a"} for i in range(1, 9)]

# By the note or refusal: the rows of a table, options of `runs`, and the number of remedies that it names.
TABLES = {
    "two units": ([{**row, "n_params": row["n_params"] / 1e9} for row in SCALE], ["--law", "chinchilla"], 1),
    "other loss": ([{**row, "loss": row["loss"] / 300} for row in SCALE], ["--law", "chinchilla"], 1),
    "empty cells": (changed(SCALE, 3, loss=""), ["--law", "chinchilla"], 1),
    "infinite": (changed(SCALE, 3, loss="inf"), ["--law", "chinchilla"], 1),
    "crashed": (changed(SCALE, 3, loss=1e9), ["--law", "chinchilla"], 1),
    "diverged": (changed(SCALE, 8, loss=9.0), ["--law", "chinchilla"], 1),
    "dominated": (changed(SCALE, 4, loss=SCALE[0]["loss"] * 1.1), ["--law", "chinchilla"], 1),
    "restarts": ([{**row, "run_name": f"r{i % 9}", **({"loss": ""} if i == 9 else {})}
                  for i, row in enumerate([*SCALE, SCALE[0]])], ["--law", "chinchilla"], 1),
    "copied": ([*({**row, "loss": row["loss"] + 1.2345e-5, "run_name": f"r{i}"} for i, row in enumerate(SCALE)),
                {**SCALE[0], "loss": SCALE[0]["loss"] + 1.2345e-5, "run_name": "again"}], ["--law", "chinchilla"], 1),
    "few runs": (CURVE[:3], ["--law", "power_law"], 1),
    "fewer runs": (SCALE[:4], ["--law", "chinchilla"], 1),
    "one size a budget": ([{**row, "n_params": 1e8 * 3**i} for i, row in enumerate(CURVE)] * 2,
                          ["--law", "isoflop"], 2),
    "mixed": ([{**row, "tokenizer": "ab"[i % 2]} for i, row in enumerate(SCALE * 2)], ["--law", "chinchilla"], 2),
    "rate": (STEPS, ["--law", "power_law"], 2),
    "another count": ([{**row, "active_params": row["n_params"] / (1 + i)} for i, row in enumerate(SCALE)],
                      ["--law", "chinchilla"], 1),
    "perplexity": (renamed([{**row, "loss": round(math.exp(row["loss"]), 4)} for row in SCALE], loss="ppl"),
                   ["--law", "chinchilla", "--columns", "loss=ppl"], 1),
    "several words": ([{**row, "lr schedule": ["cosine", "no decay"][i % 2]} for i, row in enumerate(SCALE * 2)],
                      ["--law", "chinchilla"], 2),
    "log-likelihood": ([{**row, "loss": -row["loss"]} for row in SCALE], ["--law", "chinchilla"], 1),
    "decibels": (renamed([{**row, "loss": 10 * math.log10(row["loss"] / 6)} for row in SCALE], loss="loss dB"),
                 ["--law", "chinchilla", "--columns", "loss=loss dB"], 1),
    "one negative": (changed(SCALE, 3, loss=-1.0), ["--law", "chinchilla"], 1),
    "unread perplexity": (renamed(SCALE, loss="PPL (test)"), ["--law", "chinchilla"], 1),
    "unread logarithm": ([{"log10(C)": math.log10(row["flops"]), "loss": row["loss"]} for row in CURVE],
                         ["--law", "power_law"], 1),
    "any law": (renamed(SCALE, loss="val_ppl"), [], 1),
    "large loss": ([{**row, "loss": 100 * row["loss"]} for row in SCALE], ["--law", "chinchilla"], 2),
    "bits": (renamed(SCALE, loss="bits_per_byte"), ["--law", "chinchilla", "--columns", "loss=bits_per_byte"], 1),
}  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(commands, list(arguments))


def said(path, options):
    done = run("runs", str(path), *options)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("name", TABLES)
def test_a_remedy_works_when_it_is_pasted(name, tmp_path):
    rows, options, count = TABLES[name]
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    page = said(path, options)
    *notes, last = [line for line in page.splitlines() if re.match(r"\d+\. |PASS|LOOK|FAIL", line)]
    codes = {re.search(r"\w: ([\w-]+)\]", note)[1]: note for note in notes}
    note = next((note for code, note in codes.items() if code in ("unusable", "missing-cells", "restarts")), None)
    note = note or next(note for note in notes if REMEDY.search(note) and "group-effect" not in note)
    code = re.search(r"\w: ([\w-]+)\]", note)[1]
    remedies = REMEDY.findall(note)
    assert len(remedies) >= count, note
    if any(remedy.startswith("--prior") for remedy in remedies):
        law = find_law(options[1], prior=[prior for remedy in remedies for prior in shlex.split(remedy)[1::2]])
        check_enough(read_runs(str(path)), law)
        return
    for remedy in remedies:
        words = shlex.split(remedy)
        if "--group-effect" in words:
            continue
        replaced = [each for i, each in enumerate(options) if not {*words[::2]} & {*options[i - i % 2 : i + 1]}]
        pasted = said(path, [*replaced, *words])
        assert code == "another-count" or code not in re.findall(r"\w: ([\w-]+)\]", pasted), pasted
    assert last.startswith("FAIL" if code in ("unusable", "missing-cells", "restarts") else "LOOK")


@pytest.mark.parametrize("name", ["dominated", "mixed"])
def test_what_the_last_line_says_is_a_command(name, tmp_path):
    rows, options, _ = TABLES[name]
    path = tmp_path / "my runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    last = said(path, [*options, "--where", "loss < 20"]).splitlines()[-1]
    assert shlex.split(last.split("`")[1]) == [
        "bayeslaw", "fit", str(path), *options, "--where", "loss < 20", "--out", "fit.nc"
    ]  # fmt: skip
