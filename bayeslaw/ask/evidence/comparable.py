"""The data that an evidence is about: two evidences compare only when they are densities of the same numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import Plan


@dataclass(frozen=True)
class Subject:
    """The data behind a likelihood, as far as another law's likelihood must share them.

    Attributes
    ----------
    outcome, units
        The column that is predicted, and its units.
    measure
        ``density`` or, for counts, ``probability``: they have different units.
    columns
        A digest of the values of the outcome, the weights and every input that the law reads, by column; inputs that
        one law computes and another reads may differ by rounding.
    references
        The scales at which amplitudes are stated, by column: at another scale, the same prior means something else.
    """

    outcome: str
    units: str
    measure: str
    rows: int
    columns: Mapping[str, str]
    references: Mapping[str, float]

    @staticmethod
    def of(plan: Plan) -> Subject:
        """The data of a plan."""
        law, given = plan.law, {each.name: each.column for each in plan.law.inputs.values() if each.formula is None}
        values = {given[name]: column for name, column in plan.inputs.items() if name in given}
        values |= {law.output.column: plan.outcome, "weight": plan.weights}
        return Subject(
            outcome=law.output.column,
            units=law.output.units,
            measure="probability" if law.output.likelihood.family.outcome == "count" else "density",
            rows=len(plan.outcome),
            columns={name: _digest(column) for name, column in values.items()},
            references={each.column: each.reference for each in law.inputs.values() if each.reference is not None},
        )

    def difference_of_outcomes(self, other: Subject) -> str | None:
        """Why forecasts of the two cannot be averaged, as the end of a sentence; None when they can."""
        if (self.outcome, self.units) != (other.outcome, other.units):
            return f"predict different outcomes, {self.outcome} ({self.units}) and {other.outcome} ({other.units})"
        if self.measure != other.measure:
            return f"give '{self.outcome}' a {self.measure} and a {other.measure}"
        if self.rows != other.rows:
            return f"were fitted to different runs, {self.rows} and {other.rows} of them"
        return self._difference_in(other, [self.outcome])

    def difference(self, other: Subject) -> str | None:
        """Why evidences about the two do not compare, as the end of a sentence; None when they do."""
        if (found := self.difference_of_outcomes(other) or self._difference_in(other, self.columns)) is not None:
            return found
        for name, scale in self.references.items():
            if other.references.get(name, scale) != scale:
                return f"state amplitudes at different scales of '{name}', {scale:g} and {other.references[name]:g}"
        return None

    def _difference_in(self, other: Subject, columns: Iterable[str]) -> str | None:
        for name in columns:
            if other.columns.get(name, self.columns[name]) != self.columns[name]:
                return f"were fitted to different values of '{name}', or to rows in another order"
        return None


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()


# The end of each refusal, with the remedy.
COMPARED = "so their evidences do not compare; fit both to the same runs, outcome and reference scales."
AVERAGED = "so their forecasts cannot be averaged; fit both to the same outcome of the same runs."


def require_same(
    subjects: Sequence[tuple[str, Subject]],
    difference: Callable[[Subject, Subject], str | None] = Subject.difference,
    refused: str = COMPARED,
) -> None:
    """Refuse to compare subjects of different data.

    Parameters
    ----------
    subjects
        By the names that messages use.
    difference
        The function that finds a difference.
    refused
        The end of the refusal.

    Raises
    ------
    QuestionError
        With the first difference that is found.
    """
    for (one, a), (other, b) in combinations(subjects, 2):
        if (found := difference(a, b)) is not None:
            raise QuestionError(f"'{one}' and '{other}' {found}, {refused}")
