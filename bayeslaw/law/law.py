"""Law and its parts: frozen, readable, and complete without the file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.errors import LawError, did_you_mean
from bayeslaw.law.expr import Call, Name, Node, Number, evaluate, names, to_text
from bayeslaw.law.functions import LIKELIHOODS, NUMPY_WORDS, PRIORS, LikelihoodFamily, PriorFamily
from bayeslaw.law.schedule import SCHEDULES


@dataclass(frozen=True)
class Prior:
    """A prior distribution with its numbers, such as ``LogNormal(log(1.8), 0.3)``.

    ``Constant(value)`` fixes a parameter; it is the one word that is not a distribution.
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
        if self.name == "LogNormal":
            return float(np.exp(self.arguments[0]))  # without SciPy, which takes most of a second to import
        return self.arguments[0] if self.is_constant else float(self.scipy().median())


@dataclass(frozen=True)
class Input:
    """What a law is a function of: a column of the table of runs, or a formula of other inputs.

    Attributes
    ----------
    reference
        A fixed scale of the law file; written ``N0`` in its formulas for an input ``N``.
    range
        The values for which the law is meant; also what a wrong unit is told by.
    formula
        How to compute the input from other inputs when the table does not have it.
    """

    name: str
    column: str
    units: str
    meaning: str
    reference: float | None = None
    range: tuple[float, float] | None = None
    formula: Node | None = None


@dataclass(frozen=True)
class Parameter:
    """What is learned: a prior, a recommended grouping, and how far groups may spread.

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
    """How an observed outcome scatters about the law, such as ``LogStudentT(nu, mean, sigma)``."""

    name: str
    arguments: tuple[Node, ...]

    @property
    def family(self) -> LikelihoodFamily:
        """The row of ``LIKELIHOODS``."""
        return LIKELIHOODS[self.name]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(to_text(a) for a in self.arguments)})"


@dataclass(frozen=True)
class Output:
    """The outcome that a law predicts, and the noise about it."""

    column: str
    likelihood: Likelihood
    units: str
    meaning: str
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Root:
    """A term given implicitly: the `unknown` between two bounds at which `equation` is zero and rising."""

    equation: Node
    slope: Node
    unknown: str
    lower: Node
    upper: Node


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
        Where in the source the numbers stand, by the same key.
    """

    formula: Node
    inverse: Mapping[str, Node]
    values: Mapping[str, Mapping[str, float]]
    source: Mapping[str, str]


