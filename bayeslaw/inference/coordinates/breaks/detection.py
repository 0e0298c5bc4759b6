"""Which part of a law can be switched off by another: if a break has size zero, its location has no effect.

Parameters that have no effect at some value of another, a *switch*, are not identified there (Davies 1977).  A
posterior is then narrow in the switch where they lie among the runs, and wide where they do not.  If the log of a term
is linear in the switch and in other parameters, all of these are nearly Gaussian given the rest (see ``map``).

Linearity is detected by second differences that vanish at draws from the priors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bayeslaw.inference.coordinates.split import one_for_all
from bayeslaw.inference.model.plan import Structure, bounded, unbounded
from bayeslaw.language.formula.expression import Call, Node, evaluate, names
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.latin_hypercube import latin_hypercube
from bayeslaw.language.law import Law

# Draws and places at which differences are evaluated, and their step.
DRAWS, PLACES, STEP = 6, 5, 0.3
# The rounding error of a difference that vanishes.
NOTHING = 1e-9


class Switched(NamedTuple):
    """Parameters of a term with a switch: those that its log is linear in, and those that a switch makes meaningless.

    Logs and logits of parameters that have bounds; both empty for a law without a switch.
    """

    linear: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def switched(law: Law) -> Switched:
    """The part of a law that may be absent."""
    if law.terms:
        return Switched()
    rng = np.random.default_rng(0)
    known = {**law.references, **law.with_computed_inputs(latin_hypercube(law, rng, PLACES))}
    at: dict[str, np.ndarray] = {}
    for name, parameter in law.parameters.items():
        at[name] = np.asarray(unbounded(parameter.prior, parameter.prior.draw(rng, (DRAWS, 1))))
    found = (_switched(_Term(law, term, known, at)) for term in _addends(law.formula))
    return next((each for each in found if each.absent), Switched())


def switched_in(structure: Structure) -> Switched:
    """A part of a plan's law that may be absent, if each of its parameters that matter is one value for all runs."""
    found, own = switched(structure.law), one_for_all(structure)
    absent = tuple(name for name in found.absent if name in own)
    return Switched(found.linear, absent) if absent and set(found.linear) <= own else Switched()


class _Term:
    """The log of a term of a formula, as a function of where its parameters are moved to."""

    def __init__(self, law: Law, term: Node, known: Mapping[str, np.ndarray], at: Mapping[str, np.ndarray]) -> None:
        self.law, self.term, self.known, self.at = law, term, known, at
        self.parameters = [name for name in law.free_parameters if name in names(term)]

    def log(self, by: Mapping[str, float], **to: float) -> np.ndarray:
        """Its log with unbounded parameters moved by some steps, or to some values; shape ``(DRAWS, PLACES)``."""
        moved = {name: value + by.get(name, 0.0) for name, value in self.at.items()} | to
        values = {name: bounded(self.law.parameters[name].prior, value) for name, value in moved.items()}
        with np.errstate(all="ignore"):
            return np.asarray(np.log(evaluate(self.term, {**self.known, **values}, NUMPY_WORDS)))

    def bends(self, one: str, other: str) -> bool:
        """Whether a second difference, of one parameter or mixed, does not vanish."""
        if one == other:
            pieces = self.log({one: STEP}), self.log({}), self.log({}), self.log({one: -STEP})
        else:
            pieces = self.log({one: STEP, other: STEP}), self.log({one: STEP}), self.log({other: STEP}), self.log({})
        first, second, third, fourth = pieces
        return not _vanishes(first - second - third + fourth, *pieces)

    def is_switched_off(self, name: str, switch: str) -> bool:
        """Whether a parameter has an effect, but none where the switch is zero."""
        on, off = (
            _vanishes(self.log({name: STEP}, **to) - self.log({}, **to), self.log({}, **to))
            for to in ({}, {switch: 0.0})
        )
        return off and not on


def _vanishes(difference: np.ndarray, *of: np.ndarray) -> bool:
    size = 1.0 + max(float(np.abs(each).max()) for each in of)
    return bool(np.abs(difference).max() <= NOTHING * size)


def _switched(term: _Term) -> Switched:
    kept: list[str] = []
    for name in term.parameters:
        if not any(term.bends(name, other) for other in [name, *kept]):
            kept.append(name)
    rest = [name for name in term.parameters if name not in kept]
    switches = [name for name in kept if term.law.parameters[name].prior.support == "real"]
    absent = tuple(name for name in rest if any(term.is_switched_off(name, switch) for switch in switches))
    return Switched(tuple(kept), absent) if absent else Switched()


def _addends(node: Node) -> Iterator[Node]:
    """The terms of a sum, recursively."""
    parts: Sequence[Node] = node.args if isinstance(node, Call) and node.function in ("+", "-") else ()
    if not parts:
        yield node
    for part in parts:
        yield from _addends(part)
