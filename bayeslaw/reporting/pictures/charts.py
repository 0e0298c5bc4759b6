"""Pictures of a report, in the grammar of graphics of Vega-Lite by way of Altair.

A chart is data: the page draws it again with JavaScript where there is some, and has it as SVG where there is none and
on paper.  Text takes the colour of the page, so that one chart serves light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np

from bayeslaw.ask.where.extrapolation import Span
from bayeslaw.reporting.along import Along
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.reporting.pictures.grammar import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Chart,
    Rows,
    data,
    label,
    names_axis,
    tips,
    x_axis,
    y_axis,
)  # fmt: skip
from bayeslaw.words import chance, short, size


def _said(middle: float, low: float, high: float) -> str:
    return f"{short(middle, 4)} [{short(low, 4)}, {short(high, 4)}]"


def forecast(found: Along, said: str, target: tuple[float, str] | None, outcome: str, units: str) -> Chart:
    """Runs and the forecast along budgets, with the planned run and its number.

    Parameters
    ----------
    said
        The forecast in words.
    target
        The value that a run should pass, and its words.
    """
    bands = np.quantile(found.draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    rows: list[dict[str, Any]] = [
        {"x": x, **dict(zip(("low", "low50", "mid", "high50", "high"), column.tolist(), strict=True)),
         "at": size(x, found.axis.units), "says": _said(column[2], column[0], column[4])}
        for x, column in zip(found.places.tolist(), bands.T, strict=True)
    ]  # fmt: skip
    here = next(row for row in rows if math.isclose(row["x"], found.here, rel_tol=1e-9))
    heights = [here["low"], here["high"], *bands[2].tolist(), *([target[0]] if target else [])]
    if found.runs is not None:
        heights += found.runs.outcomes.tolist()
    low, high = min(heights), max(heights)
    log = bool(low > 0 and high > 1.5 * low)
    room = math.log(high / low) if log else high - low
    domain = (
        [low * math.exp(-0.06 * room), high * math.exp(0.1 * room)] if log else [low - 0.06 * room, high + 0.1 * room]
    )
    logarithmic = bool(found.places[0] > 0)
    x, title = (
        x_axis("x", found.axis.label, logarithmic, _ends(found.places)),
        f"{outcome} ({units})" if units not in ("", "1") else outcome,
    )
    y = partial(y_axis, title=title, domain=domain, log=log)
    band = alt.Chart(data(rows))
    layers: list[Any] = [
        band.mark_area(color=BLUE, opacity=0.18, clip=True).encode(x=x, y=y("low"), y2="high"),
        band.mark_area(color=BLUE, opacity=0.28, clip=True).encode(x=x, y=y("low50"), y2="high50"),
        band.mark_line(color=BLUE, strokeWidth=1.6, clip=True, point={"opacity": 0, "size": 160}).encode(
            x=x, y=y("mid"), tooltip=tips(at=found.axis.name, says="median [90 %]")
        ),
    ]
    if found.largest is not None and found.largest < found.here:
        layers.append(_rule_x(found.largest, x))
    if target is not None:
        below = bands[2, -1] < target[0]
        layers += _rule_y(target[0], target[1], [row["x"] for row in rows], x, y("y"), -7 if below else 9)
    if found.runs is not None:
        seen = [
            {"x": place, "y": moved, "who": who, "own": short(own, 5)}
            for place, moved, own, who in zip(found.runs.places.tolist(), found.runs.outcomes.tolist(),
                                              found.runs.observed.tolist(), found.runs.names, strict=True)
        ]  # fmt: skip
        layers.append(
            alt.Chart(data(seen))
            .mark_point(color=INK, filled=True, size=18, opacity=0.65, clip=True)
            .encode(x=x, y=y("y"), tooltip=tips(who="run", own=f"its own {outcome}"))
        )
    # The curve goes on to the right of most planned runs, but not far; and the line of a target may be where a label
    # would be.
    align = "right" if found.here > found.places[len(found.places) // 2] else "center"
    crossed = target is not None and 0.0 < _share(target[0], domain, log) - _share(here["high"], domain, log) < 0.12
    end, dy = ("low", 14) if crossed else ("high", -10)
    asked = alt.Chart(data([{**here, "text": said}]))
    layers += [
        asked.mark_rule(color=ORANGE, strokeWidth=2.4).encode(x=x, y=y("low"), y2="high"),
        asked.mark_point(color=ORANGE, filled=True, size=70, opacity=1).encode(
            x=x, y=y("mid"), tooltip=tips(text="planned run")
        ),
        label({**here, "text": said}, x, y(end), align=align, dx=0 if align == "center" else 12, dy=dy, fontSize=13),
    ]
    return alt.layer(*layers).properties(height=270)


def _share(value: float, domain: Sequence[float], log: bool) -> float:
    """Where a value lies on an axis, from 0 to 1."""
    at, low, high = (math.log(each) if log else each for each in (value, *domain))
    return (at - low) / (high - low)


def _ends(places: np.ndarray) -> list[float]:
    return [float(places[0]), float(places[-1])]


def _rule_x(value: float, x: alt.X) -> Any:
    return alt.Chart(data([{"x": value, "text": "largest fitted run"}])).mark_rule(
        color=GREY, strokeDash=[2, 3]).encode(x=x, tooltip=tips(text="here ends"))  # fmt: skip


def _rule_y(value: float, words: str, places: Sequence[float], x: alt.X, y: alt.Y, dy: int) -> list[Any]:
    """A line across, with its words at its right end on the side where the curve is not."""
    row = {"start": places[0], "x": places[-1], "y": value, "text": words}
    line = alt.Chart(data([row])).mark_rule(color=GREEN, strokeDash=[5, 3], strokeWidth=1.4)
    return [line.encode(x=x, x2="start", y=y), label(row, x, y, color=GREEN, align="right", dx=-2, dy=dy)]


def outcome(draws: np.ndarray, target: float | None, side: str, said: str, name: str) -> Chart:
    """How likely each outcome of the run is, with the target and the chance of missing it.

    Parameters
    ----------
    draws
        New runs; shape ``(size,)``.
    said
        The chance in words; empty without a target.
    """
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, [0.004, 0.996])
    log = bool(low > 0 and high > 30.0 * low)
    aim = target if target is not None and low < target < high else None
    edges = _edges(low, high, low if aim is None else aim, log)
    counts, _ = np.histogram(known, edges)
    heights = counts / len(known) / np.diff(np.log(edges) if log else edges)
    rows: list[dict[str, Any]] = [
        {"x": a, "x2": b, "y": height, "base": 0.0, "share": chance(count / len(known)),
         "range": f"{short(a, 4)} to {short(b, 4)}",
         "missed": target is not None and (0.5 * (a + b) > target) == (side == "above")}
        for a, b, height, count in zip(edges[:-1].tolist(), edges[1:].tolist(), heights.tolist(), counts.tolist(),
                                       strict=True)
    ]  # fmt: skip
    top = 1.22 * max(heights)
    x, y = (
        x_axis("x", name, log, _ends(edges)),
        alt.Y("y", type="quantitative", axis=None, scale=alt.Scale(domain=[0.0, top])),
    )
    bars = alt.Chart(data(rows)).mark_rect(strokeWidth=0).encode(
        x=x, x2="x2", y=y, y2="base", tooltip=tips(range=name, share="probability"),
        color=alt.condition("datum.missed", alt.value(ORANGE), alt.value(BLUE)),
    )  # fmt: skip
    if aim is None:
        return alt.layer(bars).properties(height=200)
    at = {"x": aim, "y": top, "text": said}
    right = _share(aim, _ends(edges), log) < 0.5
    return alt.layer(
        bars,
        alt.Chart(data([at])).mark_rule(color=GREEN, strokeDash=[5, 3], strokeWidth=1.6).encode(x=x),
        label(at, x, y, align="left" if right else "right", dx=6 if right else -6, dy=8, fontSize=13),
    ).properties(height=200)


def _edges(low: float, high: float, through: float, log: bool, bins: int = 40) -> np.ndarray:
    """Edges of bars of one width, one of which is at a value."""
    first, last, at = (math.log(each) if log else each for each in (low, high, through))
    step = (last - first) / bins
    edges = at + step * np.arange(math.floor((first - at) / step + 1e-9), math.ceil((last - at) / step - 1e-9) + 1)
    return np.exp(edges) if log else edges


def parts(shares: Mapping[str, float]) -> Chart:
    """What each source adds to the variance, the largest first."""
    rows = [{"part": part, "share": share, "text": chance(share)} for part, share in shares.items()]
    return _bars(rows, "part", "share", "share of the variance", BLUE, [0.0, 1.35])


def _bars(rows: Rows, name: str, value: str, title: str, colour: str, domain: Sequence[float]) -> Chart:
    y = names_axis(name)
    x = alt.X(value, type="quantitative", title=title, scale=alt.Scale(domain=list(domain)),
              axis=alt.Axis(grid=False, labels=False, ticks=False, domain=False))  # fmt: skip
    bars = alt.Chart(data(rows)).mark_bar(color=colour, height={"band": 0.62}).encode(y=y, x=x)
    said = alt.Chart(data(rows)).mark_text(align="left", dx=5, color=INK).encode(y=y, x=x, text="text:N")
    return alt.layer(bars, said).properties(height=26 * len(rows))


def distance(spans: Sequence[Span]) -> Chart | None:
    """The run beside the fitted runs in every quantity that grows with a run; None without one."""
    known = [span for span in spans if span.measure != "range" and span.low > 0]
    if not known:
        return None
    rows: list[dict[str, Any]] = []
    for span in known:
        beyond = "within" if span.outside is None else span.outside.in_short
        rows.append({
            "name": span.name, "low": span.low / span.high, "high": 1.0, "value": span.value / span.high,
            "out": span.outside is not None,
            "text": "" if span.outside is None else beyond.removesuffix(f" {span.name}"),
            "says": beyond,
            "range": f"{size(span.low)} to {size(span.high)}", "own": size(span.value),
        })  # fmt: skip
    ends = [row[key] for row in rows for key in ("low", "value", "high")]
    room = (max(ends) / min(ends)) ** 0.45  # for the words beside the dots
    x = x_axis("low", "as a multiple of the largest fitted value", True, [min(ends) / room**0.1, max(ends) * room])
    y = names_axis("name")
    told = tips(name="quantity", range="fitted runs", own="this run", says="outside")
    at = x.copy()
    at.shorthand = "value"
    return alt.layer(
        alt.Chart(data(rows)).mark_bar(color=GREY, opacity=0.45, height=9).encode(x=x, x2="high", y=y, tooltip=told),
        alt.Chart(data(rows))
        .mark_point(filled=True, size=80, opacity=1)
        .encode(x=at, y=y, tooltip=told, color=alt.condition("datum.out", alt.value(ORANGE), alt.value(BLUE))),
        alt.Chart(data(rows)).mark_text(align="left", dx=9, color=INK).encode(x=at, y=y, text="text:N"),
    ).properties(height=30 * len(rows))


def reach(found: Along, met: np.ndarray, wanted: float | None) -> Chart:
    """The chance of the target against the budget.

    Parameters
    ----------
    met
        Whether each draw meets it; shape ``(size, places)``.
    wanted
        The chance that is enough, by the plan.
    """
    shares = met.mean(axis=0)
    rows: list[dict[str, Any]] = [
        {"x": x, "y": share, "says": chance(share), "at": size(x, found.axis.units)}
        for x, share in zip(found.places.tolist(), shares.tolist(), strict=True)
    ]
    here = next(row for row in rows if math.isclose(row["x"], found.here, rel_tol=1e-9))
    x = x_axis("x", found.axis.label, bool(found.places[0] > 0), _ends(found.places))
    y = y_axis("y", "chance of the target", [-0.03, 1.08], ".0%")
    told = tips(at=found.axis.name, says="chance")
    layers: list[Any] = [
        alt.Chart(data(rows))
        .mark_line(color=BLUE, strokeWidth=2, point={"opacity": 0, "size": 160})
        .encode(x=x, y=y, tooltip=told)
    ]
    if wanted is not None:
        words = {"x": rows[0]["x"], "y": wanted, "text": f"go from {chance(wanted)} on"}
        layers += [
            alt.Chart(data([words])).mark_rule(color=GREEN, strokeDash=[5, 3]).encode(y=y),
            alt.Chart(data([words])).mark_text(color=GREEN, align="left", dx=4, dy=-7).encode(x=x, y=y, text="text:N"),
        ]
    layers += [
        alt.Chart(data([here]))
        .mark_point(color=ORANGE, filled=True, size=80, opacity=1)
        .encode(x=x, y=y, tooltip=told),
        label({**here, "text": here["says"]}, x, y, align="right", dx=-9, dy=-7, fontSize=13),
    ]
    return alt.layer(*layers).properties(height=220)


def laws(
    points: Mapping[str, tuple[float, float, float]], said: Mapping[str, str], weights: Mapping[str, float], title: str
) -> Chart:
    """What each law forecasts alone, and their average; medians with intervals, in numbers and in words."""
    rows: list[dict[str, Any]] = [
        {"law": name, "low": low, "mid": mid, "high": high, "all": name not in weights,
         "text": said[name] + (f", weight {weights[name]:.2g}" if name in weights else ""),
         "says": said[name]}
        for name, (mid, low, high) in points.items()
    ]  # fmt: skip
    y = names_axis("law")
    ends = [row[key] for row in rows for key in ("low", "high")]
    room = max(ends) - min(ends)
    x, mid = (x_axis(name, title, domain=[min(ends) - 0.04 * room, max(ends) + 0.04 * room]) for name in ("low", "mid"))
    colour, told = (
        alt.condition("datum.all", alt.value(ORANGE), alt.value(BLUE)),
        tips(law="law", says="median [90 %]"),
    )
    return alt.layer(
        alt.Chart(data(rows)).mark_rule(strokeWidth=2.4).encode(x=x, x2="high", y=y, color=colour, tooltip=told),
        alt.Chart(data(rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x=mid, y=y, color=colour, tooltip=told),
        alt.Chart(data(rows)).mark_text(dy=-11, color=INK).encode(x=mid, y=y, text="text:N"),
    ).properties(height=42 * len(rows))


def options(values: Mapping[str, tuple[float, str]], title: str) -> Chart:
    """One number for each option of a plan, with its words."""
    rows = [{"option": name, "value": value, "text": words} for name, (value, words) in values.items()]
    top = max([value for value, _ in values.values()] + [1e-12])
    return _bars(rows, "option", "value", title, ORANGE, [0.0, 1.35 * top])


def coverage(tested: HiddenRuns) -> Chart:
    """How many outcomes of hidden runs lie inside intervals of each level, with what chance allows."""
    rows: list[dict[str, Any]] = []
    for level, inside in tested.inside.items():
        share, (low, high) = inside / tested.count, _wilson(inside, tested.count)
        rows.append({
            "x": level, "y": share, "low": low, "high": high,
            "says": f"{inside} of {tested.count} inside the {level:.0%} interval",
        })  # fmt: skip
    x = alt.X("x", type="quantitative", title="promised", scale=alt.Scale(domain=[0.45, 1.0]),
              axis=alt.Axis(format=".0%", values=[0.5, 0.8, 0.9, 0.95], grid=False))  # fmt: skip
    bottom = min(0.4, *(row["low"] - 0.03 for row in rows))
    y, told = y_axis("y", "held", [bottom, 1.03], ".0%"), tips(says="outcomes")
    below = y_axis("low", "held", [bottom, 1.03], ".0%")
    return alt.layer(
        alt.Chart(data([{"x": 0.45, "y": 0.45}, {"x": 1.0, "y": 1.0}])).mark_line(
            color=GREEN, strokeDash=[5, 3], strokeWidth=1.4).encode(x=x, y=y),
        alt.Chart(data(rows)).mark_rule(color=BLUE, strokeWidth=2).encode(x=x, y=below, y2="high", tooltip=told),
        alt.Chart(data(rows)).mark_point(color=BLUE, filled=True, size=60, opacity=1).encode(x=x, y=y, tooltip=told),
    ).properties(height=200)  # fmt: skip


def _wilson(inside: int, count: int, z: float = 1.645) -> tuple[float, float]:
    """Wilson's 90 % interval of a share."""
    share = inside / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half
