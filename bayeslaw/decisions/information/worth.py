"""What candidates are worth to a plan: what is gained by choosing among its options once their outcome is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drifting
from bayeslaw.ask.forecast.forecast import forecast
from bayeslaw.decisions.choice.decide import check_plan
from bayeslaw.decisions.choice.plan import Plan, read_plan
from bayeslaw.decisions.choice.utility import utilities
from bayeslaw.decisions.information.value import Value, of_sample, perfect
from bayeslaw.errors import QuestionError

# Candidates whose worth is given with an error, which takes a hundred times as long.
WITH_ERRORS = 4


@dataclass(frozen=True)
class Stakes:
    """What a plan has at stake, draw by draw.

    Attributes
    ----------
    utility
        Of each option, and of buying none of them, which is worth nothing; shape ``(size, options + 1)``.
    money
        What it is counted in.
    perfect
        The expected value of knowing everything before choosing.
    """

    utility: np.ndarray
    money: str
    perfect: Value

    def of(self, scores: np.ndarray, cost: np.ndarray) -> list[Value]:
        """The worth of each candidate's outcome, before its cost; errors of the best few, else NaN.

        Parameters
        ----------
        scores
            Normal scores of the candidates' outcomes; shape ``(size, candidates)``.
        cost
            Shape ``(candidates,)``.
        """
        found = [of_sample(column, self.utility, resamples=0) for column in scores.T]
        best = np.argsort([price - each.value for each, price in zip(found, cost, strict=True)])[:WITH_ERRORS]
        for i in best:
            found[i] = of_sample(scores[:, i], self.utility)
        return found


def stakes_of(
    asked: Average, plan: Plan | Mapping[str, Any] | str | Path, drift: Drifting, allow_unconverged: bool
) -> Stakes:
    """What a plan has at stake under a fit or an average.

    Raises
    ------
    QuestionError, RunsError
        When the plan has no utility, or says what cannot be.
    """
    plan = read_plan(plan)
    costs = check_plan(plan, [each.law for each in asked.posteriors.values()])
    outcomes = {
        name: forecast(asked, at, plan.family, drift=drift, allow_unconverged=allow_unconverged).draws[:, 0]
        for name, at in plan.options.items()
    }
    values = utilities(plan, outcomes, costs)
    if values is None:
        raise QuestionError(
            f"{plan.source}: has no utility, so nothing says what information is worth; add a line such as utility = "
            f'"2e6 * met - cost".'
        )
    utility = np.column_stack([values, np.zeros(len(values))])
    return Stakes(utility, plan.money, perfect(utility))
