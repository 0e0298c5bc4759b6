"""The back-test of best sizes: hide the dearest budgets, and compare the best size at each with that of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Unpack

import numpy as np

from bayeslaw.ask.average import EQUAL, Average
from bayeslaw.ask.compare.averaging import average
from bayeslaw.ask.optimum.optimum import optimum
from bayeslaw.ask.optimum.place import STILL, Moving
from bayeslaw.ask.where.extrapolation import flops, params_and_tokens
from bayeslaw.ask.where.scale import labels
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.streams import MEASURED, generator
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.pooling import family_groupings, pools_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import opened_workplace
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors_each
from bayeslaw.runs.bottoms import Bottom, bottoms_of
from bayeslaw.runs.budgets import SAME_BUDGET
from bayeslaw.runs.table import RunsLike, read_runs
from bayeslaw.validation.backtest.ahead import named_laws
from bayeslaw.validation.backtest.best_sizes_report import BestSizes
from bayeslaw.validation.backtest.origins import COMPUTE, SEEN, origins_along, those_that_see_enough
from bayeslaw.validation.backtest.report import AVERAGE
from bayeslaw.validation.backtest.scores import Scores


@dataclass(frozen=True)
class Asked:
    """The best size at one hidden budget.

    Attributes
    ----------
    family
        The family of its runs; empty without families.
    ratio
        The budget as a multiple of the largest that was seen.
    """

    family: str
    bottom: Bottom
    ratio: float


@dataclass(frozen=True)
class Found:
    """What a law said of it.

    Attributes
    ----------
    log_size
        Draws of the log of the best size, as the runs of the budget measure it; shape ``(size,)``.
    chosen
        The size that it recommends.
    regret
        Draws of what that size gives up, as the runs measure it; shape ``(size,)``.
    """

    log_size: np.ndarray
    chosen: float
    regret: np.ndarray


def backtest_optimum(
    laws: str | Law | Iterable[str | Law],
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    origins: Sequence[float] = SEEN,
    drift: bool = True,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> BestSizes:
    """Hide the most expensive budgets, ask for the best size at each, and compare with where their runs have it.

    Budgets are runs of several sizes that cost the same (an isoFLOP design).  Where a hidden budget has its lowest loss
    is found from its own runs, by a cubic in log size with a standard error; that error is part of what is forecast.
    Budgets whose lowest loss is not among their runs say nothing and are left out.

    Parameters
    ----------
    laws
        Laws or names of laws of a loss that read ``n_params`` and ``n_tokens``, or ``n_params`` and ``flops``.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads.
    family, pool, priors
        As :func:`bayeslaw.fit` takes them; of `pool` and `priors` each law takes the parameters that it has.
    origins
        Shares of the runs that are seen, by compute, each an origin to look ahead from.
    drift
        Whether the best size drifts, as :func:`bayeslaw.optimum` takes it.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    BestSizes

    Raises
    ------
    QuestionError
        When a law cannot say the best size at a budget, or no origin hides a budget with its lowest loss among its
        runs.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to the runs.
    """
    sampling, work = asked_for(sampling, work, fields)
    table = read_runs(runs)
    every = with_priors_each(named_laws(laws), priors)
    pools = pools_of(every, pool)
    plans = {name: make_plan(law, table, family, pools[name]) for name, law in every.items()}
    chosen, left_out = those_that_see_enough(every.values(), table, origins_along(table, COMPUTE, origins), COMPUTE)
    one = next(iter(plans.values()))
    group = np.array(labels(table, None if family is None else one.groupings[family_groupings(family)[-1]]))
    hidden = [list(_hidden(one, group, origin.hidden)) for origin in chosen]
    if not any(hidden):
        raise QuestionError(
            f"{table.source}: no origin hides a compute budget with its lowest loss among its runs (five sizes or "
            "more, two on either side of the best), so there is no best size to compare with; test the loss instead."
        )
    said: dict[str, list[Found]] = defaultdict(list)
    unconverged, seen = 0, [plan.hiding(origin.hidden) for origin in chosen for plan in plans.values()]
    with opened_workplace(work, "back-test") as place:
        place.watch.expect(len(seen))
        fits = fit_many(seen, seed=work.seed, patient=sampling.patience, **sampling.settings, **place.part(len(seen)))
    for each, asked in zip(batched(fits, len(plans)), hidden, strict=True):
        named = dict(zip(plans, each, strict=True))
        unconverged += sum(not fit.diagnostics.converged for fit in each)
        alone = {name: Average.of(fit) for name, fit in named.items()}
        for name, law in (alone | ({AVERAGE: average(named, EQUAL)} if len(named) > 1 else {})).items():
            said[name] += [stated(law, question, drift) for question in asked]
    questions = [question for asked in hidden for question in asked]
    return BestSizes(
        sizes={name: size_scores(found, questions) for name, found in said.items()},
        regret={name: regret_scores(found, questions) for name, found in said.items()},
        chosen={name: np.array([each.chosen for each in found]) for name, found in said.items()},
        origin=np.repeat([each.name for each in chosen], [len(asked) for asked in hidden]),
        budget=np.array([question.bottom.compute for question in questions]),
        fits=len(seen), unconverged=unconverged, left_out=tuple(each.name for each in left_out),
    )  # fmt: skip


def _hidden(plan: Plan, group: np.ndarray, hidden: np.ndarray) -> Iterator[Asked]:
    """The hidden budgets of each family whose lowest loss is among their runs."""
    law, inputs = plan.law, plan.inputs
    compute, pair = flops(law, inputs), params_and_tokens(law, inputs)
    if compute is None or pair is None or law.output.column != "loss":
        raise QuestionError(
            f"law '{law.name}' cannot say which size has the lowest loss at a budget of training compute; take a law "
            "of a loss that reads n_params and n_tokens, or n_params and flops."
        )
    counted = plan.weights > 0
    most = float(compute[counted & ~hidden].max(initial=0.0))
    for family in np.unique(group):
        rows = np.flatnonzero(counted & (group == family))
        for bottom in bottoms_of(compute[rows], pair[0][rows], plan.outcome[rows]):
            if np.log(bottom.compute / most) > SAME_BUDGET:
                yield Asked(str(family), bottom, bottom.compute / most)


@dataclass(frozen=True)
class _Measured(Moving):
    """The place of an optimum as runs measure it: with the error of their lowest point."""

    error: float

    @staticmethod
    def of(moving: Moving | None, posterior: Posterior, error: float) -> _Measured:
        """With the drift that the place has, if any."""
        return _Measured(
            *((STILL, posterior, []) if moving is None else (moving.drift, posterior, moving.shown)), error
        )

    def shifts(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        noise = generator(self.posterior.seed, MEASURED).standard_normal(self.posterior.size)
        return super().shifts(inputs) + self.error * noise


def stated(asked: Average, question: Asked, drift: bool) -> Found:
    """What a fit or an average says of a hidden budget."""
    law, bottom = asked.lead.law, question.bottom
    by_column = {one.column: one.name for one in law.inputs.values()}
    size, budget = by_column["n_params"], {by_column.get("flops", "C"): bottom.compute}
    family = question.family if asked.lead.family_grouping is not None else None
    found = optimum(asked, budget, family=family, drift=drift, allow_unconverged=True)
    chosen, solutions = found.inputs[size].median, found.solutions
    measured = replace(solutions, each={
        name: replace(one, moving=_Measured.of(one.moving, asked.posteriors[name], bottom.error))
        for name, one in solutions.each.items()
    })  # fmt: skip
    option = {name: np.array([value]) for name, value in found.trade.option({size: chosen}).items()}
    return Found(np.log(measured.inputs[size]), chosen, measured.regret(option)[:, 0])


def size_scores(found: Sequence[Found], questions: Sequence[Asked]) -> Scores:
    """Scores of the log of the best size."""
    return Scores.of(
        np.stack([each.log_size for each in found], axis=1),
        np.log([question.bottom.size for question in questions]), *_where(questions),
    )  # fmt: skip


def regret_scores(found: Sequence[Found], questions: Sequence[Asked]) -> Scores:
    """Scores of what the stated sizes give up, where the runs of the budget tell."""
    had = np.array([question.bottom.excess(each.chosen) for each, question in zip(found, questions, strict=True)])
    draws = np.stack([each.regret for each in found], axis=1)
    known, (ratio, group) = np.isfinite(had), _where(questions)
    return Scores.of(draws[:, known], had[known], ratio[known], group[known])


def _where(questions: Sequence[Asked]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([each.ratio for each in questions]), np.array([each.family for each in questions])
