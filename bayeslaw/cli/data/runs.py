"""``bayeslaw runs``: a table of runs, checked before a fit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.options import along_option, family_column_option, find_law, read_table, reading_options
from bayeslaw.errors import InputError, RunsError
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.runs.summary import RunsSummary
    from bayeslaw.runs.table import Runs


@click.command()
@click.argument("table", metavar="RUNS")
@click.option(
    "--law", metavar="NAME|FILE", help="The law whose columns are checked (default: what `bayeslaw fit` would choose)."
)
@along_option
@family_column_option
@reading_options
@answers
def runs(table: str, law: str | None, along: str | None, family: str | None, as_json: bool, **reading: Any) -> None:
    """Show what a table of runs can tell.

    Shows its ranges, its families, and what cannot be learned from it.

    RUNS is a table: .csv, .tsv, .json, .jsonl, .parquet or .xlsx. Columns go by their standard names
    (n_params, n_tokens, loss, family) or usual other ones (N, params, tokens, val_loss); --columns names any other.
    """
    if along is not None and law is None:
        raise InputError(f"--along {along}: which law is to run along it? Name it, as --law power_law.")
    runs_file(table)
    named = None if law is None else find_law(law, along=along)
    every = read_table(table, **reading)
    found = _checked_for_all(every, family) if named is None else every.summary(named, family)
    found = replace(found, command=f"`{_to_fit(table, law, along, family, **reading)}`")
    give(found.as_dict(), lambda: found, as_json)


def _checked_for_all(every: Runs, family: str | None) -> RunsSummary:
    """A table checked for the laws that a fit would choose, which the most demanding of them stands for."""
    from bayeslaw.ask.auto.choice import choose
    from bayeslaw.language import catalogue
    from bayeslaw.runs.summary import unusable

    try:
        laws = [catalogue.law(name) for name in choose(every).laws]
    except RunsError as fault:
        found = every.summary(None, family)
        return replace(found, notes=(unusable(fault), *found.notes))
    return every.summary(max(laws, key=lambda law: len(law.free_parameters)), family)


def _to_fit(
    table: str, law: str | None, along: str | None, family: str | None, columns: Sequence[str], units: Sequence[str],
    where: str | None,
) -> str:  # fmt: skip
    """The command that fits what was shown, to be typed as it is."""
    options = [(option, each) for option, each in (("--law", law), ("--along", along), ("--family", family)) if each]
    options += [("--columns", each) for each in columns] + [("--units", each) for each in units]
    options += [("--where", each) for each in [where] if each]
    said = [f"{option} {shlex.quote(value)}" for option, value in options]
    return " ".join(["bayeslaw", "fit", shlex.quote(table), *said, "--out", "fit.nc"])
