"""Terms that do not depend on parameters, computed once before sampling.

``(N/N0)**-alpha`` holds a logarithm of data that a sampler would otherwise take at every step: a power of a
positive data term is rewritten as ``exp(-alpha * log(N/N0))`` with ``log(N/N0)`` kept as an array.  A gradient then
costs one exponential and one product per term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from bayeslaw.language.formula.expression import ARITHMETIC, Call, Name, Node, evaluate, names, walk
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law, Root

# Chinchilla's law takes two special functions, most laws of a loss not more than this.
FEW = 4
CHEAP = ARITHMETIC - {"**"}


@dataclass(frozen=True)
class Hoisted:
    """A law whose data-only parts are replaced by names, and the formulas behind those names."""

    formula: Node
    terms: tuple[tuple[str, Node | Root], ...]
    likelihood: tuple[Node, ...]
    arrays: tuple[tuple[str, Node], ...]

    @cached_property
    def light(self) -> bool:
        """Whether the mean of a run takes a few special functions at most, such as the powers of a sum of powers."""
        special = 0
        for node in (self.formula, *self.likelihood, *(node for _, node in self.terms)):
            if isinstance(node, Root):
                return False
            special += sum(isinstance(part, Call) and part.function not in CHEAP for part in walk(node))
        return special <= FEW

    def data(self, law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays for some inputs, each of the inputs' shape."""
        values = {**law.references, **inputs}
        rows = np.broadcast_shapes(*(np.shape(v) for v in inputs.values()))
        return {
            name: np.array(np.broadcast_to(evaluate(node, values, NUMPY_WORDS), rows), dtype=float)
            for name, node in self.arrays
        }


def _ratio(node: Node) -> bool:
    """Products and quotients of inputs and scales, which are positive, so that their logarithm exists."""
    parts = [part for part in walk(node) if isinstance(part, Call)]
    return all(part.function in ("*", "/", "**") for part in parts)


@lru_cache(maxsize=256)
def hoist(law: Law) -> Hoisted:
    """Rewrite a law for the sampler."""
    known = {*law.inputs, *law.references}
    found: dict[Node, str] = {}

    def name_of(node: Node) -> Name:
        return Name(found.setdefault(node, f"data_{len(found)}"))

    def is_data(node: Node) -> bool:
        return bool(names(node)) and set(names(node)) <= known

    def rewrite(node: Node) -> Node:
        if is_data(node):
            return name_of(node)
        match node:
            case Call("**", (base, exponent)) if is_data(base) and _ratio(base):
                return Call("exp", (Call("*", (rewrite(exponent), name_of(Call("log", (base,))))),))
            case Call(function, args):
                return Call(function, tuple(rewrite(a) for a in args))
        return node

    def rewrite_root(root: Root) -> Root:
        return replace(
            root,
            equation=rewrite(root.equation),
            slope=rewrite(root.slope),
            lower=rewrite(root.lower),
            upper=rewrite(root.upper),
        )

    terms = tuple((n, rewrite_root(t) if isinstance(t, Root) else rewrite(t)) for n, t in law.terms.items())
    formula = rewrite(law.formula)
    likelihood = tuple(rewrite(a) for a in law.output.likelihood.arguments)
    return Hoisted(formula, terms, likelihood, tuple((name, node) for node, name in found.items()))
