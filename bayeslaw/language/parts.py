"""The parts of a law: frozen, and readable without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.language.formula.expression import Call, Node, names, to_text
from bayeslaw.language.formula.likelihoods import LIKELIHOODS, LikelihoodFamily
from bayeslaw.language.formula.priors import PRIORS, PriorFamily
from bayeslaw.language.formula.schedule import SCHEDULES

# What is known about the form of a law, and what a reader of its answers should know of that.
STATUS: Mapping[str, str] = {
    "published": "the formula is in the paper or its code",
    "recalled": "the form is known, and its constants have not been checked against the paper",
    "proposed": "the paper reports a trend, and the formula for it is ours",
}


# The end of an outcome that is wanted, with the sign by which a search for the lowest finds it.
BEST: Mapping[str, float] = {"lowest": 1.0, "highest": -1.0}


@dataclass(frozen=True)
class Prior:
    """A prior distribution with its numbers, such as ``LogNormal(log(1.8), 0.3)``.

    ``Constant(value)`` fixes a parameter; it is the only one that is not a distribution.
    """

    name: str
    arguments: tuple[float, ...]
    text: str

    @property
    def is_constant(self) -> bool:
        """Whether the parameter is fixed rather than learned."""
        return self.name == "Constant"

    @property
    def family(self) -> PriorFamily:
        """The row of ``PRIORS``."""
        return PRIORS[self.name]

    @property
    def support(self) -> str:
        """``real``, ``positive`` or ``unit``; a constant counts as real."""
        return "real" if self.is_constant else self.family.support

    @property
    def link(self) -> str:
        """The scale without bounds on which groups deviate, by its name in ``LINKS``."""
        return {"positive": "log", "unit": "logit", "real": "identity"}[self.support]

    def widened(self, factor: float) -> Prior:
        """Return the same prior, `factor` times as wide about the same centre."""
        if self.is_constant:
            return self
        pairs = zip(self.arguments, self.family.widening, strict=True)
        arguments = tuple(value * factor**power for value, power in pairs)
        return Prior(self.name, arguments, f"{self.name}({', '.join(map(repr, arguments))})")

    def scipy(self) -> Any:
        """Return the distribution as a frozen SciPy object."""
        return self.family.scipy(*self.arguments)

    def draw(self, rng: np.random.Generator, size: int | tuple[int, ...]) -> np.ndarray:
        """Draws from the prior, of shape `size`."""
        if self.is_constant:
            return np.full(size, self.arguments[0])
        return np.asarray(self.family.draw(rng, size, *self.arguments), dtype=float)

    def median(self) -> float:
        """Return the median of the prior."""
        return self.arguments[0] if self.is_constant else float(self.family.quantile(0.5, *self.arguments))


@dataclass(frozen=True)
class Input:
    """An input of a law: a column of the table of runs, or a formula of other inputs.

    Attributes
    ----------
    reference
        A fixed scale of the law file; written ``N0`` in its formulas for an input ``N``.
    range
        The values for which the law is meant; values far outside reveal a wrong unit.
    formula
        How to compute the input from other inputs when the table does not have it.
    default
        The value where neither a table nor a question gives one; None where one of them must.
    """

    name: str
    column: str
    units: str
    meaning: str
    reference: float | None = None
    range: tuple[float, float] | None = None
    formula: Node | None = None
    default: float | None = None

    @property
    def along_runs(self) -> bool:
        """Whether it is a sum along each training run, rather than a formula of other inputs of the same row."""
        return isinstance(self.formula, Call) and self.formula.function in SCHEDULES


@dataclass(frozen=True)
class Parameter:
    """A parameter to learn: its prior, a recommended grouping, and how far groups may differ.

    Attributes
    ----------
    pool
        The column over which the law's author would pool, in the language of ``fit.pooling``; None is one value
        for all runs.
    spread
        Prior of the standard deviation between groups, on the log for positive parameters, on the logit for
        shares, as is for real ones.
    """

    name: str
    prior: Prior
    pool: str | None
    spread: Prior
    units: str
    meaning: str


@dataclass(frozen=True)
class Likelihood:
    """How observed outcomes scatter about the law, such as ``LogStudentT(nu, mean, sigma)``."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def family(self) -> LikelihoodFamily:
        """The row of ``LIKELIHOODS``."""
        return LIKELIHOODS[self.name]

    @property
    def names(self) -> frozenset[str]:
        """The parameters and inputs that the arguments use, and ``mean``."""
        return frozenset(name for argument in self.arguments for name in names(argument))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(to_text(a) for a in self.arguments)})"


@dataclass(frozen=True)
class Output:
    """The outcome that a law predicts, and the noise about it.

    Attributes
    ----------
    best
        The end that is wanted, of ``BEST``: ``lowest`` for a loss, ``highest`` for a score.
    """

    column: str
    likelihood: Likelihood
    units: str
    meaning: str
    range: tuple[float, float] | None = None
    best: str = "lowest"

    @property
    def quantity(self) -> str:
        """What the formula is: the outcome or, behind a count, the share of trials."""
        return f"{self.column} per trial" if self.likelihood.family.outcome == "count" else self.column

    @property
    def link(self) -> str:
        """The scale of the noise, on which families differ, laws drift and parts of the uncertainty are compared."""
        return self.likelihood.family.link


@dataclass(frozen=True)
class Root:
    """A term given implicitly: the `unknown` between two bounds at which `equation` is zero and rising."""

    equation: Node
    slope: Node
    unknown: str
    lower: Node
    upper: Node


def names_used(formula: Node, terms: Mapping[str, Node | Root]) -> dict[str, int]:
    """The names in a formula and in its terms, bounds of roots included."""
    used = dict(names(formula))
    for term in terms.values():
        for node in (term.equation, term.lower, term.upper) if isinstance(term, Root) else (term,):
            used |= names(node)
    return used


@dataclass(frozen=True)
class Published:
    """The paper's own form of a law and the numbers it reports.

    Attributes
    ----------
    formula
        The law as the paper writes it, in the names of `values`.
    inverse
        Our parameters as formulas of the paper's.
    values
        By bibliography key, the paper's numbers.
    source
        Where in the source the numbers are found, by the same key.
    errors, log_errors
        Standard errors of some of the numbers, by the same key: on their own scale, and on the log.
    """

    formula: Node
    inverse: Mapping[str, Node]
    values: Mapping[str, Mapping[str, float]]
    source: Mapping[str, str]
    errors: Mapping[str, Mapping[str, float]]
    log_errors: Mapping[str, Mapping[str, float]]
