"""``bayeslaw import``: runs of a tracker or an evaluation as a table."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, check_writable, give, write_text
from bayeslaw.cli.options import read_table, reading_options
from bayeslaw.errors import FileError, listed
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

SUFFIX = ".csv"


@click.command("import")
@click.argument("source", metavar="SOURCE")
@click.option("--out", required=True, metavar="FILE.csv", help="The table to write.")
@click.option("--curve", is_flag=True, help="A row for each recorded outcome (default: the last of each run).")
@click.option("--join", metavar="RUNS", help="A table with the same runs, whose columns are added by their names.")
@reading_options
@answers
def import_(source: str, out: str, curve: bool, join: str | None, as_json: bool, **reading: Any) -> None:
    """Make a table of what a tracker recorded.

    SOURCE is a path after the word for what is there: mlflow:mlruns, wandb:wandb (a local folder, or an exported .csv
    of runs or of a chart), tensorboard:FOLDER, trainer:FOLDER (trainer_state.json of Hugging Face), lm-eval:FOLDER; or
    a table. It is read and never written.
    """
    path = check_writable(out, [str(runs_file(each)) for each in (source, join) if each is not None])
    if path.suffix.lower() != SUFFIX:
        raise FileError(f"{path}: the table is written as CSV; give --out a name that ends in {SUFFIX}.")
    runs = read_table(source, curve=curve, join=join, **reading)

    from bayeslaw.runs.tracking.written import as_csv

    write_text(path, as_csv(runs.data))
    own = {name: runs.wording.reading(name).own for name in runs.names}
    answer = {"out": str(path), "rows": len(runs), "columns": own}
    give(answer, lambda: _said(runs, str(path), own), as_json)


def _said(runs: Runs, out: str, own: dict[str, str]) -> str:
    from bayeslaw.runs.columns import STANDARD

    known = [name if own[name] == name else f"{name} (from {own[name]})" for name in own if name in STANDARD]
    others = [name for name in own if name not in STANDARD]
    columns = listed([*known, *others], max(len(known), 8))
    rows = f"{len(runs)} row{'s' * (len(runs) != 1)}"
    return f"{out}: {rows} with {columns}.\n`bayeslaw runs {shlex.quote(out)}` says what they can tell."
