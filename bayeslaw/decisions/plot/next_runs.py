"""What candidates tell about a target for their cost, on the plane of two inputs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.plot.canvas import COLOURS, GREY, INK, STYLE, entitle, footnote, log_ticks, new_figure
from bayeslaw.decisions.information.candidates import LEAST_NARROWER, Candidate, NextRuns
from bayeslaw.words import chance, short, with_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Areas of marks, in square points: of what tells nothing, and of what tells all.
SMALL, LARGE = 12.0, 260.0
# The palest mark tells less for its cost than the best by this factor, or more.
FADED = 1e3
# Room beside the outermost mark, as a factor; and characters of a line of the footnote.
BESIDE, ACROSS = 1.7, 110


def plot_next_runs(found: NextRuns) -> Figure:
    """Draw the candidates: larger marks narrow the target's forecast more, darker ones tell more for their cost.

    The axes are the first two inputs; of a law of one input, that input and the information.

    Parameters
    ----------
    found
        An answer of :func:`bayeslaw.next_runs`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    x, *others = found.candidates[0].at
    y = others[0] if others else None
    with mpl.rc_context(STYLE):
        figure = new_figure(6.8, 5.0)
        panel = figure.subplots()
        _marks(panel, found, x, y, figure)
        for name, which in ((x, "x"), (y, "y")):
            if name is None:
                panel.set_ylabel("information about the target (nats)")
                panel.set_ylim(bottom=0.0)
                continue
            values = [*(each.at[name] for each in found.candidates), found.forecast.points[0].at[name]]
            if y is not None:
                values += found.fitted[name].tolist()
            low, high = min(values) / BESIDE, max(values) * BESIDE
            log_ticks(panel, which, low, high)
            (panel.set_xlim if which == "x" else panel.set_ylim)(low, high)
            label = with_units(name, found.forecast.points[0].units.get(name, ""))
            (panel.set_xlabel if which == "x" else panel.set_ylabel)(label)
        target = found.forecast.points[0]
        title = f"What a run tells about the {found.forecast.outcome.replace('_', ' ')} {target.place}"
        entitle(figure, title, found.diagnostics.complaints, _handles(found, y), columns=4)
        footnote(figure, textwrap.fill(_words(found), ACROSS))
    return figure


def _marks(panel: Axes, found: NextRuns, x: str, y: str | None, figure: Figure) -> None:
    from matplotlib.colors import LogNorm

    per_cost = np.array([each.per_cost for each in found.candidates])
    best = per_cost[np.isfinite(per_cost)].max(initial=1e-300)
    places = [(each.at[x], each.information if y is None else each.at[y]) for each in found.candidates]
    drawn = panel.scatter(
        [place[0] for place in places], [place[1] for place in places],
        s=[SMALL + (LARGE - SMALL) * each.narrower for each in found.candidates],
        c=np.clip(per_cost, best / FADED, best), cmap="viridis_r", norm=LogNorm(best / FADED, best), lw=0, zorder=3,
    )  # fmt: skip
    bar = figure.colorbar(drawn, ax=panel, pad=0.02, shrink=0.9)
    bar.set_label("nats per unit of cost")
    bar.outline.set_visible(False)
    if y is not None:
        panel.plot(found.fitted[x], found.fitted[y], "x", color=GREY, ms=4, mew=0.8, zorder=2)
        target = found.forecast.points[0].at
        panel.plot(target[x], target[y], "*", color=COLOURS[1], ms=13, zorder=4)
    for each in _named(found):
        at = (each.at[x], each.information if y is None else each.at[y])
        panel.plot(*at, "o", mfc="none", mec=COLOURS[1], ms=17, mew=1.4, zorder=5)
        alone = f"{chance(each.narrower)} for " if each.narrower > LEAST_NARROWER else ""
        panel.annotate(
            f"{alone}{short(each.cost)}",
            at,
            xytext=(11, 7),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            zorder=6,
        )


def _named(found: NextRuns) -> list[Candidate]:
    """The candidates with numbers: those that are bought together or, without a budget, the best two."""
    named = found.batch or (found.best, found.best_for_its_cost)
    return list({id(each): each for each in named[:5]}.values())


def _words(found: NextRuns) -> str:
    what = "bought together for the budget" if found.batch else "tells most, and tells most for its cost"
    return (
        f"Ringed: {what}, with the part by which it alone narrows the forecast and its cost ({found.cost}). Larger "
        f"marks narrow it more; darker ones tell more for their cost."
    )


def _handles(found: NextRuns, y: str | None) -> list[Any]:
    from matplotlib.lines import Line2D

    chosen = Line2D([], [], ls="", marker="o", mfc="none", mec=COLOURS[1], label="chosen" if found.batch else "best")
    if y is None:
        return [chosen]
    return [
        chosen,
        Line2D([], [], ls="", marker="x", color=GREY, ms=5, label="fitted runs"),
        Line2D([], [], ls="", marker="*", color=COLOURS[1], ms=10, label="target"),
    ]
