"""``bayeslaw decide``: which of several runs to buy, by a plan."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import check_there, fits_options, load_fits
from bayeslaw.cli.options import drift_options, level_option, plot_option, read_drift, unconverged_option
from bayeslaw.cli.pictures import draw, planned


def _print_example(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the plan, and leave before anything else is asked for."""
    if wanted:
        from bayeslaw.decisions.choice.example import EXAMPLE

        click.echo(EXAMPLE, nl=False)
        context.exit()


@click.command()
@fits_options
@click.option("--plan", "file", required=True, metavar="PLAN.toml", help="What is at stake; see --example.")
@click.option(
    "--example", is_flag=True, is_eager=True, expose_value=False, callback=_print_example,
    help="Print a plan that runs, and leave.",
)  # fmt: skip
@level_option
@plot_option("the chance against budget and the utility of each option")
@unconverged_option
@drift_options
@answers
def decide(
    fits: Sequence[str],
    weights: str | None,
    file: str,
    levels: tuple[float, ...],
    picture: str | None,
    allow_unconverged: bool,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Decide which of several runs to buy.

    By the chance of a target, what runs cost and what their outcome is worth; --example prints a plan to change.
    """
    path = planned(picture, (*fits, file))
    check_there(fits)

    from bayeslaw.decisions.choice.plan import read_plan

    plan = read_plan(file)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)

    from bayeslaw.decisions.choice.decide import decide as ask

    found = ask(posterior, plan, level=levels, drift=drifting, allow_unconverged=allow_unconverged)
    if path is not None:
        from bayeslaw.decisions.plot.decision import plot_decision

        draw(path, plot_decision(found))
    give(found.as_dict(), lambda: found, as_json)
