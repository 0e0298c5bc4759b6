"""Laws in a chain: the forecast of one law is an input of the next, with all of its uncertainty.

The two fits are independent, so any draw of the one can be combined with any draw of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.inference.base.streams import CARRIED, generator
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law


@dataclass(frozen=True)
class Carried:
    """Draws of an input that another law forecasts.

    Attributes
    ----------
    mean, run
        Draws of the law itself, and of new runs; each of shape ``(draws, points)``, or ``(draws, 1)`` where all points
        share them.
    """

    mean: np.ndarray
    run: np.ndarray


def matched(draws: np.ndarray, posterior: Posterior) -> np.ndarray:
    """Draws of another fit, one for each draw of a posterior in a repeatable order.

    Parameters
    ----------
    draws
        The draws of the other fit, of shape ``(draws, ...)``.

    Returns
    -------
    Of shape ``(size, ...)``.
    """
    order = generator(posterior.seed, CARRIED).permutation(len(draws))
    return draws[np.resize(order, posterior.size)]


def with_carried(law: Law, inputs: Mapping[str, np.ndarray], carried: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A law's inputs with some columns replaced by draws, and the inputs that depend on them recomputed.

    Draws of heavy tails are kept within the range of the input.
    """
    given = {name: v for name, v in inputs.items() if law.inputs[name].formula is None or law.inputs[name].along_runs}
    replaced = {one.name: np.clip(carried[one.column], *(one.range or (None, None)))
                for one in law.inputs.values() if one.column in carried}  # fmt: skip
    return law.with_computed_inputs({**given, **replaced})
