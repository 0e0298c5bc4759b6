"""``bayeslaw report``: one page about a planned run, to decide from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bayeslaw.cli.answer import answers, check_writable, give, quick_imports
from bayeslaw.cli.fits import check_there, fits_options, laws_of, load_fits
from bayeslaw.cli.options import (
    check_points,
    drift_options,
    level_option,
    points_option,
    read_drift,
    read_family,
    read_optional_table,
    read_points,
    reading_options,
    whose_options,
)
from bayeslaw.errors import FileError, InputError

ENDINGS = (".html", ".htm")


@click.command()
@fits_options
@points_option()
@click.option("--above", type=float, metavar="LOSS", help="The target is a loss of at most this.")
@click.option("--below", type=float, metavar="SCORE", help="The target is a score of at least this.")
@click.option("--plan", "file", metavar="PLAN.toml", help="Runs to choose from; see `bayeslaw decide --example`.")
@click.option("--runs", "table", metavar="FILE", help="Runs that were held out, with their outcomes.")
@click.option(
    "--backtest", "tested", metavar="FILE.json",
    help="A back-test, as `bayeslaw backtest --json` prints it and `bayeslaw predict` keeps it.",
)  # fmt: skip
@click.option("--out", default="report.html", show_default=True, metavar="FILE.html", help="Where to write the page.")
@reading_options
@whose_options
@level_option
@drift_options
@answers
def report(
    fits: Sequence[str],
    weights: str | None,
    at: Sequence[str],
    above: float | None,
    below: float | None,
    file: str | None,
    table: str | None,
    tested: str | None,
    out: str,
    family: str | None,
    levels: tuple[float, ...],
    allow_unconverged: bool,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Write a page to decide a run from.

    The verdict in one paragraph, what it rests on as pass, look or fail, pictures, options and what speaks against it,
    in one file of HTML that needs no network.
    """
    path = _planned(out, [*fits, *filter(None, (file, table, tested))])
    if not at and file is None:
        raise InputError("say what the report is about: --at POINT, or --plan PLAN.toml.")
    if len(at) > 1:
        raise InputError("a report is about one run; give one --at, and others as options of --plan PLAN.toml.")
    points = read_points(at) if at else {}
    check_there(fits)
    if points:
        check_points(laws_of(fits), points)

    from bayeslaw.decisions.choice.plan import read_plan

    plan = None if file is None else read_plan(file)
    runs, drifting = read_optional_table(table, "--runs", **reading), read_drift(drift, no_drift)
    posterior = load_fits(fits, weights)
    with quick_imports():
        from bayeslaw.reporting.report import report as ask
    found = ask(
        posterior, {name: values[0] for name, values in points.items()} or None, above=above, below=below, plan=plan,
        runs=runs, backtest=tested, family=read_family(family, posterior), level=levels, drift=drifting,
        allow_unconverged=allow_unconverged, out=path,
    )  # fmt: skip
    give({**found.as_dict(), "out": str(path)}, lambda: f"{found}\n\nThe report is in {path}.", as_json)


def _planned(out: str, sources: Sequence[str]) -> Path:
    """Find out before the work whether the page can be written."""
    if Path(out).suffix.lower() not in ENDINGS:
        raise FileError(f"--out {out}: a report is a page of HTML; end its name with .html.")
    return check_writable(out, sources)
