"""The main verb: a law, or the laws that suit a table, fitted to runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Unpack, overload

from bayeslaw.ask.auto.choice import AUTO, choose
from bayeslaw.ask.average import Average
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.fit import fit as fit_law
from bayeslaw.inference.fit import fit_plan
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.model.pooling import pools_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.note import Note, in_order
from bayeslaw.runs.table import RunsLike, read_runs

type Priors = str | Mapping[str, str] | None


@overload
def fit(  # type: ignore[overload-overlap]  # "auto" is no name of a law
    law: Literal["auto"],
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    outcome: str | None = None,
    priors: Priors = None,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Posterior | Average: ...


@overload
def fit(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    outcome: str | None = None,
    priors: Priors = None,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Posterior: ...


def fit(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    outcome: str | None = None,
    priors: Priors = None,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Posterior | Average:
    """Fit a law to runs: draws from the posterior of its parameters.

    Parameters
    ----------
    law
        A law, the name of one, or ``"auto"`` for those that suit the table's outcome and inputs.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads.
    family
        The column of the model families, whose parameters are then drawn from shared populations; ``"a*b"`` for
        combinations of two columns.  None fits all runs as one family.
    pool
        By parameter, how groups share it, such as ``{"alpha": "complete", "E": "partial:corpus"}``; see
        :mod:`bayeslaw.inference.model.pooling`.
    outcome
        With ``"auto"``, the column to predict where a table has several that could be.
    priors
        ``"field"`` for published-sweep priors, or priors by parameter (default: the weak priors of the law's file;
        ``"auto"`` takes those that its choice was tested with).
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    Posterior or Average
        Whatever its diagnostics say; questions to it refuse when it has not converged.  ``"auto"`` gives an average
        where several laws suit, with a note on what was chosen and why.

    Raises
    ------
    LawError, RunsError, PoolingError
        When the law, the table or the hierarchy cannot be used, or no law suits.
    QuestionError
        When a law is named and `outcome` as well.
    ConvergenceError
        When sampling crawls, and would take longer than `seconds`.
    """
    sampling, work = asked_for(sampling, work, fields)
    if law != AUTO:
        if outcome is not None:
            raise QuestionError(f"outcome='{outcome}': a law has its own outcome; leave it out, or take law='auto'.")
        return fit_law(law, runs, family, pool, priors=priors, sampling=sampling, work=work)
    table = read_runs(runs)
    chosen = choose(table, outcome)
    laws = chosen.with_priors(priors)
    pools = pools_of(laws, pool)
    # Every fault of the input is found before JAX is imported.
    plans = {name: make_plan(each, table, family, pools[name]) for name, each in laws.items()}
    fits = {name: fit_plan(plan, sampling, work) for name, plan in plans.items()}
    return together(fits, chosen.note(table))


def together(fits: Mapping[str, Posterior], chosen: Note) -> Posterior | Average:
    """The fits of laws that were chosen, as one: their average, unless there is only one."""
    if len(fits) == 1:
        (alone,) = fits.values()
        return replace(alone, notes=in_order((*alone.notes, chosen)))
    return Average(fits, dict.fromkeys(fits, 1.0 / len(fits)), (chosen,))
