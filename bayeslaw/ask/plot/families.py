"""Families beside their population: how far each leans on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, colour, entitle, footnote, grid, log_ticks, new_figure
from bayeslaw.ask.where.scale import families, labels
from bayeslaw.errors import QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.runs.stand_ins import NEW, POPULATION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A positive parameter whose values span more than this factor is drawn on a log axis.
WIDE = 5.0
# The room beside the widest bar, as a share of the span.
MARGIN = 0.04


def plot_families(posterior: Posterior, *, allow_unconverged: bool = False) -> Figure:
    """Draw every parameter that families share through a population: each family, and what a new one may be.

    A family with few runs leans on the population: its interval is nearly that of a new family.  One with many runs
    stands by itself.

    Parameters
    ----------
    allow_unconverged
        Draw even from chains that have not converged; the title says so.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.

    Raises
    ------
    QuestionError
        When no parameter is shared through a population.
    ConvergenceError
        When the chains have not converged.
    """
    import matplotlib as mpl

    posterior.require_runs("a picture of the families")
    posterior.diagnostics.require(allow_unconverged)
    pooled = [name for name, each in posterior.plan.poolings.items() if each.kind == "partial"]
    if not pooled or posterior.family_grouping is None:
        raise QuestionError("no parameter of this fit is shared through a population of families; fit with families.")
    shown, total = families(posterior)
    of = labels(posterior.runs, posterior.family_grouping)
    names = [f"{family.name} ({of.count(family.name)} runs)" for family in shown]
    rows, columns = grid(len(pooled))
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.4, 1.4 + 2.6 * columns), 1.1 + (0.9 + 0.24 * len(shown)) * rows)
        panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for panel, name in zip(panels, pooled, strict=False):
            _draw(panel, posterior, name, [family.groups for family in shown])
            panel.set_yticks(range(len(shown)), names)
            panel.tick_params(axis="y", length=0)
        panels[0].invert_yaxis()
        for panel in panels[len(pooled) :]:
            panel.set_visible(False)
        title = f"{posterior.law.title}: what families share"
        entitle(figure, title, posterior.diagnostics.complaints, _handles())
        more = f" {len(shown)} of {total} families shown, those with most runs." if total > len(shown) else ""
        footnote(figure, f"Bars: 50 % and 90 % intervals. An interval as wide as the band was hardly learned.{more}")
    return figure


def _draw(panel: Axes, posterior: Posterior, name: str, each: list[Any]) -> None:
    parameter, rng = posterior.law.parameters[name], np.random.default_rng(posterior.seed)
    groups = posterior.groups_of(None)
    new = posterior.parameters(dict.fromkeys(groups, NEW), rng)[name]
    middle = posterior.parameters(dict.fromkeys(groups, POPULATION))[name]
    band, ends = np.quantile(new, [0.05, 0.95]), []
    panel.axvspan(*band, color=GREY, alpha=0.15, lw=0, zorder=0)
    panel.axvline(float(np.median(middle)), color=INK, lw=0.9, zorder=1)
    for i, family in enumerate(each):
        q = np.quantile(posterior.parameters(family)[name], [0.05, 0.25, 0.5, 0.75, 0.95])
        panel.hlines(i, q[0], q[4], color=colour(i), lw=1.2)
        panel.hlines(i, q[1], q[3], color=colour(i), lw=3.4)
        panel.plot(q[2], i, "o", ms=4, color=colour(i), mec="white", mew=0.5)
        ends += [q[0], q[4]]
    low, high = float(min(band[0], *ends)), float(max(band[1], *ends))
    if parameter.prior.support == "positive" and high > WIDE * low > 0:
        log_ticks(panel, "x", low, high)
        panel.set_xlim(low / (high / low) ** MARGIN, high * (high / low) ** MARGIN)
    else:
        panel.locator_params(axis="x", nbins=4)
        panel.set_xlim(low - MARGIN * (high - low), high + MARGIN * (high - low))
    units = f" ({parameter.units})" if parameter.units not in ("", "1") else ""
    panel.set_title(f"{name}{units}")
    panel.set_ylim(-0.7, len(each) - 0.3)


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=INK, lw=0.9, label="middle of the population"),
        Patch(color=GREY, alpha=0.25, lw=0, label="a new family, 90 %"),
        Line2D([], [], color=GREY, lw=2.5, marker="o", ms=4, label="a fitted family"),
    ]
