"""What options are worth, draw by draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayeslaw.decisions.choice.plan import Plan
from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS

# What a utility may use beside the outcome: the cost of the option, and whether its target is met.
COST, MET = "cost", "met"


def check_utility(plan: Plan) -> None:
    """Refuse a utility of names that a plan does not have.

    Raises
    ------
    QuestionError
        With the first one.
    """
    known = {plan.target.outcome, MET, *({COST} if plan.cost is not None else ())}
    for name in names(plan.utility) if plan.utility is not None else ():
        if name == COST and plan.cost is None:
            raise QuestionError(f"{plan.source}: the utility uses the cost, which the plan does not give; give a cost.")
        if name not in known:
            raise QuestionError(
                f"{plan.source}: the utility uses an unknown name '{name}'{did_you_mean(name, known)}; it may use "
                f"{listed(sorted(known))}."
            )


def utilities(plan: Plan, outcomes: Mapping[str, np.ndarray], costs: Mapping[str, float]) -> np.ndarray | None:
    """The utility of each option in each draw, shape ``(size, options)``; None for a plan without one.

    Raises
    ------
    QuestionError
        When one is not a finite number.
    """
    if plan.utility is None:
        return None
    columns = []
    for name, outcome in outcomes.items():
        known = {plan.target.outcome: outcome, MET: plan.target.met(outcome).astype(float), COST: costs.get(name, 0.0)}
        value = np.broadcast_to(np.asarray(evaluate(plan.utility, known, NUMPY_WORDS), dtype=float), outcome.shape)
        if not np.isfinite(value).all():
            raise QuestionError(
                f"{plan.source}: the utility of option '{name}' is not a finite number in some draws; correct the "
                f"formula."
            )
        columns.append(value)
    return np.stack(columns, axis=1)


def worst(draws: np.ndarray, tail: float) -> tuple[float, float]:
    """The utility that is fallen short of with probability `tail` at most, and the mean of that tail.

    The value at risk and the expected shortfall, as utilities; a draw at the edge of the tail counts in part, so that
    the mean is that of exactly this share (Acerbi and Tasche 2002).
    """
    ordered = np.sort(draws)
    share = tail * len(ordered)
    whole = min(int(share), len(ordered) - 1)
    at_risk = float(ordered[whole])
    return at_risk, float((ordered[:whole].sum() + (share - whole) * at_risk) / share)
