"""How far laws are behind the best of them, by evidence and by prediction, and their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.compare.comparison import Comparison, Standing
from bayeslaw.ask.compare.loo import standard_error
from bayeslaw.ask.plot.canvas import GREY, INK, STYLE, colour, entitle, footnote, new_figure
from bayeslaw.words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The score behind each weighting; the position determines the colour.
WORDS = {"evidence": "log evidence", "stacking": "each run from the others", "forward": "larger runs from smaller ones",
         "families": "each family from the others"}  # fmt: skip
# Up to this many nats behind, the scale is linear; further back the odds are hopeless anyway.
LINEAR = 5.0
# Nats behind, or ahead by a standard error, that the axis names as far as they are reached.
TICKS = (0, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


def plot_comparison(comparison: Comparison) -> Figure:
    """Draw how many nats each law is behind the best by each score, and the weights.

    A thick bar is the standard error (of the difference, where it is of runs or families), a thin one what halving and
    doubling the width of all priors does to the evidence.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.
    """
    import matplotlib as mpl

    laws, subject = comparison.laws, next(iter(comparison.laws.values())).evidence.subject
    drawn = [how for how in WORDS if all(_scores(each, how) is not None for each in laws.values())]
    complaints = tuple(each for fit in comparison.posteriors.values() for each in fit.diagnostics.complaints)
    with mpl.rc_context(STYLE):
        figure = new_figure(9.2, 1.6 + 0.62 * len(laws))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.7, 1.0])
        for i, how in enumerate(drawn):
            # Marks of one law stand below each other, within the height of its row.
            at = np.arange(len(laws)) + 0.7 * ((i + 0.5) / len(drawn) - 0.5)
            _behind(left, comparison, how, at, _hue(how))
            found = comparison.weights.get(how)
            if found is not None:
                right.barh(at, [found[name] for name in laws], height=0.6 / len(drawn), color=_hue(how))
        _dress(left, right, list(laws))
        handles = _handles(drawn)
        entitle(figure, comparison.verdict, complaints, handles)
        what = f"{len(laws)} laws of {subject.outcome.replace('_', ' ')} on {subject.rows} runs"
        bars = "Thick: standard error. Thin: all priors halved and doubled in width."
        footnote(figure, f"{what}. {bars} The scale is logarithmic beyond {LINEAR:g} nats.")
    return figure


def _hue(how: str) -> str:
    return colour(list(WORDS).index(how))


def _scores(one: Standing, how: str) -> np.ndarray | None:
    """Parts of a score that count as independent, such as those of single runs; None where there is no score."""
    if how == "evidence":
        return np.array([one.evidence.log_evidence])
    score = {"stacking": one.loo, "forward": one.forward, "families": one.families}[how]
    return None if score is None else score.parts


def _behind(panel: Axes, comparison: Comparison, how: str, at: np.ndarray, hue: str) -> None:
    scores = {name: np.asarray(_scores(each, how)) for name, each in comparison.laws.items()}
    best = max(scores, key=lambda name: float(scores[name].sum()))
    for y, name in zip(at, scores, strict=True):
        apart = scores[name] - scores[best]
        x = float(apart.sum())
        if how == "evidence":
            factor = comparison.bayes_factor(name, best)
            panel.hlines(y, factor.low, factor.high, color=hue, lw=1.0, zorder=2)
            error = factor.se
        else:
            error = standard_error(apart)
        panel.hlines(y, x - error, x + error, color=hue, lw=3.0, alpha=0.45, zorder=3)
        panel.plot(x, y, "o", ms=4.5, color=hue, mec="white", mew=0.5, zorder=4)


def _dress(left: Axes, right: Axes, names: list[str]) -> None:
    from matplotlib.ticker import FuncFormatter

    left.set_xscale("symlog", linthresh=LINEAR)
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    behind, ahead = left.get_xlim()
    left.set_xticks(sorted({sign * tick for sign in (-1, 1) for tick in TICKS if behind < sign * tick < ahead}))
    left.set_xticks([], minor=True)
    left.axvline(0.0, color=INK, lw=0.7, zorder=1)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set_xlabel("nats behind the best law")
    right.set_xlim(0.0, 1.0)
    right.set_xlabel("weight in an average")
    for panel in (left, right):
        panel.tick_params(axis="y", length=0)
        for row in range(len(names) - 1):
            panel.axhline(row + 0.5, color=GREY, lw=0.4, alpha=0.5, zorder=0)


def _handles(drawn: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], ls="", marker="o", ms=5, color=_hue(how), label=WORDS[how]) for how in drawn]
