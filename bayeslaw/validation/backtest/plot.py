"""The picture of a back-test: the coverage of intervals, near and far, and at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.plot.canvas import COLOURS, GREY, STYLE, entitle, footnote, new_figure
from bayeslaw.validation.backtest.report import AVERAGE, ENOUGH, LEVEL, Backtest
from bayeslaw.validation.backtest.scores import LEVELS, Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# The level of the band that contains the whole curve of a calibrated forecast, and the curves it is estimated from.
BAND, CURVES = 0.95, 1000
RIVALS = "Huber + bootstrap"


def plot_backtest(found: Backtest, *, pit: bool = False) -> Figure:
    """Draw the coverage of 95 % intervals against distance, and the coverage of intervals of all levels.

    A bar is a 95 % interval of the coverage itself, if outcomes were independent (Wilson 1927); below it stands how
    many outcomes there were.  A hollow point stands for fewer than 20, which say little.

    Parameters
    ----------
    pit
        Draw on the right, in place of the coverage by level, the distribution function of the probability integral
        transform minus that of a uniform one, with the band that contains all of it with 95 % probability if points are
        independent (Säilynoja et al. 2022).  Points of one family are not, so leaving the band by a little says little.

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
        beside = {found.lead: shown[found.lead]}
        if found.lead in found.rivals:
            beside[RIVALS] = found.rivals[found.lead]
        handles = [_near_and_far(left, name, scores, GREY if name == RIVALS else drawn[name], i, len(beside))
                   for i, (name, scores) in enumerate(beside.items())]  # fmt: skip
        left.axhline(LEVEL, color=GREY, lw=0.8)
        left.text(
            0.01, LEVEL, f"{LEVEL:.0%}", transform=left.get_yaxis_transform(), fontsize=7, color=GREY, va="bottom"
        )
        left.set(xlabel="compute, as a multiple of the largest seen", ylabel=f"outcomes inside {LEVEL:.0%} intervals",
                 ylim=(0.0, 1.06))  # fmt: skip
        for name, hue in drawn.items():
            if pit:
                _calibration(right, shown[name], hue, band=name == found.lead)
            else:
                handles += _by_level(right, name, shown[name], hue, new=name not in beside)
        if pit:
            right.set(xlabel="probability integral transform", ylabel="share of outcomes below, less expected")
        else:
            if RIVALS in beside:
                _by_level(right, RIVALS, beside[RIVALS], GREY, new=False)
            right.plot([0, 1], [0, 1], color=GREY, lw=0.8, zorder=1)
            right.set(xlabel="level of the interval", ylabel="outcomes inside", xlim=(0.4, 1.0), ylim=(0.0, 1.04))
            right.set_xticks(LEVELS, [f"{level:.0%}" for level in LEVELS])
        entitle(figure, f"{len(shown[found.lead])} forecasts of {found.outcome.replace('_', ' ')}", (), handles)
        footnote(figure, f"{found.claim}.")
    return figure


def _near_and_far(axes: Axes, name: str, scores: Scores, hue: str, position: int, among: int) -> Line2D:
    """A dot a bin of distance with the interval of its coverage, and how many outcomes are behind it."""
    from matplotlib.lines import Line2D
    from scipy.stats import binomtest

    bins = list(scores.by_ratio())
    for i, (_, _, part) in enumerate(bins):
        inside = part.inside(LEVEL)
        ends = binomtest(int(inside.sum()), len(part)).proportion_ci(0.95, method="wilson")
        x = i + 0.24 * (position - (among - 1) / 2)
        axes.vlines(x, ends.low, ends.high, color=hue, lw=1.6, alpha=0.6, zorder=2)
        axes.plot(x, inside.mean(), "o", ms=5, mec=hue, mfc=hue if len(part) >= ENOUGH else "white", zorder=3)
        if position == 0:
            axes.text(i, 0.02, f"n = {len(part)}", fontsize=7, color=GREY, ha="center")
    axes.set_xticks(range(len(bins)), [_distance(low, high) for low, high, _ in bins])
    axes.set_xlim(-0.6, len(bins) - 0.4)
    return Line2D([], [], marker="o", ms=5, color=hue, label=name)


def _distance(low: float, high: float) -> str:
    if np.isinf(high):
        return f"beyond {low:g}x"
    return f"{low:g} to {high:g}x"


def _by_level(axes: Axes, name: str, scores: Scores, hue: str, *, new: bool) -> list[Line2D]:
    """The coverage at every level; its entry of the legend, unless the law has one."""
    held = [scores.inside(level).mean() for level in LEVELS]
    (line,) = axes.plot(LEVELS, held, "-", marker="o", ms=4, color=hue, lw=1.3, label=name, zorder=2)
    return [line] if new else []


def _calibration(axes: Axes, scores: Scores, hue: str, band: bool) -> None:
    from arviz_stats.ecdf_utils import ecdf_pit

    rng = np.random.default_rng(0)
    points, below, lower, upper = ecdf_pit(scores.pit, BAND, n_simulations=CURVES, rng=rng)
    if band:
        axes.fill_between(points, lower - points, upper - points, color=GREY, alpha=0.2, lw=0)
    axes.plot(points, below - points, color=hue, lw=1.4)
