"""Runs and forecasts against scale: the picture of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import forecast
from bayeslaw.ask.interval import percent
from bayeslaw.ask.plot.canvas import (
    GREY,
    INK,
    PALE,
    STYLE,
    colour,
    entitle,
    footnote,
    grid,
    log_ticks,
    new_figure,
)  # fmt: skip
from bayeslaw.ask.where.scale import (
    Axis,
    Family,
    Inputs,
    axis_of,
    families,
    outcome_label,
    path,
    read_at,
    trials,
)  # fmt: skip
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 60  # on a curve: smooth at the width of a page
# Without held-out runs a curve extends by this share of the span of the fitted runs, on the scale of the axis.
FURTHER = 0.4
# Without runs a curve extends about the reference scales of the law by these factors.
ALONE = np.array([1e-2, 1e3])


def plot_forecast(
    posterior: Posterior | Average,
    held_out: Runs | None = None,
    along: str | None = None,
    level: float = 0.9,
    at: Mapping[str, float] | None = None,
    *,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Figure:
    """Draw the runs and the forecast of new runs, one panel and colour per family.

    A band contains a new run with the probability `level`, the darker one with 50 %.  Fitted runs off the curve's path,
    such as runs with other tokens per parameter, are moved onto it by the difference that the law says, so that what
    remains is their residual.  Held-out runs stay where they are, with a forecast of their own, a bar that should cover
    the hollow marker.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    held_out
        Runs that were not fitted, drawn with their forecasts; families that were not fitted get the forecast of a
        new family.
    along
        ``"compute"`` (the default of laws of parameters and tokens) or an input of the law.
    level
        Probability of bands and bars.
    at
        Inputs that the curve holds fixed (default: the middle of the fitted runs).  A full point
        (``{"N": 7e10, "D": 1.4e12}``) is also drawn, and the curve passes through it.
    drift
        As :func:`bayeslaw.forecast` takes it.
    allow_unconverged
        Draw even from chains that have not converged; the title says so.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig(path)`` writes it.

    Raises
    ------
    QuestionError
        When the axis, an input or the level is invalid.
    ConvergenceError
        When the chains have not converged.
    """
    import matplotlib as mpl

    asked = Average.of(posterior)
    asked.require(allow_unconverged)
    posterior = asked.lead
    law, axis, fixed = posterior.law, axis_of(posterior.law, along), read_at(posterior.law, at)
    shown, total = families(posterior, held_out)
    fitted, new = posterior.usual, None if held_out is None else observations.inputs(held_out, law)
    marked = set(law.free_inputs) <= set(fixed)
    x = axis.values(fitted) if asked.measured else np.outer(ALONE, axis.values(fitted)).ravel()
    everywhere = [x, *([] if new is None else [axis.values(new)])]
    if marked:
        everywhere.append(axis.values({name: np.array([value]) for name, value in fixed.items()}))
    logarithmic = bool(np.concatenate(everywhere).min() > 0)
    line = _line(law.inputs.get(axis.name), everywhere, logarithmic, ends=held_out is not None or marked)

    rows, columns = grid(len(shown))
    with mpl.rc_context(STYLE):
        figure = new_figure(max(6.4, 3.1 * columns), 1.3 + 2.9 * rows)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        drawing = _Drawing(asked, axis, line, level, fixed, marked, drift, allow_unconverged)
        notes = [drawing.family(panel, family, colour(i), held_out)
                 for i, (panel, family) in enumerate(zip(panels, shown, strict=False))]  # fmt: skip
        for panel in panels[len(shown) :]:
            panel.set_visible(False)
        first = panels[0]
        _scales(first, posterior, logarithmic, line, drawing.heights)
        if asked.measured:
            _beyond(panels[: len(shown)], x, line)
        if len(set(notes)) > 1:
            for panel, note in zip(panels, notes, strict=False):
                panel.text(0.03, 0.03, f"curve: {note}", transform=panel.transAxes, fontsize=7, color=GREY)
        for i, panel in enumerate(panels[: len(shown)]):
            panel.tick_params(labelbottom=i + columns >= len(shown))
            if i % columns == 0:
                panel.set_ylabel(outcome_label(law))
            if i + columns >= len(shown):
                panel.set_xlabel(axis.label if columns < 3 or i % columns == 1 else "")
        what = "share" if law.output.likelihood.family.outcome == "count" else law.output.column.replace("_", " ")
        whose = "a new run's" if asked.measured else "the"
        both = f"50 % and {percent(level)} intervals" if level > 0.5 else f"{percent(level)} intervals"
        handles = _handles(level, held_out is not None, marked, asked.measured)
        entitle(figure, f"{asked.title}: {whose} {what}, median with {both}", asked.diagnostics.complaints, handles)
        off = "; fitted runs moved there by the difference that the law says" if len(law.free_inputs) > 1 else ""
        kept = f"Curves at {notes[0]}{off if asked.measured else ''}." if len(set(notes)) == 1 and notes[0] else ""
        more = f" {len(shown)} of {total} families shown, those with most runs." if total > len(shown) else ""
        footnote(figure, f"{kept}{more}".strip())
    return figure


class _Drawing:
    """Draw one family after another into its panel, and record how high everything reaches."""

    def __init__(
        self, asked: Average, axis: Axis, line: np.ndarray, level: float, fixed: Mapping[str, float],
        marked: bool, drift: Drifting,
        allow: bool,
    ) -> None:  # fmt: skip
        self.asked, self.axis, self.line, self.level = asked, axis, line, level
        self.fixed, self.marked, self.drift, self.allow = fixed, marked, drift, allow
        self.posterior = asked.lead
        self.grouping = self.posterior.family_grouping
        self.heights: list[np.ndarray] = []

    def family(self, panel: Axes, family: Family, hue: str, held_out: Runs | None) -> str:
        """Draw everything of one family; returns words for what its curve holds fixed."""
        plan = self.posterior.plan
        own = family.of(self.posterior.runs, self.grouping)
        amid = {name: values[own] if own.any() else values for name, values in self.posterior.usual.items()}
        inputs, note = path(self.posterior, self.axis, self.line, amid, self.fixed)
        outer, inner, middle = self._bands(inputs, family)
        panel.fill_between(self.line, *outer, color=hue, alpha=0.18, lw=0, zorder=2)
        if self.level > 0.5:
            panel.fill_between(self.line, *inner, color=hue, alpha=0.30, lw=0, zorder=2)
        panel.plot(self.line, middle, color=hue, lw=1.3, zorder=3)
        self.heights += [middle, *outer]
        if own.any():
            x = self.axis.values(plan.inputs)[own]
            there, _ = path(self.posterior, self.axis, x, amid, self.fixed)
            observed = self._moved(
                {name: each[own] for name, each in plan.inputs.items()}, plan.outcome[own], there, family
            )
            panel.plot(x, observed, "o", ms=4.2, color=hue, mec="white", mew=0.5, zorder=5)
            self.heights.append(observed)
        if held_out is not None and (theirs := family.of(held_out, self.grouping)).any():
            runs = held_out.take(theirs)
            given = observations.inputs(runs, self.posterior.law)
            self._bars(panel, given, family, hue)
            seen = self._shares(given, observations.outcome(runs, self.posterior.law))
            panel.plot(self.axis.values(given), seen, "o", ms=4.2, mfc="white", mec=hue, mew=1.0, zorder=6)
            self.heights.append(seen)
        if self.marked:
            point = {name: values[:1] for name, values in inputs.items()} | {
                name: np.array([value]) for name, value in self.fixed.items()
            }
            self._bars(panel, point, family, INK, "D")
            self._number(panel, point, family, middle)
        panel.set_title(family.name, color=hue, fontweight="bold")
        return note

    def _moved(self, here: Inputs, outcome: np.ndarray, there: Inputs, family: Family) -> np.ndarray:
        """Outcomes as they would be on the curve: moved by the difference that the law says."""
        law, observed = self.posterior.law, self._shares(here, outcome)
        if len(law.free_inputs) < 2:
            return observed
        count = law.output.likelihood.family.outcome == "count"  # shares of 0 and 1 have no logit
        link, back = (LINKS[law.output.link], UNLINKS[law.output.link]) if not count else (np.asarray, np.asarray)
        at_curve, at_run = (link(self._law(inputs, family)) for inputs in (there, here))
        moved = back(link(observed) + at_curve - at_run)
        return np.clip(moved, 0.0, 1.0) if count else np.asarray(moved)

    def _law(self, inputs: Inputs, family: Family) -> np.ndarray:
        """The median of the law itself."""
        free = {name: inputs[name] for name in self.posterior.law.free_inputs}
        noise = {name: inputs[name] for name in self.posterior.law.noise_inputs if name in inputs}
        found = forecast(
            self.asked, {**free, **noise}, dict(family.groups), self.level, drift=False, allow_unconverged=self.allow
        )
        return np.asarray(np.median(found.mean_draws, axis=0))

    def _bands(self, inputs: Mapping[str, np.ndarray], family: Family) -> tuple[Any, Any, np.ndarray]:
        draws = forecast(
            self.asked, inputs, dict(family.groups), self.level, drift=self.drift, allow_unconverged=self.allow
        ).draws
        tail = (1.0 - self.level) / 2.0
        low, lower, middle, upper, high = self._shares(
            inputs, np.nanquantile(draws, [tail, 0.25, 0.5, 0.75, 1.0 - tail], axis=0)
        )
        return (low, high), (lower, upper), middle

    def _bars(self, panel: Axes, inputs: Mapping[str, np.ndarray], family: Family, hue: str, marker: str = "") -> None:
        # Computed inputs follow from the free ones, so they are not given.
        needed = {name: values for name, values in inputs.items() if self.posterior.law.inputs[name].formula is None
                  or name in self.posterior.law.free_inputs}  # fmt: skip
        (low, high), _, middle = self._bands(needed, family)
        x = self.axis.values(inputs)
        panel.vlines(x, low, high, color=hue, lw=2.2, alpha=0.40, zorder=4)
        if marker:
            panel.plot(x, middle, marker, ms=5, color=hue, zorder=6)
        self.heights += [low, high]

    def _number(self, panel: Axes, point: Mapping[str, np.ndarray], family: Family, middle: np.ndarray) -> None:
        """The forecast of the run asked for, in figures, in the corner that the curve leaves free."""
        needed = {name: point[name] for name in self.posterior.law.free_inputs}
        found = forecast(
            self.asked, needed, dict(family.groups), self.level, drift=self.drift, allow_unconverged=self.allow
        ).points[0]  # fmt: skip
        falls = middle[-1] < middle[0]
        inputs = ", ".join(f"{name} = {value}" for name, value in found.inputs.items())
        panel.text(
            0.98, 0.85 if falls else 0.04, f"{inputs}\n{found.new_run.words()}", transform=panel.transAxes, ha="right",
            va="top" if falls else "bottom", fontsize=8, color=INK, fontweight="bold", zorder=7,
        )  # fmt: skip

    def _shares(self, inputs: Mapping[str, np.ndarray], outcome: np.ndarray) -> np.ndarray:
        count = trials(self.posterior.law, inputs)
        return outcome if count is None else outcome / count


def _line(one: Any, everywhere: list[np.ndarray], logarithmic: bool, ends: bool) -> np.ndarray:
    """Values along the axis from below all runs to beyond them."""
    there, back = (np.log, np.exp) if logarithmic else (np.asarray, np.asarray)
    values = there(np.concatenate(everywhere))
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    line = back(np.linspace(low - 0.04 * span, high + (0.04 if ends else FURTHER) * span, POINTS))
    if one is None or one.range is None:
        return np.asarray(line)
    # A curve stays in the range of the law, unless runs lie outside it.
    return np.asarray(np.clip(line, min(one.range[0], back(low)), max(one.range[1], back(high))))


def _scales(panel: Axes, posterior: Posterior, logarithmic: bool, line: np.ndarray, heights: list[np.ndarray]) -> None:
    if logarithmic:
        log_ticks(panel, "x", line[0], line[-1])
    panel.set_xlim(line[0], line[-1])
    values = np.concatenate([h.ravel() for h in heights])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if posterior.law.output.link == "log" and low > 0:
        room = (high / low) ** 0.05
        log_ticks(panel, "y", low / room, high * room)
        panel.set_ylim(low / room, high * room)
    else:
        room = 0.05 * (high - low) or 1.0
        panel.set_ylim(low - room, high + room)


def _beyond(panels: Any, x: np.ndarray, line: np.ndarray) -> None:
    """Shade and label the region beyond the fitted runs."""
    left, right = float(x.min()), float(x.max())
    for panel in panels:
        for start, end in ((right, line[-1]), (line[0], left)):
            # A sliver is only the margin of the picture.
            if abs(np.subtract(*panel.transAxes.inverted().transform(
                panel.transData.transform([(start, panel.get_ylim()[0]), (end, panel.get_ylim()[0])])
            )[:, 0])) < 0.06:  # fmt: skip
                continue
            panel.axvspan(start, end, color=PALE, lw=0, zorder=0)
            panel.annotate(
                "beyond the\nfitted runs", xy=(start, 1.0), xycoords=("data", "axes fraction"),
                xytext=(4 if start == right else -4, -3), textcoords="offset points", va="top",
                ha="left" if start == right else "right", fontsize=7, color=GREY, zorder=1, annotation_clip=False,
            )  # fmt: skip


def _handles(level: float, held_out: bool, marked: bool, measured: bool) -> list[Any]:
    """What the marks mean; colours are named by the panels' titles."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    name = percent(level)
    handles: list[Any] = [
        *([Line2D([], [], ls="", marker="o", ms=4.2, color=GREY, label="fitted run")] if measured else []),
        Line2D([], [], color=GREY, lw=1.3, label="median of a new run" if measured else "median"),
        *([Patch(color=GREY, alpha=0.45, lw=0, label="50 %")] if level > 0.5 else []),
        Patch(color=GREY, alpha=0.18, lw=0, label=name),
    ]
    if held_out:
        handles += [
            Line2D([], [], ls="", marker="o", ms=4.2, mfc="white", mec=GREY, label="held-out run, observed"),
            Line2D([], [], ls="", marker="|", ms=9, mew=2.2, alpha=0.5, color=GREY, label=f"its {name} forecast"),
        ]
    if marked:
        handles.append(Line2D([], [], ls="", marker="D", ms=5, color=INK, label=f"run asked for, {name}"))
    return handles
