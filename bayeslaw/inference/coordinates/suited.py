"""Which coordinates suit a plan: the first matching row of one table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.breaks.detection import switched_in
from bayeslaw.inference.coordinates.breaks.map import BreakMap
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.protocol import Coordinates
from bayeslaw.inference.coordinates.split import shared_noise
from bayeslaw.inference.model.plan import Plan

# With fewer runs than this per coordinate, the posterior is a bent sheet that only its own predictions follow.
RUNS_A_COORDINATE = 10
# Following them factorises dense matrices at every step; beyond this many coordinates that costs more than it saves.
FOLLOWING_UP_TO = 60


def few_runs(plan: Plan) -> bool:
    """Whether runs are few for the number of coordinates, and their predictions can be followed."""
    structure, size = plan.structure, plan.structure.size
    few = np.count_nonzero(plan.weights) < RUNS_A_COORDINATE * size
    # A probability near 0 or 1 hardly changes with the parameters, and coordinates that follow it fold: 69 scores on
    # one task in 19 families gave 59 leapfrogs and 209 of 2000 draws diverged, where conditional ones gave 15 and none.
    # Runs that may fall short of a frontier by any factor do not hold it between them: with 30 of them, coordinates
    # that follow their predictions folded in five tables of five, and affine ones had ten times the draws a second.
    family = structure.law.output.likelihood.family
    followed = family.outcome != "count" and not family.one_sided
    return bool(few and followed and size <= FOLLOWING_UP_TO and (structure.effects or shared_noise(structure)))


def few_runs_in_groups(plan: Plan) -> bool:
    """Whether runs in groups are few.

    Without groups other coordinates are nearly always faster: affine ones take 7 to 82 leapfrogs a draw in place of 6
    to 13, each at a fifth to a twentieth of the price, and compile in half the time (``docs/architecture.md``).  Where
    a break may be absent, those that follow predictions fold.
    """
    return hierarchy(plan) and few_runs(plan)


def hierarchy(plan: Plan) -> bool:
    """Whether groups deviate from a population."""
    return bool(plan.structure.effects)


def absent_part(plan: Plan) -> bool:
    """Whether a part of the law may be absent, with parameters that are the same for all runs."""
    return bool(switched_in(plan.structure).absent)


def any_plan(_: Plan) -> bool:
    """Every plan."""
    return True


SUITED: tuple[tuple[Callable[[Plan], bool], type[Coordinates]], ...] = (
    (few_runs_in_groups, Following),
    (hierarchy, Conditional),
    (absent_part, BreakMap),
    (any_plan, Affine),
)


def suited(plan: Plan, *, may_fold: bool = True) -> type[Coordinates]:
    """The coordinates that suit a plan.

    Parameters
    ----------
    may_fold
        Whether coordinates that fold where predictions turn are allowed.
    """
    return next(kind for suits, kind in SUITED if suits(plan) and (may_fold or not kind.folds))


def roundest(plan: Plan) -> type[Coordinates]:
    """The coordinates in which the posterior of a plan is nearest to a ball, whatever they cost.

    Without groups few runs are sampled faster in affine coordinates, but an evidence rests on how well a ball fits: of
    15 runs on 78 effective terms in these, and on 269 in those that follow predictions.
    """
    return Following if few_runs(plan) else suited(plan)
