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


@click.command()
@asked_argument
@click.option(
    "--kind", type=click.Choice(["forecast", "parameters", "residuals"]), default="forecast", show_default=True,
    help="Which picture to draw.",
)  # fmt: skip
@click.option("--held-out", metavar="FILE", help="Runs that were not fitted, to draw beside the forecast.")
@reading_options
@unconverged_option
@click.option(
    "--out", metavar="FILE.png",
    help="The file of the picture: .png, .pdf or .svg (default: forecast.png, parameters.png or residuals.png).",
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

    Draws the forecast against compute, the posterior beside the prior, or the residuals.
    """
    if held_out is not None and kind != "forecast":
        raise InputError(f"--held-out is drawn beside a forecast; --kind {kind} does not use it.")
    path = planned(out or f"{kind}.png", (fit, *([held_out] if held_out else [])), "--out")
    runs = read_optional_table(held_out, "--held-out", **reading)
    # An average has no parameters or residuals of its own.
    asked = load_fits([fit], None) if kind == "forecast" else load_one(fit)

    from bayeslaw.ask.average import Average

    write(path, _drawn(asked, kind, runs, allow_unconverged), "--out")
    asked = Average.of(asked)
    answer = {
        "law": asked.name, "kind": kind, "out": str(path),
        "notes": [note.as_dict() for note in asked.notes], "converged": asked.diagnostics.converged,
    }  # fmt: skip
    give(answer, lambda: f"picture saved in {path}", as_json)


def _drawn(asked: Posterior | Average, kind: str, held_out: Runs | None, allow_unconverged: bool) -> Figure:
    from bayeslaw.ask.plot.forecast import plot_forecast
    from bayeslaw.ask.plot.parameters import plot_parameters
    from bayeslaw.ask.plot.residuals import plot_residuals

    if kind == "forecast":
        return plot_forecast(asked, held_out=held_out, allow_unconverged=allow_unconverged)
    one = cast("Posterior", asked)
    return {"parameters": plot_parameters, "residuals": plot_residuals}[kind](one, allow_unconverged=allow_unconverged)
