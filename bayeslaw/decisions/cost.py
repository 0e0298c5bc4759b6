"""What runs cost, in the money of whoever pays: a formula in the law language of their inputs, or a price list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bayeslaw.ask.where.extrapolation import flops
from bayeslaw.ask.where.points import COMPUTE
from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.language.formula.expression import Node, Number, Place, evaluate, names, parse
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.law import Law
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs
from bayeslaw.words import short


@dataclass(frozen=True)
class Cost:
    """What runs cost.

    Attributes
    ----------
    formula
        Of the inputs of a run, by name or column, and of its training compute; None for a price list.
    prices
        By the name of a run, where there is no formula.
    text
        The formula as it was written.
    """

    formula: Node | None
    prices: Mapping[str, float] = field(default_factory=dict)
    text: str = "a price list"

    @staticmethod
    def read(given: str | float | Mapping[str, float], place: Place | None = None) -> Cost:
        """Read a cost.

        Parameters
        ----------
        given
            A formula such as ``"2.5e-18 * flops"``, one price for all, or prices by the name of a run.
        place
            Where the formula stands, for messages.

        Raises
        ------
        LawError
            When a formula does not follow the law language; nothing of it is executed.
        """
        if isinstance(given, Mapping):
            return Cost(None, {name: float(price) for name, price in given.items()})
        formula = parse(given, place or Place("cost")) if isinstance(given, str) else Number(float(given))
        return Cost(formula, text=str(given))

    def __str__(self) -> str:
        return self.text

    def of(self, laws: Sequence[Law], points: Runs, called: Sequence[str] = ()) -> np.ndarray:
        """The cost of some runs; shape ``(points,)``.

        Parameters
        ----------
        laws
            Which read the points; inputs go by the name in the first law that has it, or by their column.  Where
            parameters and tokens are known, ``flops``, ``compute`` and ``C`` are 6 x parameters x tokens.
        points
            As :func:`bayeslaw.ask.where.points.points_at` reads them.
        called
            The name of each run, for a price list and for messages.

        Raises
        ------
        QuestionError
            When a name is unknown, a run has no price, or a cost is negative or not finite.
        RunsError
            When a value cannot be an input of a law.
        """
        called = called or [f"run {i}" for i in range(1, len(points) + 1)]
        if self.formula is None:
            if missing := [each for each in called if each not in self.prices]:
                raise QuestionError(
                    f"cost: '{missing[0]}' has no price, only {listed(self.prices)}; give one for each, or a formula."
                )
            found = np.array([self.prices[each] for each in called])
        else:
            known = _known(laws, points)
            if unknown := [name for name in names(self.formula) if name not in known]:
                raise QuestionError(
                    f"cost '{self}': unknown name '{unknown[0]}'{did_you_mean(unknown[0], known)}; known: "
                    f"{listed(known, 20)}."
                )
            found = np.broadcast_to(evaluate(self.formula, known, NUMPY_WORDS), (len(points),)).astype(float)
        for name, cost in zip(called, found, strict=True):
            if not (np.isfinite(cost) and cost >= 0.0):
                raise QuestionError(
                    f"cost '{self}': {name} would cost {short(float(cost))}; a cost is a finite number and not below "
                    f"zero, so correct the {'price' if self.formula is None else 'formula'}."
                )
        return found


def _known(laws: Sequence[Law], points: Runs) -> dict[str, np.ndarray]:
    """The values that a formula may use, by name, each of shape ``(points,)``."""
    found = {name: values for name, values in points.data.items() if values.dtype != object}
    for law in reversed(laws):
        inputs = observations.inputs(points, law)
        compute = flops(law, inputs)
        found |= {} if compute is None else dict.fromkeys(COMPUTE, compute)
        found |= {law.inputs[name].column: values for name, values in inputs.items()} | inputs
    return found
