"""The picture of a back-test: the coverage of intervals, near and far, and whether forecasts are calibrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.plot.canvas import COLOURS, GREY, STYLE, entitle, footnote, new_figure
from bayeslaw.validation.backtest.report import AVERAGE, ENOUGH, LEVEL, Backtest
from bayeslaw.validation.backtest.scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# The level of the band that contains the whole curve of a calibrated forecast, and the curves it is estimated from.
BAND, CURVES = 0.95, 1000
RIVALS = "Huber + bootstrap"


def plot_backtest(found: Backtest) -> Figure:
    """Draw the coverage of 95 % intervals against distance, and the calibration of the forecasts.

    A hollow point stands for fewer than 20 outcomes, which say little.

    On the right is the distribution function of the probability integral transform minus that of a uniform one, with
    the band that contains all of it with 95 % probability if points are independent (Säilynoja et al. 2022).  Points of
    one family are not, so leaving the band by a little says little.

    Returns
    -------
    matplotlib.figure.Figure
        Unknown to pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    shown = {name: scores for name, scores in found.laws.items() if name == AVERAGE}
    shown |= {name: scores for name, scores in found.laws.items() if name != AVERAGE}
    drawn = dict(zip(shown, ("#222222", *COLOURS) if AVERAGE in shown else COLOURS, strict=False))
    with mpl.rc_context(STYLE):
        figure = new_figure(9.2, 3.9)
        left, right = figure.subplots(1, 2)
        handles = [_near_and_far(left, name, shown[name], hue, "-") for name, hue in drawn.items()]
        if found.lead in found.rivals:
            handles.append(_near_and_far(left, RIVALS, found.rivals[found.lead], GREY, "--"))
        left.axhline(LEVEL, color=GREY, lw=0.8)
        left.set(xlabel="compute, as a multiple of the largest seen", ylabel=f"outcomes inside {LEVEL:.0%} intervals",
                 xscale="log", ylim=(0.0, 1.04))  # fmt: skip
        for name, hue in drawn.items():
            _calibration(right, shown[name], hue, band=name == found.lead)
        right.set(xlabel="probability integral transform", ylabel="share of outcomes below, less expected")
        entitle(figure, f"{len(shown[found.lead])} forecasts of {found.outcome.replace('_', ' ')}", (), handles)
        footnote(figure, f"{found.claim}.")
    return figure


def _near_and_far(axes: Axes, name: str, scores: Scores, hue: str, style: str) -> Line2D:
    bins = [part for *_, part in scores.by_ratio()]
    far = [float(np.nanmedian(part.ratio)) for part in bins]
    held = [float(part.inside(LEVEL).mean()) for part in bins]
    (line,) = axes.plot(far, held, style, marker="o", ms=4, color=hue, label=name)
    few = [len(part) < ENOUGH for part in bins]
    axes.plot(np.compress(few, far), np.compress(few, held), "o", ms=4, mec=hue, mfc="white")
    return line


def _calibration(axes: Axes, scores: Scores, hue: str, band: bool) -> None:
    from arviz_stats.ecdf_utils import ecdf_pit

    rng = np.random.default_rng(0)
    points, below, lower, upper = ecdf_pit(scores.pit, BAND, n_simulations=CURVES, rng=rng)
    if band:
        axes.fill_between(points, lower - points, upper - points, color=GREY, alpha=0.2, lw=0)
    axes.plot(points, below - points, color=hue, lw=1.4)
