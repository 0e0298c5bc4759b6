"""A posterior as ArviZ knows it: an ``xarray.DataTree`` with ArviZ's group names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.fit.plan import deviation_name

if TYPE_CHECKING:
    import xarray

    from bayeslaw.fit.posterior import Posterior


def to_datatree(posterior: Posterior) -> xarray.DataTree:
    """Draws, sampler statistics, pointwise log likelihood, outcomes and inputs; groups of runs become dimensions."""
    from arviz_base import from_dict

    plan, column = posterior.plan, posterior.law.output.column
    dims: dict[str, list[str]] = {}
    coords: dict[str, Any] = {"run": np.asarray(posterior.runs.rows)}
    for name, pooling in plan.poolings.items():
        for grouping in pooling.groupings:
            coords[grouping] = list(plan.groupings[grouping].labels)
            dims[deviation_name(name, grouping) if pooling.kind == "partial" else name] = [grouping]
    dims |= {name: ["run"] for name in (column, *plan.inputs, "log_likelihood")}
    return from_dict(
        {
            "posterior": dict(posterior.values),
            "sample_stats": dict(posterior.stats),
            "log_likelihood": {column: pointwise_log_likelihood(posterior)},
            "observed_data": {column: plan.outcome},
            "constant_data": dict(plan.inputs),
        },
        dims=dims,
        coords=coords,
    )


def pointwise_log_likelihood(posterior: Posterior) -> np.ndarray:
    """The log density of each run's outcome under each draw; shape ``(chains, draws, runs)``."""
    import jax
    import jax.numpy as jnp

    from bayeslaw.fit import devices
    from bayeslaw.fit.numpyro_model import log_likelihood

    plan = posterior.plan
    with devices.float64():
        data = jax.tree.map(jnp.asarray, plan.data())
        return np.asarray(log_likelihood(plan.structure, posterior.values, data))[..., : len(plan.outcome)]
