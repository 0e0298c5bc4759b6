"""``bayeslaw threshold``: at what scale an outcome crosses a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bayeslaw.cli.answer import answers, check_picture, give, say, write_picture
from bayeslaw.cli.questions import (
    answer_options,
    drift_options,
    fits_options,
    load_fit,
    load_fits,
    read_drift,
    read_family,
    read_held,
)
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.ask.threshold.threshold import Crosses


@click.command()
@fits_options
@click.option("--crosses", required=True, metavar="VALUE|steepest",
              help="The outcome, a share of trials where it is a count; or where it changes fastest.")  # fmt: skip
@click.option("--through", metavar="TASK.nc",
              help="A fit of a score by this outcome, the loss say; --crosses is then of the score.")  # fmt: skip
@click.option("--along", metavar="INPUT", help="compute, or an input of the law by name or column.")
@click.option("--at", metavar="N=7e10,...", help="Other inputs; the middle of the fitted runs unless given.")
@answer_options("the threshold")
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
    level: float,
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Find the scale at which the outcome crosses a value, with the probability that it does not."""
    value: Crosses = _value(crosses)
    held = read_held(at)
    path = None if picture is None else check_picture(picture, "--plot", fits)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)

    from bayeslaw.ask.average import Average
    from bayeslaw.ask.threshold.threshold import threshold as ask

    if through is not None:
        outcome = Average.of(posterior).lead.law.output.column
        value = ask(load_fit(through), value, outcome, level=level, drift=drifting, allow_unconverged=allow_unconverged)
    found = ask(
        posterior,
        value,
        along,
        held,
        read_family(family, posterior),
        level,
        drift=drifting,
        allow_unconverged=allow_unconverged,
    )
    if path is not None:
        from bayeslaw.ask.plot.threshold import plot_threshold

        write_picture(path, plot_threshold(found))
        say(f"drawn in {path}")
    give(found.as_dict(), lambda: found, as_json)


def _value(text: str) -> float | str:
    from bayeslaw.ask.threshold.threshold import STEEPEST

    try:
        return text if text == STEEPEST else float(text)
    except ValueError:
        raise InputError(f"--crosses {text}: is not a number; write --crosses 0.5, or --crosses {STEEPEST}.") from None
