"""``bayeslaw compare``: which of several laws the runs support."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, give, quick_imports
from bayeslaw.cli.options import (
    fields_of,
    find_laws,
    fitting_options,
    laws_options,
    plot_option,
    read_pooling,
    read_table,
    reading_options,
    unconverged_option,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError


@click.command()
@laws_options("Two laws or more, by name or file; `bayeslaw laws` lists them.")
@click.option(
    "--group-effect", metavar="COLUMN", help="Let runs of one group, such as a budget, err together, under every law."
)
@reading_options
@click.option(
    "--by-family/--not-by-family", default=True, show_default=True,
    help="Also leave each family out, which takes one more fit per family and law.",
)  # fmt: skip
@unconverged_option
@plot_option("the comparison")
@fitting_options()
@answers
def compare(
    table: str,
    names: str,
    priors: str | None,
    prior: Sequence[str],
    family: str | None,
    pool: Sequence[str],
    group_effect: str | None,
    by_family: bool,
    allow_unconverged: bool,
    picture: str | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Compare laws on the same runs.

    Compares their evidence, and how they predict runs that were left out. The verdict says which law the runs support,
    how strongly, and when they cannot tell.
    """
    path = planned(picture, (table, *names.split(",")))
    fields, laws = fields_of(rest), find_laws(names.split(","), priors, prior)
    if group_effect is not None:
        laws = [law.with_group_effect(group_effect) for law in laws]
    if len(laws) < 2:
        raise InputError(f"--laws {names}: give two or more to compare, such as --laws chinchilla,kaplan.")
    runs = read_table(table, **rest)
    pooling = read_pooling(pool)

    with quick_imports():
        from bayeslaw.ask.compare.compare import compare as ask
    found = ask(laws, runs, family, pooling, by_family=by_family, allow_unconverged=allow_unconverged, **fields)
    if path is not None:
        from bayeslaw.ask.plot.comparison import plot_comparison

        draw(path, plot_comparison(found))
    give(found.as_dict(), lambda: found, as_json)
