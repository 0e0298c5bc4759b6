"""Posterior against prior: what the runs say about every parameter, and what the families share."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, colour, entitle, footnote, grid, log_ticks, new_figure
from bayeslaw.ask.where.scale import Family, families
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.catalogue import cited_as
from bayeslaw.language.law import Prior
from bayeslaw.runs.stand_ins import POPULATION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Marks of published values, by source.
MARKS = ("v", "s", "D", "^", "P", "X")
# A positive parameter whose prior spans more than this factor, and whose panel spans more than the second, is drawn on
# a log axis.
DECADES, WIDE = 10.0, 4.0
# How many characters of a meaning fit below a title.
MEANING = 44
# How far a panel extends towards the prior, in widths of the posterior.  If it were wider, a well-learned parameter
# would be a needle; if it were narrower, every prior would look flat.
OPENING = 1.0


def plot_parameters(posterior: Posterior, *, allow_unconverged: bool = False) -> Figure:
    """Draw the posterior of every parameter against its prior, with the families and published values.

    A posterior that lies on its prior was not learned from these runs.

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
    ConvergenceError
        When the chains have not converged.
    """
    import matplotlib as mpl

    posterior.require_runs("a picture of the parameters")
    posterior.diagnostics.require(allow_unconverged)
    law = posterior.law
    pooled = [n for n in law.parameters if n in law.free_parameters or posterior.plan.poolings[n].kind == "partial"]
    shown, total = families(posterior)
    published = {} if law.published is None else {k: law.published_parameters(k) for k in law.published.values}
    rows, columns = grid(len(pooled), 4)
    by_family = any(posterior.plan.poolings[name].kind != "complete" for name in pooled)
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.4, 2.7 * columns), 1.2 + (2.5 if by_family else 2.2) * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, name in zip(panels, pooled, strict=False):
            _parameter(panel, posterior, name, shown, published)
        for panel in panels[len(pooled) :]:
            panel.set_visible(False)
        used = {key: values for key, values in published.items() if set(values) & set(pooled)}
        handles = _handles(posterior, shown if by_family and posterior.family_grouping else [], used)
        entitle(figure, f"{law.title}: parameters, posterior against prior", posterior.diagnostics.complaints, handles)
        bars = "Bars: 50 % and 90 % intervals." if by_family else ""
        more = f" {len(shown)} of {total} families shown, those with most runs." if total > len(shown) else ""
        footnote(figure, f"{bars}{more}".strip())
    return figure


def _parameter(
    panel: Axes, posterior: Posterior, name: str, shown: list[Family], published: dict[str, dict[str, float]]
) -> None:
    parameter, pooling = posterior.law.parameters[name], posterior.plan.poolings[name]
    everywhere = dict.fromkeys(posterior.groups_of(None), POPULATION)
    whole = None if pooling.kind == "none" else posterior.parameters(everywhere)[name]
    each = [] if pooling.kind == "complete" else [posterior.parameters(family.groups)[name] for family in shown]
    known = {key: values[name] for key, values in published.items() if name in values}

    needed = [np.quantile(draws, [0.005, 0.995]) for draws in [*each, *([] if whole is None else [whole])]]
    low, high = _range(posterior, name, np.concatenate(needed), list(known.values()))
    logarithmic = _spans_decades(parameter.prior) and low > 0 and high > WIDE * low
    x = np.geomspace(low, high, 300) if logarithmic else np.linspace(low, high, 300)
    # Areas are those on the axis that is drawn.
    stretch = x if logarithmic else np.ones_like(x)
    top = 1.0
    if whole is not None and np.ptp(whole) > 0:
        density = _density(np.log(whole), np.log(x)) if logarithmic else _density(whole, x)
        top = float(density.max())
        panel.fill_between(x, density / top, color=INK, alpha=0.18, lw=0, zorder=3)
        panel.plot(x, density / top, color=INK, lw=1.3, zorder=3)
    if not parameter.prior.is_constant:
        # On the density scale of the posterior, so that areas compare; lowered where it would leave the panel.
        prior = stretch * np.nan_to_num(parameter.prior.scipy().pdf(x), posinf=0.0)
        scale = max(top, float(prior.max())) if whole is not None else float(prior.max())
        panel.fill_between(x, prior / scale, color=GREY, alpha=0.18, lw=0, zorder=1)
        panel.plot(x, prior / scale, color=GREY, lw=1.0, ls=(0, (3, 2)), zorder=2)
    step = 0.16
    for i, draws in enumerate(each):
        y = -step * (i + 1)
        q = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95])
        panel.hlines(y, q[0], q[4], color=colour(i), lw=1.2)
        panel.hlines(y, q[1], q[3], color=colour(i), lw=3.2)
        panel.plot(q[2], y, "o", ms=3.6, color=colour(i), mec="white", mew=0.5)
    for i, key in enumerate(published):
        if key in known and low <= known[key] <= high:  # elsewhere a mark would break the layout
            face = "white" if i % 2 else INK
            panel.plot(known[key], 1.09 + 0.09 * i, MARKS[i % len(MARKS)], ms=4.5, mfc=face, mec=INK, clip_on=False)
            panel.vlines(known[key], 0.0, 1.06, color=INK, lw=0.6, ls=":", zorder=1)
    panel.set_ylim(-step * (len(each) + 0.7) if each else 0.0, 1.18)
    panel.set_xlim(low, high)
    if logarithmic:
        log_ticks(panel, "x", low, high)
    else:
        panel.locator_params(axis="x", nbins=4)
    panel.axhline(0.0, color=GREY, lw=0.6)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    units = f" ({parameter.units})" if parameter.units not in ("", "1") else ""
    meaning = textwrap.fill(parameter.meaning, MEANING)
    # Room for the marks of published values, which stand above the panel.
    panel.set_title(f"{name}{units}", pad=16 + 9 * (meaning.count("\n") + 1))
    panel.text(0.0, 1.0, meaning, transform=_above(panel, 14), fontsize=7, color=GREY, va="bottom")


def _above(panel: Axes, points: float) -> Any:
    """The panel's own coordinates, raised by some points."""
    from matplotlib.transforms import ScaledTranslation

    figure = panel.figure
    return panel.transAxes + ScaledTranslation(0.0, points / 72.0, figure.dpi_scale_trans)


