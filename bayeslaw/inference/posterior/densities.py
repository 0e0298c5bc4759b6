"""Densities of outcomes in NumPy, one row for each likelihood of the language.

Questions of a saved fit do without JAX, whose import takes longer than they do; a test holds these rows to those of
``inference/model/distributions.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import betaln, gammaln, log_ndtr

from bayeslaw.language.formula import likelihoods
from bayeslaw.language.formula.likelihoods import LEAST, LEAST_BEYOND, MOST, NARROW

HALF_LOG_2PI = 0.5 * np.log(2.0 * np.pi)


def _normal(y: Any, mean: Any, sd: Any) -> Any:
    return -0.5 * ((y - mean) / sd) ** 2 - (np.log(sd) + HALF_LOG_2PI)


def _student_t(y: Any, df: Any, mean: Any, scale: Any) -> Any:
    half = 0.5 * df
    height = gammaln(half + 0.5) - gammaln(half) - np.log(scale) - 0.5 * np.log(np.pi * df)
    return height - (half + 0.5) * np.log1p(((y - mean) / scale) ** 2 / df)


def _log_frontier(y: Any, frontier: Any, sd: Any, shortfall: Any, bound: Any) -> Any:
    above, steep = (np.log(y) - np.log(frontier)) / sd, sd / shortfall
    short = above * steep + 0.5 * steep**2 + log_ndtr(-above - steep)
    at_most = np.logaddexp(log_ndtr(above), short)
    at_least = log_ndtr(-above) + np.log(-np.expm1(np.minimum(short - log_ndtr(-above), -LEAST_BEYOND)))
    known = short - np.log(shortfall) - np.log(y)
    return np.where(bound < -0.5, at_most, np.where(bound > 0.5, at_least, known))


def _log_floor(y: Any, floor: Any, sd: Any, excess: Any, bound: Any) -> Any:
    jacobian = np.where(np.abs(bound) > 0.5, 0.0, -2.0 * np.log(y))
    return _log_frontier(1.0 / y, 1.0 / np.asarray(floor), sd, excess, -np.asarray(bound)) + jacobian


def _within(y: Any, median: Any, sd: Any, half_width: Any, bound: Any) -> Any:
    z, h = (np.log(y) - np.log(median)) / sd, half_width / sd
    side, wide = np.abs(z), h > NARROW
    safe = np.where(wide, h, 1.0)
    inner, outer = log_ndtr(-(side - safe)), log_ndtr(-(side + safe))
    share = inner + np.log(-np.expm1(outer - inner)) - np.log(2.0 * safe)
    exact = -0.5 * z**2 - HALF_LOG_2PI + (z**2 - 1.0) * h**2 / 6.0
    known = np.where(wide, share, exact) - np.log(sd) - np.log(y)
    return np.where(bound < -0.5, log_ndtr(z), np.where(bound > 0.5, log_ndtr(-z), known))


def _logit(y: Any) -> Any:
    y = np.clip(y, LEAST, MOST)
    return np.log(y) - np.log1p(-y)


def _beta(y: Any, mean: Any, k: Any) -> Any:
    a, b = _shapes(mean, k)
    return (a - 1.0) * np.log(y) + (b - 1.0) * np.log1p(-y) - betaln(a, b)


def _binomial(y: Any, trials: Any, p: Any) -> Any:
    p = np.clip(p, LEAST, MOST)
    return _ways(y, trials) + y * np.log(p) + (trials - y) * np.log1p(-p)


def _beta_binomial(y: Any, trials: Any, p: Any, k: Any) -> Any:
    a, b = _shapes(p, k)
    return _ways(y, trials) + betaln(y + a, trials - y + b) - betaln(a, b)


def _shapes(mean: Any, k: Any) -> tuple[Any, Any]:
    mean = np.clip(mean, LEAST, MOST)
    return mean * k, (1.0 - mean) * k


def _ways(y: Any, trials: Any) -> Any:
    return gammaln(trials + 1.0) - gammaln(y + 1.0) - gammaln(trials - y + 1.0)


# Log densities, in nats, from an outcome and the arguments of the likelihood, which broadcast.
DENSITIES: Mapping[str, Callable[..., Any]] = {
    "Normal": _normal,
    "StudentT": _student_t,
    "LogNormal": lambda y, median, sd: _normal(np.log(y), np.log(median), sd) - np.log(y),
    "LogStudentT": lambda y, df, median, scale: _student_t(np.log(y), df, np.log(median), scale) - np.log(y),
    "LogFrontier": _log_frontier,
    "LogFloor": _log_floor,
    "LogNormalWithin": _within,
    "LogitNormal": lambda y, middle, sd: _normal(_logit(y), _logit(middle), sd) - np.log(y) - np.log1p(-y),
    "LogitStudentT": lambda y, df, middle, scale: (
        _student_t(_logit(y), df, _logit(middle), scale) - np.log(y) - np.log1p(-y)
    ),
    "Beta": _beta,
    "Binomial": _binomial,
    "BetaBinomial": _beta_binomial,
}
assert DENSITIES.keys() == likelihoods.LIKELIHOODS.keys()
