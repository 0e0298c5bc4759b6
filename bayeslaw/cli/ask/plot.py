"""``bayeslaw plot``: a saved fit as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import asked_argument, load_fits, load_one
from bayeslaw.cli.options import read_optional_table, reading_options, unconverged_option
from bayeslaw.cli.pictures import planned, write
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bayeslaw.ask.average import Average
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.runs.table import Runs


# Pictures of what an average does not have.
OF_ONE = ("parameters", "residuals", "families")


@click.command()
@asked_argument
@click.option(
    "--kind", type=click.Choice(["forecast", *OF_ONE, "uncertainty"]), default="forecast", show_default=True,
    help="Which picture to draw.",
)  # fmt: skip
@click.option("--held-out", metavar="FILE", help="Runs that were not fitted, to draw beside the forecast.")
@reading_options
@unconverged_option
@click.option(
    "--out", metavar="FILE.png",
    help="The file of the picture: .png, .pdf or .svg (default: the kind's name and .png).",
)  # fmt: skip
@answers
def plot(
    fit: str,
    kind: str,
    held_out: str | None,
    allow_unconverged: bool,
    out: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Draw a fit.

    Draws the forecast against compute; the posterior beside the prior; the residuals; families beside their population;
    or how wide a forecast is beyond the runs, and what makes it so.
    """
    if held_out is not None and kind != "forecast":
        raise InputError(f"--held-out is drawn beside a forecast; --kind {kind} does not use it.")
    path = planned(out or f"{kind}.png", (fit, *([held_out] if held_out else [])), "--out")
    runs = read_optional_table(held_out, "--held-out", **reading)
    # An average has no parameters or residuals of its own.
    asked = load_one(fit) if kind in OF_ONE else load_fits([fit], None)

    from bayeslaw.ask.average import Average

    write(path, _drawn(asked, kind, runs, allow_unconverged), "--out")
    asked = Average.of(asked)
    answer = {
        "law": asked.name, "kind": kind, "out": str(path),
        "notes": [note.as_dict() for note in asked.notes], "converged": asked.diagnostics.converged,
    }  # fmt: skip
    give(answer, lambda: f"picture saved in {path}", as_json)


def _drawn(asked: Posterior | Average, kind: str, held_out: Runs | None, allow_unconverged: bool) -> Figure:
    from bayeslaw.ask.plot.families import plot_families
    from bayeslaw.ask.plot.forecast import plot_forecast
    from bayeslaw.ask.plot.parameters import plot_parameters
    from bayeslaw.ask.plot.residuals import plot_residuals
    from bayeslaw.ask.plot.uncertainty import plot_uncertainty

    if kind == "forecast":
        return plot_forecast(asked, held_out=held_out, allow_unconverged=allow_unconverged)
    if kind == "uncertainty":
        return plot_uncertainty(asked, allow_unconverged=allow_unconverged)
    draw = {"parameters": plot_parameters, "residuals": plot_residuals, "families": plot_families}[kind]
    return draw(cast("Posterior", asked), allow_unconverged=allow_unconverged)
