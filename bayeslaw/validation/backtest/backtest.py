"""The back-test: hide the largest runs, forecast them from the others, and compare intervals with outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Unpack

import numpy as np

from bayeslaw.ask.auto.choice import AUTO, choices, choose
from bayeslaw.ask.average import EQUAL
from bayeslaw.ask.compare.weights import require_weighting
from bayeslaw.ask.evidence.comparable import Subject, require_same
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.where.scale import labels
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.pooling import family_groupings, pools_of
from bayeslaw.inference.workplace import opened_workplace
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors_each
from bayeslaw.runs.table import Runs, RunsLike, read_runs
from bayeslaw.validation.backtest.ahead import looks, named_laws
from bayeslaw.validation.backtest.origins import (
    COMPUTE,
    SEEN,
    origin_where,
    origins_along,
    those_that_see_enough,
)
from bayeslaw.validation.backtest.report import AVERAGE, Backtest
from bayeslaw.validation.backtest.rivals import bootstrap
from bayeslaw.validation.backtest.scores import Scores


def backtest(
    laws: str | Law | Iterable[str | Law],
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    along: str = COMPUTE,
    origins: Sequence[float] = SEEN,
    hide: str | None = None,
    through: str | Law | Iterable[str | Law] | None = None,
    weights: str = EQUAL,
    drift: Drifting = True,
    rivals: bool = True,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Backtest:
    """Hide the largest runs, forecast them, and count how often intervals cover the outcomes.

    Every law is fitted again at each origin, to exactly the runs seen from there.  It is compared with common practice:
    the same law fitted to each family by Huber loss, with a bootstrap.

    Parameters
    ----------
    laws
        Laws or names of laws of the same outcome, or ``"auto"`` for those that suit the runs.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads.
    family, pool, priors
        As :func:`bayeslaw.fit` takes them; of `pool` and `priors` each law takes the parameters that it has.
    along
        The column along which the far runs are hidden, of numbers or of dates such as 2024-03-01 (default: compute).
    origins
        Shares of the runs that are seen, each an origin to forecast from; one that sees fewer runs than a law has free
        parameters is left out.
    hide
        A condition that says which runs to hide, such as ``"flops > 1e20"``, in place of `along` and `origins`.
    through
        Laws of an input, such as of the loss that a law of scores reads, or ``"auto"`` for those that suit the runs:
        the input of hidden runs is then forecast too, by their average, rather than read off the runs.
    weights
        How the average of several laws weighs them, by a name that :func:`bayeslaw.average` takes.
    drift
        As :func:`bayeslaw.forecast` takes it.
    rivals
        Also score Huber fits with a bootstrap on the same runs; not those of laws in a chain.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    Backtest

    Raises
    ------
    QuestionError
        When nothing is hidden or no origin sees enough runs, the laws are not of one outcome, or no way to weigh them
        has that name.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to the runs.
    FileError
        When a fit cannot be saved, or a saved one cannot be read.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.
    """
    sampling, work = asked_for(sampling, work, fields)
    require_weighting(weights)
    table = read_runs(runs)
    last = named_laws(choose(table).with_priors().values() if laws == AUTO else laws)
    first = {} if through is None else _first(through, last, table)
    every = with_priors_each(first | last, priors)
    pools = pools_of(every, pool)
    planned = {name: make_plan(law, table, family, pools[name]) for name, law in every.items()}
    plans, stage = ({name: planned[name] for name in laws} for laws in (last, first))
    for each in (plans, stage):
        require_same([(name, Subject.of(plan)) for name, plan in each.items()])
    chosen = origins_along(table, along, origins) if hide is None else [origin_where(table, hide)]
    chosen, left_out = those_that_see_enough(every.values(), table, chosen, along if hide is None else None)
    one = next(iter(plans.values()))
    group = np.array(labels(table, None if family is None else one.groupings[family_groupings(family)[-1]]))
    scores: dict[str, list[Scores]] = defaultdict(list)
    huber: dict[str, list[Scores]] = defaultdict(list)
    at: list[dict[str, np.ndarray]] = []
    unconverged = 0
    with opened_workplace(work, "back-test") as place:
        ahead = looks(
            plans, chosen, through=stage, drift=drift, weights=weights, sampling=sampling, seed=work.seed, place=place
        )
        for look in ahead:
            hidden = look.origin.hidden
            score = partial(Scores.of, observed=look.observed, ratio=look.ratio, group=group[hidden], seed=work.seed)
            for name, run in look.runs.items():
                scores[name].append(score(run))
            if rivals and not stage:
                place.watch.doing(f"Huber fits seen from {look.origin.name}")
                made = {name: bootstrap(plan, hidden, group, work.seed) for name, plan in plans.items()}
                for name, run in _with_average(made).items():
                    huber[name].append(score(run))
            at.append(look.inputs)
            unconverged += look.unconverged
    return Backtest(
        outcome=one.law.output.column,
        laws={name: Scores.joined(each) for name, each in scores.items()},
        rivals={name: Scores.joined(each) for name, each in huber.items()},
        origin=np.repeat([each.name for each in chosen], [int(each.hidden.sum()) for each in chosen]),
        at={name: np.concatenate([each[name] for each in at]) for name in at[0]},
        fits=len(chosen) * len(every), unconverged=unconverged, left_out=tuple(each.name for each in left_out),
        through=tuple(stage),
    )  # fmt: skip


def _first(through: str | Law | Iterable[str | Law], laws: Mapping[str, Law], table: Runs) -> dict[str, Law]:
    """The laws whose outcome is an input of the others."""
    read = {one.column for law in laws.values() for one in law.inputs.values()}
    if through == AUTO:
        foretold = next((each.outcome for each in choices() if each.outcome in read and each.suits(table)), None)
        if foretold is None:
            raise QuestionError(
                f"through: no input of {listed(laws)} can be forecast from the columns of {table.source}; name laws of "
                "one, or leave it out to read it off the hidden runs."
            )
        through = choose(table, foretold).laws
    found = named_laws(through)
    for name, law in found.items():
        if law.output.column not in read:
            raise QuestionError(
                f"through: law '{name}' predicts {law.output.column}, which {listed(laws)} does not read; give a law "
                f"of {listed(sorted(read))}."
            )
    return found


def _with_average(draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Draws by law, and those of the average where there are several."""
    return {**draws, **({AVERAGE: np.concatenate(list(draws.values()))} if len(draws) > 1 else {})}
