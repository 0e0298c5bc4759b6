"""``bayeslaw warm``: laws compiled ahead of their first fit."""

from __future__ import annotations

import time

import click

from bayeslaw.cli.answer import answers, give, say
from bayeslaw.cli.options import find_law

# As few as a program advances at once; any number of them takes the same programs.
DRAWS = 50


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--runs", "rows", type=click.IntRange(4), default=40, show_default=True, help="About how many runs a table has."
)
@click.option("--families", type=click.IntRange(1), help="How many model families it has (default: one).")
@answers
def warm(names: tuple[str, ...], rows: int, families: int | None, as_json: bool) -> None:
    """Compile laws ahead of their first fit.

    For an image, a cluster or a demonstration: fits a simulated table of each law, so that the first fit of a real one
    finds its programs. One program serves tables of about the same number of runs, and of the same number of families.
    """
    laws = [find_law(name) for name in names]

    from bayeslaw.cli.sampling import sample
    from bayeslaw.inference.base.cache_folder import private_folder
    from bayeslaw.validation.calibration.simulation import simulated_plan

    if private_folder() is None:
        say("No programs are kept: BAYESLAW_CACHE is off, or its folder cannot be made.")
    seconds = {}
    for law in laws:
        started = time.perf_counter()
        sample(simulated_plan(law, rows, families), draws=DRAWS, patience=False)
        seconds[law.name] = round(time.perf_counter() - started, 3)
        say(f"{law.name}: compiled in {seconds[law.name]:.1f} s.")
    give({"seconds": seconds}, lambda: "First fits of such tables start at once.", as_json)
