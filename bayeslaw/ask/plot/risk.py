"""The chance that a run ends above each value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import COLOURS, GREY, INK, STYLE, entitle, footnote, new_figure
from bayeslaw.errors import QuestionError
from bayeslaw.words import chance, with_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The share of draws that the picture leaves out at either end.
TAIL = 0.002
# The room for words beside a marked value, as a share of the width.
ROOM = 0.35


def plot_risk(forecast: Forecast, value: float | None = None, point: int = 0) -> Figure:
    """Draw the probability that a new run ends above each value of the outcome.

    Parameters
    ----------
    forecast
        An answer of :func:`bayeslaw.forecast`.
    value
        A value to mark with its probability, such as a target; in units of the outcome.
    point
        Which of the forecast's points.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.

    Raises
    ------
    QuestionError
        When there is no such point.
    """
    import matplotlib as mpl

    if not 0 <= point < len(forecast.points):
        raise QuestionError(f"point={point}: the forecast has {len(forecast.points)} points, counted from 0.")
    asked, draws = forecast.points[point], np.sort(forecast.draws[:, point])
    above = 1.0 - (np.arange(len(draws)) + 0.5) / len(draws)
    low, high = np.quantile(draws, [TAIL, 1.0 - TAIL])
    if value is not None:
        # The curve falls, so words stand free to the right of a point, if there is room.
        low, high = min(low, value), max(high, value + ROOM * (high - low))
    with mpl.rc_context(STYLE):
        figure = new_figure(6.4, 3.6)
        (axes,) = figure.subplots(1, 1, squeeze=False).ravel()
        axes.plot(draws, above, color=COLOURS[0], lw=1.6, zorder=3)
        axes.axvspan(asked.new_run.lower, asked.new_run.upper, color=COLOURS[0], alpha=0.12, lw=0)
        axes.axvline(asked.new_run.median, color=GREY, lw=0.8, ls="--")
        if value is not None:
            share = float(np.mean(draws > value))
            axes.plot(value, share, "D", ms=6, color=INK, zorder=4)
            axes.annotate(
                f"{chance(share)} above {value:g}", (value, share), xytext=(8, 8), textcoords="offset points",
                fontsize=9, fontweight="bold",
            )  # fmt: skip
        margin = 0.03 * (high - low)
        axes.set(xlim=(low - margin, high + margin), ylim=(0.0, 1.06), ylabel="probability of ending above")
        axes.set_xlabel(with_units(forecast.outcome, forecast.units))
        entitle(figure, f"{forecast.law}: a run {asked.place}", forecast.diagnostics.complaints, [])
        said = f"Median {asked.new_run.words()} ({percent(forecast.level)} interval shaded)."
        footnote(figure, said)
    return figure
