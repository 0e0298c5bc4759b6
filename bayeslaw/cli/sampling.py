"""Fits that commands make, and what is said of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from bayeslaw.cli.answer import quick_imports, say
from bayeslaw.note import Note, by_name

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.inference.base.diagnostics import Diagnostics
    from bayeslaw.inference.base.work import Fields
    from bayeslaw.inference.model.plan import Plan
    from bayeslaw.inference.posterior.posterior import Posterior


def sample_each(plans: Mapping[str, Plan], **fields: Any) -> tuple[dict[str, Posterior], float]:
    """Fit several laws, and say which is at work; returns the posteriors and the seconds without imports."""
    fits, took = {}, 0.0
    for name, plan in plans.items():
        if len(plans) > 1:
            say(f"Fitting law '{name}' ...")
        fits[name], seconds = sample(plan, **fields)
        took += seconds
    return fits, took


def sample(plan: Plan, **fields: Any) -> tuple[Posterior, float]:
    """Fit, with a progress bar where a person is watching; returns the posterior and the seconds without imports."""
    from bayeslaw.inference.base.work import Sampling, Work, asked_for
    from bayeslaw.inference.fit import fit_plan

    with quick_imports():
        import bayeslaw.inference.infer  # noqa: F401 - what `fit_plan` would import, slower
    started = time.perf_counter()
    sampling, work = asked_for(Sampling(), Work(), cast("Fields", fields))
    posterior = fit_plan(plan, sampling, work)
    return posterior, time.perf_counter() - started


def diagnosis(found: Diagnostics) -> str:
    """The diagnostics of the chains in one line."""
    return (
        f"{found.chains} x {found.draws} draws, R-hat {found.rhat:.3f} ({found.rhat_of}), "
        f"smallest ESS {found.ess:.0f} ({found.ess_of}), divergences {found.divergences}"
    )


def notes_of_plans(plans: Mapping[str, Plan]) -> tuple[Note, ...]:
    """What is noted before the fits; of several laws, whose it is."""
    if len(plans) == 1:
        return next(iter(plans.values())).notes
    return by_name({name: plan.notes for name, plan in plans.items()})


def notes_of(found: Posterior | Average) -> tuple[Note, ...]:
    """All notes of a fit, or of the fits of an average with how it was made; those on convergence apart."""
    from bayeslaw.ask.average import Average

    if not isinstance(found, Average):
        return found.notes
    return (*by_name({name: each.notes for name, each in found.posteriors.items()}), *found.about)
