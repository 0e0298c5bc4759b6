"""``bayeslaw plot``: a saved fit as a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fit_argument, load_fit
from bayeslaw.cli.options import read_optional_table, reading_options, unconverged_option
from bayeslaw.cli.pictures import planned, write
from bayeslaw.errors import InputError
from bayeslaw.note import serious

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@click.command()
@fit_argument
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
    posterior = load_fit(fit)

    from bayeslaw.ask.plot.forecast import plot_forecast
    from bayeslaw.ask.plot.parameters import plot_parameters
    from bayeslaw.ask.plot.residuals import plot_residuals

    drawings: dict[str, Callable[[], Figure]] = {
        "forecast": lambda: plot_forecast(posterior, held_out=runs, allow_unconverged=allow_unconverged),
        "parameters": lambda: plot_parameters(posterior, allow_unconverged=allow_unconverged),
        "residuals": lambda: plot_residuals(posterior, allow_unconverged=allow_unconverged),
    }
    write(path, drawings[kind](), "--out")
    notes = (*posterior.diagnostics.notes, *serious(posterior.notes))
    answer = {
        "law": posterior.law.name, "kind": kind, "out": str(path),
        "notes": [note.as_dict() for note in notes], "converged": posterior.diagnostics.converged,
    }  # fmt: skip
    give(answer, lambda: f"picture saved in {path}", as_json)
