"""How much each of several laws should count.

``equal``
    All laws alike.
``evidence``
    The probability of each law given the runs, if one of them is true and all are equally likely a priori.
``stacking``
    The mixture that predicts left-out runs best, without assuming that any of the laws is true (Yao et al. 2018).
``forward``
    The mixture that best predicts larger runs from smaller ones, which is what a far forecast needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from bayeslaw.ask.average import EQUAL
from bayeslaw.ask.compare.forward import Forward, forward, origins
from bayeslaw.ask.compare.loo import Loo, loo
from bayeslaw.ask.evidence.comparable import Subject, require_same
from bayeslaw.ask.evidence.evidence import Evidence, log_evidence
from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.inference.posterior.posterior import Posterior

Posteriors = Mapping[str, Posterior]
Weights = dict[str, float]

# The change of the mean log score, in nats, at which the climb to its maximum ends.
CLOSE = 1e-15
# Densities relative to the best law's, below which a law is hopeless whatever the number.
TINY = 1e-300
# Draws of the log evidences within their errors: a mean weight is then off by less than 0.01.
SIMULATIONS = 4000


def require_weighting(how: str) -> None:
    """Refuse an unknown way to weight laws.

    Raises
    ------
    QuestionError
        With the words that are.
    """
    if how not in WEIGHTINGS:
        raise QuestionError(
            f"weights: no way to weigh laws is called '{how}'{did_you_mean(how, WEIGHTINGS)}; choose one of "
            f"{listed(WEIGHTINGS)}."
        )


def weigh(posteriors: Posteriors, how: str) -> Weights:
    """Weights of laws by name, which sum to 1.

    Parameters
    ----------
    posteriors
        Fits of the same runs, by name.
    how
        A key of :data:`WEIGHTINGS`.

    Raises
    ------
    QuestionError
        When the fits are of different data, there is no such weighting, or it cannot be computed from these runs.
    ConvergenceError
        When a fit has not converged.
    """
    require_weighting(how)
    require_several(posteriors)
    for each in posteriors.values():
        each.require_runs(f"a weight by {how}")
    require_same([(name, Subject.of(each.plan)) for name, each in posteriors.items()])
    require_converged(posteriors)
    return WEIGHTINGS[how](posteriors)


def require_several(laws: Mapping[str, object]) -> None:
    """Refuse one law alone.

    Raises
    ------
    QuestionError
        When there are fewer than two.
    """
    if len(laws) < 2:
        raise QuestionError(
            f"{f'one law only, {next(iter(laws))}' if laws else 'no law'}: give two or more to compare."
        )


def require_converged(posteriors: Posteriors, allow_unconverged: bool = False) -> None:
    """Refuse fits that have not converged, unless that is allowed.

    Raises
    ------
    ConvergenceError
        With the first one.
    """
    for name, each in posteriors.items():
        each.diagnostics.require(allow_unconverged, name)


def by_evidence(found: Mapping[str, Evidence]) -> tuple[Weights, dict[str, tuple[float, float]]]:
    """Weights by evidence, with a 90 % interval for their Monte-Carlo error."""
    value, se = np.array([(each.log_evidence, each.se) for each in found.values()]).T
    simulated = softmax(value + se * np.random.default_rng(0).standard_normal((SIMULATIONS, len(value))), axis=1)
    bounds = np.quantile(simulated, [0.05, 0.95], axis=0).T.tolist()
    intervals = {name: (low, high) for name, (low, high) in zip(found, bounds, strict=True)}
    return named(found, simulated.mean(axis=0)), intervals


def by_stacking(found: Mapping[str, Loo | Forward]) -> Weights:
    """Weights by the log densities of left-out runs: single ones, or all expensive ones."""
    laws = list(found.values())
    return named(found, stacked(np.stack([each.log_density for each in laws], axis=1), laws[0].weights))


def stacked(log_densities: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mixture of laws with the largest log score; shape ``(laws,)``, sum 1.

    The score is concave and has one maximum.

    Parameters
    ----------
    log_densities
        Log densities of left-out outcomes under each law; shape ``(points, laws)``.
    counts
        The weight of each point; shape ``(points,)``.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), doi:10.1214/17-BA1091.
    """
    share, laws = counts / counts.sum(), log_densities.shape[1]
    density = np.exp(log_densities - log_densities.max(axis=1, keepdims=True))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixture = np.fmax(density @ weights, TINY)
        return -float(share @ np.log(mixture)), -(share / mixture) @ density

    whole = {"type": "eq", "fun": lambda weights: weights.sum() - 1.0, "jac": np.ones_like}
    found = minimize(
        loss, np.full(laws, 1.0 / laws), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * laws, constraints=whole,
        options={"ftol": CLOSE, "maxiter": 1000},
    )  # fmt: skip
    weights = np.fmax(found.x, 0.0)
    return np.asarray(weights / weights.sum())


def named(names: Mapping[str, object], weights: np.ndarray) -> Weights:
    """Weights by name."""
    return dict(zip(names, weights.tolist(), strict=True))


def _by_evidence(posteriors: Posteriors) -> Weights:
    found = {name: log_evidence(each, allow_unconverged=True) for name, each in posteriors.items()}
    return by_evidence(found)[0]


def _by_forward(posteriors: Posteriors) -> Weights:
    hidden = origins(posteriors)
    if not hidden:
        some = next(iter(posteriors.values()))
        raise QuestionError(
            f"{some.runs.source}: {len(some.runs)} runs are too few, or too similar in cost, to predict larger ones "
            f"from smaller ones; add runs, or choose weights other than forward."
        )
    return by_stacking({name: forward(each, hidden) for name, each in posteriors.items()})


def _by_loo(posteriors: Posteriors) -> Weights:
    return by_stacking({name: loo(each) for name, each in posteriors.items()})


# The costly ones last, as messages list them.
WEIGHTINGS: Mapping[str, Callable[[Posteriors], Weights]] = {
    EQUAL: lambda posteriors: named(posteriors, np.full(len(posteriors), 1.0 / len(posteriors))),
    "evidence": _by_evidence,
    "stacking": _by_loo,
    "forward": _by_forward,
}
