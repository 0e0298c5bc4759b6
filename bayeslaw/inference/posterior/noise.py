"""New runs about a law: draws of the outcome from the fitted noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.model.values import Random, Values, by_run
from bayeslaw.language.formula.expression import evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior


# How many numbers an array of one parameter for every draw and run may have; more runs are taken one part at a time.
AT_ONCE = 10_000_000


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
    """One new run at every point for every draw; shape ``(size, points)``.  See :func:`noisy`.

    Of published values without those of the noise, the law itself.
    """
    if not scatters(posterior):
        return mean
    columns = {name: np.asarray(values)[:, None] for name, values in parameters.items()}
    return noisy(posterior.law, inputs, columns, mean, rng)


def scatters(posterior: Posterior) -> bool:
    """Whether the noise about the law is known, as it is in every fit."""
    return posterior.published_by is None or set(posterior.law.noise_parameters) <= set(posterior.values)


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
    arguments = arguments_of(law, inputs, parameters, mean)
    with np.errstate(over="ignore"):  # the log of a Student-t with the heaviest tails has draws beyond any number
        return np.asarray(law.output.likelihood.family.draw(rng, *arguments), dtype=float)


def new_tables(plan: Plan, values: Values, rng: Random) -> np.ndarray:
    """The runs of a plan once more for every draw of everything it samples; shape ``(size, runs)``.

    NaN where a draw says nothing finite of a run, as draws of wide priors may.
    """
    law, size, count = plan.law, len(next(iter(values.values()))), len(plan.outcome)
    found = np.empty((size, count))
    step = max(1, AT_ONCE // size)
    for at in (slice(start, start + step) for start in range(0, count, step)):
        parameters, inputs = by_run(plan, values, at), {name: each[at] for name, each in plan.inputs.items()}
        with np.errstate(all="ignore"):
            mean = np.broadcast_to(law.mean(inputs, parameters), found[:, at].shape)
            known = np.isfinite(mean)
            drawn = noisy(law, inputs, parameters, np.where(known, mean, 0.0), rng)
        found[:, at] = np.where(known, drawn, np.nan)
    return found


def placeholder(law: Law, count: int) -> np.ndarray:
    """Outcomes that a law allows, for runs that have none yet; shape ``(runs,)``."""
    counts = law.output.likelihood.family.outcome == "count"
    return np.full(count, 0.0 if counts else np.mean(law.output.range or (0.0, 1.0)))


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
    arguments = arguments_of(law, inputs, parameters, mean)
    return np.asarray(law.output.likelihood.family.spread(*arguments), dtype=float)


def arguments_of(
    law: Law, inputs: Mapping[str, np.ndarray], parameters: Mapping[str, np.ndarray], mean: np.ndarray
) -> list[np.ndarray]:
    """The arguments of a law's likelihood, each of the shape of the means.

    Parameters
    ----------
    inputs, parameters
        Arrays that broadcast to that shape.

    Raises
    ------
    QuestionError
        When the noise needs an input that was not given.
    """
    defaults = {each.name: each.default for each in law.inputs.values() if each.default is not None}
    values = {**law.references, **defaults, **inputs, **parameters, "mean": mean}
    arguments = []
    for argument in law.output.likelihood.arguments:
        for name in names(argument):
            if name not in values:
                raise QuestionError(f"a new run of law '{law.name}' needs its '{name}': give it with the other inputs.")
        arguments.append(np.broadcast_to(evaluate(argument, values, NUMPY_WORDS), mean.shape))
    return arguments
