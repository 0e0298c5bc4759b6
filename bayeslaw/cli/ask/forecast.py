"""``bayeslaw forecast``: what a planned run will reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fits_options, laws_of, load_fits, load_one
from bayeslaw.cli.options import (
    check_points,
    drift_options,
    level_option,
    plot_option,
    points_option,
    read_drift,
    read_family,
    read_optional_table,
    read_points,
    reading_options,
    whose_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.ask.forecast.forecast import Forecast
    from bayeslaw.language.law import Law
    from bayeslaw.runs.table import Runs

type Points = dict[str, list[float]]


@click.command()
@fits_options
@points_option()
@click.option(
    "--through", metavar="TASK.nc", help="A fit of a score by this outcome, such as the loss; the score is forecast."
)
@click.option("--runs", "table", metavar="FILE", help="Planned runs as a table, which needs no outcomes.")
@reading_options
@whose_options
@level_option
@plot_option("the forecast")
@drift_options
@answers
def forecast(
    fits: Sequence[str],
    weights: str | None,
    at: Sequence[str],
    through: str | None,
    table: str | None,
    family: str | None,
    levels: tuple[float, ...],
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Forecast a planned run, with an interval.

    Several fits of the same runs give their average.
    """
    if bool(at) == (table is not None):
        raise InputError("say where to forecast: --at POINT, once or more, or --runs FILE.")
    if picture is not None and len(at) > 1:
        raise InputError("--plot draws one --at, or all rows of --runs FILE; give one of them.")
    if through is not None and (table is not None or picture is not None):
        raise InputError("--through takes --at POINT, once or more, and draws no picture; leave out --runs and --plot.")
    points = read_points(at) if at else None
    path = planned(picture, (*fits, *([table] if table else [])))
    runs = read_optional_table(table, "--runs", **reading)
    laws = laws_of(fits)
    later: Points = {}
    if points is None:
        check_points(laws, runs)
    else:
        points, later = _of_each(points, laws, None if through is None else laws_of([through])[0])
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.ask.forecast.forecast import forecast as ask

    assumed: dict[str, Any] = {"drift": drifting, "allow_unconverged": allow_unconverged}
    found = ask(posterior, runs if points is None else points, whose, levels, **assumed)
    if through is not None:
        found = ask(load_one(through), {**later, found.outcome: found}, level=levels, **assumed)
    if path is not None:
        from bayeslaw.ask.plot.forecast import plot_forecast

        drawn = None if points is None else {name: values[0] for name, values in points.items()}
        draw(path, plot_forecast(posterior, held_out=runs, level=levels[0], at=drawn, **assumed))
    give(found.as_dict(), lambda: "\n".join([str(found), *_outcomes(found, runs)]), as_json)


def _of_each(points: Points, laws: Sequence[Law], score: Law | None) -> tuple[Points, Points]:
    """The part of the points that the laws read, and the part that the law of a score reads beside their forecast.

    Raises
    ------
    QuestionError, RunsError
        When one of them cannot be asked there.
    """
    if score is None:
        check_points(laws, points)
        return points, {}
    from bayeslaw.ask.where.points import points_at, words_of

    known = words_of(laws)
    first = {name: values for name, values in points.items() if name in known}
    rest = {name: values for name, values in points.items() if name not in known}
    check_points(laws, first)
    points_at([score], {**rest, laws[0].output.column: 1.0})  # whatever its value will be
    return first, rest


def _outcomes(found: Forecast, runs: Runs | None) -> list[str]:
    """How many outcomes the intervals cover, where the table has them."""
    if runs is None or not runs.has(found.outcome) or runs.is_text(found.outcome):
        return []
    known = [(p.new_run, y) for p, y in zip(found.points, runs.column(found.outcome), strict=True) if math.isfinite(y)]
    inside = sum(interval.lower <= y <= interval.upper for interval, y in known)
    return [f"{inside} of {len(known)} outcomes in the table lie inside."] if known else []
