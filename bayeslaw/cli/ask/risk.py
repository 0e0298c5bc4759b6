"""``bayeslaw risk``: the chance of missing a target."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fits_options, laws_of, load_fits
from bayeslaw.cli.options import (
    check_points,
    drift_options,
    plot_option,
    points_option,
    read_drift,
    read_family,
    read_points,
    whose_options,
)
from bayeslaw.cli.pictures import draw, planned


@click.command()
@fits_options
@points_option(required=True)
@click.option("--above", type=float, metavar="LOSS", help="The chance of a loss above this.")
@click.option("--below", type=float, metavar="SCORE", help="The chance of a score below this.")
@whose_options
@drift_options
@plot_option("the probability of ending above each value, at the first point")
@answers
def risk(
    fits: Sequence[str],
    weights: str | None,
    at: Sequence[str],
    above: float | None,
    below: float | None,
    family: str | None,
    allow_unconverged: bool,
    drift: str | None,
    no_drift: bool,
    picture: str | None,
    as_json: bool,
) -> None:
    """Find the chance of missing a target.

    Also estimates by how much the run misses it, if it does.
    """
    points = read_points(at)
    path = planned(picture, fits)
    check_points(laws_of(fits), points)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.ask.forecast.risk import risk as ask

    found = ask(
        posterior, points, above=above, below=below, family=whose, drift=drifting, allow_unconverged=allow_unconverged
    )
    if path is not None:
        from bayeslaw.ask.forecast.forecast import forecast
        from bayeslaw.ask.plot.risk import plot_risk

        of = forecast(posterior, points, whose, drift=drifting, allow_unconverged=allow_unconverged)
        draw(path, plot_risk(of, below if above is None else above))
    give(found.as_dict(), lambda: str(found), as_json)
