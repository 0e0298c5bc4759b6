"""The log density of every run's outcome under every draw, the basis of predictive comparison."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.model.numpyro_model import log_likelihood
from bayeslaw.inference.model.plan import Plan, Structure


def pointwise_log_likelihood(plan: Plan, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The log density of each run's outcome under each draw, whatever its weight; shape ``(chains, draws, runs)``.

    Parameters
    ----------
    values
        Draws of everything sampled, by name, each of shape ``(chains, draws, ...)``.
    """
    with devices.float64():
        data = jax.tree.map(jnp.asarray, plan.data())
        return np.asarray(_program(plan.structure)(dict(values), data))[..., : len(plan.outcome)]


@lru_cache(maxsize=PROGRAMS_KEPT)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(log_likelihood, structure))
