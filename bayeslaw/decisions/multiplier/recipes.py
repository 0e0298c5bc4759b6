"""The runs of two recipes, which are families of a fit, and whether they say how one compares with the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.forecast.draws import family_label
from bayeslaw.ask.where.scale import Axis
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note
from bayeslaw.runs.budgets import SAME_BUDGET
from bayeslaw.runs.stand_ins import Group, StandIn
from bayeslaw.words import argument, size

# From so many budgets on, the runs say more of how a factor changes with scale than the priors do.
USUAL_BUDGETS = 5


@dataclass(frozen=True)
class Recipe:
    """A family, as a recipe.

    Attributes
    ----------
    groups
        As :meth:`bayeslaw.Posterior.parameters` takes them.
    scales
        Its fitted runs along the axis, or the usual place of published values; shape ``(runs,)``.
    """

    name: str
    groups: Mapping[str, Group]
    scales: np.ndarray

    @property
    def budgets(self) -> np.ndarray:
        """Its different budgets, from the smallest; shape ``(budgets,)``."""
        ordered = np.sort(self.scales)
        starts = np.concatenate([[True], np.diff(np.log(ordered)) > SAME_BUDGET])
        return np.asarray(ordered[starts])


def recipes_of(posterior: Posterior, families: tuple[Group, Group], axis: Axis) -> tuple[Recipe, Recipe]:
    """The two recipes of a question, the new one first.

    Raises
    ------
    QuestionError
        When one is no fitted family, they are one, or one has runs at a single budget.
    """
    new, old = (_recipe(posterior, family, axis) for family in families)
    if new.groups == old.groups:
        raise QuestionError(
            f"{argument('families')}: '{new.name}' is compared with itself; name two of {listed(posterior.families)}."
        )
    for each in (new, old):
        if len(each.budgets) < 2:
            raise QuestionError(
                f"{argument('families')}: all runs of '{each.name}' are at one budget ({axis.name} = "
                f"{size(float(each.scales[0]), axis.units)}), so there is no curve to compare; fit runs of it at three "
                f"budgets or more."
            )
    return new, old


def _recipe(posterior: Posterior, family: Group, axis: Axis) -> Recipe:
    groups = posterior.groups_of(family)
    if not groups or any(isinstance(each, StandIn) for each in groups.values()):
        raise QuestionError(
            f"{argument('families')}: '{family}' is no fitted family, and a recipe is one; name two of "
            f"{listed(posterior.families) or 'a fit that has some'}."
        )
    own = posterior.plan.weights > 0.0
    for column, group in groups.items():
        levels, index = posterior.runs.levels(column)
        own &= np.array(levels)[index] == group
    return Recipe(family_label(posterior, groups) or str(family), groups, axis.values(posterior.plan.inputs)[own])


def few_budgets(recipes: tuple[Recipe, Recipe]) -> tuple[Note, ...]:
    """The note of recipes with few budgets."""
    if min(len(each.budgets) for each in recipes) >= USUAL_BUDGETS:
        return ()
    counted = " and ".join(f"'{each.name}' has {len(each.budgets)} budgets" for each in recipes)
    return (Note(
        "few-budgets", "warning",
        f"{counted}, so how the factor changes with scale comes in part from the priors.",
        "Compare at the fitted scales, or fit more budgets of both.",
    ),)  # fmt: skip
