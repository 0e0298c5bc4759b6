"""``bayeslaw optimum``: the best split of a budget, or the best of any inputs, from a saved fit."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bayeslaw.cli.answer import answers, assignments, check_picture, give, say, write_picture
from bayeslaw.cli.questions import (
    answer_options,
    drift_options,
    fits_options,
    load_fits,
    read_drift,
    read_family,
    read_number,
)
from bayeslaw.errors import InputError


@click.command()
@fits_options
@click.option("--budget", multiple=True, metavar="C=5.76e23", help="The budget; constants of its cost may follow.")
@click.option("--at", multiple=True, metavar="U=2.5e10,...", help="Inputs that are fixed.")
@click.option("--cost", metavar="FORMULA", help='What the budget bounds: "6*N*D + 2*N*T"; 6*N*D unless given.')
@click.option("--over", metavar="N,D", help="Inputs that are traded; all that are not fixed unless given.")
@click.option(
    "--option", "menu", multiple=True, metavar="N=7e10,...", help="One choice; repeat for a menu of your own."
)
@click.option("--minimise", metavar="NAME", help="The law's outcome, which may go unsaid.")
@answer_options("what is given up off the optimum")
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
    minimise: str | None,
    family: str | None,
    level: float,
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Find the best split of a budget, and what it costs to miss it.

    Without a budget, the best of the inputs that --at does not fix: a learning rate, a teacher.
    """
    if not budget and not at:
        raise InputError("say what is given: --budget C=1e21 to split a budget, --at NAME=VALUE for fixed inputs.")
    subject_to = _numbers([*budget, *at], "--budget" if budget else "--at")
    options = [_numbers([one], "--option") for one in menu] or None
    traded = None if over is None else [name.strip() for name in over.split(",")]
    path = None if picture is None else check_picture(picture, "--plot", fits)
    posterior = load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.ask.optimum.optimum import optimum as ask

    found = ask(
        posterior, minimise, subject_to, traded, cost=cost, menu=options, family=whose, level=level,
        drift=read_drift(drift, no_drift), allow_unconverged=allow_unconverged,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.ask.plot.optimum import plot_optimum

        write_picture(path, plot_optimum(found))
        say(f"drawn in {path}")
    give(found.as_dict(), lambda: found, as_json)


def _numbers(given: Sequence[str], option: str) -> dict[str, float]:
    """Read ``NAME=VALUE,...`` texts as numbers by name."""
    words = assignments([part for text in given for part in text.split(",")], option, "C=1e21")
    return {name: read_number(word, name, f"{option} {name}={word}") for name, word in words.items()}
