"""``bayeslaw forecast``, ``summary`` and ``plot``: questions of a saved fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, assignments, check_picture, give, quick_imports, say, write_picture
from bayeslaw.cli.tables import read_optional_table, reading_options
from bayeslaw.errors import InputError, QuestionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bayeslaw.ask.average import Average
    from bayeslaw.ask.forecast.drift import Drifting
    from bayeslaw.ask.forecast.forecast import Forecast
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.runs.table import Runs


def load_fit(path: str) -> Posterior:
    """Load a saved fit."""
    with quick_imports():
        from bayeslaw.inference.posterior.loading import load
    return load(path)


def load_fits(paths: Sequence[str], weights: str | None) -> Posterior | Average:
    """Load a saved fit, or several as their average."""
    if len(paths) == 1:
        if weights is not None:
            raise InputError(f"--weights {weights}: there is one fit only; give two or more to average.")
        return load_fit(paths[0])
    fits = [load_fit(path) for path in paths]

    from bayeslaw.ask.compare.averaging import EQUAL, average

    return average(fits, weights or EQUAL)


def read_points(given: Sequence[str]) -> dict[str, list[float]]:
    """Read points such as ``N=7e10,D=1.4e12`` as values by input.

    Raises
    ------
    QuestionError
        When one cannot be read, or they name different inputs.
    """
    points: list[dict[str, float]] = []
    for text in given:
        words = assignments(text.split(","), f"--at {text}" if text else "--at", "N=7e10,D=1.4e12")
        points.append({name: read_number(word, name, f"--at {text}") for name, word in words.items()})
    for text, other in zip(given, points, strict=True):
        if set(other) != set(points[0]):
            raise QuestionError(
                f"--at {text}: gives {', '.join(other)}, but the first point gives {', '.join(points[0])}; give the "
                f"same inputs at every point."
            )
    return {name: [point[name] for point in points] for name in points[0]}


def read_held(text: str | None) -> dict[str, float]:
    """Read one point whose inputs are held, such as ``D=1e12``; nothing is where it is not given."""
    return {} if text is None else {name: values[0] for name, values in read_points([text]).items()}


def read_number(text: str, name: str, asked: str) -> float:
    """Read one number of an option.

    Raises
    ------
    QuestionError
        When it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise QuestionError(f"{asked}: '{text}' is not a number; write {name}=7e10.")
    return value


def read_family(text: str | None, posterior: Posterior | Average) -> str | dict[str, str] | None:
    """Read a family: by name, or by column as ``corpus=c4,tokenizer=new``."""
    if text is None or text in posterior.families or "=" not in text:
        return text
    return assignments(text.split(","), "--family", "corpus=c4,tokenizer=new")


def fits_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the fits that :func:`load_fits` loads."""
    fits = click.argument("fits", metavar="FIT.nc [FIT2.nc ...]", nargs=-1, required=True)
    weights = click.option(
        "--weights",
        metavar="equal|evidence|stacking|forward",
        help="How several fits are averaged; equal unless given.",
    )
    return fits(weights(command))


def drift_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with how laws drift beyond the runs; see :func:`read_drift`."""
    given = click.option(
        "--drift",
        metavar="DRIFT.toml",
        help="How laws drift beyond the runs, as `bayeslaw drift` learns it; as public sweeps tell unless given.",
    )
    none = click.option("--no-drift", is_flag=True, help="Trust laws beyond the runs as within them.")
    return given(none(command))


def read_drift(drift: str | None, no_drift: bool) -> Drifting:
    """How laws drift, as the options say."""
    from bayeslaw.ask.forecast.drift import read_drifts

    if drift is not None and no_drift:
        raise InputError(f"--drift {drift} and --no-drift contradict each other; give one of them.")
    return not no_drift if drift is None else read_drifts(drift)


def whose_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with what every question about a family's runs may be given."""
    family = click.option(
        "--family",
        metavar="NAME|new|population|COLUMN=VALUE,...",
        help="Whose run; one drawn from the population unless given.",
    )
    unconverged = click.option(
        "--allow-unconverged", is_flag=True, help="Answer even if the chains have not converged."
    )
    return family(unconverged(command))


level_option = click.option("--level", type=float, default=0.9, show_default=True, help="Probability of the intervals.")


