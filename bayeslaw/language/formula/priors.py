"""The prior distributions of the law language, one row each.

A row holds all of a prior that NumPy and SciPy compute.  NumPyro's and PyMC's densities are one row each in
``inference/model/distributions.py`` and ``inference/model/pymc_model.py``, which assert that none is missing; a test
checks that all give the same density.

SciPy is imported by what needs it: its distributions take more than a second, its special functions half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class PriorFamily:
    """A family of prior distributions.

    Attributes
    ----------
    arguments
        Their names, in order.
    positive_arguments
        The arguments that have to be above 0.
    widening
        To make a prior ``f`` times as wide, multiply each argument by ``f`` to this power; widths are on the scale of
        `bell_on` if the prior is a bell curve there.  A Gamma and a Beta keep their mean.
    support
        The support, which determines the scale on which group effects act: ``real`` as is, ``positive`` on the log,
        ``unit`` on the logit.
    bell_on
        The scale on which the prior is closest to a bell curve, by its name in ``LINKS``: widths are compared there.
    draw
        Draws from a NumPy generator, a size and the arguments.
    quantile
        The quantiles at some probabilities, from those and the arguments.  SciPy's distributions have them too, at ten
        times the cost per number; a test checks that they agree.
    scipy
        SciPy's distribution, from the arguments.
    """

    arguments: tuple[str, ...]
    positive_arguments: tuple[str, ...]
    widening: tuple[int, ...]
    support: Literal["real", "positive", "unit"]
    bell_on: Literal["identity", "log", "logit"]
    draw: Callable[..., Any]
    quantile: Callable[..., Any]
    scipy: Callable[..., Any]
    meaning: str


def _scipy(name: str, arguments: Callable[..., dict[str, float]]) -> Callable[..., Any]:
    """SciPy's distribution of a name, given its arguments as a function of ours."""

    def frozen(*values: float) -> Any:
        from scipy import stats

        return getattr(stats, name)(**arguments(*values))

    return frozen


@cache
def _special(name: str) -> Callable[..., Any]:
    """SciPy's special function of a name."""
    from scipy import special

    return getattr(special, name)  # type: ignore[no-any-return]


PRIORS: Mapping[str, PriorFamily] = {
    "Normal": PriorFamily(
        ("mean", "sd"), ("sd",), (0, 1), "real", "identity",
        draw=lambda rng, size, mean, sd: rng.normal(mean, sd, size),
        quantile=lambda u, mean, sd: mean + sd * _special("ndtri")(u),
        scipy=_scipy("norm", lambda mean, sd: {"loc": mean, "scale": sd}),
        meaning="bell curve",
    ),
    "StudentT": PriorFamily(
        ("df", "mean", "scale"), ("df", "scale"), (0, 0, 1), "real", "identity",
        draw=lambda rng, size, df, mean, scale: mean + scale * rng.standard_t(df, size),
        quantile=lambda u, df, mean, scale: mean + scale * _special("stdtrit")(df, u),
        scipy=_scipy("t", lambda df, mean, scale: {"df": df, "loc": mean, "scale": scale}),
        meaning="bell curve with heavy tails",
    ),
    "LogNormal": PriorFamily(
        ("log_median", "log_sd"), ("log_sd",), (0, 1), "positive", "log",
        draw=lambda rng, size, log_median, log_sd: rng.lognormal(log_median, log_sd, size),
        quantile=lambda u, log_median, log_sd: np.exp(log_median + log_sd * _special("ndtri")(u)),
        scipy=_scipy("lognorm", lambda log_median, log_sd: {"s": log_sd, "scale": float(np.exp(log_median))}),
        meaning="bell curve on the log",
    ),
    "HalfNormal": PriorFamily(
        ("scale",), ("scale",), (1,), "positive", "identity",
        draw=lambda rng, size, scale: np.abs(rng.normal(0.0, scale, size)),
        quantile=lambda u, scale: scale * _special("ndtri")(0.5 + 0.5 * u),
        scipy=_scipy("halfnorm", lambda scale: {"scale": scale}),
        meaning="right half of a bell curve",
    ),
    "HalfCauchy": PriorFamily(
        ("scale",), ("scale",), (1,), "positive", "identity",
        draw=lambda rng, size, scale: scale * np.abs(rng.standard_cauchy(size)),
        quantile=lambda u, scale: scale * np.tan(0.5 * np.pi * u),
        scipy=_scipy("halfcauchy", lambda scale: {"scale": scale}),
        meaning="right half of a Cauchy curve",
    ),
    "Exponential": PriorFamily(
        ("rate",), ("rate",), (-1,), "positive", "identity",
        draw=lambda rng, size, rate: rng.exponential(1 / rate, size),
        quantile=lambda u, rate: -np.log1p(-u) / rate,
        scipy=_scipy("expon", lambda rate: {"scale": 1 / rate}),
        meaning="exponential decay",
    ),
    "Gamma": PriorFamily(
        ("shape", "rate"), ("shape", "rate"), (-2, -2), "positive", "identity",
        draw=lambda rng, size, shape, rate: rng.gamma(shape, 1 / rate, size),
        quantile=lambda u, shape, rate: _special("gammaincinv")(shape, u) / rate,
        scipy=_scipy("gamma", lambda shape, rate: {"a": shape, "scale": 1 / rate}),
        meaning="waiting time of several events",
    ),
    "Beta": PriorFamily(
        ("a", "b"), ("a", "b"), (-2, -2), "unit", "logit",
        draw=lambda rng, size, a, b: rng.beta(a, b, size),
        quantile=lambda u, a, b: _special("betaincinv")(a, b, u),
        scipy=_scipy("beta", lambda a, b: {"a": a, "b": b}),
        meaning="a share between 0 and 1",
    ),
}  # fmt: skip
