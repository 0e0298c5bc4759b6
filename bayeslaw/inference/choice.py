"""How a plan is sampled: in which coordinates, for how long, and how a second time if that is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.coordinates.protocol import Coordinates
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.sampler.settings import Settings

# The factor on the draws of a fit that has not converged.
LONGER = 4


class Choice(NamedTuple):
    """How a plan is sampled.

    Attributes
    ----------
    patient
        Whether these are the settings of a second attempt, after a fit that did not converge.
    """

    coordinates: type[Coordinates]
    settings: Settings
    patient: bool = False


def choice_for(plan: Plan, **given: int | float | None) -> Choice:
    """The first choice for a plan, with the settings of the caller."""
    return _with_settings(suited(plan), given)


def next_choice(plan: Plan, tried: Choice, found: Diagnostics, **given: int | float | None) -> Choice | None:
    """The next choice for a plan after these diagnostics; None if they are good enough, or nothing is left to try.

    A fit that lacks only draws gets more of the same.  A fit with another problem, or one that still lacks draws, is
    sampled with care.
    """
    if found.converged:
        return None
    if not tried.patient and found.with_draws(LONGER).converged:
        longer = replace(tried.settings, draws=LONGER * tried.settings.draws)
        return tried._replace(settings=longer, patient=True)
    careful = with_care(plan, **given)
    return None if tried == careful else careful


def with_care(plan: Plan, **given: int | float | None) -> Choice:
    """The choice for a hard plan: longer and with smaller steps, in coordinates that do not fold.

    Coordinates that follow predictions fold where a prediction turns, as with a break in the law; those made at the
    mode are slow there but correct.
    """
    choice = _with_settings(suited(plan, may_fold=False), given)
    settings = choice.settings
    careful = replace(
        settings, draws=LONGER * settings.draws, warmup=max(settings.warmup, 1000),
        target_accept=max(settings.target_accept, 0.98),
    )  # fmt: skip
    return choice._replace(settings=careful, patient=True)


def _with_settings(kind: type[Coordinates], given: Mapping[str, int | float | None]) -> Choice:
    known: dict[str, int | float | None] = {name: value for name, value in given.items() if value is not None}
    if "draws" in known:
        known["enough"] = None
    return Choice(kind, replace(kind.settings, **known))  # type: ignore[arg-type]
