"""The regret of choices off the optimum, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.interval import percent
from bayeslaw.ask.optimum.optimum import TOLERANCE, Optimum, given_up, given_words, tokens_per_parameter, units_of
from bayeslaw.ask.optimum.regret import Curve
from bayeslaw.ask.plot.canvas import (
    GREY,
    INK,
    STYLE,
    colour,
    entitle,
    footnote,
    grid,
    log_ticks,
    new_figure,
)
from bayeslaw.errors import listed
from bayeslaw.words import short, with_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Bars of the histogram of the optimum, and the height of its strip in panels.
BARS, STRIP = 60, 0.22
# A panel ends where the median regret is this multiple of the tolerance: such choices are out of the question.
HEIGHT = 6.0


def plot_optimum(optimum: Optimum, tolerance: float = TOLERANCE) -> Figure:
    """Draw the regret along each traded input, and the posterior of the optimum.

    Parameters
    ----------
    optimum
        An answer of :func:`bayeslaw.optimum`.
    tolerance
        The cost that counts as little, in units of the outcome; drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    law, curves = optimum.trade.law, optimum.curves
    rows, columns = grid(len(curves))
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.4, 3.6 * columns), 1.2 + 3.6 * rows)
        panels = figure.subplots(2 * rows, columns, height_ratios=[1.0, STRIP] * rows, squeeze=False)
        for i, curve in enumerate(curves):
            row, column = divmod(i, columns)
            panel, strip = panels[2 * row, column], panels[2 * row + 1, column]
            _draw(panel, strip, optimum, curve, tolerance, colour(i))
            if column == 0:
                panel.set_ylabel(with_units(given_up(law), law.output.units))
        for i in range(len(curves), rows * columns):
            row, column = divmod(i, columns)
            panels[2 * row, column].set_visible(False)
            panels[2 * row + 1, column].set_visible(False)
        who = f", {optimum.family}" if optimum.family else ""
        title = f"{law.title}{who}: {given_up(law)} if you choose another size{given_words(optimum.trade)}"
        entitle(figure, title, optimum.diagnostics.complaints, _handles(optimum.level, tolerance, law.output.units))
        best = listed(f"{name} = {one.words(units_of(law, name))}" for name, one in optimum.inputs.items())
        footnote(
            figure, "\n".join([f"Best: {best} ({percent(optimum.level)} intervals).", *optimum.flatness(tolerance)])
        )
    return figure


def _draw(panel: Axes, strip: Axes, optimum: Optimum, curve: Curve, tolerance: float, hue: str) -> None:
    """One curve with its band and, in the strip below, the posterior of the optimum."""
    law, name = optimum.trade.law, curve.name
    x, (median, lower, upper, _) = curve.inputs[name], curve.regret
    top = min(float(upper.max()), HEIGHT * tolerance) if upper.max() > tolerance else 2.0 * tolerance
    seen = x[lower <= top]
    panel.fill_between(x, lower, upper, color=hue, alpha=0.18, lw=0, zorder=2)
    panel.plot(x, median, color=hue, lw=1.3, zorder=3)
    panel.axhline(tolerance, color=GREY, lw=0.8, ls="--", zorder=1)
    panel.set_ylim(0.0, 1.05 * top)
    for each in (panel, strip):
        log_ticks(each, "x", float(seen[0]), float(seen[-1]))
        each.set_xlim(seen[0], seen[-1])
    panel.tick_params(labelbottom=False)
    strip.set_xlabel(f"{law.inputs[name].meaning or name.replace('_', ' ')}, {name}")
    strip.set_yticks([])
    strip.spines["left"].set_visible(False)
    edges = np.geomspace(seen[0], seen[-1], BARS + 1)
    counts, _ = np.histogram(np.clip(optimum.draws[name], seen[0], seen[-1]), edges)
    strip.bar(edges[:-1], counts / counts.max(), np.diff(edges), align="edge", color=INK, alpha=0.3, lw=0)
    ratio = tokens_per_parameter(optimum.trade, curve.inputs)
    if ratio is not None:
        _ratio_axis(panel, x, ratio)


def _ratio_axis(panel: Axes, x: np.ndarray, ratio: np.ndarray) -> None:
    """Tokens per parameter along the top, where both are traded."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    top = panel.twiny()
    top.set_xscale("log")
    top.set_xlim(panel.get_xlim())
    order = np.argsort(ratio)
    round_ones = np.array([m * 10.0**k for k in range(-3, 7) for m in (1, 2, 5)])
    places = np.exp(np.interp(np.log(round_ones), np.log(ratio[order]), np.log(x[order])))
    shown = (places > panel.get_xlim()[0]) & (places < panel.get_xlim()[1])
    places, round_ones = places[shown], round_ones[shown]
    top.xaxis.set_major_locator(FixedLocator([float(p) for p in places]))
    top.xaxis.set_major_formatter(FixedFormatter([short(float(r)) for r in round_ones]))
    top.xaxis.set_minor_locator(NullLocator())
    top.spines["top"].set_visible(True)
    top.set_xlabel("tokens per parameter")


def _handles(level: float, tolerance: float, units: str) -> list[Any]:
    """What the marks mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=GREY, lw=1.3, label="median"),
        Patch(color=GREY, alpha=0.25, lw=0, label=percent(level)),
        Line2D([], [], color=GREY, lw=0.8, ls="--", label=with_units(short(tolerance), units)),
        Patch(color=INK, alpha=0.22, lw=0, label="where the best one lies (below)"),
    ]
