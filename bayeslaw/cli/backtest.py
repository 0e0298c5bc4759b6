"""``bayeslaw backtest``: how often intervals would have held what happened, on a user's own runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, check_picture, give, quick_imports, say, write_picture
from bayeslaw.cli.fitting import FEWEST_DRAWS, executor_option, shards_option
from bayeslaw.cli.questions import drift_options, read_drift, read_number
from bayeslaw.cli.tables import find_laws, laws_options, read_pooling, read_table, reading_options
from bayeslaw.errors import InputError


@click.command()
@laws_options("One or more of `bayeslaw laws`.")
@click.option("--along", metavar="COLUMN", help="Hide the far runs along this column; flops unless given.")
@click.option("--origins", metavar="SHARE,...", help="Shares of the runs that are seen; 0.4,0.5,0.65,0.8 unless given.")
@click.option("--hide", metavar="CONDITION", help='Hide these runs instead, such as "flops > 1e20".')
@click.option("--weights", metavar="equal|evidence|stacking|forward", default="equal", help="Of the average of laws.")
@drift_options
@click.option("--rivals/--no-rivals", default=True, help="Hold Huber fits with a bootstrap against the same runs.")
@reading_options
@click.option("--draws", type=click.IntRange(FEWEST_DRAWS), help="Draws a chain.")
@shards_option
@executor_option
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the sampler.")
@click.option("--plot", "picture", metavar="FILE.png", help="Draw coverage and calibration too.")
@answers
def backtest(
    table: str,
    names: str,
    priors: str | None,
    family: str | None,
    pool: Sequence[str],
    along: str | None,
    origins: str | None,
    hide: str | None,
    weights: str,
    drift: str | None,
    no_drift: bool,
    rivals: bool,
    draws: int | None,
    shards: str | None,
    executor: str | None,
    seed: int,
    picture: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Hide the dearest runs, forecast them from the others, and count how often intervals hold what happened.

    Beside every law stands what is done today: the law fitted by Huber loss, with a bootstrap.
    """
    if hide is not None and (along is not None or origins is not None):
        raise InputError(f"--hide {hide!r} says which runs are hidden; leave out --along and --origins.")
    path = None if picture is None else check_picture(picture, "--plot", (table, *names.split(",")))
    drifting, laws = read_drift(drift, no_drift), find_laws(names, priors)
    runs = read_table(table, **reading)
    pooling = read_pooling(pool)

    with quick_imports():
        from bayeslaw.validation.backtest.backtest import backtest as ask
        from bayeslaw.validation.backtest.origins import COMPUTE, SEEN
    seen = SEEN if origins is None else [read_number(word, "origins", "--origins") for word in origins.split(",")]
    found = ask(
        laws, runs, family, pooling, along=along or COMPUTE, origins=seen, hide=hide, weights=weights, drift=drifting,
        rivals=rivals, draws=draws, seed=seed, shards=shards, executor=executor, told=say,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.validation.backtest.plot import plot_backtest

        write_picture(path, plot_backtest(found))
        say(f"drawn in {path}")
    give(found.as_dict(), lambda: found, as_json)
