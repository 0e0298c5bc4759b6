"""A bound on a cost: training compute, or any formula of inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.where.points import COMPUTE
from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import (
    Call,
    Name,
    Node,
    Number,
    derivative,
    evaluate,
    names,
    parse,
    substitute,
    to_text,
)
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law
from bayeslaw.language.parts import Root
from bayeslaw.language.root import solve
from bayeslaw.runs.columns import FLOPS
from bayeslaw.words import short

Inputs = Mapping[str, Any]  # numbers or arrays that broadcast


@dataclass(frozen=True)
class Budget:
    """A bound on a cost.

    Attributes
    ----------
    cost
        A formula of inputs and `constants`.
    """

    name: str
    value: float
    cost: Node
    constants: Mapping[str, float]

    def spent(self, inputs: Inputs) -> np.ndarray:
        """The cost of inputs."""
        return np.asarray(evaluate(self.cost, {**self.constants, **inputs}, NUMPY_WORDS), dtype=float)

    def rest(self, name: str, inputs: Inputs, limits: tuple[float, float]) -> np.ndarray:
        """The value of one input that spends the rest of the budget; by algebra where the cost is linear in it."""
        known = {**self.constants, **inputs}
        slope = derivative(self.cost, name)
        if name not in names(slope):
            without = self.spent({**inputs, name: 0.0})
            return np.asarray((self.value - without) / evaluate(slope, known, NUMPY_WORDS))
        log_cost = Call("log", (substitute(self.cost, {name: Call("exp", (Name(name),))}),))
        equation = Call("-", (log_cost, Number(math.log(self.value))))
        # Somewhat wider than the limits, so that a value beyond them is found to be beyond.
        low, high = (Number(math.log(limits[0]) - 1.0), Number(math.log(limits[1]) + 1.0))
        return np.asarray(
            np.exp(solve(Root(equation, derivative(equation, name), name, low, high), known, NUMPY_WORDS))
        )

    def __str__(self) -> str:
        return f"{self.name} = {short(self.value)}"


def read_budget(law: Law, free: Iterable[str], rest: Mapping[str, float], cost: str | None) -> Budget | None:
    """The budget, among the given values that are not inputs, with its cost."""
    if cost is None:
        for name in rest:
            if name not in law.inputs and name not in COMPUTE:
                known = [*law.inputs, *(one.column for one in law.inputs.values()), *COMPUTE]
                raise QuestionError(
                    f"law '{law.name}' has no input '{name}'{did_you_mean(name, known)}; inputs: {listed(law.inputs)}. "
                    f"A budget of training compute is called {COMPUTE[0]}; any other needs a cost."
                )
        formula = _usual_cost(law, next(iter(rest))) if rest else None
        constants: dict[str, float] = {}
    else:
        formula = parse(cost)
        used = names(formula)
        constants = {name: value for name, value in rest.items() if name in used}
        if unknown := [name for name in used if name not in free and name not in constants]:
            raise QuestionError(
                f"cost '{cost}': '{unknown[0]}' is neither an input of law '{law.name}' nor given"
                f"{did_you_mean(unknown[0], free)}; inputs: {listed(free)}. Constants are given beside the budget."
            )
    budgets = [name for name in rest if name not in constants]
    if formula is None:
        return None
    if len(budgets) != 1:
        found = f"{listed(budgets)} are" if budgets else "none is"
        raise QuestionError(f"the cost '{to_text(formula)}' needs one budget, but {found} given; say C=VALUE once.")
    return Budget(budgets[0], rest[budgets[0]], formula, constants)


def _usual_cost(law: Law, name: str) -> Node:
    """The formula of a computed input; else training compute."""
    one = law.inputs.get(name)
    if one is not None and one.formula is not None:
        return one.formula
    columns = {each.column: each.name for each in law.inputs.values()}
    if not {"n_params", "n_tokens"} <= set(columns):
        raise QuestionError(
            f"law '{law.name}' has no cost of its own, not being a law of parameters and tokens; give a cost as a "
            f"formula of {listed(law.free_inputs)}."
        )
    return parse(f"{FLOPS:g} * {columns['n_params']} * {columns['n_tokens']}")
