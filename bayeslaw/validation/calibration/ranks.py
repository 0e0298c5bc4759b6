"""The ranks of true values among draws, and whether they are uniform."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from bayeslaw.inference.base.diagnostics import bulk_ess
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.posterior.pointwise import pointwise_log_likelihood

LOG_LIKELIHOOD, FORECAST = "log likelihood", "forecast"
# The share of all uniform samples that stays within the band at all of its points.
LEVEL = 0.99
# Samples that the band is estimated from: its level is then accurate to a tenth of its complement.
BAND_SAMPLES = 10_000
# A target beyond the runs by half of their span, on the log.
BEYOND = 0.5
# With fewer ranks than this, no set of ranks could leave the band.
FEWEST = 20

Values = Mapping[str, np.ndarray]


def ranks_of(plan: Plan, values: Values, truth: Values, rng: np.random.Generator) -> dict[str, float]:
    """The rank of the true value of each quantity among its draws, between 0 and 1.

    Draws are thinned to their effective sample size, and ties are broken at random: otherwise autocorrelation and ties
    would look like errors of the inference.

    Parameters
    ----------
    values
        Draws of everything sampled, by name, each of shape ``(chains, draws, ...)``.
    truth
        The true values, each of shape ``(...)``.
    """
    drawn = quantities(plan, values)
    true = quantities(plan, {name: np.asarray(truth[name])[None, None] for name in values})
    stacked, at = (np.stack(list(each.values()), axis=-1) for each in (drawn, true))
    with np.errstate(all="ignore"):
        worth = float(np.nanmin(bulk_ess(stacked)))
    size = stacked.shape[0] * stacked.shape[1]
    kept = stacked.reshape(size, -1)[:: max(1, int(np.ceil(size / max(worth, 1.0))))]
    below, equal = (kept < at[0]).sum(axis=0), (kept == at[0]).sum(axis=0)
    found = (below + rng.uniform(size=len(below)) * (equal + 1)) / (len(kept) + 1)
    return dict(zip(drawn, found.tolist(), strict=True))


def quantities(plan: Plan, values: Values) -> dict[str, np.ndarray]:
    """Everything that is ranked, each of shape ``(chains, draws)``: what is sampled, and derived quantities.

    The forecast is the law beyond the runs: in the middle of the population or, without one, for the first family.
    """
    found: dict[str, np.ndarray] = {}
    for name, _, length in plan.structure.sites:
        parts = [values[name]] if length is None else np.moveaxis(values[name], -1, 0)
        found |= {name if length is None else f"{name}[{i}]": part for i, part in enumerate(parts)}
    found[LOG_LIKELIHOOD] = pointwise_log_likelihood(plan, values) @ plan.weights
    middle: dict[str, Any] = {}
    for name, parameter in plan.law.parameters.items():
        if parameter.prior.is_constant:
            middle[name] = parameter.prior.arguments[0]
        else:
            middle[name] = values[name][..., 0] if plan.poolings[name].kind == "none" else values[name]
    shape = found[LOG_LIKELIHOOD].shape
    found[FORECAST] = np.broadcast_to(np.asarray(plan.law.mean(beyond(plan), middle), dtype=float), shape)
    return found


def beyond(plan: Plan) -> dict[str, np.ndarray]:
    """A point beyond the runs in every input, each of shape ``(1,)``."""
    law, needed = plan.law, {*plan.law.free_inputs, *plan.law.noise_inputs}
    return law.with_computed_inputs({name: _further(plan.inputs[name]) for name in plan.inputs if name in needed})


def _further(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return np.array([high * (high / low) ** BEYOND if low > 0 else high + BEYOND * (high - low)])


def within_band(ranks: np.ndarray) -> bool:
    """Whether the distribution function of some ranks stays within its simultaneous band."""
    from arviz_stats.ecdf_utils import compute_ecdf

    if len(ranks) < FEWEST:
        return True
    points, low, high = _band(len(ranks))
    found = compute_ecdf(ranks, points)
    # Both are counts over the number of ranks, so equal ones differ by rounding at most.
    return bool(((found >= low - 1e-9) & (found <= high + 1e-9)).all())


@lru_cache(maxsize=64)
def _band(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points and the band at these points, for a number of ranks."""
    from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

    points = np.arange(1, count) / count
    pointwise = simulate_confidence_bands(count, 1, points, LEVEL, BAND_SAMPLES, np.random.default_rng(0))
    return points, *get_pointwise_confidence_band(pointwise, count, points)
