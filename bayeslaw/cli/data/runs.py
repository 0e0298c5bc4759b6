"""``bayeslaw runs``: a table of runs, checked before a fit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.options import family_column_option, find_law, read_table, reading_options
from bayeslaw.paths import runs_file


@click.command()
@click.argument("table", metavar="RUNS")
@click.option(
    "--law", metavar="NAME|FILE", help="The law whose columns are checked (default: the columns that most laws read)."
)
@family_column_option
@reading_options
@answers
def runs(table: str, law: str | None, family: str | None, as_json: bool, **reading: Any) -> None:
    """Show what a table of runs can tell.

    Shows its ranges, its families, and what cannot be learned from it.

    RUNS is a table: .csv, .tsv, .json, .jsonl, .parquet or .xlsx. Columns go by their standard names
    (n_params, n_tokens, loss, family) or usual other ones (N, params, tokens, val_loss); --columns names any other.
    """
    runs_file(table)
    chosen = None if law is None else find_law(law)
    found = read_table(table, **reading).summary(chosen, family)
    found = replace(found, command=f"`{_to_fit(table, law, family, **reading)}`")
    give(found.as_dict(), lambda: found, as_json)


def _to_fit(
    table: str, law: str | None, family: str | None, columns: Sequence[str], units: Sequence[str], where: str | None
) -> str:
    """The command that fits what was shown, to be typed as it is."""
    options = [(option, each) for option, each in (("--law", law), ("--family", family)) if each]
    options += [("--columns", each) for each in columns] + [("--units", each) for each in units]
    options += [("--where", each) for each in [where] if each]
    said = [f"{option} {shlex.quote(value)}" for option, value in options]
    return " ".join(["bayeslaw", "fit", shlex.quote(table), *said, "--out", "fit.nc"])
