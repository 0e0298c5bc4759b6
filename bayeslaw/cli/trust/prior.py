"""``bayeslaw prior``: what a law expects of runs before it sees an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.options import (
    along_option,
    family_column_option,
    find_law,
    level_option,
    plot_option,
    priors_options,
    read_pooling,
    read_table,
    reading_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.paths import runs_file


@click.command()
@click.argument("table", metavar="RUNS")
@click.option("--law", "name", required=True, metavar="NAME|FILE", help="The law; `bayeslaw laws` lists them.")
@along_option
@priors_options
@family_column_option
@click.option("--pool", multiple=True, metavar="P=KIND", help="How groups share a parameter. May be repeated.")
@level_option
@reading_options
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Seed of the draws.")
@plot_option("the runs beside the priors")
@answers
def prior(
    table: str,
    name: str,
    along: str | None,
    priors: str | None,
    prior: Sequence[str],
    family: str | None,
    pool: Sequence[str],
    levels: Sequence[float],
    seed: int,
    picture: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Show what priors expect of runs.

    Nothing is fitted: outcomes are drawn from the priors of the law, for the runs of the table, and compared with the
    observed ones. A table of planned runs, without outcomes, will do.
    """
    path = planned(picture, (table,))
    runs_file(table)
    law = find_law(name, priors, prior, along)
    runs = read_table(table, **reading)

    from bayeslaw.ask.forecast.prior import prior_predictive

    found = prior_predictive(law, runs, family, read_pooling(pool), level=levels, seed=seed)
    if path is not None:
        from bayeslaw.ask.plot.prior import plot_prior

        draw(path, plot_prior(found))
    give(found.as_dict(), lambda: found, as_json)
