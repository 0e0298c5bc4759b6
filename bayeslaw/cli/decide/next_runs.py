"""``bayeslaw next-runs``: the small run that tells most about a large one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, assignments, give
from bayeslaw.cli.fits import fits_options, laws_of, load_fits
from bayeslaw.cli.options import (
    check_points,
    drift_options,
    plot_option,
    points_option,
    read_drift,
    read_family,
    read_number,
    read_optional_table,
    read_points,
    reading_options,
    whose_options,
)
from bayeslaw.cli.pictures import draw, planned
from bayeslaw.errors import InputError
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.runs.table import Runs

GRID = "N=1e8:1e10:5"


@click.command("next-runs")
@fits_options
@points_option(required=True)
@click.option("--candidates", metavar="FILE", help="A table of the runs that could be made.")
@click.option(
    "--grid", multiple=True, metavar=GRID,
    help="In place of a table: values of an input from the smallest to the largest, in equal ratios. Repeat it for "
         "each input; all combinations are candidates.",
)  # fmt: skip
@click.option("--budget", metavar="1e20", help="What may be spent in all, in units of the cost (default: no bound).")
@click.option(
    "--cost", metavar="FORMULA", help='What a candidate costs, such as "2.5e-18 * C" (default: C, its compute).'
)
@click.option(
    "--plan", metavar="PLAN.toml", help="What is at stake, as for `bayeslaw decide`: says what a run is worth."
)
@whose_options
@plot_option("what each candidate tells for its cost")
@drift_options
@reading_options
@answers
def next_runs(
    fits: Sequence[str],
    weights: str | None,
    at: Sequence[str],
    candidates: str | None,
    grid: Sequence[str],
    budget: str | None,
    cost: str | None,
    plan: str | None,
    family: str | None,
    allow_unconverged: bool,
    picture: str | None,
    drift: str | None,
    no_drift: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Find the small run that tells most.

    What counts is the information about the outcome of the run at --at, for what the small run costs. Nothing is fitted
    again.
    """
    target = read_points(at)
    spent = None if budget is None else read_number(budget, "budget", "--budget")
    possible = _possible(candidates, grid, **reading)
    path = planned(picture, fits)
    check_points(laws_of(fits), target)
    drifting, posterior = read_drift(drift, no_drift), load_fits(fits, weights)
    whose = read_family(family, posterior)

    from bayeslaw.decisions.information.next_runs import next_runs as ask

    found = ask(
        posterior, possible, target, spent, cost=cost, plan=plan, family=whose, drift=drifting,
        allow_unconverged=allow_unconverged,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.decisions.plot.next_runs import plot_next_runs

        draw(path, plot_next_runs(found))
    give(found.as_dict(), lambda: found, as_json)


def _possible(candidates: str | None, grid: Sequence[str], **reading: Any) -> Runs | Mapping[str, list[float]]:
    """The candidates, of a table or a grid.

    Raises
    ------
    InputError
        When there is neither or both, or the grid cannot be read.
    """
    if (candidates is None) == (not grid):
        raise InputError(f"say which runs could be made: --candidates FILE, or --grid {GRID} for each input.")
    if candidates is not None:
        runs_file(candidates)
    if (table := read_optional_table(candidates, "--candidates", **reading)) is not None:
        return table
    values = {name: _spaced(text, name) for name, text in assignments(grid, "--grid", GRID).items()}
    return dict(zip(values, map(list, zip(*product(*values.values()), strict=True)), strict=True))


def _spaced(text: str, name: str) -> list[float]:
    """Values such as ``1e8:1e10:5``: from one to another in equal ratios, and how many; or one value."""
    asked, words = f"--grid {name}={text}", text.split(":")
    ends = [read_number(word, name, asked) for word in words[:2]]
    if len(words) == 1:
        return ends
    count = words[2] if len(words) == 3 else ""
    if not (count.isdecimal() and 2 <= int(count) <= 1000 and 0.0 < ends[0] < ends[1]):
        raise InputError(f"{asked}: is not a smallest value, a larger one and how many, such as {GRID}.")
    ratio, steps = ends[1] / ends[0], int(count) - 1
    return [*(ends[0] * ratio ** (i / steps) for i in range(steps)), ends[1]]