@dataclass(frozen=True)
class Law:
    """A scaling law: a formula of inputs and parameters, with priors and an observation model.

    Made by :func:`bayeslaw.law`, :func:`bayeslaw.read_law` or :meth:`parse`; never by hand.  Two laws are equal
    when their texts are.
    """

    name: str
    title: str
    reference: str
    topics: tuple[str, ...]
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
        from bayeslaw.law.reading import read_text

        return read_text(text, name, source or f"{name}.toml")

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
        """The parameters that shape the scatter about the law and not the law, in the order of the file."""
        used = self._names_used()
        return tuple(name for name in self.free_parameters if name not in used)

    @cached_property
    def mean_inputs(self) -> frozenset[str]:
        """The inputs that the mean depends on, through its terms; the others only shape the noise."""
        used = set(names(self.formula))
        for term in self.terms.values():
            for node in (term.equation, term.lower, term.upper) if isinstance(term, Root) else (term,):
                used |= set(names(node))
        used |= {name.removesuffix("0") for name in used & set(self.references)}
        return frozenset(used & set(self.inputs))

    @cached_property
    def free_inputs(self) -> tuple[str, ...]:
        """The inputs that must be given for the mean to be known, in the order of the file.

        An input that is computed from others stands for those; a sum over a schedule stands for itself, because
        it follows from a whole run and not from one row.
        """
        needed = set(self.mean_inputs)
        for one in reversed(tuple(self.inputs.values())):
            if one.name in needed and _computable(one):
                assert one.formula is not None
                needed = (needed - {one.name}) | set(names(one.formula))
        return tuple(name for name in self.inputs if name in needed)

    def with_computed_inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs, with those that are formulas of others computed where they are not given.

        Sums over a learning-rate schedule are not: they need whole runs (see :mod:`bayeslaw.law.schedule`).
        """
        values = dict(inputs)
        for one in self.inputs.values():
            if one.name not in values and _computable(one):
                assert one.formula is not None
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
            What the words of the language do and how implicit terms are solved; NumPy unless given.

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
        from bayeslaw.law.root import solve

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
        """
        if self.published is None or key not in self.published.values:
            known = () if self.published is None else self.published.values
            raise LawError(f"law '{self.name}' has no published values of '{key}'{did_you_mean(key, known)}.")
        values: dict[str, Any] = {**self.references, **self.published.values[key]}
        ours = {name: values[name] for name in self.parameters if name in values}
        for name, node in self.published.inverse.items():
            if set(names(node)) <= set(values):
                ours[name] = evaluate(node, values, NUMPY_WORDS)
        return {name: float(ours[name]) for name in self.parameters if name in ours}

    def draw_prior(self, rng: np.random.Generator, size: int) -> dict[str, np.ndarray]:
        """Draws of every parameter from its prior, each of shape ``(size,)``."""
        return {name: p.prior.draw(rng, size) for name, p in self.parameters.items()}

    def with_priors(self, **priors: str) -> Law:
        """Return the same law with other priors, such as ``law.with_priors(alpha="LogNormal(log(0.4), 0.1)")``."""
        for name in priors:
            if name not in self.parameters:
                raise LawError(f"law '{self.name}' has no parameter '{name}'{did_you_mean(name, self.parameters)}.")
        return self._edited(lambda table: [table["parameter"][k].update(prior=v) for k, v in priors.items()])

    def with_likelihood(self, likelihood: str, **priors: str) -> Law:
        """Return the same law with other noise, such as ``law.with_likelihood("LogNormal(mean, sigma)")``.

        Parameters that neither the formula nor the new likelihood use go; new ones need a prior:
        ``law.with_likelihood("Beta(mean, kappa)", kappa="LogNormal(log(100), 1)")``.
        """

        def edit(table: dict[str, Any]) -> None:
            next(iter(table["output"].values()))["likelihood"] = likelihood
            for name, prior in priors.items():
                table["parameter"].setdefault(name, {})["prior"] = prior
            used = set(self._names_used()) | set(names(_likelihood_nodes(likelihood)))
            for name in set(table["parameter"]) - used - set(priors):
                del table["parameter"][name]

        return self._edited(edit)

    def with_noise_growth(self, by: str, prior: str = "HalfNormal(0.3)") -> Law:
        """Return the same law with noise that is larger for smaller runs: times ``(input / reference)**-growth``.

        Parameters
        ----------
        by
            An input with a reference scale, such as ``"N"``.
        prior
            Prior of the new parameter ``noise_growth``; 0 is noise that does not grow.
        """
        if by not in self.inputs or self.inputs[by].reference is None:
            raise LawError(
                f"noise of law '{self.name}' can grow by an input with a reference scale "
                f"({', '.join(n.removesuffix('0') for n in self.references) or 'it has none'}), not by '{by}'."
            )
        family = self.output.likelihood.family
        if family.scale is None:
            raise LawError(f"a {self.output.likelihood.name} likelihood has no scale that could grow.")
        growth = Call("**", (Call("/", (Name(by), Name(f"{by}0"))), Call("neg", (Name("noise_growth"),))))
        arguments = tuple(
            Call("*", (a, growth)) if role == family.scale else a
            for role, a in zip(family.arguments, self.output.likelihood.arguments, strict=True)
        )
        grown = replace(self.output.likelihood, arguments=arguments)
        return self.with_likelihood(str(grown), noise_growth=prior)

    def with_group_effect(self, column: str, spread: str = "HalfNormal(0.02)") -> Law:
        """Return the same law with one more shift a group, for runs that share a budget, a run or a seed.

        Runs of one group then err together, on the scale of the noise (the log of a loss); errors of parameters
        that ignore this are half of what they should be on isoFLOP data.
        """
        family = self.output.likelihood.family
        at = family.arguments.index(family.location)
        mean, shift = self.output.likelihood.arguments[at], Name("group_effect")
        shifted: Node = {
            "identity": Call("+", (mean, shift)),
            "log": Call("*", (mean, Call("exp", (shift,)))),
            "logit": Call("sigmoid", (Call("+", (Call("logit", (mean,)), shift)),)),
        }[family.link]
        arguments = tuple(shifted if i == at else a for i, a in enumerate(self.output.likelihood.arguments))

        def edit(table: dict[str, Any]) -> None:
            likelihood = str(replace(self.output.likelihood, arguments=arguments))
            next(iter(table["output"].values()))["likelihood"] = likelihood
            table["parameter"]["group_effect"] = {
                "prior": "Constant(0)", "pool": column, "spread": spread,
                "meaning": f"shift shared by runs of one {column}",
            }  # fmt: skip

        return self._edited(edit)

    def _names_used(self) -> dict[str, int]:
        used = dict(names(self.formula))
        for term in self.terms.values():
            for node in (term.equation, term.lower, term.upper) if isinstance(term, Root) else (term,):
                used |= names(node)
        return used

    def _edited(self, edit: Any) -> Law:
        import tomllib

        import tomli_w

        table = tomllib.loads(self.text)
        edit(table)
        # What a paper reports is about its own law; an edited one keeps only what still has all its names.
        known = (
            set(table["parameter"])
            | set(table["input"])
            | {f"{i}0" for i in table["input"]}
            | set(table.get("derived", ()))
        )
        table["derived"] = {
            k: v for k, v in table.get("derived", {}).items() if set(names(_derived_node(v))) <= known
        }  # fmt: skip
        return Law.parse(tomli_w.dumps(table), self.name, f"{self.name} (edited)")


def _computable(one: Input) -> bool:
    """Whether an input is a formula of other inputs of the same row."""
    return one.formula is not None and not (isinstance(one.formula, Call) and one.formula.function in SCHEDULES)


def _likelihood_nodes(text: str) -> Node:
    from bayeslaw.law.reading import parse_call

    _, arguments = parse_call(text)
    node: Node = Number(0.0)
    for argument in arguments:
        node = Call("+", (node, argument))
    return node


def _derived_node(entry: Any) -> Node:
    from bayeslaw.law.expr import parse

    return parse(entry if isinstance(entry, str) else entry["formula"])