def answer_options(drawn: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command with what every answer in intervals may be given: whose, how sure, and a picture."""
    plot = click.option("--plot", "picture", metavar="FILE.png", help=f"Draw {drawn} too.")
    return lambda command: whose_options(level_option(plot(command)))


@click.command()
@fits_options
@click.option("--at", multiple=True, metavar="N=7e10,D=1.4e12", help="Where; may be repeated.")
@click.option(
    "--through", metavar="TASK.nc", help="A fit of a score by this outcome, the loss say, to be forecast instead."
)
@click.option("--runs", "table", metavar="FILE", help="Where, as a table of runs (planned ones need no outcome).")
@reading_options
@answer_options("the forecast")
@drift_options
@answers
def forecast(
    fits: Sequence[str],
    weights: str | None,
    at: Sequence[str],
    through: str | None,
    table: str | None,
    family: str | None,
    level: float,
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Forecast what a run will reach, with an interval; several fits of the same runs give their average."""
    if bool(at) == (table is not None):
        raise InputError("say where to forecast: --at POINT, once or more, or --runs FILE.")
    if picture is not None and len(at) > 1:
        raise InputError("--plot draws one --at, or all rows of --runs FILE; give one of them.")
    if through is not None and (table is not None or picture is not None):
        raise InputError("--through takes --at POINT, once or more, and draws no picture; leave out --runs and --plot.")
    points = read_points(at) if at else None
    path = None if picture is None else check_picture(picture, "--plot", (*fits, *([table] if table else [])))
    runs = read_optional_table(table, "--runs", **reading)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.ask.forecast.forecast import forecast as ask

    later = {} if through is None or points is None else _inputs_of_score(points, posterior)
    at_first = runs if points is None else {name: values for name, values in points.items() if name not in later}
    found = ask(posterior, at_first, whose, level, drift=drifting, allow_unconverged=allow_unconverged)
    if through is not None:
        later[found.outcome] = found
        found = ask(load_fit(through), later, level=level, drift=drifting, allow_unconverged=allow_unconverged)
    if path is not None:
        from bayeslaw.ask.plot.forecast import plot_forecast

        drawn = None if points is None else {name: values[0] for name, values in points.items()}
        figure = plot_forecast(
            posterior, held_out=runs, level=level, at=drawn, drift=drifting, allow_unconverged=allow_unconverged
        )
        write_picture(path, figure)
        say(f"drawn in {path}")
    give(found.as_dict(), lambda: "\n".join([str(found), *_outcomes(found, runs)]), as_json)


def _inputs_of_score(points: dict[str, list[float]], posterior: Posterior | Average) -> dict[str, Any]:
    """Of what points give, all that the law of the loss does not read."""
    from bayeslaw.ask.average import Average

    laws = [each.law for each in Average.of(posterior).posteriors.values()]
    known = {word for law in laws for one in law.inputs.values() for word in (one.name, one.column)}
    return {name: values for name, values in points.items() if name not in known}


def _outcomes(found: Forecast, runs: Runs | None) -> list[str]:
    """How many outcomes the intervals cover, where the table has them."""
    if runs is None or not runs.has(found.outcome) or runs.is_text(found.outcome):
        return []
    known = [(p.new_run, y) for p, y in zip(found.points, runs.column(found.outcome), strict=True) if math.isfinite(y)]
    inside = sum(interval.lower <= y <= interval.upper for interval, y in known)
    return [f"  {inside} of {len(known)} outcomes in the table lie inside"] if known else []


@click.command()
@click.argument("fit", metavar="FIT.nc")
@answers
def summary(fit: str, as_json: bool) -> None:
    """Show every parameter: where it is, how well it was sampled, what the runs taught."""
    found = load_fit(fit).summary()
    give(found.as_dict(), lambda: found, as_json)


@click.command()
@click.argument("fit", metavar="FIT.nc")
@click.option(
    "--kind", type=click.Choice(["forecast", "parameters", "residuals"]), default="forecast", show_default=True
)
@click.option("--held-out", metavar="FILE", help="Runs that were not fitted, to draw beside the forecast.")
@reading_options
@click.option("--allow-unconverged", is_flag=True, help="Draw even if the chains have not converged.")
@click.option("--out", required=True, metavar="FILE.png", help="Where; .png, .pdf or .svg.")
@answers
def plot(
    fit: str,
    kind: str,
    held_out: str | None,
    allow_unconverged: bool,
    out: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Draw a fit: forecast against compute, posterior against prior, or residuals."""
    if held_out is not None and kind != "forecast":
        raise InputError(f"--held-out is drawn beside a forecast; --kind {kind} does not use it.")
    path = check_picture(out, "--out", (fit, *([held_out] if held_out else [])))
    runs = read_optional_table(held_out, "--held-out", **reading)
    posterior = load_fit(fit)

    from bayeslaw.ask.plot.forecast import plot_forecast
    from bayeslaw.ask.plot.parameters import plot_parameters
    from bayeslaw.ask.plot.residuals import plot_residuals

    drawings: dict[str, Callable[[], Figure]] = {
        "forecast": lambda: plot_forecast(posterior, held_out=runs, allow_unconverged=allow_unconverged),
        "parameters": lambda: plot_parameters(posterior, allow_unconverged=allow_unconverged),
        "residuals": lambda: plot_residuals(posterior, allow_unconverged=allow_unconverged),
    }
    figure = drawings[kind]()
    write_picture(path, figure, "--out")
    give({"law": posterior.law.name, "kind": kind, "out": str(path)}, lambda: f"drawn in {path}", as_json)
