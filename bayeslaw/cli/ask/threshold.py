"""``bayeslaw threshold``: the scale at which an outcome crosses a value."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import check_there, fits_options, laws_of, load_fits, load_one
from bayeslaw.cli.options import (
    drift_options,
    level_option,
    plot_option,
    read_drift,
    read_family,
    read_held,
    whose_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.ask.threshold.threshold import Crosses


@click.command()
@fits_options
@click.option("--crosses", required=True, metavar="VALUE|steepest",
              help="The outcome (a share of trials for counts); or steepest: where it changes fastest.")  # fmt: skip
@click.option("--through", metavar="TASK.nc",
              help="A fit of a score by this outcome, such as the loss; --crosses is then of the score.")  # fmt: skip
@click.option(
    "--along", metavar="INPUT", help="The scale: compute, or an input of the law by name or column (default: compute)."
)
@click.option("--at", metavar="N=7e10,...", help="The other inputs (default: the middle of the fitted runs).")
@whose_options
@level_option
@plot_option("the threshold")
@drift_options
@answers
def threshold(
    fits: Sequence[str],
    weights: str | None,
    crosses: str,
    through: str | None,
    along: str | None,
    at: str | None,
    family: str | None,
    levels: tuple[float, ...],
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Find where an outcome crosses a value.

    The scale comes with an interval, and with the probability that the outcome does not cross within reach.
    """
    value: Crosses = _value(crosses)
    held = read_held(at)
    path = planned(picture, fits)
    if through is not None:
        check_there([through])
    laws = laws_of(fits)

    from bayeslaw.ask.where.points import read_columns

    read_columns(laws, held)  # refused before the fits are loaded, if no law has such an input
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)

    from bayeslaw.ask.average import Average
    from bayeslaw.ask.threshold.threshold import threshold as ask

    if through is not None:
        outcome = Average.of(posterior).lead.law.output.column
        value = ask(
            load_one(through), value, outcome, level=levels, drift=drifting, allow_unconverged=allow_unconverged
        )
    found = ask(
        posterior,
        value,
        along,
        held,
        read_family(family, posterior),
        levels,
        drift=drifting,
        allow_unconverged=allow_unconverged,
    )
    if path is not None:
        from bayeslaw.ask.plot.threshold import plot_threshold

        draw(path, plot_threshold(found))
    give(found.as_dict(), lambda: found, as_json)


def _value(text: str) -> float | str:
    with contextlib.suppress(ValueError):
        return float(text)

    from bayeslaw.ask.threshold.threshold import STEEPEST

    if text != STEEPEST:
        raise InputError(f"--crosses {text}: is not a number; write --crosses 0.5, or --crosses {STEEPEST}.")
    return text
