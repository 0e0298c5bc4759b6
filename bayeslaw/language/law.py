"""Law: frozen, readable, and independent of the file it came from.  Its parts are in ``parts``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.language import editing, published
from bayeslaw.language.formula.expression import Node, evaluate, names, to_text
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.parts import STATUS, Input, Likelihood, Output, Parameter, Prior, Published, Root, names_used
from bayeslaw.language.reading import read_fields
from bayeslaw.language.root import solve
from bayeslaw.note import Note

__all__ = ["Input", "Law", "Likelihood", "Output", "Parameter", "Prior", "Published", "Root"]


@dataclass(frozen=True)
class Law:
    """A scaling law: a formula of inputs and parameters, with priors and an observation model.

    Create one with :func:`bayeslaw.law`, :func:`bayeslaw.read_law` or :meth:`parse`, never by hand.  Two laws are equal
    when their texts are.
    """

    name: str
    title: str
    reference: str
    topics: tuple[str, ...]
    status: str
    aliases: tuple[str, ...]
    formula: Node
    terms: Mapping[str, Node | Root]
    output: Output
    inputs: Mapping[str, Input]
    parameters: Mapping[str, Parameter]
    derived: Mapping[str, Node]
    published: Published | None
    text: str

    def __repr__(self) -> str:
        return f"Law({self.name}: {self.output.column} = {to_text(self.formula)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Law) and (self.name, self.text) == (other.name, other.text)

    def __hash__(self) -> int:
        return hash((self.name, self.text))

    @staticmethod
    def parse(text: str, name: str = "law", source: str | None = None) -> Law:
        """Read a law from the text of a law file.

        Raises
        ------
        LawError
            With file, line, column and what was expected.
        """
        return Law(**read_fields(text, name, source or f"{name}.toml"))

    @cached_property
    def summary(self) -> str:
        """The law's own description: the comment at the top of its text, or its title."""
        opening = itertools.takewhile(lambda line: line.startswith("#"), self.text.splitlines())
        return " ".join(" ".join(line.lstrip("#") for line in opening).split()) or self.title

    @property
    def notes(self) -> tuple[Note, ...]:
        """What every answer of the law says beside it: that its form is not the paper's, or not checked."""
        if self.status == "published":
            return ()
        return (Note(
            "law-status", "info", f"Law '{self.name}' is {self.status}: {STATUS[self.status]}.",
            "Compare it with other laws on runs that were held out.",
        ),)  # fmt: skip

    @cached_property
    def references(self) -> dict[str, float]:
        """The reference scales by the names they have in formulas, such as ``{"N0": 1e9}``."""
        return {f"{i.name}0": i.reference for i in self.inputs.values() if i.reference is not None}

    @cached_property
    def free_parameters(self) -> tuple[str, ...]:
        """The parameters that are learned, in the order of the file."""
        return tuple(p.name for p in self.parameters.values() if not p.prior.is_constant)

    @cached_property
    def noise_parameters(self) -> tuple[str, ...]:
        """The parameters of the noise alone, in the order of the file."""
        used = names_used(self.formula, self.terms)
        return tuple(name for name in self.free_parameters if name not in used)

    @cached_property
    def mean_inputs(self) -> frozenset[str]:
        """The inputs that the mean depends on, directly or through terms; the others only affect the noise."""
        used = set(names_used(self.formula, self.terms))
        used |= {name.removesuffix("0") for name in used & set(self.references)}
        return frozenset(used & set(self.inputs))

    @cached_property
    def noise_inputs(self) -> frozenset[str]:
        """The inputs that the likelihood itself needs, such as a number of trials; not those with a default."""
        needed = {name for name, each in self.inputs.items() if each.default is None}
        return self.output.likelihood.names & needed

    @cached_property
    def free_inputs(self) -> tuple[str, ...]:
        """The inputs that must be given for the mean to be known, in the order of the file.

        An input that is computed from others is replaced by those.  A sum over a schedule is not, because it is
        computed from a whole run and not from one row.
        """
        needed = set(self.mean_inputs)
        for one in reversed(tuple(self.inputs.values())):
            if one.name in needed and one.formula is not None and not one.along_runs:
                needed = (needed - {one.name}) | set(names(one.formula))
        return tuple(name for name in self.inputs if name in needed)

    def with_computed_inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs, with those that are formulas of others computed where they are not given.

        Sums over a learning-rate schedule are not: they need whole runs, see :mod:`bayeslaw.language.formula.schedule`.
        """
        values = dict(inputs)
        for one in self.inputs.values():
            if one.name in values or one.formula is None or one.along_runs:
                continue
            if set(names(one.formula)) <= set(values):
                values[one.name] = evaluate(one.formula, values, NUMPY_WORDS)
        return values

    def mean(
        self,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
        words: Mapping[str, Any] = NUMPY_WORDS,
        root: Any = None,
    ) -> Any:
        """Return the value of the formula.

        Parameters
        ----------
        inputs, parameters
            Arrays that broadcast against each other, by name.
        words, root
            The implementations of the words of the language, and of implicit terms (default: NumPy's).

        Returns
        -------
        The expected outcome (the median, under relative noise), in units of the output.
        """
        return evaluate(self.formula, self.with_terms(inputs, parameters, words, root), words)

    def with_terms(
        self, inputs: Mapping[str, Any], parameters: Mapping[str, Any], words: Mapping[str, Any] = NUMPY_WORDS,
        root: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        """All names a formula may use, with the terms computed in their order."""
        values: dict[str, Any] = {**self.references, **inputs, **parameters}
        for name, term in self.terms.items():
            if isinstance(term, Root):
                values[name] = (root or solve)(term, values, words)
            else:
                values[name] = evaluate(term, values, words)
        return values

    def derive(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the derived quantities, given parameters; later ones may use earlier ones."""
        values: dict[str, Any] = {**self.references, **parameters}
        for name, node in self.derived.items():
            values[name] = evaluate(node, values, NUMPY_WORDS)
        return {name: values[name] for name in self.derived}

    def published_parameters(self, key: str) -> dict[str, float]:
        """Return a paper's reported values as parameters of this law; those it does not report are left out.

        Parameters
        ----------
        key
            Bibliography key, such as ``"hoffmann2022training"``.

        Raises
        ------
        LawError
            When there are no values of that source.
        """
        key = published.source_called(self, key)
        values = {} if self.published is None else self.published.values[key]
        return {name: float(value) for name, value in published.parameters(self, values).items()}

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Prior draws of every parameter, each of shape ``(size,)``."""
        return {name: p.prior.draw(rng, size) for name, p in self.parameters.items()}

    def with_priors(self, **priors: str) -> Law:
        """Return the same law with other priors, such as ``law.with_priors(alpha="LogNormal(log(0.4), 0.1)")``.

        The name of another parameter ties two to one value: after ``law.with_priors(beta="alpha")``, ``alpha`` is both
        and ``beta`` a derived quantity.  What groups share of it is what they share of ``alpha``.

        Raises
        ------
        LawError
            When there is no such parameter, a prior cannot be parsed, or two parameters cannot be one.
        """
        return editing.with_priors(self, priors)

    def along(self, scale: Input) -> Law:
        """Return the same law of another scale, such as ``power_law.along(chinchilla.inputs["N"])``.

        The reference scale becomes that of the new input, priors of what depends on it become twice as wide, and
        published values, which are of the other scale, are left out.  :func:`bayeslaw.law` knows usual scales by their
        columns: ``bl.law("power_law", along="n_params")``.

        Parameters
        ----------
        scale
            An input of any law; it needs a reference scale.

        Raises
        ------
        LawError
            When the law has several inputs, or parameters that are values of its own one.
        """
        return editing.with_input(self, scale)

    def with_wider_priors(self, factor: float) -> Law:
        """Return the same law with every prior `factor` times as wide about the same place, those of spreads too.

        Widths are standard deviations or scales; of a positive LogNormal, on the log.  A Gamma and a Beta keep their
        mean.  Below 1, priors are narrower.
        """
        return editing.with_wider_priors(self, factor)

    def with_likelihood(self, likelihood: str, **priors: str) -> Law:
        """Return the same law with other noise, such as ``law.with_likelihood("LogNormal(mean, sigma)")``.

        Parameters that neither the formula nor the new likelihood use are dropped; new ones need a prior:
        ``law.with_likelihood("Beta(mean, kappa)", kappa="LogNormal(log(100), 1)")``.
        """
        return editing.with_likelihood(self, likelihood, priors)

    def with_noise_growth(self, by: str, prior: str = "HalfNormal(0.3)") -> Law:
        """Return the same law with noise that is larger for smaller runs: times ``(input / reference)**-growth``.

        Parameters
        ----------
        by
            An input with a reference scale, such as ``"N"``.
        prior
            Prior of the new parameter ``noise_growth``; 0 is noise that does not grow.
        """
        return editing.with_noise_growth(self, by, prior)

    def with_known_error(self, column: str) -> Law:
        """Return the same law with a known standard error added to its noise, in quadrature.

        Parameters
        ----------
        column
            Column of the standard errors, in units of the outcome; 0 where a question does not give it.  Where the
            noise is relative, the error is divided by the law's mean.
        """
        return editing.with_known_error(self, column)

    def with_group_effect(self, column: str, spread: str = "HalfNormal(0.02)") -> Law:
        """Return the same law with one more shift per group, for runs that share a budget, a run or a seed.

        Runs of one group then share an error, on the scale of the noise (the log of a loss).  On isoFLOP data, standard
        errors of parameters that ignore this are half of what they should be.
        """
        return editing.with_group_effect(self, column, spread)
