"""The model of a plan over a flat vector: the density that is sampled.

It is the density of ``numpyro_model``, written so that priors of one family are evaluated as one array, for the reason
given in ``predict``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from bayeslaw.inference.model.distributions import PRIORS, prior
from bayeslaw.inference.model.flat_model import FlatModel, Site
from bayeslaw.inference.model.numpyro_model import numpyro_model
from bayeslaw.inference.model.plan import Structure, spread_name
from bayeslaw.inference.model.predict import Predicted, mean_by_run, predict, unbounded_by_run
from bayeslaw.language.law import Prior


@dataclass(frozen=True)
class PlanModel(FlatModel):
    """A plan as a potential energy over a flat vector."""

    structure: Structure

    @property
    def described(self) -> str:
        """The law's text, and how its parameters are pooled over how many groups and rows."""
        return repr((self.structure.law.text, self.structure.poolings, self.structure.sizes, self.structure.rows))

    def potential(self, x: Any, args: tuple[Any, ...]) -> Any:
        """Minus the log density of the flat vector, all constants and Jacobians included."""
        (data,) = args
        likelihood = data["weights"] * self._predicted(x, args).outcome.log_prob(data["outcome"])
        return -(log_prior(self.structure, lambda name: x[self.site[name].stretch]) + likelihood.sum())

    def mean(self, x: Any, args: tuple[Any, ...]) -> Any:
        """The mean of every run; shape ``(rows,)``."""
        return self._predicted(x, args).mean

    def unbounded_by_run(self, x: Any, args: tuple[Any, ...]) -> Any:
        """The parameters of the mean of every run, on the scale without bounds; ``(parameters, rows)``, linear."""
        return unbounded_by_run(self.structure, lambda name: x[self.site[name].stretch], args[0])

    def mean_by_run(self, own: Any, args: tuple[Any, ...]) -> Any:
        """The mean of every run from its own parameters, as :meth:`unbounded_by_run` gives them."""
        return mean_by_run(self.structure, own, args[0])

    def _predicted(self, x: Any, args: tuple[Any, ...]) -> Predicted:
        return predict(self.structure, lambda name: x[self.site[name].stretch], args[0])


@lru_cache(maxsize=64)
def plan_model(structure: Structure) -> PlanModel:
    """The model of a plan over a flat vector."""
    sites: list[Site] = []
    for name, of, length in structure.sites:
        transform = dist.biject_to(dist.constraints.real if of is None else PRIORS[of.name].support)
        shape = () if length is None else (length,)
        sites.append(Site(name, shape, shape, sites[-1].stop if sites else 0, transform))
    return PlanModel(numpyro_model(structure), tuple(sites), structure)


def log_prior(structure: Structure, unbounded: Any) -> Any:
    """The log prior of all sampled values, including Jacobians.

    Parameters
    ----------
    unbounded
        From a site to its unbounded values; of a scalar, of shape ``(1,)``.
    """
    families: dict[str, list[tuple[Prior, Any]]] = defaultdict(list)
    for name, of, _ in structure.sites:
        if of is not None:
            families[of.name].append((of, unbounded(name)))
    deviating: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for name, grouping, deviations in structure.effects:
        deviating[grouping].append((unbounded(spread_name(name, grouping)), unbounded(deviations)))
    total = 0.0
    for family, members in families.items():
        columns = zip(*(of.arguments for of, _ in members), strict=True)
        lengths = [len(flat) for _, flat in members]
        arguments = [np.repeat(np.array(column, dtype=float), lengths) for column in columns]
        total += _with_jacobian(PRIORS[family](*arguments), jnp.concatenate([flat for _, flat in members])).sum()
    for pairs in deviating.values():
        spread, each = (jnp.stack(stretches) for stretches in zip(*pairs, strict=True))
        total += dist.Normal(0.0, jnp.exp(spread)).log_prob(each).sum()
    return total


def log_prior_by_group(structure: Structure, grouping: str, unbounded: Any) -> Any:
    """The log prior of the group-specific values of a grouping, including Jacobians; shape ``(groups,)``.

    Parameters
    ----------
    unbounded
        As for :func:`log_prior`.
    """
    total = jnp.zeros(structure.size_of[grouping])
    for name, effect, deviations in structure.effects:
        if effect == grouping:
            spread = jnp.exp(unbounded(spread_name(name, grouping)))
            total += dist.Normal(0.0, spread).log_prob(unbounded(deviations))
    for name, pooling in structure.poolings:
        if pooling.kind == "none" and grouping in pooling.groupings:
            total += _with_jacobian(prior(structure.law.parameters[name].prior), unbounded(name))
    return total


def _with_jacobian(of: dist.Distribution, flat: Any) -> Any:
    """The log density of unbounded values, one by one."""
    transform = dist.biject_to(of.support)
    value = transform(flat)
    return of.log_prob(value) + transform.log_abs_det_jacobian(flat, value)
