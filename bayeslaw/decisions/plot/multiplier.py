"""What a recipe is worth, against scale."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import INK, PALE, STYLE, colour, entitle, footnote, log_ticks, new_figure
from bayeslaw.decisions.multiplier.answer import Multiplier, factor_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Scales at which the factor is found; between them it is a power of the scale to the width of a line.
SCALES = 17
# Characters of a line of the footnote.
ACROSS = 115
# Room beside the outermost scale, as a factor of it; and the largest factor that is drawn, since it may be infinite.
BESIDE, MOST = 1.6, 1e3


def plot_multiplier(found: Multiplier) -> Figure:
    """Draw the factor against scale, with the points of the question and their numbers.

    Parameters
    ----------
    found
        An answer of :func:`bayeslaw.compute_multiplier`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    new, old = found.families
    asked = [point.scale for point in found.points]
    low, high = min(found.fitted[0], *asked) / BESIDE, max(found.fitted[1], *asked) * BESIDE
    scales = np.geomspace(low, high, SCALES)
    drawn = np.stack([found.rays.factor(float(scale)) for scale in scales], axis=1)
    with mpl.rc_context(STYLE):
        figure = new_figure(6.4, 4.4)
        panel = figure.subplots()
        _curve(panel, found, scales, drawn)
        log_ticks(panel, "x", low, high)
        panel.set_xlim(low, high)
        panel.axvspan(low, found.fitted[0], color=PALE, lw=0, zorder=0)
        panel.axvspan(found.fitted[1], high, color=PALE, lw=0, zorder=0)
        panel.set_xlabel(found.along.label)
        panel.set_ylabel(f"times the {found.along.name} of '{new}' that '{old}' needs")
        entitle(
            figure,
            f"{found.title}: what '{new}' is worth against '{old}'",
            found.diagnostics.complaints,
            _handles(found),
        )
        held = f"At {found.rays.held}. " if found.rays.held else ""
        footnote(figure, textwrap.fill(f"{found.trend} {held}Shaded: beyond the fitted runs.", ACROSS))
    return figure


def _curve(panel: Axes, found: Multiplier, scales: np.ndarray, drawn: np.ndarray) -> None:
    hue, tail = colour(0), (1.0 - found.level) / 2.0
    bands = np.quantile(np.clip(drawn, 1.0 / MOST, MOST), [tail, 0.25, 0.5, 0.75, 1.0 - tail], axis=0)
    panel.fill_between(scales, bands[0], bands[4], color=hue, alpha=0.18, lw=0, zorder=2)
    if found.level > 0.5:
        panel.fill_between(scales, bands[1], bands[3], color=hue, alpha=0.30, lw=0, zorder=2)
    panel.plot(scales, bands[2], color=hue, lw=1.3, zorder=3)
    panel.axhline(1.0, color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1)
    # Room above the intervals of the points for their numbers; a band that leaves the panel widens beyond it.
    ends = [end for point in found.points for end in (point.factor.lower, point.factor.upper) if np.isfinite(end)]
    bottom = min(1.0, *ends, float(bands[1].min()))
    top = max(1.0, *ends, float(bands[3].max()))
    log_ticks(panel, "y", bottom / 1.1, top * 1.35)
    panel.set_ylim(bottom / 1.1, top * 1.35)
    for i, point in enumerate(found.points):
        upper = min(point.factor.upper, top)
        panel.vlines(point.scale, max(point.factor.lower, bottom), upper, color=INK, lw=1.0, zorder=4)
        panel.plot([point.scale], [point.factor.median], "o", ms=4.5, color=INK, zorder=5)
        side = "left" if i == 0 and len(found.points) > 1 else "right" if 0 < i == len(found.points) - 1 else "center"
        words = factor_words(point.factor).split(", ")
        panel.annotate(
            f"{words[0]}, {words[1]}" if len(words) > 1 else words[0], (point.scale, upper), xytext=(0, 4),
            textcoords="offset points", ha=side, va="bottom", fontsize=7.5, color=INK,
        )  # fmt: skip


def _handles(found: Multiplier) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    hue = colour(0)
    return [
        Line2D([], [], color=hue, lw=1.3, label="median"),
        *([Patch(color=hue, alpha=0.45, lw=0, label="50 %")] if found.level > 0.5 else []),
        Patch(color=hue, alpha=0.18, lw=0, label=percent(found.level)),
        Line2D([], [], color=INK, lw=0.8, ls=(0, (4, 3)), label="equal"),
    ]
