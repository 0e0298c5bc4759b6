"""The functions of the law language, one row each.

A row holds everything that the rest of the package needs: the NumPy implementation, the derivatives (as formulas of
``a`` and ``b``) and the LaTeX.  The JAX and PyTensor versions are in ``inference/model/distributions.py`` and
``inference/model/pymc_model.py``; a test checks that all three know the same words and give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes
    ----------
    numpy
        Its implementation for NumPy arrays, element by element.
    derivatives
        One formula per argument, in ``a`` (and ``b``).
    latex
        A template with one ``{}`` per argument; empty for operators, which ``latex.py`` sets by precedence.
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
    """Overflow gives inf and an invalid value NaN, without a warning: callers check the result."""

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


def _of_positive(name: str) -> Callable[[Any], Any]:
    """SciPy's special function of a name, above 0; its import takes half a second."""

    def function(a: Any) -> Any:
        from scipy import special

        return np.where(a > 0, getattr(special, name)(a), np.nan)

    return function


# The slope of digamma above 0: ten terms of its series, and what is left by its asymptotic expansion, to 3e-14.
_TRIGAMMA = " + ".join(
    [f"1/(a + {k})**2" for k in range(10)]
    + [f"{c!r}/(a + 10)**{p}" for p, c in ((1, 1.0), (2, 0.5), (3, 1 / 6), (7, 1 / 42), (11, 5 / 66))]
) + "".join(f" - {1 / 30!r}/(a + 10)**{p}" for p in (5, 9))  # fmt: skip

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
    "lgamma": _row(
        _of_positive("gammaln"), ("digamma(a)",), r"\log\Gamma\left({}\right)", "log of the gamma function, above 0"
    ),
    "digamma": _row(_of_positive("psi"), (_TRIGAMMA,), r"\psi\left({}\right)", "slope of lgamma, above 0"),
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
    "known": lambda cells: cells != "" if cells.dtype == object else ~np.isnan(cells),
    "and": lambda *args: np.logical_and.reduce(args), "or": lambda *args: np.logical_or.reduce(args),
}  # fmt: skip
