"""A posterior in ArviZ's format: an ``xarray.DataTree`` with ArviZ's group names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayeslaw.inference.model.plan import deviation_name
from bayeslaw.inference.posterior.pointwise import pointwise_log_likelihood

if TYPE_CHECKING:
    import xarray

    from bayeslaw.inference.posterior.posterior import Posterior


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
            "log_likelihood": {column: pointwise_log_likelihood(plan, posterior.values)},
            "observed_data": {column: plan.outcome},
            "constant_data": dict(plan.inputs),
        },
        dims=dims,
        coords=coords,
    )
