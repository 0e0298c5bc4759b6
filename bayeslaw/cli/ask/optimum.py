"""``bayeslaw optimum``: the best split of a budget, or the best of any inputs, from a saved fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from bayeslaw.cli.answer import answers, assignments, give
from bayeslaw.cli.fits import fits_options, laws_of, load_fits
from bayeslaw.cli.options import (
    drift_options,
    level_option,
    plot_option,
    read_drift,
    read_family,
    read_number,
    whose_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.language.law import Law


@click.command()
@fits_options
@click.option(
    "--budget",
    multiple=True,
    metavar="C=5.76e23",
    help="The budget. Constants of its cost may follow, as in C=1e22,T=1e12.",
)
@click.option("--at", multiple=True, metavar="U=2.5e10,...", help="Inputs that are held fixed.")
@click.option("--cost", metavar="FORMULA", help='What the budget bounds, such as "6*N*D + 2*N*T" (default: 6*N*D).')
@click.option("--over", metavar="N,D", help="Inputs that are traded (default: all that are not fixed).")
@click.option(
    "--menu", multiple=True, metavar="N=7e10,...",
    help="One option of a menu of your own. Repeat it for each option (default: multiples from 1/4 to 4 of the best).",
)  # fmt: skip
@whose_options
@level_option
@plot_option("the cost of missing the optimum")
@drift_options
@answers
def optimum(
    fits: Sequence[str],
    weights: str | None,
    budget: Sequence[str],
    at: Sequence[str],
    cost: str | None,
    over: str | None,
    menu: Sequence[str],
    family: str | None,
    levels: tuple[float, ...],
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Find the best split of a budget.

    The cost of missing it is shown too. Without a budget, the best of the inputs that --at does not fix is found, such
    as a learning rate.
    """
    if not budget and not at:
        raise InputError("say what is given: --budget C=1e21 to split a budget, --at NAME=VALUE for fixed inputs.")
    spent, held = _numbers(budget, "--budget"), _numbers(at, "--at")
    options = [_numbers([one], "--menu") for one in menu] or None
    traded = None if over is None else [name.strip() for name in over.split(",")]
    path = planned(picture, fits)
    _check_budget(laws_of(fits), spent, held, traded, cost)
    posterior = load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.ask.optimum.optimum import optimum as ask

    found = ask(
        posterior, spent, held, traded, cost=cost, menu=options, family=whose, level=levels,
        drift=read_drift(drift, no_drift), allow_unconverged=allow_unconverged,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.ask.plot.optimum import plot_optimum

        draw(path, plot_optimum(found))
    give(found.as_dict(), lambda: found, as_json)


def _check_budget(
    laws: Sequence[Law], spent: Mapping[str, float], held: Mapping[str, float], over: Sequence[str] | None,
    cost: str | None,
) -> None:  # fmt: skip
    """Refuse a budget that some laws cannot split, before the fits are loaded.

    Raises
    ------
    QuestionError, LawError
        When a name is unknown, nothing is left to trade, or the budget is out of reach.
    """
    from bayeslaw.ask.optimum.trade import all_given, make_trade

    given = all_given(spent, held)
    for law in laws:
        _ = make_trade(law, given, over, cost).box


def _numbers(given: Sequence[str], option: str) -> dict[str, float]:
    """Read ``NAME=VALUE,...`` texts as numbers by name."""
    words = assignments([part for text in given for part in text.split(",")], option, "C=1e21")
    return {name: read_number(word, name, f"{option} {name}={word}") for name, word in words.items()}
