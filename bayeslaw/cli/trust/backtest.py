"""``bayeslaw backtest``: how often intervals held what happened, on a user's own runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, give, quick_imports
from bayeslaw.cli.fits import WEIGHTS
from bayeslaw.cli.options import (
    AUTO,
    drift_options,
    fields_of,
    find_laws,
    fitting_options,
    laws_options,
    origins_option,
    plot_option,
    read_drift,
    read_origins,
    read_pooling,
    read_table,
    reading_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError


@click.command()
@laws_options(
    "One law or more, by name or file; `bayeslaw laws` lists them. auto tests what `bayeslaw fit` would fit.",
    default=AUTO,
)
@click.option(
    "--of", type=click.Choice(["outcome", "score", "optimum"]), default="outcome", show_default=True,
    help="What is asked of hidden runs: their outcome, a score whose loss is hidden too, or the best size at each of "
         "their compute budgets.",
)  # fmt: skip
@click.option(
    "--through",
    metavar="LAWS",
    help="Laws of the loss that a law of scores reads, averaged (default with --of score: those that suit the table).",
)
@click.option("--along", metavar="COLUMN", help="Hide the runs farthest along this column (default: flops).")
@origins_option
@click.option("--hide", metavar="CONDITION", help='Hide these runs instead, such as "flops > 1e20".')
@click.option("--weights", metavar=WEIGHTS, default="equal", show_default=True, help="How several laws are averaged.")
@drift_options
@click.option(
    "--rivals/--no-rivals", default=True, show_default=True,
    help="Also score the usual fits by Huber loss, with a bootstrap, on the same runs.",
)  # fmt: skip
@reading_options
@fitting_options()
@plot_option("coverage and calibration")
@answers
def backtest(
    table: str,
    names: str,
    priors: str | None,
    prior: Sequence[str],
    family: str | None,
    pool: Sequence[str],
    of: str,
    through: str | None,
    along: str | None,
    origins: str | None,
    hide: str | None,
    weights: str,
    drift: str | None,
    no_drift: bool,
    rivals: bool,
    picture: str | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Test forecasts on runs that you have.

    Hides the most expensive runs, forecasts them from the others, and counts how often intervals hold what happened.
    Every law is compared with common practice: the same law fitted by Huber loss, with a bootstrap.

    With --of score the loss of the hidden runs is hidden as well: laws that read a score off a loss get the forecast of
    one, and laws of scale forecast the score directly.

    With --of optimum it asks for the best size at each hidden compute budget (an isoFLOP design), compares it with
    where the budget's own runs have it, and says what the stated size would have given up.
    """
    if of == "optimum":
        _only_of_outcomes(
            along=along, hide=hide, weights=weights != "equal", drift=drift, plot=picture, through=through
        )
    if hide is not None and (along is not None or origins is not None):
        raise InputError(f"--hide {hide!r} says which runs are hidden; leave out --along and --origins.")
    path = planned(picture, (table, *names.split(",")))
    fields, drifting = fields_of(rest), read_drift(drift, no_drift)
    # Laws that are named are looked for before the table is read, which may be large.
    laws = [] if names == AUTO else find_laws(names.split(","), priors, prior)
    runs = read_table(table, **rest)
    if not laws:
        from bayeslaw.ask.auto.choice import choose, score_of

        chosen = choose(runs, score_of(runs) if of == "score" else None)
        laws = find_laws(chosen.laws, priors or chosen.priors, prior)
    pooling = read_pooling(pool)
    if of == "optimum":
        with quick_imports():
            from bayeslaw.validation.backtest.best_sizes import backtest_optimum
        places = backtest_optimum(
            laws, runs, family, pooling, origins=read_origins(origins), drift=not no_drift, **fields
        )
        give(places.as_dict(), lambda: places, as_json)
        return

    with quick_imports():
        from bayeslaw.validation.backtest.backtest import backtest as ask
        from bayeslaw.validation.backtest.origins import COMPUTE
    if of == "score" and through is None and any(one.column == "loss" for law in laws for one in law.inputs.values()):
        through = AUTO
    found = ask(
        laws, runs, family, pooling, along=along or COMPUTE, origins=read_origins(origins), hide=hide,
        through=through if through in (None, AUTO) else through.split(","), weights=weights, drift=drifting,
        rivals=rivals, **fields,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.validation.backtest.plot import plot_backtest

        draw(path, plot_backtest(found))
    give(found.as_dict(), lambda: found, as_json)


def _only_of_outcomes(**given: Any) -> None:
    """Refuse options that say how outcomes are forecast."""
    for name, value in given.items():
        if value:
            raise InputError(
                f"--{name} is about forecasts of the outcome; leave it out where the best size is asked for "
                "(--of optimum)."
            )
