"""The ranks of true values, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.plot.canvas import COLOURS, GREY, INK, STYLE, WARNING, entitle, footnote, grid, new_figure
from bayeslaw.validation.calibration.ranks import LEVEL
from bayeslaw.validation.calibration.sbc import Calibration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The bars of each histogram.
BARS = 20


def plot_calibration(found: Calibration) -> Figure:
    """Draw the ranks of the true values among the draws of their fits, a histogram for each quantity.

    Ranks are uniform if the inference is right.  A hill in the middle means posteriors that are too wide, a valley ones
    that are too narrow, a slope ones that lie to one side (Talts et al. 2018, arXiv:1804.06788).

    Parameters
    ----------
    found
        An answer of :func:`bayeslaw.sbc`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl
    from scipy.stats import binom

    rows, columns = grid(len(found.ranks), 4)
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.4, 2.2 * columns), 1.1 + 1.5 * rows)
        panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
        for panel, (name, ranks) in zip(panels, found.ranks.items(), strict=False):
            count = len(ranks)
            low, high = binom.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], count, 1 / BARS)
            heights, edges = np.histogram(ranks, BARS, (0.0, 1.0))
            hue = WARNING if name in found.outside else COLOURS[0]
            panel.axhspan(low, high, color=GREY, alpha=0.18, lw=0, zorder=0)
            panel.axhline(count / BARS, color=GREY, lw=0.7, zorder=1)
            panel.bar(edges[:-1], heights, 1 / BARS, align="edge", color=hue, alpha=0.75, lw=0, zorder=2)
            panel.set_title(name, color=WARNING if name in found.outside else INK)
            panel.set_xlim(0.0, 1.0)
            panel.set_yticks([])
            panel.set_xticks([0.0, 0.5, 1.0])
        for panel in panels[len(found.ranks) :]:
            panel.set_visible(False)
        entitle(figure, found.verdict, (), [])
        footnote(
            figure,
            "Ranks of true values among the draws of their fits: uniform if the inference is right.\n"
            f"Grey: {LEVEL:.0%} of the heights of single bars. Red: outside the band of the whole distribution.",
        )
    return figure
