"""The main verb: fit a law to runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from bayeslaw.errors import ConvergenceError, PoolingError
from bayeslaw.inference.base.progress import COMPILING, watched
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.note import Note, in_order
from bayeslaw.runs.faults.exact import check_noise
from bayeslaw.runs.table import RunsLike, read_runs

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.inference.sampler.draws import Draws


def fit(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Posterior:
    """Fit a law to runs: draws from the posterior of its parameters.

    Parameters
    ----------
    law
        A law or the name of one.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads.
    family
        The column of the model families, whose parameters are then drawn from shared populations; ``"a*b"`` for
        combinations of two columns.  None fits all runs as one family.
    pool
        By parameter, how groups share it, such as ``{"alpha": "complete", "E": "partial:corpus"}``; see
        :mod:`bayeslaw.inference.model.pooling`.
    priors
        ``"field"`` for published-sweep priors, or priors by parameter (default: the weak priors of the law's file).
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    Posterior
        Whatever its diagnostics say; questions to it refuse when it has not converged.

    Raises
    ------
    LawError, RunsError, PoolingError
        When the law, the table or the hierarchy cannot be used.
    ConvergenceError
        When sampling crawls, and would take longer than `seconds`.
    """
    sampling, work = asked_for(sampling, work, fields)
    law = with_priors(catalogue.find(law), priors)
    # Every fault of the input is found before JAX is imported.
    return fit_plan(make_plan(law, read_runs(runs), family, pool), sampling, work)


def fit_plan(plan: Plan, sampling: Sampling = Sampling(), work: Work = Work()) -> Posterior:
    """Fit what was planned; see :func:`fit`."""
    check_noise(plan.runs, plan.law, plan.families, plan.inputs)
    from bayeslaw.inference.posterior.making import posterior_of

    found = _sampled(plan, sampling, work) if work.executor is None else _sampled_elsewhere(plan, sampling, work)
    if found.crawl is not None:
        raise ConvergenceError(found.crawl.verdict)
    posterior = posterior_of(plan, found, sampling.target_accept)
    return replace(posterior, notes=notes_of(posterior))


def notes_of(posterior: Posterior) -> tuple[Note, ...]:
    """The notes of a fit; they are saved with it, and answers repeat the serious ones.

    Convergence is not among them, as it follows from the draws.
    """
    from bayeslaw.inference.posterior.best_sizes import best_size_notes
    from bayeslaw.inference.posterior.residuals import residual_notes

    return in_order((*posterior.plan.notes, *residual_notes(posterior), *best_size_notes(posterior)))


def _sampled(plan: Plan, sampling: Sampling, work: Work) -> Draws:
    """Draws by this process, with progress per draw."""
    from bayeslaw.inference.choice import choice_for, next_choice
    from bayeslaw.inference.infer import infer
    from bayeslaw.inference.shards import Shards

    given, shards = sampling.settings, None if work.shards is None else Shards(Path(work.shards))
    choice = choice_for(plan, **given)
    with watched(work.progress, "draw", COMPILING) as watch:
        while True:
            found = infer(plan, choice, work.seed, watch.counting("sampling"), shards=shards)
            # A fit that crawls has not converged, and would crawl again.
            patience = sampling.patience and found.crawl is None
            again = next_choice(plan, choice, found.diagnostics, **given) if patience else None
            if again is None:
                return found
            choice = again
            watch.waiting("not converged yet: compiling for more draws or smaller steps")


def _sampled_elsewhere(plan: Plan, sampling: Sampling, work: Work) -> Draws:
    """Draws that are made by an executor."""
    from bayeslaw.inference.many import infer_many
    from bayeslaw.inference.workplace import opened_workplace

    with opened_workplace(work, COMPILING) as place:
        many = infer_many([plan], [work.seed], patient=sampling.patience, **sampling.settings, **place.part(1))
        return next(draws for _, draws in many)


def posterior_mode(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Find the most probable parameters: the mode of the posterior density over unbounded coordinates.

    A point, for comparison with published point fits; it carries no uncertainty.  In a hierarchy it does not exist
    (all spreads would collapse to zero), so parameters must be pooled ``complete`` or ``none``.

    Parameters
    ----------
    law, runs, family, pool, priors
        As :func:`bayeslaw.fit` takes them.
    seed
        Seed of the points from which the mode is searched for.

    Returns
    -------
    dict
        Values by parameter: floats, or one value per group.
    """
    plan = make_plan(with_priors(catalogue.find(law), priors), read_runs(runs), family, pool)
    if plan.structure.effects:
        raise PoolingError("a hierarchy has no posterior mode; pool every parameter 'complete' or 'none'.")
    from bayeslaw.inference.infer import mode_of

    return mode_of(plan, seed)
