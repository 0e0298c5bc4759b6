"""An independent estimate of the marginal likelihood: nested sampling, by dynesty.

It starts from the priors and needs neither draws nor gradients nor a fit, so it shares no source of error with a
bridge.  Its cost grows steeply with the number of parameters.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri

from bayeslaw.errors import QuestionError
from bayeslaw.inference.base import devices
from bayeslaw.inference.model.numpyro_model import log_likelihood
from bayeslaw.inference.model.plan import Plan, spread_name

# Seven parameters take some 70,000 likelihoods for 100 live points, and each further one about a third more.
MOST_PARAMETERS = 12


def nested(plan: Plan, seed: int = 0, live: int = 200) -> tuple[float, float]:
    """Log evidence by nested sampling, with its standard error (Skilling 2006; Speagle 2020).

    Parameters
    ----------
    live
        The number of live points; the error falls with its root.

    Raises
    ------
    QuestionError
        When there are too many parameters, or dynesty is not installed.
    """
    structure = plan.structure
    size = structure.size
    if size > MOST_PARAMETERS:
        raise QuestionError(
            f"nested sampling of the {size} parameters of law '{plan.law.name}' would take hours (at most "
            f"{MOST_PARAMETERS}); compare the other estimates instead."
        )
    try:
        from dynesty import NestedSampler
    except ImportError:
        raise QuestionError("nested sampling needs dynesty; run: pip install 'bayeslaw[evidence]'") from None

    spread_of = {deviation: spread_name(name, grouping) for name, grouping, deviation in structure.effects}

    def from_cube(cube: np.ndarray) -> np.ndarray:
        """Quantiles of the priors, spreads before the deviations that have them."""
        values: dict[str, np.ndarray] = {}
        start = 0
        for name, prior, length in structure.sites:
            quantiles = cube[start : (start := start + (length or 1))]
            if prior is None:
                values[name] = values[spread_of[name]] * ndtri(quantiles)
            else:
                values[name] = prior.family.quantile(quantiles, *prior.arguments)
        return np.concatenate(list(values.values()))

    with devices.float64():
        data = jax.tree.map(jnp.asarray, plan.data())

        @jax.jit
        def weighted(point: Any) -> Any:
            values, start = {}, 0
            for name, _, length in structure.sites:
                shape = (1, 1) if length is None else (1, 1, length)
                values[name] = point[start : (start := start + (length or 1))].reshape(shape)
            return (log_likelihood(structure, values, data)[0, 0] * data["weights"]).sum()

        def finite(point: np.ndarray) -> float:
            value = float(weighted(point))
            return value if math.isfinite(value) else -1e300

        # Random walks: exponents, amplitudes and floors trade off along ridges too thin for draws from ellipsoids.
        rng = np.random.default_rng(seed)
        sampler = NestedSampler(finite, from_cube, size, nlive=live, sample="rwalk", rstate=rng)
        sampler.run_nested(print_progress=False)
    return float(sampler.results.logz[-1]), float(sampler.results.logzerr[-1])
