"""What priors expect beside what was observed: run by run, and table by table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.forecast.prior import PriorPredictive
from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, entitle, footnote, log_ticks, new_figure
from bayeslaw.ask.where.scale import axis_of, outcome_label, trials

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Simulated tables on the right: enough to see their range, few enough to see each.
TABLES = 40
# Opaque, since runs may share a place on the axis.
WIDE, NARROW = "#e2e2e2", "#bdbdbd"
# What a picture shows of wide priors: this share of the draws.
SEEN = 0.99


def plot_prior(found: PriorPredictive, along: str | None = None) -> Figure:
    """Draw what the priors of a law expect of runs, with the outcomes that were observed.

    On the left every run with its intervals; on the right the outcomes of each simulated table, sorted, as the share
    that lies below a value.  An observed table that none of the simulated ones resembles is at odds with the priors.

    Parameters
    ----------
    found
        The answer of :func:`bayeslaw.prior_predictive`.
    along
        ``"compute"`` (the default of laws of parameters and tokens) or an input of the law.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.

    Raises
    ------
    QuestionError
        When the law has no such input.
    """
    import matplotlib as mpl

    law, plan, level = found.law, found.plan, found.levels[0]
    axis, of = axis_of(law, along), trials(law, plan.inputs)
    share = 1.0 if of is None else of
    x, draws = axis.values(plan.inputs), found.draws / share
    observed = None if found.observed is None else found.observed / share
    tails = [0.5 * (1.0 - level), 0.25, 0.5, 0.75, 0.5 * (1.0 + level)]
    low, lower, middle, upper, high = np.quantile(draws, tails, axis=0, method="inverted_cdf")
    ends = np.quantile(draws, [0.5 * (1.0 - SEEN), 0.5 * (1.0 + SEEN)], method="inverted_cdf")
    reach = np.concatenate([ends, [] if observed is None else observed])
    logarithmic = law.output.link == "log" and bool((reach > 0).all())

    with mpl.rc_context(STYLE):
        figure = new_figure(8.4, 3.7)
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
        left.vlines(x, low, high, color=WIDE, lw=3.0, zorder=1)
        left.vlines(x, lower, upper, color=NARROW, lw=3.0, zorder=2)
        left.plot(x, middle, "_", ms=7, color=INK, zorder=3)
        if observed is not None:
            left.plot(x, observed, "o", ms=4.2, color=INK, mec="white", mew=0.5, zorder=4)
        if x.min() > 0 and x.max() > 3 * x.min():
            room = (x.max() / x.min()) ** 0.04
            log_ticks(left, "x", x.min() / room, x.max() * room)
            left.set_xlim(x.min() / room, x.max() * room)
        left.set(xlabel=axis.label, ylabel=outcome_label(law))
        _tables(right, draws, observed)
        right.set(xlabel=outcome_label(law), ylabel="share of the runs below")
        _outcome_scale(left, "y", reach, logarithmic)
        _outcome_scale(right, "x", reach, logarithmic)
        title = f"{law.title}: {len(x)} runs as its priors expect them"
        entitle(figure, title, (), _handles(level, observed is not None))
        few = min(TABLES, len(draws))
        footnote(figure, f"{len(draws):,} tables drawn from the priors on the left, {few} of them on the right.")
    return figure


def _tables(panel: Axes, draws: np.ndarray, observed: np.ndarray | None) -> None:
    shares = (np.arange(draws.shape[1]) + 0.5) / draws.shape[1]
    for each in draws[:TABLES]:
        finite = np.sort(each[np.isfinite(each)])
        panel.plot(finite, shares[: len(finite)], color=GREY, lw=0.7, alpha=0.5, zorder=1)
    if observed is not None:
        panel.plot(np.sort(observed), shares, color=INK, lw=1.8, zorder=2)
    panel.set_ylim(0.0, 1.0)


def _outcome_scale(panel: Axes, which: Any, reach: np.ndarray, logarithmic: bool) -> None:
    low, high = float(reach.min()), float(reach[np.isfinite(reach)].max())
    if logarithmic:
        room = (high / low) ** 0.05
        low, high = low / room, high * room
        log_ticks(panel, which, low, high)
    else:
        room = 0.05 * (high - low) or 1.0
        low, high = low - room, high + room
    (panel.set_xlim if which == "x" else panel.set_ylim)(low, high)


def _handles(level: float, observed: bool) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], ls="", marker="_", ms=7, color=INK, label="median under the priors"),
        Patch(color=NARROW, lw=0, label="50 %"),
        Patch(color=WIDE, lw=0, label=percent(level)),
        Line2D([], [], color=GREY, lw=0.7, label="a table under the priors"),
        *([Line2D([], [], color=INK, lw=1.8, marker="o", ms=4.2, label="observed")] if observed else []),
    ]
