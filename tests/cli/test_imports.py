"""Each command imports what it needs and no more: help and refusals nothing slow, questions of a saved fit no JAX."""

import subprocess
import sys
from pathlib import Path

import pytest

import bayeslaw
from bayeslaw.cli import commands

# Of the command line in a fresh process, all modules that were there in the end.
CODE = """
import sys
from bayeslaw.cli import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""
SLOW = {
    "arviz_base", "arviz_stats", "distributed", "h5netcdf", "h5py", "jax", "jaxlib", "matplotlib", "numpy", "numpyro",
    "mlflow", "pandas", "polars", "pyarrow", "pymc", "pytensor", "scipy", "sqlite3", "sympy", "tensorboard", "tqdm",
    "wandb", "xarray",
}  # fmt: skip
NOTHING: set[str] = set()
LAWS = {"numpy"}
TABLES = {"pyarrow"}  # of runs
LAW_OF_A_FIT = LAWS | {"h5py"}
QUESTIONS = LAW_OF_A_FIT | {"scipy"}

SAVED = Path(__file__).parents[1] / "saved"
FIT, POOLED, FAMILIES = (str(SAVED / f"{name}.nc") for name in ("coupled", "pooled", "chinchilla"))
PLAN = str(Path(__file__).parents[1] / "decisions" / "plan.toml")
RUNS = str(Path(bayeslaw.__file__).parent / "data" / "gadre_overtraining.csv")
POINT = ("--at", "N=7e9,D=1e12")

ANSWERED = {
    ("--help",): NOTHING,
    ("fit", "--help"): NOTHING,
    ("cache",): NOTHING,
    ("laws",): LAWS,
    ("show", "chinchilla"): LAWS,
    ("prior", RUNS, "--law", "chinchilla", "--where", "fit_role == 'loss_fit'"): LAWS | TABLES,
    ("runs", RUNS, "--law", "chinchilla"): LAWS | TABLES,
    ("import", RUNS, "--out", "runs.csv"): LAWS | TABLES,
    ("forecast", FIT, *POINT): QUESTIONS,
    ("forecast", FIT, POOLED, *POINT): QUESTIONS,
    ("forecast", "coupled:busbridge2025distillation", *POINT): LAWS | {"scipy"},
    ("risk", FIT, *POINT, "--above", "2.5"): QUESTIONS,
    ("summary", FIT): QUESTIONS,
    ("threshold", FIT, "--crosses", "2.5", "--along", "N", "--at", "D=1e12"): QUESTIONS,
    ("optimum", FIT, "--budget", "C=1e23"): QUESTIONS,
    ("decide", "--example"): NOTHING,
    ("decide", FIT, "--plan", PLAN): QUESTIONS,
    ("report", FIT, *POINT, "--above", "2.5"): QUESTIONS,
    ("multiplier", FAMILIES, "--families", "c4_original,rpj"): QUESTIONS,
    ("effective-size", FIT, RUNS): QUESTIONS | TABLES,
    ("next-runs", FIT, *POINT, "--grid", "N=1e9:2e9:2", "--grid", "D=2e10"): QUESTIONS,
    ("update", FIT, RUNS, "--where", "n_params > 6e9 and family == 'rpj'", *POINT): QUESTIONS | TABLES,
    ("plot", FIT, "--out", "fit.png"): QUESTIONS | {"matplotlib"},
}
REFUSED = {
    ("forecats",): NOTHING,
    ("fit", RUNS, "--law", "chinchilla", "--draws", "3"): NOTHING,
    ("fit", "nowhere.csv", "--law", "chinchilla"): NOTHING,
    ("fit", "mlflow:nowhere"): NOTHING,
    ("import", "neptune:nowhere", "--out", "runs.csv"): NOTHING,
    ("import", RUNS, "--out", "runs.xlsx"): NOTHING,
    ("fit", RUNS, "--law", "nowhere.toml"): NOTHING,
    ("fit", RUNS, "--law", "chinchila"): LAWS,
    ("summary", "nowhere.nc"): NOTHING,
    ("threshold", "nowhere.nc", "--crosses", "2.5", "--at", "N=1e9"): NOTHING,
    ("threshold", FIT, "--crosses", "2.5", "--at", "N"): NOTHING,
    ("threshold", FIT, "--crosses", "2.5", "--at", "T=1e9"): LAW_OF_A_FIT,
    ("effective-size", FIT, RUNS, "--at", "T=1e9"): LAW_OF_A_FIT,
    ("optimum", FIT, "--budget", "T=1e23"): LAW_OF_A_FIT,
    ("decide", "nowhere.nc", "--plan", "plan.toml"): NOTHING,
    ("decide", FIT): NOTHING,
    ("report", FIT): NOTHING,
    ("report", FIT, *POINT, "--out", "report.png"): NOTHING,
    ("report", FIT, "--at", "N=7e9"): LAW_OF_A_FIT,
    ("decide", FIT, "--plan", "nowhere.toml"): LAWS,
    ("multiplier", FIT, "--families", "rpj"): NOTHING,
    ("multiplier", FIT, "--families", "rpj,c4_original", "--at", "N"): NOTHING,
    ("multiplier", "nowhere.nc", "--families", "rpj,c4_original"): NOTHING,
    ("next-runs", FIT, *POINT): NOTHING,
    ("next-runs", FIT, *POINT, "--grid", "N=2e9:1e9:2"): NOTHING,
    ("next-runs", FIT, "--at", "N=7e9", "--grid", "N=1e9:2e9:2"): LAW_OF_A_FIT,
    ("update", FIT, "nowhere.csv", *POINT): NOTHING,
    ("forecast", FIT, "--at", "N=7e9"): LAW_OF_A_FIT,
    ("forecast", "chinchilla", "--at", "N=7e9"): LAWS,
}
# Those that fit, sample or differentiate.
WITH_JAX = {"backtest", "check", "compare", "demo", "drift", "evidence", "fit", "frontier", "predict", "warm"}


def _shown(command: tuple[str, ...]) -> str:
    return " ".join(word.rpartition("/")[2] for word in command)


@pytest.mark.parametrize(("command", "needed"), (ANSWERED | REFUSED).items(), ids=map(_shown, ANSWERED | REFUSED))
def test_a_command_imports_what_it_needs(command, needed, tmp_path):
    done = subprocess.run([sys.executable, "-c", CODE, *command], capture_output=True, text=True, cwd=tmp_path)  # noqa: S603
    *said, modules = done.stderr.splitlines()
    assert done.returncode == (0 if command in ANSWERED else 2), said
    assert SLOW & set(modules.split()) == needed


def test_every_question_is_among_them():
    assert {command[0] for command in ANSWERED} - {"--help", "fit"} == set(commands.commands) - WITH_JAX
