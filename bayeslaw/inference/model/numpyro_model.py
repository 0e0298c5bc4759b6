"""A plan as a NumPyro model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer.util import log_likelihood as numpyro_log_likelihood

from bayeslaw.inference.model.distributions import prior
from bayeslaw.inference.model.plan import Structure, spread_name
from bayeslaw.inference.model.predict import predict


@lru_cache(maxsize=64)
def numpyro_model(structure: Structure) -> Callable[[Mapping[str, Any]], None]:
    """The model of a plan, a function of :meth:`Plan.data` alone."""
    spread_of = {deviations: spread_name(name, grouping) for name, grouping, deviations in structure.effects}

    def model(data: Mapping[str, Any]) -> None:
        sampled: dict[str, Any] = {}
        unbounded: dict[str, Any] = {}
        for name, of, length in structure.sites:
            one = dist.Normal(0.0, sampled[spread_of[name]]) if of is None else prior(of)
            sampled[name] = numpyro.sample(name, one if length is None else one.expand([length]).to_event(1))
            unbounded[name] = jnp.atleast_1d(dist.biject_to(one.support).inv(sampled[name]))
        predicted = predict(structure, unbounded.__getitem__, data)
        numpyro.deterministic("mean", predicted.mean)
        with numpyro.handlers.scale(scale=data["weights"]):
            numpyro.sample(structure.law.output.column, predicted.outcome, obs=data["outcome"])

    return model


def log_likelihood(structure: Structure, values: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """The log density of every row's outcome for every draw; shape ``(chains, draws, rows)``.

    Parameters
    ----------
    values
        Draws by site, each of shape ``(chains, draws, ...)``.
    """
    # Without scaling by weights, since the density of a row is wanted.
    data = {**data, "weights": jnp.ones_like(data["weights"])}
    model = numpyro_model(structure)
    found = numpyro_log_likelihood(model, dict(values), data, batch_ndims=2, parallel=False)
    return found[structure.law.output.column]
