"""``bayeslaw runs``: a table of runs looked over before a fit; and the options by which tables are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, assignments, give
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.language.law import Law
    from bayeslaw.runs.table import Runs


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options of :func:`read_table`."""
    where = click.option("--where", metavar="EXPR", help='Use these rows only: "fit == 1 and n_params >= 1e8".')
    columns = click.option(
        "--columns", multiple=True, metavar="NAME=COLUMN", help="The file's own name of a column: n_params=N_million."
    )
    units = click.option(
        "--units",
        multiple=True,
        metavar="NAME=FACTOR",
        help="What a column is multiplied by: n_params=1e9, or =billion.",
    )
    return where(columns(units(command)))


def read_table(path: str, columns: Sequence[str] = (), units: Sequence[str] = (), where: str | None = None) -> Runs:
    """Read runs as the options say."""
    from bayeslaw.runs.table import read_runs

    named = assignments(columns, "--columns", "n_params=N_million")
    runs = read_runs(path, columns=named, units=assignments(units, "--units", "n_params=1e9"))
    return runs if where is None else runs.where(where)


def read_optional_table(path: str | None, option: str, **reading: Any) -> Runs | None:
    """Read the runs of an option, where it is given.

    Raises
    ------
    InputError
        When it is not, but options that read it are.
    """
    if path is not None:
        return read_table(path, **reading)
    if any(reading.values()):
        raise InputError(f"--where, --columns and --units read {option} FILE, which is not given.")
    return None


def find_law(name: str, priors: str | None = None) -> Law:
    """Return a law of the catalogue by name, or one of the user's own by its file; with its own priors or others."""
    from bayeslaw.language import catalogue
    from bayeslaw.language.catalogue import read_law
    from bayeslaw.language.public_priors import with_priors

    is_file = name.endswith(".toml") or Path(name).name != name or Path(name).is_file()
    return with_priors(read_law(name) if is_file else catalogue.law(name), priors)


def laws_options(which: str, several: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command with a table of runs, or several, laws to fit to it, and how its families are pooled."""
    table = click.argument("table", metavar="RUNS")
    if several:
        table = click.argument("tables", metavar="RUNS [RUNS2 ...]", nargs=-1, required=True)
    laws = click.option("--laws", "names", required=True, metavar="NAME|FILE,...", help=which)
    family = click.option("--family", metavar="COLUMN", help="The column of the model families.")
    pool = click.option(
        "--pool", multiple=True, metavar="P=KIND", help="How groups share a parameter, in the laws that have it."
    )
    return lambda command: table(laws(priors_option(family(pool(command)))))


priors_option = click.option(
    "--priors", metavar="field", help="Priors learned from public sweeps; the weak ones of the law's file unless given."
)


def read_pooling(given: Sequence[str]) -> dict[str, str]:
    """Read how parameters are pooled, by parameter."""
    return assignments(given, "--pool", "alpha=partial:family")


def find_laws(names: str, priors: str | None = None) -> list[Law]:
    """Return several laws, named with commas between them."""
    return [find_law(name.strip(), priors) for name in names.split(",") if name.strip()]


@click.command()
@click.argument("table", metavar="RUNS")
@click.option("--law", metavar="NAME|FILE", help="Look at the columns of this law.")
@click.option("--family", metavar="COLUMN", help="The column of the model families.")
@reading_options
@answers
def runs(table: str, law: str | None, family: str | None, as_json: bool, **reading: Any) -> None:
    """Look a table of runs over: ranges, families, and what it cannot tell.

    RUNS is a .csv, .tsv, .jsonl or .parquet file. Columns go by their standard names (n_params, n_tokens, loss,
    family) or usual other ones (N, params, tokens, val_loss); --columns names any other.
    """
    chosen = None if law is None else find_law(law)
    found = read_table(table, **reading).summary(chosen, family)
    give(found.as_dict(), lambda: found, as_json)
