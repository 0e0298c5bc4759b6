"""What all pictures of a report share: axes, labels, and the look that a page gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

# Okabe and Ito's colours, of a lightness between that of paper and of a dark screen.
BLUE, ORANGE, GREEN, GREY = "#2f86c9", "#d9701a", "#14946c", "#8a8f98"
# Text takes the colour of the page.
INK = "currentColor"
# As wide on most machines as where still pictures are measured, so that no label is cut.
FONT = "Arial, Liberation Sans, sans-serif"
POWERS = "replace(format(datum.value, '~e'), 'e+', 'e')"
Rows = Sequence[Mapping[str, Any]]
Chart = alt.LayerChart | alt.FacetChart


def data(rows: Rows) -> alt.Data:
    """Rows as data of a chart."""
    return alt.Data(values=[dict(row) for row in rows])


def x_axis(name: str, title: str | None, logarithmic: bool = False, domain: Sequence[float] | None = None) -> alt.X:
    """A horizontal axis of numbers; on a log scale its ticks are powers of ten within the domain."""
    ticks: dict[str, Any] = {"tickCount": 5}
    if logarithmic and domain:
        ticks = {"labelExpr": POWERS, "values": _powers(domain[0], domain[-1])}
    axis = alt.Axis(grid=False, **ticks)
    return alt.X(name, type="quantitative", title=title, scale=_scale(logarithmic, domain), axis=axis)


def y_axis(
    name: str, title: str | None, domain: Sequence[float] | None = None, form: str | None = None, log: bool = False
) -> alt.Y:
    """A vertical axis of numbers."""
    axis = alt.Axis(tickCount=5) if form is None else alt.Axis(tickCount=5, format=form)
    return alt.Y(name, type="quantitative", title=title, scale=_scale(log, domain), axis=axis)


def names_axis(name: str) -> alt.Y:
    """A vertical axis of names, in their order."""
    axis = alt.Axis(labelLimit=150, domain=False, ticks=False)
    return alt.Y(name, type="nominal", title=None, sort=None, axis=axis)


def _scale(logarithmic: bool, domain: Sequence[float] | None) -> alt.Scale:
    kind: dict[str, Any] = {"type": "log"} if logarithmic else {"zero": False}
    return alt.Scale(nice=False, **kind) if domain is None else alt.Scale(nice=False, domain=list(domain), **kind)


def _powers(low: float, high: float, most: int = 6) -> list[float]:
    """Powers of ten within limits, at most some of them; with twos and fives between where there are few."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= 1:
        step = -(-(last - first + 1) // most)
        return [10.0**power for power in range(first, last + 1, step)]
    every = [digit * 10.0**power for power in range(first - 1, last + 2) for digit in (1, 2, 5)]
    return [each for each in every if low <= each <= high]


def tips(**titles: str) -> list[alt.Tooltip]:
    """What a pointer shows: fields by their titles."""
    return [alt.Tooltip(field, type="nominal", title=title) for field, title in titles.items()]


def label(row: Mapping[str, Any], x: alt.X, y: alt.Y, **how: Any) -> alt.Chart:
    """A text beside a place."""
    mark = {"fontWeight": "bold", "color": INK, **how}
    found: alt.Chart = alt.Chart(data([row])).mark_text(**mark).encode(x=x, y=y, text="text:N")
    return found


def specification(chart: Chart) -> dict[str, Any]:
    """A chart as data for a page, as wide as its place."""
    found: dict[str, Any] = chart.properties(width="container").configure(
        background="transparent", font=FONT, padding=6,
    ).configure_view(stroke=None).configure_axis(
        labelColor=INK, titleColor=INK, domainColor=GREY, tickColor=GREY, gridColor="#8a8f9840", labelFontSize=11,
        titleFontSize=11, titleFontWeight="normal", labelOpacity=0.85, titleOpacity=0.85,
    ).configure_text(fontSize=11).to_dict()  # fmt: skip
    return found
