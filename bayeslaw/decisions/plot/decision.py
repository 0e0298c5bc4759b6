"""The chance of a target against budget, with the thresholds of a plan, and the utility of each option."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, colour, entitle, footnote, log_ticks, new_figure
from bayeslaw.decisions.choice.answer import Decision
from bayeslaw.decisions.choice.reach import Reach, amount, chance_at
from bayeslaw.words import size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Characters of a line of the footnote, per inch of the figure.
PER_INCH = 17
# Budgets of the curve; it is drawn where the chance is between these, and at all options.
POINTS, NEARLY = 200, (0.01, 0.99)
# Of the width of the panel, from where on numbers stand to the left; and the chance up to which they stand above.
EDGE, NEAR_ZERO = 0.75, 0.08


def plot_decision(found: Decision) -> Figure:
    """Draw the chance of the target against budget, and the utility of each option.

    Parameters
    ----------
    found
        An answer of :func:`bayeslaw.decide`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl
    from matplotlib.lines import Line2D

    worths = found.utilities is not None
    width = 9.6 if worths else 6.4
    with mpl.rc_context(STYLE):
        figure = new_figure(width, 4.4)
        panels = figure.subplots(1, 2, width_ratios=(5, 4)) if worths else [figure.subplots()]
        _chances(panels[0], found)
        if worths:
            _utilities(panels[1], found)
        handles = [
            Line2D([], [], ls="", marker="o", ms=5, color=colour(i), label=each.name)
            for i, each in enumerate(found.options)
        ]
        entitle(figure, f"The chance of {found.plan.target}", found.diagnostics.complaints, handles)
        said = [] if found.reach is None else found.reach.sentences(found.plan.target, found.plan.money)
        footnote(figure, textwrap.fill(" ".join(said), int(width * PER_INCH)))
    return figure


def _chances(panel: Axes, found: Decision) -> None:
    """The chance against budget along the ray, and that of each option at its own budget."""
    plan, reach, low, high = found.plan, found.reach, 1.0, math.e
    if reach is None:
        places = [float(i) for i in range(len(found.options))]
        panel.set_xticks(places, [each.name for each in found.options])
        panel.set_xlim(-0.5, len(places) - 0.5)
    else:
        places = [_budget(reach, each.point.at) for each in found.options]
        inside = (reach.chances > NEARLY[0]) & (reach.chances < NEARLY[1])
        shown = np.concatenate([places, reach.places[inside]])
        low, high = max(shown.min() / 2.0, reach.ray.within[0]), min(shown.max() * 2.0, reach.ray.within[1])
        grid = np.geomspace(low, high, POINTS)
        panel.plot(grid, [chance_at(reach, place) for place in grid], color=INK, lw=1.3, zorder=3)
        log_ticks(panel, "x", low, high)
        panel.set_xlim(low, high)
        panel.set_xlabel(reach.ray.axis.label)
        if reach.least is not None and low <= reach.least <= high:
            panel.plot([reach.least] * 2, [0.0, reach.wanted], color=GREY, lw=0.8, ls=":", zorder=2)
            least = size(reach.least, reach.ray.axis.units)
            panel.annotate(
                f"{percent(reach.wanted)} from {least} on", (reach.least, reach.wanted),
                xytext=(7, -5), textcoords="offset points", fontsize=7.5, color=GREY, ha="left", va="top",
            )  # fmt: skip
    for word, threshold in (("go", plan.go), ("stop", plan.stop)):
        if threshold is not None:
            panel.axhline(threshold, color=GREY, lw=0.8, ls=(0, (4, 3)), zorder=1)
            panel.annotate(f"{word}: {percent(threshold)}", (0.01, threshold), xycoords=("axes fraction", "data"),
                           xytext=(0, 2), textcoords="offset points", fontsize=7.5, color=GREY)  # fmt: skip
    for i, (place, option) in enumerate(zip(places, found.options, strict=True)):
        value, error = option.probability.value, option.probability.error or 0.0
        panel.errorbar([place], [value], [error], fmt="o", ms=5, color=colour(i), zorder=4)
        # Below the curve, which rises with the budget: to the right of the point, or to its left near the edge.
        across = 0.0 if reach is None else np.log(place / low) / np.log(high / low)
        side, up = (-1 if across > EDGE else 1), (1 if value < NEAR_ZERO else -1)
        panel.annotate(str(option.probability), (place, value), xytext=(7 * side, 5 * up), textcoords="offset points",
                       ha="left" if side > 0 else "right", va="bottom" if up > 0 else "top", fontsize=7.5,
                       color=colour(i))  # fmt: skip
    panel.set_ylim(-0.03, 1.06)
    panel.set_ylabel(f"chance of {plan.target}")


def _budget(reach: Reach, at: Mapping[str, float]) -> float:
    """The place of an option along the axis, on the ray or beside it."""
    return float(reach.ray.axis.values({name: np.array([value]) for name, value in at.items()})[0])


def _utilities(panel: Axes, found: Decision) -> None:
    """The expected utility of each option, over its cases, with the expected shortfall."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    money = found.plan.money
    for i, option in enumerate(found.options):
        worth = option.worth
        if worth is None or found.utilities is None:
            continue
        hue, y = colour(i), len(found.options) - 1 - i
        low, high = np.quantile(found.utilities[:, i], [found.plan.tail, 1.0 - found.plan.tail])
        panel.plot([low, high], [y, y], color=hue, lw=5, alpha=0.3, zorder=2)
        panel.plot([worth.expected_shortfall], [y], "<", ms=5, color=hue, zorder=3)
        panel.errorbar([worth.expected], [y], xerr=[worth.error], fmt="o", ms=5, color=hue, zorder=4)
        words = f"{amount(worth.expected, money)}; shortfall {amount(worth.expected_shortfall, '')}, regret "
        panel.annotate(
            f"{words}{amount(worth.regret, '')}", (0.0, y), xycoords=("axes fraction", "data"), xytext=(4, 9),
            textcoords="offset points", fontsize=7.5, color=hue,
        )  # fmt: skip
    panel.axvline(0.0, color=GREY, lw=0.8, ls=(0, (4, 3)), zorder=1)
    panel.set_yticks(range(len(found.options)), [each.name for each in reversed(found.options)])
    panel.set_ylim(-0.6, len(found.options) - 0.3)
    panel.xaxis.set_major_locator(MaxNLocator(4))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, "")))
    panel.set_xlabel(f"utility{f' ({money})' if money else ''}: expected, its cases but {percent(found.plan.tail)} at "
                     f"either end,\nand the expected shortfall (◂)")  # fmt: skip
