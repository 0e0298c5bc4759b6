"""How far laws disagree beyond the runs: the part of their drift that an average of them already contains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.ask.where.scale import axis_of, path
from bayeslaw.inference.posterior.noise import expected
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.functions import LINKS

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average

# Where laws are compared: at this multiple of the largest run's compute, along the path of the runs.  Laws diverge
# steadily, and any distance from 3 to 100 serves the sweeps of case_studies/honest_intervals alike.
AHEAD = 30.0


def slopes_ahead(asked: Average) -> dict[str, float]:
    """The slope of each law beyond the runs per e-fold, on the scale of its noise, by name; NaN where undefined.

    The slope of the law's median between the largest run's scale and thirty times that, with other inputs in the middle
    of the runs, for the family of the largest run.
    """
    lead = asked.lead
    axis, fitted = axis_of(lead.law, None), lead.plan.fitted
    if axis.scale is None and len(lead.law.free_inputs) > 1:
        return dict.fromkeys(asked.posteriors, np.nan)  # no single input says where larger runs would lie
    along = axis.values(fitted)
    largest = int(np.flatnonzero(lead.plan.weights > 0)[along.argmax()])
    shared, _ = path(lead, axis, along.max() * np.array([1.0, AHEAD]), fitted, {}, noise=False)
    at = {lead.law.inputs[name].column: values for name, values in shared.items()}
    return {name: _slope(each, at, largest) for name, each in asked.posteriors.items()}


def _slope(posterior: Posterior, at: Mapping[str, np.ndarray], largest: int) -> float:
    law, fitted = posterior.law, posterior.plan.fitted
    # Inputs that this law reads and the lead does not, such as a teacher's loss, are kept as they are.
    inputs = {
        name: at.get(one.column, np.full(2, np.median(fitted[name])))
        for name, one in law.inputs.items()
        if name in law.free_inputs
    }
    groups = {
        column: value
        for grouping in posterior.plan.groupings.values()
        for column, value in zip(grouping.columns, grouping.levels[grouping.index[largest]], strict=True)
    }
    with np.errstate(all="ignore"):
        heights = expected(posterior, law.with_computed_inputs(inputs), posterior.parameters(groups))
        low, high = np.median(LINKS[law.output.link](heights), axis=0)
        return float((high - low) / np.log(AHEAD))


def spread(slopes: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The standard deviation of slopes under weights, as of a sample of those that are finite; 0 for a single one."""
    kept = [name for name, slope in slopes.items() if weights[name] > 0 and np.isfinite(slope)]
    if len(kept) < 2:
        return 0.0
    share = np.array([weights[name] for name in kept])
    found = np.array([slopes[name] for name in kept])
    share = share / share.sum()
    return float(np.sqrt(share @ (found - share @ found) ** 2 * len(kept) / (len(kept) - 1)))
