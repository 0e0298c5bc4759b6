"""Posteriors of laws of a few parameters by tempered particles, for studies of hundreds of small fits.

Particles go from the prior to the posterior by powers of the likelihood, resampled and moved at each (Del Moral, Doucet
& Jasra 2006).  A fit of four to seven parameters takes a fifth of a second, without a compiled program, and finds all
modes.  Populations of parameters over tasks are learned by weighting the particles of each anew.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.special import gammaln

from bayeslaw.inference.model.plan import Plan, bounded, unbounded
from bayeslaw.inference.model.values import by_run
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law
from bayeslaw.language.parts import Prior

SIZE = 600
# Each power of the likelihood leaves this share of the particles effective.
KEPT = 0.5
MOVES, LAST_MOVES = 4, 14
# The share of moves that are accepted.
ACCEPTED = 0.25


def _log_beta_binomial(k: np.ndarray, n: np.ndarray, p: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    a, b = p * kappa, (1.0 - p) * kappa
    return np.asarray(
        gammaln(k + a) + gammaln(n - k + b) - gammaln(n + kappa) - gammaln(a) - gammaln(b) + gammaln(kappa)
    )


def _log_student_t(y: np.ndarray, df: np.ndarray, median: np.ndarray, scale: np.ndarray) -> np.ndarray:
    z = np.log(y / median) / scale
    return np.asarray(
        gammaln((df + 1) / 2) - gammaln(df / 2) - np.log(df) / 2 - np.log(scale) - (df + 1) / 2 * np.log1p(z * z / df)
    )


# Up to constants.
LIKELIHOODS: Mapping[str, Callable[..., np.ndarray]] = {
    "BetaBinomial": _log_beta_binomial,
    "LogStudentT": _log_student_t,
}


@cache
def _distribution(prior: Prior) -> Any:
    return prior.scipy()


def log_prior(law: Law, u: np.ndarray) -> np.ndarray:
    """The log density of parameters on the scale without bounds, in the order of the law; shape ``(size,)``."""
    total = np.zeros(len(u))
    for i, name in enumerate(law.free_parameters):
        prior = law.parameters[name].prior
        jacobian = {"identity": 0.0, "log": u[:, i], "logit": -np.logaddexp(0, u[:, i]) - np.logaddexp(0, -u[:, i])}
        total += _distribution(prior).logpdf(bounded(prior, u[:, i])) + jacobian[prior.link]
    return total


def values(law: Law, u: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters by name, each of shape ``(size,)``, those that are held too."""
    held = {name: one.prior.arguments[0] for name, one in law.parameters.items() if one.prior.is_constant}
    free = {name: bounded(law.parameters[name].prior, u[:, i]) for i, name in enumerate(law.free_parameters)}
    return {**{name: np.full(len(u), value) for name, value in held.items()}, **free}


def particles(plan: Plan, seed: int = 0) -> np.ndarray:
    """Draws of the posterior of a plan without families, on the scale without bounds; shape ``(SIZE, parameters)``."""
    law, rng = plan.law, np.random.default_rng(seed)
    rows = np.flatnonzero(plan.weights > 0)
    inputs, outcome = {name: each[rows] for name, each in plan.inputs.items()}, plan.outcome[rows]
    likelihood = law.output.likelihood

    def log_likelihood(u: np.ndarray) -> np.ndarray:
        parameters = by_run(plan, values(law, u), rows)
        with np.errstate(all="ignore"):
            mean = np.broadcast_to(law.mean(inputs, parameters), (len(u), len(rows)))
            known = {**law.references, **inputs, **parameters, "mean": mean}
            arguments = [np.broadcast_to(evaluate(a, known, NUMPY_WORDS), mean.shape) for a in likelihood.arguments]
            found = LIKELIHOODS[likelihood.name](outcome, *arguments).sum(axis=1)
        return np.where(np.isfinite(found), found, -1e300)

    priors = [law.parameters[name].prior for name in law.free_parameters]
    u = np.stack([unbounded(prior, prior.draw(rng, SIZE)) for prior in priors], axis=1)
    before, ahead, power = log_prior(law, u), log_likelihood(u), 0.0
    while power < 1.0:
        step = _step(ahead, 1.0 - power)
        power += step
        u, before, ahead = (each[_resampled(np.exp(step * (ahead - ahead.max())), rng)] for each in (u, before, ahead))
        root = np.linalg.cholesky(np.cov(u.T) + 1e-12 * np.eye(u.shape[1]))
        scale = 2.0 / np.sqrt(u.shape[1])
        for _ in range(LAST_MOVES if power == 1.0 else MOVES):
            there = u + scale * rng.standard_normal(u.shape) @ root.T
            prior_there, likelihood_there = log_prior(law, there), log_likelihood(there)
            taken = np.log(rng.random(SIZE)) < prior_there - before + power * (likelihood_there - ahead)
            u = np.where(taken[:, None], there, u)
            before, ahead = np.where(taken, prior_there, before), np.where(taken, likelihood_there, ahead)
            scale *= np.exp(taken.mean() - ACCEPTED)
    return np.asarray(u[rng.permutation(SIZE)])


def _step(log_likelihood: np.ndarray, most: float) -> float:
    """By how much the power may grow."""

    def effective(step: float) -> float:
        weights = np.exp(step * (log_likelihood - log_likelihood.max()))
        return float(weights.sum() ** 2 / (weights @ weights) / len(weights))

    if effective(most) >= KEPT:
        return most
    low, high = 0.0, most
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) >= KEPT else (low, middle)
    return high


def _resampled(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many positions as there are weights, in proportion to them."""
    at = (np.arange(len(weights)) + rng.random()) / len(weights)
    return np.searchsorted(np.cumsum(weights) / weights.sum(), at).clip(max=len(weights) - 1)


Population = tuple[np.ndarray, np.ndarray]


def population(law: Law, tasks: Sequence[np.ndarray], start: Population | None = None, steps: int = 40) -> Population:
    """The middle and spread of every parameter over tasks, each of shape ``(parameters,)``, from their particles."""
    middle, spread = start or (np.mean([u.mean(axis=0) for u in tasks], axis=0), np.ones(tasks[0].shape[1]))
    known = [log_prior(law, u) for u in tasks]
    for _ in range(steps):
        weights = [_weights(u, prior, (middle, spread)) for u, prior in zip(tasks, known, strict=True)]
        first = np.mean([w @ u for w, u in zip(weights, tasks, strict=True)], axis=0)
        second = np.mean([w @ u**2 for w, u in zip(weights, tasks, strict=True)], axis=0)
        middle, spread = first, np.sqrt(np.maximum(second - first**2, 1e-4))
    return middle, spread


def with_population(law: Law, u: np.ndarray, learned: Population, seed: int = 0) -> np.ndarray:
    """The particles of a task with a population as their prior, in random order."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.permutation(u[_resampled(_weights(u, log_prior(law, u), learned), rng)]))


def _weights(u: np.ndarray, prior: np.ndarray, learned: Population) -> np.ndarray:
    middle, spread = learned
    log_weights = -0.5 * (((u - middle) / spread) ** 2).sum(axis=1) - np.log(spread).sum() - prior
    found = np.exp(log_weights - log_weights.max())
    return np.asarray(found / found.sum())
