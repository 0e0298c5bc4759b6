"""The words of the law language, one row each: functions, priors and likelihoods.

A row holds everything that the rest of the package derives from: how NumPy computes it, its derivatives (as
formulas of ``a`` and ``b``), its LaTeX, and for distributions the support and the names of their arguments.
The JAX and PyTensor twins live beside their libraries (``fit/numpyro_model.py``, ``fit/pymc_model.py``); a test
holds that all three know the same words and give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes
    ----------
    numpy
        What it does to NumPy arrays, element by element.
    derivatives
        One formula an argument, in ``a`` (and ``b``).
    latex
        A template with one ``{}`` an argument; empty for operators, which ``latex.py`` sets by precedence.
    """

    numpy: Callable[..., Any]
    derivatives: tuple[str, ...]
    latex: str
    meaning: str

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.derivatives)


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Overflow gives inf and an invalid value NaN, without a warning: callers check what comes out."""

    def quiet(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*(np.asarray(a, dtype=float) for a in args))

    return quiet


def _row(numpy: Callable[..., Any], derivatives: tuple[str, ...], latex: str, meaning: str) -> Function:
    return Function(_quiet(numpy), derivatives, latex, meaning)


def _softplus(a: Any) -> Any:
    return np.logaddexp(0.0, a)


def _sigmoid(a: Any) -> Any:
    return np.exp(-np.logaddexp(0.0, -a))


FUNCTIONS: Mapping[str, Function] = {
    "+": _row(np.add, ("1", "1"), "", "sum"),
    "-": _row(np.subtract, ("1", "-1"), "", "difference"),
    "*": _row(np.multiply, ("b", "a"), "", "product"),
    "/": _row(np.divide, ("1 / b", "-a / b**2"), "", "quotient"),
    "**": _row(np.power, ("b * a**(b - 1)", "a**b * log(a)"), "", "power of a positive base"),
    "neg": _row(np.negative, ("-1",), "", "minus"),
    "exp": _row(np.exp, ("exp(a)",), r"\exp\left({}\right)", "exponential"),
    "expm1": _row(np.expm1, ("exp(a)",), r"\left(e^{{{}}} - 1\right)", "exp(a) - 1, exact near 0"),
    "log": _row(np.log, ("1 / a",), r"\log\left({}\right)", "natural logarithm"),
    "log1p": _row(np.log1p, ("1 / (1 + a)",), r"\log\left(1 + {}\right)", "log(1 + a), exact near 0"),
    "log2": _row(np.log2, ("1.4426950408889634 / a",), r"\log_2\left({}\right)", "logarithm to base 2"),
    "log10": _row(np.log10, ("0.4342944819032518 / a",), r"\log_{{10}}\left({}\right)", "logarithm to base 10"),
    "sqrt": _row(np.sqrt, ("0.5 / sqrt(a)",), r"\sqrt{{{}}}", "square root"),
    "sigmoid": _row(
        _sigmoid, ("sigmoid(a) * sigmoid(-a)",), r"\mathrm{{sigmoid}}\left({}\right)", "1 / (1 + exp(-a))"
    ),
    "logit": _row(
        lambda a: np.log(a) - np.log1p(-a), ("1 / (a * (1 - a))",), r"\mathrm{{logit}}\left({}\right)",
        "log(a / (1 - a))",
    ),
    "softplus": _row(
        _softplus, ("sigmoid(a)",), r"\mathrm{{softplus}}\left({}\right)", "log(1 + exp(a)): a smooth max(a, 0)"
    ),
    "logaddexp": _row(
        np.logaddexp, ("sigmoid(a - b)", "sigmoid(b - a)"), r"\log\left(e^{{{}}} + e^{{{}}}\right)",
        "log(exp(a) + exp(b))",
    ),
    "minimum": _row(np.minimum, ("step(b - a)", "step(a - b)"), r"\min\left({}, {}\right)", "the smaller"),
    "maximum": _row(np.maximum, ("step(a - b)", "step(b - a)"), r"\max\left({}, {}\right)", "the larger"),
    "step": _row(
        lambda a: np.heaviside(a, 0.5), ("0",), r"\mathbf{{1}}\left[{} > 0\right]", "1 above 0, 0 below; no gradient"
    ),
}  # fmt: skip

NUMPY_WORDS: Mapping[str, Callable[..., Any]] = {name: row.numpy for name, row in FUNCTIONS.items()}

# The scales on which noise, group effects and deviations add, by the names that likelihoods give them.
LINKS: Mapping[str, Callable[..., Any]] = {"identity": np.asarray, "log": np.log, "logit": NUMPY_WORDS["logit"]}
# Their inverses.
UNLINKS: Mapping[str, Callable[..., Any]] = {"identity": np.asarray, "log": np.exp, "logit": NUMPY_WORDS["sigmoid"]}

CONDITION_WORDS: Mapping[str, Callable[..., Any]] = {
    **NUMPY_WORDS,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal, "not": np.logical_not,
    "and": lambda *args: np.logical_and.reduce(args), "or": lambda *args: np.logical_or.reduce(args),
}  # fmt: skip

Support = Literal["real", "positive", "unit"]


@dataclass(frozen=True, slots=True)
class PriorFamily:
    """A family of prior distributions: its arguments, where it lives and its SciPy form.

    ``support`` also says on which scale group effects act: ``real`` as is, ``positive`` on the log,
    ``unit`` on the logit.  ``draw`` takes a NumPy generator and a size; SciPy's form, which takes most of a second
    to import, is for densities and quantiles.  A prior ``f`` times as wide has each argument times ``f`` to the power
    in ``widening``, on the scale on which the prior is a bell, if it is one on any; a Gamma and a Beta keep their mean.
    """

    arguments: tuple[str, ...]
    widening: tuple[int, ...]
    support: Support
    scipy: Callable[..., Any]
    draw: Callable[..., Any]
    positive_arguments: tuple[str, ...]
    meaning: str


def _scipy(name: str, arguments: Callable[..., dict[str, float]]) -> Callable[..., Any]:
    """Return a frozen SciPy distribution, imported only when drawn from: scipy.stats takes most of a second."""

    def frozen(*values: float) -> Any:
        from scipy import stats

        return getattr(stats, name)(**arguments(*values))

    return frozen


PRIORS: Mapping[str, PriorFamily] = {
    "Normal": PriorFamily(
        ("mean", "sd"), (0, 1), "real", _scipy("norm", lambda m, s: {"loc": m, "scale": s}),
        lambda rng, size, m, s: rng.normal(m, s, size), ("sd",), "bell curve"
    ),
    "StudentT": PriorFamily(
        ("df", "mean", "scale"), (0, 0, 1), "real",
        _scipy("t", lambda d, m, s: {"df": d, "loc": m, "scale": s}),
        lambda rng, size, d, m, s: m + s * rng.standard_t(d, size), ("df", "scale"),
        "bell curve with heavy tails",
    ),
    "LogNormal": PriorFamily(
        ("log_median", "log_sd"), (0, 1), "positive",
        _scipy("lognorm", lambda m, s: {"s": s, "scale": float(np.exp(m))}),
        lambda rng, size, m, s: rng.lognormal(m, s, size), ("log_sd",),
        "bell curve on the log",
    ),
    "HalfNormal": PriorFamily(
        ("scale",), (1,), "positive", _scipy("halfnorm", lambda s: {"scale": s}),
        lambda rng, size, s: np.abs(rng.normal(0.0, s, size)), ("scale",), "right half of a bell curve"
    ),
    "HalfCauchy": PriorFamily(
        ("scale",), (1,), "positive", _scipy("halfcauchy", lambda s: {"scale": s}),
        lambda rng, size, s: s * np.abs(rng.standard_cauchy(size)), ("scale",), "right half of a Cauchy curve"
    ),
    "Exponential": PriorFamily(
        ("rate",), (-1,), "positive", _scipy("expon", lambda r: {"scale": 1 / r}),
        lambda rng, size, r: rng.exponential(1 / r, size), ("rate",), "exponential decay"
    ),
    "Gamma": PriorFamily(
        ("shape", "rate"), (-2, -2), "positive", _scipy("gamma", lambda a, r: {"a": a, "scale": 1 / r}),
        lambda rng, size, a, r: rng.gamma(a, 1 / r, size), ("shape", "rate"),
        "waiting time of several events",
    ),
    "Beta": PriorFamily(
        ("a", "b"), (-2, -2), "unit", _scipy("beta", lambda a, b: {"a": a, "b": b}),
        lambda rng, size, a, b: rng.beta(a, b, size), ("a", "b"), "a share between 0 and 1"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LikelihoodFamily:
    """A family of observation models.

    ``link`` is the scale on which group effects and drift act (``log``, ``identity`` or ``logit``), ``location``
    the argument they act on, ``scale`` the argument that noise growth multiplies (none for counts).
    """

    arguments: tuple[str, ...]
    outcome: Literal["real", "positive", "unit", "count"]
    link: Literal["identity", "log", "logit"]
    location: str
    scale: str | None
    meaning: str


LIKELIHOODS: Mapping[str, LikelihoodFamily] = {
    "Normal": LikelihoodFamily(("mean", "sd"), "real", "identity", "mean", "sd", "additive Gaussian noise"),
    "StudentT": LikelihoodFamily(
        ("df", "mean", "scale"), "real", "identity", "mean", "scale", "additive noise with heavy tails"
    ),
    "LogNormal": LikelihoodFamily(
        ("median", "log_sd"), "positive", "log", "median", "log_sd", "relative Gaussian noise"
    ),
    "LogStudentT": LikelihoodFamily(
        ("df", "median", "log_scale"), "positive", "log", "median", "log_scale", "relative noise with heavy tails"
    ),
    "LogFrontier": LikelihoodFamily(
        ("frontier", "log_sd", "log_shortfall", "bound"), "positive", "log", "frontier", "log_sd",
        "relative Gaussian noise less an exponential shortfall; bound is -1 where the outcome is at most the one "
        "given, 1 where at least, 0 where it is that one",
    ),
    "Beta": LikelihoodFamily(
        ("mean", "concentration"), "unit", "logit", "mean", None,
        "a share; concentration is the number of trials it is worth",
    ),
    "Binomial": LikelihoodFamily(
        ("trials", "probability"), "count", "logit", "probability", None, "successes in trials"
    ),
    "BetaBinomial": LikelihoodFamily(
        ("trials", "probability", "concentration"), "count", "logit", "probability", None,
        "successes in trials that share more luck than chance alone",
    ),
}  # fmt: skip
