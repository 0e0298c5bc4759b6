"""``bayeslaw update``: where a run in progress will end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fit_argument, laws_of, load_any
from bayeslaw.cli.options import (
    check_points,
    drift_options,
    level_option,
    points_option,
    read_drift,
    read_family,
    read_points,
    read_table,
    reading_options,
    whose_options,
)
from bayeslaw.errors import QuestionError
from bayeslaw.paths import runs_file


@click.command()
@fit_argument
@click.argument("run", metavar="RUN")
@points_option()
@click.option("--above", type=float, metavar="LOSS", help="Also the chance that it ends with a loss above this.")
@click.option("--below", type=float, metavar="SCORE", help="Also the chance that it ends with a score below this.")
@whose_options
@level_option
@drift_options
@reading_options
@answers
def update(
    fit: str,
    run: str,
    at: Sequence[str],
    above: float | None,
    below: float | None,
    family: str | None,
    levels: tuple[float, ...],
    allow_unconverged: bool,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Find where a run in progress will end.

    RUN is a table with a row for each checkpoint so far. The end is at --at, or the last row, with its outcome left
    empty. Nothing is fitted again.
    """
    if above is not None and below is not None:
        raise QuestionError("--above and --below: an end is held to one limit; give one of them.")
    end = read_points(at) or None
    runs_file(run)
    if end is not None:
        check_points(laws_of([fit]), end)
    drifting = read_drift(drift, no_drift)
    table, posterior = read_table(run, **reading), load_any(fit)
    whose = read_family(family, posterior)

    from bayeslaw.decisions.progress.update import update as ask

    found = ask(
        posterior, table, end, above=above, below=below, family=whose, level=levels, drift=drifting,
        allow_unconverged=allow_unconverged,
    )  # fmt: skip
    give(found.as_dict(), lambda: found, as_json)
