"""Tables of runs as a law and its priors make them, at given inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.predictive import noisy
from bayeslaw.errors import QuestionError
from bayeslaw.law.law import Law

# Draws from the priors that are looked at together, and lots of them before it is given up.
LOT, LOTS = 256, 400


@dataclass(frozen=True)
class Simulated:
    """Outcomes with the parameters they came from.

    Attributes
    ----------
    parameters
        By name, each of shape ``(simulations,)``.
    outcomes
        Shape ``(simulations, runs)``.
    """

    parameters: Mapping[str, np.ndarray]
    outcomes: np.ndarray


def simulate(law: Law, inputs: Mapping[str, np.ndarray], count: int, rng: np.random.Generator) -> Simulated:
    """Draw parameters from the priors, and outcomes from the law's noise about its means.

    Tables with an outcome that no table of the law may hold are left out.  They are told by their outcomes alone, so
    the posterior given any other table is what it would be without (a posterior is of the table it is given).

    Parameters
    ----------
    inputs
        By input name, each of shape ``(runs,)``.

    Raises
    ------
    QuestionError
        When hardly any table is left.
    """
    kept: list[dict[str, np.ndarray]] = []
    outcomes: list[np.ndarray] = []
    for _ in range(LOTS):
        drawn = law.draw_prior(rng, LOT)
        columns = {name: values[:, None] for name, values in drawn.items()}
        with np.errstate(all="ignore"):
            mean = np.asarray(law.mean(inputs, columns), dtype=float)
            mean = np.broadcast_to(mean, (LOT, len(next(iter(inputs.values())))))
            drawn_about = noisy(law, inputs, columns, np.where(np.isfinite(mean), mean, 0.0), rng)
        good = _allowed(law, drawn_about) & np.isfinite(mean).all(axis=1)
        kept.append({name: values[good] for name, values in drawn.items()})
        outcomes.append(drawn_about[good])
        if sum(map(len, outcomes)) >= count:
            together = {name: np.concatenate([each[name] for each in kept])[:count] for name in drawn}
            return Simulated(together, np.concatenate(outcomes)[:count])
    raise QuestionError(
        f"of {LOT * LOTS:,} tables drawn from law '{law.name}' and its priors only {sum(map(len, outcomes))} hold "
        f"outcomes that its output allows, and {count} are needed; narrow its priors or widen the range of its output."
    )


def _allowed(law: Law, outcomes: np.ndarray) -> np.ndarray:
    """Which tables hold nothing but possible outcomes."""
    low, high = law.output.range or (-np.inf, np.inf)
    inside = np.isfinite(outcomes) & (outcomes >= low) & (outcomes <= high)
    match law.output.likelihood.family.outcome:
        case "positive":
            inside &= outcomes > 0
        case "unit":
            inside &= (outcomes > 0) & (outcomes < 1)
    return np.asarray(inside.all(axis=1))
