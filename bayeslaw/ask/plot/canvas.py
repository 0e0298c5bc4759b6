"""Shared parts of all pictures: a figure without pyplot's global state, colours, scales and words on axes."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, safe for every common colour blindness; without yellow, which is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK, GREY, PALE = "#222222", "#7f7f7f", "#f1f0ec"
WARNING = "#b00020"

# Any, because matplotlib's stubs take settings only as a literal of their names.
STYLE: Any = {
    "font.size": 9.0, "axes.titlesize": 9.5, "axes.labelsize": 9.0, "legend.fontsize": 8.0,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": GREY, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "text.color": INK,
    "axes.titlelocation": "left", "legend.frameon": False, "lines.solid_capstyle": "butt",
}  # fmt: skip


def colour(position: int) -> str:
    """The colour of a family, by its position among those shown."""
    return COLOURS[position % len(COLOURS)]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that is not registered with pyplot; a notebook shows it, its ``savefig`` saves it."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")


# The width of a character of a title, in inches.
CHARACTER = 0.088


def entitle(figure: Figure, title: str, complaints: tuple[str, ...], handles: list[Any], columns: int = 7) -> None:
    """Add the title, the legend and, in red, a warning when the chains have not converged."""
    # The title is the legend's: a title of the figure's own and a legend outside its panels overlap, because the
    # layout makes room for each without the other.
    lines = [f"NOT CONVERGED: {complaints[0]}", title] if complaints else [title]
    fits = int(figure.get_figwidth() / CHARACTER)
    flagged = "\n".join(textwrap.fill(line, fits) for line in lines)
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(len(handles), columns), columnspacing=1.2,
        handletextpad=0.5, title=flagged, title_fontproperties={"size": 10.5}, alignment="left", borderaxespad=0.3,
    ).get_title().set_color(WARNING if complaints else INK)  # fmt: skip


def footnote(figure: Figure, text: str) -> None:
    """A line of text at the foot of the figure."""
    if text:
        figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color=GREY)


def grid(panels: int, columns: int = 3) -> tuple[int, int]:
    """Rows and columns for a number of panels."""
    columns = min(panels, 2 if panels == 4 else columns)
    return math.ceil(panels / columns), columns


def log_ticks(axes: Axes, which: str, low: float, high: float) -> None:
    """A logarithmic scale with readable ticks, even where it spans less than a decade."""
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogFormatterMathtext,
        LogLocator,
        MaxNLocator,
        NullLocator,
    )

    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    if high / low > 300.0:
        axis.set_major_locator(LogLocator(numticks=7))
        axis.set_major_formatter(LogFormatterMathtext())
        axis.set_minor_locator(NullLocator())
        return
    # From the sparsest set of round numbers that gives four ticks.
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8), (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)):
        decades = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = np.outer(decades, steps).ravel()
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) >= 4:
            break
    else:
        ticks = np.asarray(MaxNLocator(5).tick_values(low, high))
        ticks = ticks[(ticks >= low) & (ticks <= high)]
    axis.set_major_locator(FixedLocator([float(t) for t in ticks]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_minor_locator(NullLocator())
