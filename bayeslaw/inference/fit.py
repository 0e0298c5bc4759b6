"""The main verb: fit a law to runs."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bayeslaw.errors import ConvergenceError, PoolingError
from bayeslaw.inference.base.progress import Progress, watched
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.note import Note, in_order
from bayeslaw.runs.table import Runs, read_runs

if TYPE_CHECKING:
    from bayeslaw.inference.choice import Choice
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.inference.sampler.draws import Draws

# What the numbers of a fit depend on.
VERSIONED = ("jax", "numpyro", "numpy")


def fit(
    law: Law | str,
    runs: Runs | Any,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    draws: int | None = None,
    warmup: int | None = None,
    chains: int | None = None,
    target_accept: float | None = None,
    seconds: float | None = 120.0,
    seed: int = 0,
    progress: bool | Progress = False,
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
        ``"field"`` for what the law's parameters were on public sweeps, or priors by parameter; the weak ones of the
        law's file unless given.
    draws, warmup, chains, target_accept
        Of NUTS, a chain for the first two; sensible unless given.  A fit that has not converged is made again, where
        draws, warm-up and acceptance are left to it: with four times the draws and, if these do not do, with care.
    seconds
        The most that sampling may take where it crawls: where a draw takes hundreds of leapfrogs, as on runs without
        noise.  Processor seconds per core; None for no limit.
    seed
        The same seed, versions, machine and shapes give the same draws.
    progress
        Show one progress bar for all chains, or call a function with draws done and draws in all.

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
    law = with_priors(catalogue.find(law), priors)
    runs = runs if isinstance(runs, Runs) else read_runs(runs)
    plan = make_plan(law, runs, family, pool)  # every fault of the input is found before JAX is imported
    return fit_plan(
        plan, draws=draws, warmup=warmup, chains=chains, target_accept=target_accept, seconds=seconds, seed=seed,
        progress=progress,
    )  # fmt: skip


def fit_plan(
    plan: Plan,
    *,
    draws: int | None = None,
    warmup: int | None = None,
    chains: int | None = None,
    target_accept: float | None = None,
    seconds: float | None = 120.0,
    seed: int = 0,
    progress: bool | Progress = False,
) -> Posterior:
    """Fit what was planned; see :func:`fit`."""
    from bayeslaw.inference.choice import choice_for, next_choice
    from bayeslaw.inference.infer import infer

    given = {"draws": draws, "warmup": warmup, "chains": chains, "target_accept": target_accept}
    given["seconds"] = math.inf if seconds is None else seconds
    patient = draws is warmup is target_accept is None
    choice: Choice | None = choice_for(plan, **given)
    with watched(progress, "draw", "sampling") as watch:
        while choice is not None:
            found = infer(plan, choice, seed, watch)
            if found.crawl is not None:
                raise ConvergenceError(found.crawl.verdict)
            choice = next_choice(plan, choice, found.diagnostics, **given) if patient else None
    posterior = posterior_of(plan, found, target_accept)
    return replace(posterior, notes=notes_of(posterior))


def notes_of(posterior: Posterior) -> tuple[Note, ...]:
    """All that is to be known of a fit before anything is asked of it; it is saved, and answers repeat what is serious.

    Whether the chains converged is not among them: the draws tell.
    """
    return in_order(posterior.plan.notes)


def versions() -> dict[str, str]:
    """The versions of all that draws follow from, by name."""
    from bayeslaw import __version__

    return {"bayeslaw": __version__, **{name: importlib.metadata.version(name) for name in VERSIONED}}


def posterior_of(plan: Plan, found: Draws, target_accept: float | None) -> Posterior:
    """The draws of a plan with what made them."""
    from bayeslaw.inference.posterior.posterior import Posterior

    return Posterior(
        plan=plan.self_contained(), values=found.values, flat=found.flat, flat_names=tuple(found.model.names),
        stats=found.stats, seed=found.seed, versions=versions(), target_accept=target_accept, patient=found.patient,
    )  # fmt: skip


def posterior_mode(
    law: Law | str,
    runs: Runs | Any,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Find the most probable parameters: the mode of the posterior density over unbounded coordinates.

    A point, for comparison with published point fits; it carries no uncertainty.  In a hierarchy it does not exist
    (all spreads would collapse to zero), so parameters must be pooled ``complete`` or ``none``.

    Returns
    -------
    dict
        Values by parameter, floats or one value a group.
    """
    law = catalogue.find(law)
    runs = runs if isinstance(runs, Runs) else read_runs(runs)
    plan = make_plan(law, runs, family, pool)
    if plan.structure.effects:
        raise PoolingError("a hierarchy has no posterior mode; pool every parameter 'complete' or 'none'.")
    from bayeslaw.inference.infer import mode_of

    return mode_of(plan, seed)
