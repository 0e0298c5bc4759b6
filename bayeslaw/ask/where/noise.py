"""New runs about a law: draws of the outcome from the noise that was fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayeslaw.errors import QuestionError
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law

Random = np.random.Generator

DRAWN: Mapping[str, Callable[..., Any]] = {
    "Normal": lambda rng, mean, sd: mean + sd * rng.standard_normal(mean.shape),
    "StudentT": lambda rng, df, mean, scale: mean + scale * rng.standard_t(df, mean.shape),
    "LogNormal": lambda rng, median, sd: median * np.exp(sd * rng.standard_normal(median.shape)),
    "LogStudentT": lambda rng, df, median, scale: median * np.exp(scale * rng.standard_t(df, median.shape)),
    # What is censored is drawn as it was before it was.
    "LogFrontier": lambda rng, frontier, sd, shortfall, _: (
        frontier
        * np.exp(sd * rng.standard_normal(frontier.shape) - shortfall * rng.standard_exponential(frontier.shape))
    ),
    "Beta": lambda rng, mean, k: rng.beta(np.maximum(mean * k, 1e-12), np.maximum((1 - mean) * k, 1e-12)),
    "Binomial": lambda rng, trials, p: rng.binomial(np.rint(trials).astype(int), np.clip(p, 0, 1)).astype(float),
    "BetaBinomial": lambda rng, trials, p, k: rng.binomial(
        np.rint(trials).astype(int), rng.beta(np.maximum(p * k, 1e-12), np.maximum((1 - p) * k, 1e-12))
    ).astype(float),
}

# Standard deviations of one outcome about the law, on the scale of the outcome, to first order where noise is relative;
# of heavy tails, which may have none, their scale.
SPREAD: Mapping[str, Callable[..., Any]] = {
    "Normal": lambda _, sd: sd,
    "StudentT": lambda _, __, scale: scale,
    "LogNormal": lambda median, sd: median * sd,
    "LogStudentT": lambda _, median, scale: median * scale,
    "LogFrontier": lambda frontier, sd, shortfall, _: frontier * np.hypot(sd, shortfall),
    "Beta": lambda mean, k: np.sqrt(mean * (1 - mean) / (1 + k)),
    "Binomial": lambda trials, p: np.sqrt(trials * p * (1 - p)),
    "BetaBinomial": lambda trials, p, k: np.sqrt(trials * p * (1 - p) * (trials + k) / (1 + k)),
}


def expected(
    posterior: Posterior, inputs: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The law at some points for every draw; shape ``(size, points)``.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(points,)`` or, where draws differ in it, ``(size, points)``.
    parameters
        By parameter, each of shape ``(size,)``.
    """
    law = posterior.law
    columns = {name: np.asarray(values)[:, None] for name, values in parameters.items()}
    points = next(iter(inputs.values())).shape[-1]
    return np.broadcast_to(law.mean(inputs, columns), (posterior.size, points))


def outcomes(
    posterior: Posterior,
    inputs: Mapping[str, np.ndarray],
    parameters: Mapping[str, np.ndarray],
    mean: np.ndarray,
    rng: Random,
) -> np.ndarray:
    """One new run at every point for every draw; shape ``(size, points)``.  See :func:`noisy`."""
    columns = {name: np.asarray(values)[:, None] for name, values in parameters.items()}
    return noisy(posterior.law, inputs, columns, mean, rng)


def noisy(
    law: Law, inputs: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], mean: np.ndarray, rng: Random
) -> np.ndarray:
    """Outcomes about the means of a law, of their shape.

    Parameters
    ----------
    inputs, parameters
        Arrays that broadcast to the shape of the means.

    Raises
    ------
    QuestionError
        When the noise needs an input, such as a number of trials, that was not given.
    """
    arguments = _arguments(law, inputs, parameters, mean)
    with np.errstate(over="ignore"):  # the log of a Student-t with the heaviest tails has draws beyond any number
        return np.asarray(DRAWN[law.output.likelihood.name](rng, *arguments), dtype=float)


def spread(
    law: Law, inputs: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], mean: np.ndarray
) -> np.ndarray:
    """How far outcomes lie from the means of a law, as :func:`noisy` draws them: standard deviations, of their shape.

    Of heavy tails their scale.

    Raises
    ------
    QuestionError
        When the noise needs an input that was not given.
    """
    return np.asarray(SPREAD[law.output.likelihood.name](*_arguments(law, inputs, parameters, mean)), dtype=float)


def _arguments(
    law: Law, inputs: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], mean: np.ndarray
) -> list[np.ndarray]:
    """The arguments of a law's likelihood, each of the shape of the means."""
    defaults = {each.name: each.default for each in law.inputs.values() if each.default is not None}
    values = {**law.references, **defaults, **inputs, **parameters, "mean": mean}
    arguments = []
    for argument in law.output.likelihood.arguments:
        for name in names(argument):
            if name not in values:
                raise QuestionError(f"a new run of law '{law.name}' needs its '{name}': give it with the other inputs.")
        arguments.append(np.broadcast_to(evaluate(argument, values, NUMPY_WORDS), mean.shape))
    return arguments
