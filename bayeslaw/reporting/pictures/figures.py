"""Which pictures a report has, in which order, with a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bayeslaw.decisions.choice.reach import amount
from bayeslaw.reporting.parts import Parts
from bayeslaw.reporting.pictures import charts
from bayeslaw.reporting.pictures.grammar import Chart
from bayeslaw.words import chance, short, with_units


@dataclass(frozen=True)
class Figure:
    """A picture with its words.

    Attributes
    ----------
    key
        Its name within the page.
    text
        What it shows, for those who do not see it too.
    wide
        Whether it takes the width of the page.
    """

    key: str
    title: str
    text: str
    chart: Chart
    wide: bool = False


def figures(parts: Parts) -> tuple[Figure, ...]:
    """All pictures of a page."""
    return tuple(
        figure
        for group in (_forecast, _outcome, _reach, _options, _parts, _distance, _laws, _coverage)
        for figure in group(parts)
    )


def _forecast(parts: Parts) -> Iterator[Figure]:
    found, target = parts.along, parts.question.target
    if found is None:
        return
    name, units = parts.forecast.outcome.replace("_", " "), parts.forecast.units
    said = parts.point.new_run.words(units)
    aim = None if target is None else (target.value, f"target: {target.side} {short(target.value, 6)}")
    held = f", with {found.held}" if found.held else ""
    text = f"Median with 50 % and 90 % intervals of new runs along {found.axis.name}{held}; the planned run is {said}."
    if found.runs is not None:
        some = "" if len(found.runs.places) == found.runs.of else f"{len(found.runs.places)} of {found.runs.of} "
        text += (
            f" Dots are {some}fitted runs, moved to the curve's inputs{' and family' if parts.point.family else ''} by "
            f"what the law says of the difference."
        )
    if found.largest is not None and found.largest < found.here:
        text += " The dotted line is the largest fitted run."
    yield Figure("forecast", f"Forecast of the {name}", text, charts.forecast(found, said, aim, name, units), wide=True)


def _outcome(parts: Parts) -> Iterator[Figure]:
    draws, name = parts.forecast.draws[:, 0], with_units(parts.forecast.outcome, parts.forecast.units)
    if parts.point.new_run.exact:
        return
    if parts.risk is None:
        text = "How likely each outcome of the planned run is."
        yield Figure("outcome", "Where the run may end", text, charts.outcome(draws, None, "above", "", name))
        return
    missed = parts.risk.points[0].probability
    said = f"{chance(missed)} {parts.risk.side} {short(parts.risk.limit, 6)}"
    by = parts.risk.points[0].by
    text = f"{said}." if by is None else f"{said}; a run that misses the target misses it by {short(by, 2)} on average."
    chart = charts.outcome(draws, parts.risk.limit, parts.risk.side, said, name)
    yield Figure("outcome", "Where the run may end", text, chart)


def _reach(parts: Parts) -> Iterator[Figure]:
    found, target = parts.along, parts.question.target
    if found is None or target is None:
        return
    wanted = None if parts.question.plan is None else parts.question.plan.go
    text = f"The chance of {target} against {found.axis.name}{', with ' + found.held if found.held else ''}."
    yield Figure("reach", "Chance of the target", text, charts.reach(found, target.met(found.draws), wanted))


def _options(parts: Parts) -> Iterator[Figure]:
    decision = parts.decision
    if decision is None or len(decision.options) < 2:
        return
    money = decision.plan.money
    worths = {option.name: option.worth for option in decision.options if option.worth is not None}
    if worths:
        text = "How much less an option is expected to bring than the best one of each draw: 0 could not be bettered."
        values = {name: (worth.regret, amount(worth.regret, money)) for name, worth in worths.items()}
        yield Figure("options", "Regret of each option", text, charts.options(values, "expected regret"))
        return
    values = {each.name: (each.probability.value, str(each.probability)) for each in decision.options}
    text = f"The chance of {decision.plan.target}."
    yield Figure("options", "Chance by option", text, charts.options(values, "chance of the target"))


def _parts(parts: Parts) -> Iterator[Figure]:
    known = {part: share for part, share in parts.point.parts.items() if share is not None and share >= 0.005}
    if not known:
        return
    ordered = dict(sorted(known.items(), key=lambda item: -item[1]))
    text = f"The variance of the forecast comes from {parts.point.because}."
    yield Figure("parts", "Where the uncertainty comes from", text, charts.parts(ordered))


def _distance(parts: Parts) -> Iterator[Figure]:
    chart = charts.distance(parts.spans)
    if chart is not None:
        text = f"Bars are the fitted runs, dots the planned run, which is {parts.point.distance}."
        yield Figure("distance", "How far from the fitted runs", text, chart)


def _laws(parts: Parts) -> Iterator[Figure]:
    if not parts.laws:
        return
    every = {"average": parts.point, **parts.laws}
    points = {name: (each.new_run.median, each.new_run.lower, each.new_run.upper) for name, each in every.items()}
    said = {name: each.new_run.words(parts.forecast.units) for name, each in every.items()}
    name = with_units(parts.forecast.outcome, parts.forecast.units)
    text = "What each law forecasts alone, with its own drift, and the average by their weights."
    yield Figure("laws", "Laws compared", text, charts.laws(points, said, parts.forecast.weights, name))


def _coverage(parts: Parts) -> Iterator[Figure]:
    tested = parts.tested
    if tested is not None and tested.count:
        text = f"{tested.verdict} Bars are 90 % intervals of what chance allows with {tested.count} runs."
        yield Figure("coverage", "Back-test: intervals held", text, charts.coverage(tested))
