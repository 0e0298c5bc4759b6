"""How well a law predicts larger runs from smaller ones, from several origins.

At an origin, all more expensive runs are hidden and the law is fitted to the rest.  Every hidden run is scored from
every origin, so that the largest runs are also scored from far away, as in a far forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.where.extrapolation import flops
from bayeslaw.inference.holdout import refits
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import HERE, Workplace

# Shares of the runs that are seen: from a half, where a law can still be learned, to where a fifth is left to predict.
SEEN = (0.5, 0.65, 0.8)


@dataclass(frozen=True)
class Forward:
    """Log predictive densities of runs more expensive than all that were seen, in nats.

    Attributes
    ----------
    log_density
        The log density of each hidden run of each origin; shape ``(points,)``.
    weights
        How many runs each counts for; shape ``(points,)``.
    run
        The position of each among the runs; the largest runs occur once per origin.  Shape ``(points,)``.
    origin
        The origin of each, counted from 0 where the fewest runs are seen; shape ``(points,)``.
    unconverged
        The number of fits that have not converged.
    """

    log_density: np.ndarray
    weights: np.ndarray
    run: np.ndarray
    origin: np.ndarray
    unconverged: int

    @property
    def parts(self) -> np.ndarray:
        """What each run adds to the score, over all origins; shape ``(runs,)``."""
        return np.asarray(np.bincount(self.run, self.weights * self.log_density))

    @property
    def by_origin(self) -> np.ndarray:
        """The score from each origin; shape ``(origins,)``."""
        return np.asarray(np.bincount(self.origin, self.weights * self.log_density))

    @property
    def elpd(self) -> float:
        """The sum over runs and origins."""
        return float(self.by_origin.sum())


def forward(
    posterior: Posterior, origins: Sequence[np.ndarray], *, place: Workplace = HERE, patience: bool = True
) -> Forward:
    """Predict larger runs from smaller ones.

    Parameters
    ----------
    origins
        Masks of the hidden runs, as :func:`origins` returns them.
    place, patience
        Of the fits; see :func:`bayeslaw.inference.holdout.refits`.
    """
    found = refits(posterior, origins, place=place, patience=patience)
    return Forward(
        log_density=np.concatenate([each.log_density for each in found]),
        weights=np.concatenate([posterior.plan.weights[hidden] for hidden in origins]),
        run=np.concatenate([np.flatnonzero(hidden) for hidden in origins]),
        origin=np.repeat(np.arange(len(origins)), [np.count_nonzero(hidden) for hidden in origins]),
        unconverged=sum(not each.diagnostics.converged for each in found),
    )


def origins(posteriors: Mapping[str, Posterior]) -> list[np.ndarray]:
    """Masks of the hidden runs, each of shape ``(runs,)``; origins that see too few runs for the laws are left out.

    Parameters
    ----------
    posteriors
        Fits of the same runs, by name.
    """
    price, needed = cost(posteriors), max(len(each.law.free_parameters) for each in posteriors.values())
    masks = [price > limit for limit in limits(price, SEEN)]
    return [hidden for hidden in masks if hidden.any() and np.count_nonzero(~hidden) >= needed]


def limits(place: np.ndarray, seen: Sequence[float]) -> np.ndarray:
    """The limits along an axis up to which these shares of the runs are seen; runs at the same value stay together."""
    return np.unique(np.quantile(place, np.sort(seen), method="lower"))


def cost(posteriors: Mapping[str, Posterior]) -> np.ndarray:
    """The cost of each run, in units that only order them; shape ``(runs,)``.

    Compute where one of the laws knows it, and otherwise, of the inputs that all share, the one with the widest span.
    """
    compute = [flops(each.law, each.plan.inputs) for each in posteriors.values()]
    if (known := next((values for values in compute if values is not None), None)) is not None:
        return known
    by_law = [
        {each.law.inputs[name].column: values for name, values in each.plan.inputs.items()}
        for each in posteriors.values()
    ]
    shared = [values for column, values in by_law[0].items() if all(column in columns for columns in by_law)]
    inputs = shared or list(by_law[0].values())
    return max(inputs, key=lambda values: float(values.max() / max(values.min(), 1e-300)))
