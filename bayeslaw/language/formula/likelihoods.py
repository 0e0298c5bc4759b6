"""The observation models of the law language, one row each.

A row holds all of a likelihood that NumPy computes.  NumPyro's and PyMC's densities are one row each in
``inference/model/distributions.py`` and ``inference/model/pymc_model.py``, which assert that none is missing; a test
checks that the two give the same density, and that draws follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Outcome:
    """A kind of outcome.

    Attributes
    ----------
    words
        A description of outcomes, for messages.
    holds
        Whether finite numbers are possible outcomes, element by element.
    """

    words: str
    holds: Callable[[np.ndarray], np.ndarray]


OUTCOMES: Mapping[str, Outcome] = {
    "real": Outcome("numbers", np.isfinite),
    "positive": Outcome("positive numbers", lambda y: y > 0),
    "unit": Outcome("shares above 0 and below 1", lambda y: (y > 0) & (y < 1)),
    "count": Outcome("whole numbers from 0", lambda y: (y >= 0) & (y == np.round(y))),
}

# The nearest doubles inside (0, 1): a probability that rounds to 0 or 1 keeps a finite log density.
LEAST, MOST = 1e-300, 1.0 - 2.0**-53
# The least share of the normal's tail beyond a frontier that an exponential shortfall leaves; rounding could leave
# less.
LEAST_BEYOND = 1e-12

# Half an interval, in standard deviations, below which two terms of a series are its mean density to 1e-9; a
# difference of tails would have fewer digits.
NARROW = 3e-3


@dataclass(frozen=True, slots=True)
class LikelihoodFamily:
    """A family of observation models.

    Attributes
    ----------
    arguments
        Their names, in order.
    outcome
        The kind of outcome, by its name in ``OUTCOMES``.
    link
        The scale on which group effects and drift act, by its name in ``LINKS``.
    location
        The argument that they act on.
    scale
        The argument that noise growth multiplies; none for counts.
    draw
        Outcomes of new runs, from a NumPy generator and arguments of one shape.
    spread
        Standard deviations of one outcome about the law, from the arguments: on the scale of the outcome, to first
        order where noise is relative; of heavy tails, which may have none, their scale.
    one_sided
        Whether outcomes fall short of the location rather than scatter about it.
    """

    arguments: tuple[str, ...]
    outcome: Literal["real", "positive", "unit", "count"]
    link: Literal["identity", "log", "logit"]
    location: str
    scale: str | None
    draw: Callable[..., Any]
    spread: Callable[..., Any]
    meaning: str
    one_sided: bool = False


def _frontier_draw(rng: np.random.Generator, frontier: Any, sd: Any, shortfall: Any, _: Any) -> Any:
    """Draw the outcome before censoring."""
    noise, short = rng.standard_normal(frontier.shape), rng.standard_exponential(frontier.shape)
    return frontier * np.exp(sd * noise - shortfall * short)


def _logit_of(share: Any) -> Any:
    """The logit of a share, finite where it rounds to 0 or 1."""
    share = np.clip(share, LEAST, MOST)
    return np.log(share) - np.log1p(-share)


def _share_at(logit: Any) -> Any:
    """A share from its logit, above 0 and below 1."""
    return np.clip(np.exp(-np.logaddexp(0.0, -logit)), LEAST, MOST)


def _share_draw(rng: np.random.Generator, mean: Any, k: Any) -> Any:
    """Keep means that round to 0 or 1 inside the support of a Beta."""
    return rng.beta(np.maximum(mean * k, 1e-12), np.maximum((1 - mean) * k, 1e-12))


def _count_draw(rng: np.random.Generator, trials: Any, p: Any) -> Any:
    return rng.binomial(np.rint(trials).astype(int), p).astype(float)


LIKELIHOODS: Mapping[str, LikelihoodFamily] = {
    "Normal": LikelihoodFamily(
        ("mean", "sd"), "real", "identity", "mean", "sd",
        draw=lambda rng, mean, sd: mean + sd * rng.standard_normal(mean.shape),
        spread=lambda _, sd: sd,
        meaning="additive Gaussian noise",
    ),
    "StudentT": LikelihoodFamily(
        ("df", "mean", "scale"), "real", "identity", "mean", "scale",
        draw=lambda rng, df, mean, scale: mean + scale * rng.standard_t(df, mean.shape),
        spread=lambda _, __, scale: scale,
        meaning="additive noise with heavy tails",
    ),
    "LogNormal": LikelihoodFamily(
        ("median", "log_sd"), "positive", "log", "median", "log_sd",
        draw=lambda rng, median, sd: median * np.exp(sd * rng.standard_normal(median.shape)),
        spread=lambda median, sd: median * sd,
        meaning="relative Gaussian noise",
    ),
    "LogStudentT": LikelihoodFamily(
        ("df", "median", "log_scale"), "positive", "log", "median", "log_scale",
        draw=lambda rng, df, median, scale: median * np.exp(scale * rng.standard_t(df, median.shape)),
        spread=lambda _, median, scale: median * scale,
        meaning="relative noise with heavy tails",
    ),
    "LogFrontier": LikelihoodFamily(
        ("frontier", "log_sd", "log_shortfall", "bound"), "positive", "log", "frontier", "log_sd",
        draw=_frontier_draw,
        spread=lambda frontier, sd, shortfall, _: frontier * np.hypot(sd, shortfall),
        meaning="relative Gaussian noise less an exponential shortfall; bound is -1 where the outcome is at most the "
        "one given, 1 where at least, 0 where it is that one", one_sided=True,
    ),
    "LogFloor": LikelihoodFamily(
        ("floor", "log_sd", "log_excess", "bound"), "positive", "log", "floor", "log_sd",
        draw=lambda rng, floor, sd, excess, bound: 1.0 / _frontier_draw(rng, 1.0 / floor, sd, excess, bound),
        spread=lambda floor, sd, excess, _: floor * np.hypot(sd, excess),
        meaning="relative Gaussian noise and an exponential excess, for losses that are best when small; bound as for "
        "LogFrontier", one_sided=True,
    ),
    "LogNormalWithin": LikelihoodFamily(
        ("median", "log_sd", "log_half_width", "bound"), "positive", "log", "median", "log_sd",
        draw=lambda rng, median, sd, _, __: median * np.exp(sd * rng.standard_normal(median.shape)),
        spread=lambda median, sd, _, __: median * sd,
        meaning="relative Gaussian noise of an outcome known to within a factor exp(log_half_width), as an optimum on "
        "a grid is; 0 where it is exact; bound as for LogFrontier",
    ),
    "LogitNormal": LikelihoodFamily(
        ("middle", "logit_sd"), "unit", "logit", "middle", "logit_sd",
        draw=lambda rng, middle, sd: _share_at(_logit_of(middle) + sd * rng.standard_normal(middle.shape)),
        spread=lambda middle, sd: middle * (1 - middle) * sd,
        meaning="a share about its median, with Gaussian noise on the logit",
    ),
    "LogitStudentT": LikelihoodFamily(
        ("df", "middle", "logit_scale"), "unit", "logit", "middle", "logit_scale",
        draw=lambda rng, df, middle, scale: _share_at(_logit_of(middle) + scale * rng.standard_t(df, middle.shape)),
        spread=lambda _, middle, scale: middle * (1 - middle) * scale,
        meaning="a share about its median, with heavy-tailed noise on the logit",
    ),
    "Beta": LikelihoodFamily(
        ("mean", "concentration"), "unit", "logit", "mean", None,
        draw=_share_draw,
        spread=lambda mean, k: np.sqrt(mean * (1 - mean) / (1 + k)),
        meaning="a share; concentration is the number of trials it is worth",
    ),
    "Binomial": LikelihoodFamily(
        ("trials", "probability"), "count", "logit", "probability", None,
        draw=lambda rng, trials, p: _count_draw(rng, trials, np.clip(p, 0, 1)),
        spread=lambda trials, p: np.sqrt(trials * p * (1 - p)),
        meaning="successes in trials",
    ),
    "BetaBinomial": LikelihoodFamily(
        ("trials", "probability", "concentration"), "count", "logit", "probability", None,
        draw=lambda rng, trials, p, k: _count_draw(rng, trials, _share_draw(rng, p, k)),
        spread=lambda trials, p, k: np.sqrt(trials * p * (1 - p) * (trials + k) / (1 + k)),
        meaning="successes in trials that share more luck than chance alone",
    ),
}  # fmt: skip
