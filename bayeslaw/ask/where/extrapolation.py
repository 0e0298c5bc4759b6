"""How far a point lies beyond the runs that were fitted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law

# Training compute a parameter and token, in FLOP: Kaplan et al. 2020, section 2.1.
FLOPS = 6.0
# The end of columns that fall as runs grow: more of them is no further.
LOSS = "loss"


def extrapolation(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Ratios to the largest fitted, in compute (``flops_ratio``) and by input, each of shape ``(points,)``.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(points,)`` or, where draws differ in it, ``(size, points)``.

    Returns
    -------
    dict
        NaN where compute is not known; nothing of an input that is a loss, which falls as runs grow.
    """
    law, fitted = posterior.law, posterior.plan.fitted
    here, there = flops(law, inputs), flops(law, fitted)
    unknown = np.full_like(next(iter(inputs.values())), np.nan)
    found = {"flops_ratio": unknown if here is None or there is None else here / there.max()}
    for name in law.free_inputs:
        loss = law.inputs[name].column.endswith(LOSS)
        if not loss and name in inputs and name in fitted and np.all(fitted[name] > 0):
            found[f"{name}_ratio"] = inputs[name] / fitted[name].max()
    return found


def furthest(ratios: Mapping[str, np.ndarray]) -> np.ndarray:
    """How far beyond, in compute; where that is not known, in the one input of a law that has no other; else NaN."""
    by_compute, *others = ratios.values()
    return np.where(np.isnan(by_compute), others[0], by_compute) if len(others) == 1 else by_compute


def flops(law: Law, inputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Training compute, shape ``(points,)``, in FLOP; None where the law's inputs do not tell."""
    columns = {i.column: i.name for i in law.inputs.values() if i.name in inputs}
    if "n_params" in columns and "n_tokens" in columns:
        return np.asarray(FLOPS * inputs[columns["n_params"]] * inputs[columns["n_tokens"]])
    return inputs[columns["flops"]] if "flops" in columns else None
