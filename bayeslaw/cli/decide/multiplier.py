"""``bayeslaw multiplier``: what a recipe is worth against another."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import check_there, fits_options, load_fits
from bayeslaw.cli.options import (
    drift_options,
    level_option,
    plot_option,
    points_option,
    read_drift,
    read_points,
    unconverged_option,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError


@click.command()
@fits_options
@click.option("--families", required=True, metavar="NEW,OLD", help="The new recipe and the old one, by family.")
@points_option()
@click.option(
    "--along", metavar="INPUT", help="What the factor multiplies: flops, or an input of the law (default: flops)."
)
@level_option
@plot_option("the factor against scale")
@unconverged_option
@drift_options
@answers
def multiplier(
    fits: Sequence[str],
    weights: str | None,
    families: str,
    at: Sequence[str],
    along: str | None,
    levels: tuple[float, ...],
    picture: str | None,
    allow_unconverged: bool,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
) -> None:
    """Find what a recipe is worth.

    How many times its compute another recipe needs for the same outcome, whether that shrinks or grows with scale, and
    where the two cross.
    """
    asked = families.split(",")
    if len(asked) != 2:
        raise InputError(f"--families {families}: names {len(asked)}, not two; write --families NEW,OLD.")
    points, path = read_points(at) if at else None, planned(picture, fits)
    check_there(fits)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)

    from bayeslaw.decisions.multiplier.multiplier import compute_multiplier

    new, old = (each.strip() for each in asked)
    found = compute_multiplier(
        posterior, (new, old), points, along, levels, drift=drifting, allow_unconverged=allow_unconverged
    )
    if path is not None:
        from bayeslaw.decisions.plot.multiplier import plot_multiplier

        draw(path, plot_multiplier(found))
    give(found.as_dict(), lambda: found, as_json)
