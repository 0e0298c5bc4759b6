"""How wide a forecast is and what makes it so, against the distance beyond the runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import forecast
from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import COLOURS, INK, STYLE, entitle, footnote, log_ticks, new_figure
from bayeslaw.ask.where.scale import axis_of, path, read_at
from bayeslaw.errors import QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.words import multiple, with_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Points along the axis.
POINTS = 25


def plot_uncertainty(
    posterior: Posterior | Average,
    along: str | None = None,
    *,
    up_to: float = 1000.0,
    at: Mapping[str, float] | None = None,
    family: Families = None,
    level: float = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Figure:
    """Draw the width of a new run's interval, and the shares of its variance, from the largest run outwards.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    along
        ``"compute"`` (the default of laws of parameters and tokens) or an input of the law.
    up_to
        How far to go, as a multiple of the largest fitted run.
    at
        Inputs to hold fixed (default: the middle of the fitted runs).
    family, drift
        As :func:`bayeslaw.forecast` takes them.
    level
        Probability of the interval.
    allow_unconverged
        Draw even from chains that have not converged; the title says so.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.

    Raises
    ------
    QuestionError
        When the axis or an input is invalid, or nothing is ahead.
    ConvergenceError
        When the chains have not converged.
    """
    import matplotlib as mpl

    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    if not up_to > 1.0:
        raise QuestionError(f"up_to={up_to:g}: give a multiple of the largest run above 1, such as 1000.")
    lead = asked.lead
    lead.require_runs("a picture of what lies beyond the runs")
    law, axis = lead.law, axis_of(lead.law, along)
    far = np.geomspace(1.0, up_to, POINTS)
    inputs, kept = path(lead, axis, far * axis.values(lead.plan.fitted).max(), lead.usual, read_at(law, at))
    needed = {name: inputs[name] for name in {*law.free_inputs, *law.noise_inputs} if name in inputs}
    points = forecast(asked, needed, family, level, drift=drift, allow_unconverged=allow_unconverged).points
    width = np.array([point.new_run.upper - point.new_run.lower for point in points])
    parts = [name for name in points[0].parts if any(point.parts[name] for point in points)]
    shares = np.array([[point.parts[name] or 0.0 for point in points] for name in parts])
    with mpl.rc_context(STYLE):
        figure = new_figure(6.4, 4.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.0, 1.2])
        above.plot(far, width, color=INK, lw=1.4)
        for i in (0, -1):
            above.annotate(
                f"{width[i]:.3g}", (far[i], width[i]), xytext=(4 if i == 0 else -4, 6), textcoords="offset points",
                ha="left" if i == 0 else "right", fontsize=8, fontweight="bold",
            )  # fmt: skip
        above.set_ylim(0.0, 1.25 * width.max())
        above.set_ylabel(f"{percent(level)} width of\n{with_units(law.output.column, law.output.units)}")
        stacks = below.stackplot(far, shares, colors=COLOURS[: len(parts)], alpha=0.75, labels=parts)
        below.set(ylim=(0.0, 1.0), ylabel="share of the variance")
        log_ticks(below, "x", 1.0, up_to)
        below.set_xlim(1.0, up_to)
        below.set_xlabel(f"{axis.label.partition(' (')[0]}, as a multiple of the largest fitted run")
        title = f"{asked.title}: what makes a forecast uncertain, up to {multiple(up_to)} beyond the runs"
        entitle(figure, title, asked.diagnostics.complaints, list(stacks))
        footnote(figure, f"At {kept}." if kept else "")
    return figure