def _spans_decades(prior: Prior) -> bool:
    if prior.is_constant or prior.support != "positive":
        return False
    low, high = prior.scipy().ppf([0.025, 0.975])
    return bool(low > 0 and high > DECADES * low)


def _range(posterior: Posterior, name: str, needed: np.ndarray, published: list[float]) -> tuple[float, float]:
    """The range of the posterior, extended towards published values and the bulk of the prior."""
    prior = posterior.law.parameters[name].prior
    low, high = float(needed.min()), float(needed.max())
    width = high - low or abs(high) or 1.0
    if _spans_decades(prior) and low > 0:
        # On the log, as it is drawn; beyond a few widths of the posterior a prior has nothing to show.
        a, b = np.log(prior.scipy().ppf([0.01, 0.99]))
        width = max(np.log(high / low), 0.1)
        reach = (max(a, np.log(low) - OPENING * width), min(b, np.log(high) + OPENING * width))
        low, high = min(low, float(np.exp(reach[0]))), max(high, float(np.exp(reach[1])))
        for value in published:
            if low / np.exp(2 * width) < value < high * np.exp(2 * width):
                low, high = min(low, value), max(high, value)
        margin = (high / low) ** 0.04
        return low / margin, high * margin
    if not prior.is_constant:
        bulk = prior.scipy().ppf([0.01, 0.99])
        low, high = min(low, max(bulk[0], low - OPENING * width)), max(high, min(bulk[1], high + OPENING * width))
    for value in published:
        if low - 2 * width < value < high + 2 * width:
            low, high = min(low, value), max(high, value)
    margin = 0.04 * (high - low)
    return low - margin if low - margin > 0 or prior.support == "real" else max(low - margin, 0.0), high + margin


def _density(draws: np.ndarray, x: np.ndarray) -> np.ndarray:
    from scipy.stats import gaussian_kde

    return np.asarray(gaussian_kde(draws)(x))


def _handles(posterior: Posterior, shown: list[Family], published: dict[str, Any]) -> list[Any]:
    from matplotlib.lines import Line2D

    whole = "population" if posterior.plan.structure.effects else "posterior"
    return [
        Line2D([], [], color=GREY, ls=(0, (3, 2)), lw=1.0, label="prior"),
        Line2D([], [], color=INK, lw=1.3, label=whole),
        *(Line2D([], [], color=colour(i), lw=3.0, label=family.name) for i, family in enumerate(shown)),
        *(Line2D([], [], ls="", marker=MARKS[i % len(MARKS)], ms=4.5, mfc="white" if i % 2 else INK, mec=INK,
                 label=cited_as(key)) for i, key in enumerate(published)),
    ]  # fmt: skip
