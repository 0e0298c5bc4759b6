"""Values of everything that a plan samples, without a sampler: draws of the priors, and the parameters of every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayeslaw.inference.model.plan import Plan, bounded, deviation_name, spread_name, unbounded

Random = np.random.Generator
# Draws of everything sampled, by name, each of shape ``(size, ...)``.
Values = Mapping[str, np.ndarray]
EVERY = slice(None)


def draw_prior(plan: Plan, rng: Random, size: int) -> dict[str, np.ndarray]:
    """Draws of everything that a plan samples, from its priors."""
    values: dict[str, np.ndarray] = {}
    spread = {deviation: spread_name(name, grouping) for name, grouping, deviation in plan.structure.effects}
    for name, prior, length in plan.structure.sites:
        shape = size if length is None else (size, length)
        if prior is None:
            values[name] = values[spread[name]][:, None] * rng.standard_normal(shape)
        else:
            values[name] = prior.draw(rng, shape)
    return values


def by_run(plan: Plan, values: Values, rows: np.ndarray | slice = EVERY) -> dict[str, Any]:
    """Every parameter for every run, each of shape ``(size, runs)``, or ``(size, 1)`` where all runs share it.

    Parameters
    ----------
    rows
        Which runs of the plan.
    """
    found: dict[str, Any] = {}
    for name, parameter in plan.law.parameters.items():
        pooling = plan.poolings[name]
        if pooling.kind == "none":
            found[name] = values[name][:, plan.groupings[pooling.groupings[0]].index[rows]]
            continue
        population = parameter.prior.arguments[0] if parameter.prior.is_constant else values[name][:, None]
        shifts = [values[deviation_name(name, g)][:, plan.groupings[g].index[rows]] for g in pooling.groupings]
        found[name] = (
            bounded(parameter.prior, unbounded(parameter.prior, population) + sum(shifts)) if shifts else population
        )
    return found
