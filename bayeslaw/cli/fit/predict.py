"""``bayeslaw predict``: from a table of runs to a forecast of a planned one, in one command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, folder_at, give, say, write_text
from bayeslaw.cli.interrupted import resumable, resume_option
from bayeslaw.cli.options import (
    check_points,
    fields_of,
    fitting_options,
    points_option,
    read_points,
    read_table,
    reading_options,
)
from bayeslaw.cli.pictures import write
from bayeslaw.cli.sampling import notes_of, notes_of_plans, sample_each
from bayeslaw.errors import BayeslawError
from bayeslaw.paths import runs_file
from bayeslaw.words import strict_json

if TYPE_CHECKING:
    from bayeslaw.inference.model.plan import Plan
    from bayeslaw.validation.backtest.report import Backtest

# The back-test is quick: the dearest third of the runs is hidden, and its fits have fewer draws.
SEEN, DRAWS = (0.65,), 300


@click.command()
@click.argument("table", metavar="RUNS")
@points_option(required=True)
@click.option(
    "--family", metavar="COLUMN[=NAME]",
    help="The column of the model families, and the family of the planned run (default: one family; a new one).",
)  # fmt: skip
@click.option("--above", type=float, metavar="LOSS", help="Also the chance of a loss above this.")
@click.option("--below", type=float, metavar="SCORE", help="Also the chance of a score below this.")
@click.option("--outcome", metavar="COLUMN", help="What is predicted (default: the one outcome that there is).")
@click.option(
    "--backtest/--no-backtest", default=True, show_default=True, help="Test the same laws on the runs themselves."
)
@click.option(
    "--out", default="bayeslaw-prediction", show_default=True, metavar="FOLDER", help="The folder of what is written."
)
@reading_options
@fitting_options()
@resume_option
@answers
def predict(
    table: str,
    at: Sequence[str],
    family: str | None,
    above: float | None,
    below: float | None,
    outcome: str | None,
    backtest: bool,
    out: str,
    resume: bool,
    as_json: bool,
    **rest: Any,
) -> None:
    """Forecast a planned run from a table of runs.

    Chooses the laws that suit the table, fits and averages them, forecasts the run, and tests the same laws on the runs
    themselves. Writes a report, a picture, the forecast as JSON, and the fit for other questions. After Ctrl-C the same
    command with --resume goes on where it was.
    """
    runs_file(table)
    points, (column, whose) = read_points(at), _family(family)
    folder, fields = folder_at(out), fields_of(rest)
    runs = read_table(table, **rest)

    from bayeslaw.ask.auto.choice import choose
    from bayeslaw.ask.auto.fit import together
    from bayeslaw.inference.model.plan import make_plan

    chosen = choose(runs, outcome)
    laws = list(chosen.with_priors().values())
    check_points(laws, points)
    plans = {law.name: make_plan(law, runs, column) for law in laws}
    said = notes_of_plans(plans)
    for note in said:
        say(note)
    from bayeslaw.reporting.hidden_runs import HiddenRuns
    from bayeslaw.reporting.report import missing_libraries, report
    from bayeslaw.reporting.verdict import paragraph

    files = {"fit": folder / "fit.nc", "forecast": folder / "forecast.json", "picture": folder / "forecast.png"}
    absent = missing_libraries()
    if not absent:
        files["report"] = folder / "report.html"
    with resumable(files["fit"], plans, fields, resume):
        fits, _ = sample_each(plans, **fields)
        fitted = together(fits, chosen.note(runs))
        fitted.save(files["fit"])

        from bayeslaw.ask.forecast.forecast import forecast
        from bayeslaw.ask.forecast.risk import risk
        from bayeslaw.ask.plot.forecast import plot_forecast

        found = forecast(fitted, points, whose)
        missed = None
        if above is not None or below is not None:
            missed = risk(fitted, points, above=above, below=below, family=whose)
        tested, untested = _tested(plans, column, fields) if backtest else (None, "")
    notes = [*found.notes, *(note for note in notes_of(fitted) if note not in found.notes)]
    answer = {
        **found.as_dict(), "laws": list(fits), "because": chosen.because,
        "risk": None if missed is None else missed.as_dict(),
        "backtest": None if tested is None else tested.as_dict(),
        "files": {name: str(path) for name, path in files.items()},
        "notes": [note.as_dict() for note in notes],
    }  # fmt: skip
    text = paragraph(found, missed, HiddenRuns.of(tested), untested, notes)
    answer["text"] = text
    write_text(files["forecast"], strict_json(answer) + "\n")
    first = {name: values[0] for name, values in points.items()}
    write(files["picture"], plot_forecast(fitted, at=first))
    if absent:
        say(f"No report was written: {absent}")
    else:
        report(fitted, first, above=above, below=below, family=whose, backtest=tested, out=files["report"])
    give(answer, lambda: "\n".join([text, "", *(f"  {name:10}{path}" for name, path in files.items())]), as_json)


def _family(text: str | None) -> tuple[str | None, str | None]:
    """The column of the families and the family of the planned run."""
    if text is None:
        return None, None
    column, _, name = text.partition("=")
    return column, name or None


def _tested(plans: dict[str, Plan], family: str | None, fields: dict[str, Any]) -> tuple[Backtest | None, str]:
    """A back-test of the laws on their runs; or why there is none."""
    from bayeslaw.validation.backtest.backtest import backtest as ask

    say("Testing the same laws on the runs ...")
    one = next(iter(plans.values()))
    try:
        return ask(
            [plan.law for plan in plans.values()], one.runs, family, origins=SEEN, rivals=False,
            **{"draws": DRAWS, "patience": False, **fields},
        ), ""  # fmt: skip
    except BayeslawError as error:
        return None, str(error)
