"""The outcome against scale, and the probability that it has crossed a value: the picture of a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import (
    GREY,
    INK,
    PALE,
    STYLE,
    colour,
    entitle,
    footnote,
    log_ticks,
    new_figure,
)
from bayeslaw.ask.threshold.threshold import Threshold
from bayeslaw.runs.stand_ins import NEW
from bayeslaw.words import size  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 400
# Without runs, this far around the threshold, in e-folds where the scale is positive.
ALONE = 5.0


def plot_threshold(found: Threshold) -> Figure:
    """Draw the law along the scale, and below it the probability that the value has been crossed.

    The bands show the law itself, without the noise of a run.  Where the lower curve ends below 1, the rest is the
    probability that the value is not within reach.

    Parameters
    ----------
    found
        An answer of :func:`bayeslaw.threshold`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    low, high = _limits(found)
    who = f"{found.family}: " if found.family else ""
    if found.family in (NEW.word, f"({NEW.word})"):
        who = f"{found.family} family: "
    with mpl.rc_context(STYLE):
        figure = new_figure(6.4, 5.6)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        if low > 0:
            log_ticks(lower, "x", low, high)
        upper.set_xlim(low, high)
        _law(upper, found)
        _probability(lower, found, low, high)
        for panel in (upper, lower):
            if found.fitted.size:
                panel.axvspan(low, found.fitted.min(), color=PALE, lw=0, zorder=0)
                panel.axvspan(found.fitted.max(), high, color=PALE, lw=0, zorder=0)
        lower.set_xlabel(found.along.label)
        entitle(
            figure, f"{who}{found.title}: where {found.what}",
            found.diagnostics.complaints, _handles(found),
        )  # fmt: skip
        held = f"Law at {found.held}; other runs lie off it. " if found.held else ""
        footnote(figure, f"{held}{'Shaded: beyond the fitted runs.' if found.fitted.size else ''}".strip())
    return figure


def _limits(found: Threshold) -> tuple[float, float]:
    """From the smallest to the largest of runs and thresholds, with a margin, within the range."""
    ends = [end for end in (found.scale.lower, found.scale.median, found.scale.upper) if np.isfinite(end)]
    if not (found.fitted.size or ends):
        return found.within
    logarithmic = found.within[0] > 0
    there, back = (np.log, np.exp) if logarithmic else (np.asarray, np.asarray)
    values = there(np.concatenate([found.fitted, ends]))
    margin = 0.08 * float(np.ptp(values) or 1.0) if found.fitted.size else ALONE
    low, high = (float(end) for end in back(np.array([values.min() - margin, values.max() + margin])))
    return max(low, found.within[0]), min(high, found.within[1])


def _law(panel: Axes, found: Threshold) -> None:
    hue, tail = colour(0), (1.0 - found.level) / 2.0
    bands = np.nanquantile(found.heights, [tail, 0.25, 0.5, 0.75, 1.0 - tail], axis=0)
    panel.fill_between(found.grid, bands[0], bands[4], color=hue, alpha=0.18, lw=0, zorder=2)
    if found.level > 0.5:
        panel.fill_between(found.grid, bands[1], bands[3], color=hue, alpha=0.30, lw=0, zorder=2)
    panel.plot(found.grid, bands[2], color=hue, lw=1.3, zorder=3)
    for own, face in ((False, GREY), (True, hue)):
        mask = found.own == own
        panel.plot(found.fitted[mask], found.observed[mask], "o", ms=4.2, color=face, mec="white", mew=0.5,
                   zorder=5 if own else 4)  # fmt: skip
    shown = bands[:, (found.grid >= panel.get_xlim()[0]) & (found.grid <= panel.get_xlim()[1])]
    everything = np.concatenate([shown.ravel(), found.observed])
    bottom, top = float(np.nanmin(everything)), float(np.nanmax(everything))
    room = 0.05 * (top - bottom)
    panel.set_ylim(bottom - room, top + room)
    panel.set_ylabel(found.label)
    if isinstance(found.crosses, Threshold):
        taken = found.crosses.scale
        panel.axhspan(*np.clip([taken.lower, taken.upper], *panel.get_ylim()), color=INK, alpha=0.08, lw=0, zorder=1)
    elif not isinstance(found.crosses, str):
        panel.axhline(found.crosses, color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1)


def _probability(panel: Axes, found: Threshold, low: float, high: float) -> None:
    space = np.geomspace if low > 0 else np.linspace
    places = np.clip(space(low, high, POINTS), *found.within)
    panel.plot(places, found.probability_by(places), color=colour(0), lw=1.6, zorder=3)
    left, right = (min(max(end, low), high) for end in (found.scale.lower, found.scale.upper))
    panel.hlines(0.5, left, right, color=colour(0), lw=3, alpha=0.35, zorder=2)
    if low <= found.scale.median <= high:
        panel.plot([found.scale.median], [0.5], "D", ms=5, color=colour(0), zorder=4)
    panel.set_ylim(-0.03, 1.03)
    panel.set_ylabel("probability of having\ncrossed by then")
    if unreached := found.probability_not_within_reach:
        panel.annotate(
            f"not within reach up to {size(found.within[1], found.along.units)}:\n{unreached:.2g}", (0.99, 0.04),
            xycoords="axes fraction", ha="right", va="bottom", fontsize=7.5, color=GREY,
        )  # fmt: skip


def _handles(found: Threshold) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    hue = colour(0)
    runs = [Line2D([], [], ls="", marker="o", ms=4.2, color=hue, label="fitted run")]
    handles: list[Any] = runs if found.fitted.size else []
    if not found.own.all():
        handles.append(Line2D([], [], ls="", marker="o", ms=4.2, color=GREY, label="of another family"))
    return [
        *handles,
        Line2D([], [], color=hue, lw=1.3, label="law, median"),
        *([Patch(color=hue, alpha=0.45, lw=0, label="50 %")] if found.level > 0.5 else []),
        Patch(color=hue, alpha=0.18, lw=0, label=percent(found.level)),
        Line2D([], [], color=hue, marker="D", ms=5, lw=3, alpha=0.6, label="threshold"),
    ]
