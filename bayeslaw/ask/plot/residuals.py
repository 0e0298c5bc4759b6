"""The residuals of a law: a trend means that the law is wrong, a bent quantile line that its noise is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.forecast.forecast import Forecast, forecast
from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, colour, entitle, footnote, log_ticks, new_figure
from bayeslaw.ask.where.scale import axis_of, families, labels
from bayeslaw.inference.base.streams import TIES, generator
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.posterior.residuals import normal_scores
from bayeslaw.language.formula.functions import LINKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_residuals(posterior: Posterior, along: str | None = None, *, allow_unconverged: bool = False) -> Figure:
    """Draw the residuals of the fitted runs on the scale of the noise, and their quantiles.

    The quantile panel compares each outcome with the draws of its own new run, so it reads the same for every kind of
    noise: points on the line mean that the noise has the shape and width of the residuals.

    Parameters
    ----------
    along
        ``"compute"`` (the default of laws of parameters and tokens) or an input of the law.
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

    posterior.require_runs("a picture of residuals")
    posterior.diagnostics.require(allow_unconverged)
    law, axis, plan = posterior.law, axis_of(posterior.law, along), posterior.plan
    answer = forecast(posterior, posterior.runs, allow_unconverged=allow_unconverged)
    scores = normal_scores(answer.draws, plan.outcome, generator(posterior.seed, TIES))
    residual, low, high, label = _on_noise_scale(posterior, answer, scores)
    shown, total = families(posterior)
    whose = np.array(labels(posterior.runs, posterior.family_grouping))
    x = axis.values(plan.inputs)
    hues = np.full(len(x), GREY, dtype=object)
    for i, family in enumerate(shown):
        hues[whose == family.name] = colour(i)

    with mpl.rc_context(STYLE):
        figure = new_figure(8.4, 3.7)
        left, right = figure.subplots(1, 2, width_ratios=[1.7, 1.0])
        left.vlines(x, low, high, color="#e4e4e4", lw=3.0, zorder=1, label="90 % of the noise")
        left.axhline(0.0, color=INK, lw=0.7, zorder=2)
        left.scatter(x, residual, s=17, c=list(hues), edgecolors="white", linewidths=0.4, zorder=3)
        if x.min() > 0 and x.max() > 3 * x.min():
            room = (x.max() / x.min()) ** 0.04
            log_ticks(left, "x", x.min() / room, x.max() * room)
            left.set_xlim(x.min() / room, x.max() * room)
        left.set_xlabel(axis.label)
        left.set_ylabel(label)
        _quantiles(right, scores, hues)
        handles = _handles([f.name for f in shown if f.name])
        entitle(figure, f"{law.title}: residuals of {len(x)} fitted runs", posterior.diagnostics.complaints, handles)
        more = f" Colours for {len(shown)} of {total} families, those with most runs." if total > len(shown) else ""
        footnote(figure, f"{_said(scores)} Fitted runs lie closer to the law than new runs will.{more}")
    return figure


def _on_noise_scale(
    posterior: Posterior, answer: Forecast, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Residuals, the central 90 % of the noise about them, and the label of their units."""
    family, name = posterior.law.output.likelihood.family, posterior.law.output.column.replace("_", " ")
    if family.outcome == "count":  # counts of 0 and of all trials have no logit
        return (
            scores,
            np.full_like(scores, -1.645),
            np.full_like(scores, 1.645),
            "count above the law (standard deviations)",
        )
    link = LINKS[family.link]
    with np.errstate(all="ignore"):
        residual = link(posterior.plan.outcome) - np.median(link(answer.mean_draws), axis=0)
        low, high = np.nanquantile(link(answer.draws) - link(answer.mean_draws), [0.05, 0.95], axis=0)
    label = {
        "log": f"{name} above the law (%)",
        "logit": f"{name} above the law (log odds)",
        "identity": f"{name} above the law ({posterior.law.output.units})",
    }[family.link]
    if family.link == "log":
        residual, low, high = (100.0 * np.expm1(each) for each in (residual, low, high))
    return np.asarray(residual), low, high, label


def _quantiles(panel: Axes, scores: np.ndarray, hues: np.ndarray) -> None:
    """Sorted scores against their expected values in a sample of this size, with a 90 % band for each point."""
    from scipy.special import ndtri

    order, count = np.argsort(scores), len(scores)
    expected = ndtri((np.arange(1, count + 1) - 0.375) / (count + 0.25))
    low, high = _band(count)
    panel.fill_between(expected, low, high, color="#e4e4e4", lw=0, zorder=1)
    panel.axline((0.0, 0.0), slope=1.0, color=INK, lw=0.7, zorder=2)
    panel.scatter(expected, scores[order], s=17, c=list(hues[order]), edgecolors="white", linewidths=0.4, zorder=3)
    panel.set_xlabel("expected (standard deviations)")
    panel.set_ylabel("observed (standard deviations)")


def _band(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The central 90 % of each of so many sorted normal numbers."""
    from scipy.special import ndtri
    from scipy.stats import beta

    # The i-th of n uniform numbers has a Beta(i, n + 1 - i) distribution.
    rank = np.arange(1, count + 1)
    low, high = (ndtri(beta.ppf(p, rank, count + 1 - rank)) for p in (0.05, 0.95))
    return low, high


def _said(scores: np.ndarray) -> str:
    """In words, how many points lie outside the band on the right."""
    (low, high), ordered = _band(len(scores)), np.sort(scores)
    outside = int(np.count_nonzero((ordered < low) | (ordered > high)))
    if not outside:
        return "On the right all points lie in the band: the noise has the shape of the residuals."
    return f"On the right {outside} of {len(scores)} points leave the band, which a tenth would by chance."


def _handles(shown: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        *(Line2D([], [], ls="", marker="o", ms=4.5, color=colour(i), label=name) for i, name in enumerate(shown)),
        Patch(color="#e4e4e4", label="90 %: of the noise (left), of samples of this size (right)"),
    ]
