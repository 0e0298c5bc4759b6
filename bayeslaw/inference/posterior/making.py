"""A posterior from the draws of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayeslaw.inference.base.versions import versions
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.posterior.posterior import Posterior

if TYPE_CHECKING:
    from bayeslaw.inference.sampler.draws import Draws


def posterior_of(plan: Plan, found: Draws, target_accept: float | None) -> Posterior:
    """The posterior of a plan's draws."""
    return Posterior(
        plan=plan.self_contained(), values=found.values, flat=found.flat, flat_names=tuple(found.model.names),
        stats=found.stats, seed=found.seed, versions=versions(), target_accept=target_accept, patient=found.patient,
    )  # fmt: skip
