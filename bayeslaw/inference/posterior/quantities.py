"""What follows from the values that are sampled: each parameter in each group of runs, and derived quantities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.model.pooling import Grouping, group
from bayeslaw.inference.model.values import Values, by_run
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS


@dataclass(frozen=True)
class Quantity:
    """Draws of a parameter or a derived quantity.

    Attributes
    ----------
    of
        Its name in the law.
    draws
        Shape ``(size,)``, or ``(size, groups)`` where groups of runs differ in it.
    grouping
        Those groups.
    """

    of: str
    draws: np.ndarray
    grouping: Grouping | None = None


def quantities(plan: Plan, values: Values) -> dict[str, Quantity]:
    """All that follows from draws of everything sampled, by name.

    ``half`` is a derived quantity of the population, and ``half_family`` that of each family; ``alpha_family`` is the
    parameter ``alpha`` in each family, population and deviation together.  What several columns shift has a value for
    each combination that occurs, such as ``alpha_corpus:tokenizer``.

    Parameters
    ----------
    values
        By name, each of shape ``(size, ...)``.
    """
    law, size = plan.law, len(next(iter(values.values())))
    found: dict[str, Quantity] = {}
    # Groups by name, and the law's parameters and derived quantities in each.
    groups: dict[str, tuple[Grouping, Mapping[str, np.ndarray]]] = {}
    with np.errstate(all="ignore"):  # draws of wide priors may be beyond any number
        known = {**law.references, **_population(plan, values)}
        for name, node in law.derived.items():
            if names(node).keys() <= known.keys():
                known[name] = evaluate(node, known, NUMPY_WORDS)
                found[name] = Quantity(name, np.broadcast_to(known[name], (size,)))
        for name, columns in _columns(plan).items():
            sampled = name in law.parameters and plan.poolings[name].kind == "none"
            if not columns or sampled:
                continue
            called = ":".join(columns)
            if called not in groups:
                grouping = plan.groupings.get(called) or group(plan.runs, called)
                parameters = by_run(plan, values, np.unique(grouping.index, return_index=True)[1])
                groups[called] = grouping, {**parameters, **law.derive(parameters)}
            grouping, inside = groups[called]
            draws = np.broadcast_to(inside[name], (size, len(grouping.levels)))
            found[f"{name}_{called}"] = Quantity(name, draws, grouping)
    return found


def _population(plan: Plan, values: Values) -> dict[str, np.ndarray | float]:
    """Every parameter that has a value beside those of its groups."""
    pooled = {name: each for name, each in plan.law.parameters.items() if plan.poolings[name].kind != "none"}
    return {name: values.get(name, each.prior.arguments[0]) for name, each in pooled.items()}


def _columns(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The columns whose groups differ in a parameter or a derived quantity, by its name."""
    found = {
        name: tuple(dict.fromkeys(column for each in pooling.groupings for column in plan.groupings[each].columns))
        for name, pooling in plan.poolings.items()
    }
    for name, node in plan.law.derived.items():
        found[name] = tuple(dict.fromkeys(column for each in names(node) for column in found.get(each, ())))
    return found
