"""A run in progress: where it will end, given what it has shown.

The draws of a fit are weighted by how likely they make what the run has shown, so nothing is fitted again: the answer
is there between two checkpoints, and its law, its families and its drift are those of the forecast that it sharpens.
The weights act on whole draws, of parameters, of a new family's own values and of the drift alike.  Where they cannot
be trusted, the answer is refused, and the way out is a fit with the new rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import forecast
from bayeslaw.ask.interval import Interval, Level, levels_of
from bayeslaw.ask.where.points import Where, points_at
from bayeslaw.decisions.joint import Joint, draw_jointly, families_of
from bayeslaw.decisions.progress.outlook import Update
from bayeslaw.decisions.progress.pareto import Weights, smoothed
from bayeslaw.decisions.progress.scatter import Progress, another, scatter_shared, shown_by
from bayeslaw.errors import ConvergenceError, QuestionError, RunsError
from bayeslaw.inference.base.streams import SHARED, generator
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs, RunsLike, read_runs
from bayeslaw.words import argument

# More rows of a run than these say no more.
MOST_ROWS = 64
# Columns that say which run a row belongs to, the first that is there: its name, or its size.
WHOSE = ("run", "n_params")


def update(
    posterior: Posterior | Average,
    runs: RunsLike,
    at: Where | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    family: Families = None,
    level: Level = 0.9,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> Update:
    """Sharpen the forecast of a run by what it has shown so far, without another fit.

    Parameters
    ----------
    posterior
        A fit, or an average of several.
    runs
        The run: a row for each checkpoint, with its outcome.  Rows whose outcome is empty are still to come; the last
        of them is the end of the run.  Finished runs of other sizes may be given too, with `at`.
    at
        The end, where no row says it; one point, as :func:`bayeslaw.forecast` takes it.
    above, below
        A limit that the end should not pass, as for :func:`bayeslaw.risk`; at most one of the two.
    family, level, drift, allow_unconverged
        As for :func:`bayeslaw.forecast`.  A table's column of families says of which family the run is.

    Returns
    -------
    Update
        The forecast of the end before and after, whether the run is on track, and how far the weights can be trusted.

    Raises
    ------
    QuestionError
        When it is not said where the run ends, or two limits are given.
    RunsError
        When no row has an outcome, or a law cannot read the rows.
    ConvergenceError
        When the chains have not converged, or what was shown is so unexpected that the draws cannot be weighted.

    Notes
    -----
    Rows of one run (its column ``run``, else of one size) share a part of their scatter about the law; see
    :mod:`bayeslaw.decisions.progress.scatter`.  Weights are Pareto-smoothed (Vehtari et al. 2024, arXiv:1507.02646).
    """
    levels, asked = levels_of(level), Average.of(posterior)
    limit, side = _limit(above, below)
    for each in asked.posteriors.values():
        each.require_runs("an update")
    table = read_runs(runs)
    shown, observed = _shown(asked.lead.law, table)
    kept = _thinned(np.arange(len(observed)), MOST_ROWS)
    rows, observed = np.flatnonzero(shown)[kept], observed[kept]
    whose = families_of(asked, table, family)
    tables = [(table.take(rows), whose), _end(asked, table, shown, at, family)]
    before = forecast(posterior, *tables[1], levels, drift=drift, allow_unconverged=allow_unconverged)
    joint = draw_jointly(asked, tables, before.drift)
    whole = Progress(np.arange(len(rows)), observed, _runs_of(*(points for points, _ in tables)), len(rows))
    progress, weights, ends = _weighed(asked, joint, whole)
    equal = weights.rows()
    draws = ends[equal]
    off, higher, relative = _deviation(asked, joint, whole)
    return Update(
        forecast=before, shown=int(shown.sum()), weighed=len(progress.rows),
        runs=len(np.unique(whole.runs[whole.rows])), of_the_end=whole.of_the_end,
        shared=all(scatter_shared(each) for each in joint.blocks.values()),
        after=Interval.of(draws, levels), mean_after=Interval.of(joint.mean[equal, whole.end], levels),
        off=off, higher=higher, relative=relative, limit=limit, side=side,
        missed=None if limit is None else (_missed(before.draws[:, 0], limit, side), _missed(draws, limit, side)),
        weights=_by_law(asked, weights.each), khat=weights.khat, ess=weights.ess, draws=draws,
    )  # fmt: skip


def _weighed(asked: Average, joint: Joint, whole: Progress) -> tuple[Progress, Weights, np.ndarray]:
    """As many rows as draws can be weighted by, those weights, and the end under each draw, of shape ``(size,)``.

    To know less than one might is no error, and an update by some of the rows is one that leaves the others out.

    Raises
    ------
    ConvergenceError
        When the weights cannot be trusted even for the last row.
    """
    count = len(whole.rows)
    while True:
        progress = whole.at(_thinned(whole.rows, count))
        found = [
            shown_by(block, progress, generator(asked.posteriors[name].seed, SHARED))
            for name, block in joint.blocks.items()
        ]
        density = np.nan_to_num(np.concatenate([each.log_density for each in found]), nan=-np.inf)
        weights = smoothed(density) if np.isfinite(density).any() else None
        if weights is not None and weights.trusted:
            return progress, weights, np.concatenate([each.end for each in found])
        if count == 1:
            break
        count = (count + 1) // 2
    why = "no draw allows it" if weights is None else (
        f"the Pareto k of their weights is {weights.khat:.2f} (at most {weights.largest_khat:.2f})"
    )  # fmt: skip
    raise ConvergenceError(
        f"What the run has shown last is too unexpected for the draws of the fit: {why}. Fit the law again with these "
        f"rows among its runs."
    )


def _thinned(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of some rows: every second, third, ..., counted from the last."""
    return rows[::-1][:: -(-len(rows) // most)][::-1]


def _deviation(asked: Average, joint: Joint, progress: Progress) -> tuple[float, float, bool]:
    """How far the run lies above the law on average, the chance that another lies higher, and whether that is a log."""
    others = np.concatenate([
        another(block, progress, generator(asked.posteriors[name].seed, SHARED)) for name, block in joint.blocks.items()
    ])  # fmt: skip
    first, rows = next(iter(joint.blocks.values())), progress.rows
    relative, trials = asked.link == "log", 1.0
    if first.family.outcome == "count":
        trials = first.arguments[first.family.arguments.index("trials")][0, rows]
    scaled = np.log if relative else np.asarray
    with np.errstate(all="ignore"):
        middle = np.median(scaled(joint.mean[:, rows]), axis=0)
        off = float(np.mean(scaled(progress.observed / trials) - middle))
        higher = float(np.mean(np.mean(scaled(others / trials) - middle, axis=1) > off))
    return off, higher, relative


def _end(asked: Average, table: Runs, shown: np.ndarray, at: Where | None, family: Families) -> tuple[Runs, Families]:
    """The end as a table of one row, and its family."""
    if at is not None:
        end = points_at([each.law for each in asked.posteriors.values()], at)
        if len(end) != 1:
            raise QuestionError(f"{argument('at')}: {len(end)} points; a run has one end, so give one.")
        return end, family
    if shown.all():
        raise QuestionError(
            f"{table.source}: every row has its {asked.lead.law.output.column}, so nothing says where the run ends; "
            f"give {argument('at', 'N=7e9,D=1.4e11')}, or a last row whose outcome is empty."
        )
    return table.take(np.flatnonzero(~shown)[-1:]), families_of(asked, table, family)


def _limit(above: float | None, below: float | None) -> tuple[float | None, str]:
    """The limit and the side on which it is missed."""
    given = {side: limit for side, limit in (("above", above), ("below", below)) if limit is not None}
    if len(given) > 1 or not all(np.isfinite(limit) for limit in given.values()):
        raise QuestionError(
            f"an end is held to one limit, not {given}; give {argument('above', '2.1')} for a loss, or "
            f"{argument('below', '0.5')} for a score."
        )
    side, limit = next(iter(given.items()), ("above", None))
    return limit, side


def _missed(draws: np.ndarray, limit: float, side: str) -> float:
    return float(np.mean(draws > limit if side == "above" else draws < limit))


def _shown(law: Law, table: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Which rows have an outcome, and those outcomes."""
    column = law.output.column
    values = table.column(column, f"law '{law.name}'")
    empty = values == "" if values.dtype == object else np.isnan(values)
    if empty.all():
        raise RunsError(
            f"{table.source}: no row has its {column}, so the run has shown nothing; fill in what is known."
        )
    return ~empty, observations.outcome(table.take(~empty), law)


def _runs_of(rows: Runs, end: Runs) -> np.ndarray:
    """Which run each row, and the end after them, belongs to; shape ``(points,)``.

    The end is that of the rows of its name or size; without a name or a size, that of the one run there is.
    """
    column = next((name for name in WHOSE if rows.has(name)), None)
    if column is None:
        return np.zeros(len(rows) + 1, dtype=int)
    names, runs = rows.levels(column)
    if end.has(column):
        same = rows.column(column) == end.column(column)[0]
        return np.append(runs, runs[same][0] if same.any() else -1)
    return np.append(runs, 0 if len(names) == 1 else -1)


def _by_law(asked: Average, weights: np.ndarray) -> Mapping[str, float]:
    """The weight of each law of an average, given what was shown."""
    sizes = {name: len(rows) for name, rows in asked.rows.items()}
    ends = np.cumsum(list(sizes.values()))
    return {name: float(weights[stop - sizes[name] : stop].sum()) for name, stop in zip(sizes, ends, strict=True)}
