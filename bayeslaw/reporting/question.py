"""What a report is about: one planned run, its target, and the plan it is an option of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.draws import Families
from bayeslaw.decisions.choice.answer import Decision
from bayeslaw.decisions.choice.plan import Plan, Target, read_plan
from bayeslaw.errors import QuestionError
from bayeslaw.words import argument


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    at
        The inputs of the planned run; None to take the plan's best option.
    target
        The value that its outcome should be below or above, if there is one.
    plan
        The runs that can be bought, if there are several.
    family
        As :func:`bayeslaw.forecast` takes it; None for the plan's, or a new one.
    """

    at: Mapping[str, Any] | None
    target: Target | None
    plan: Plan | None
    family: Families

    @staticmethod
    def read(
        asked: Average,
        at: Any,
        plan: Plan | Mapping[str, Any] | str | Path | None,
        family: Families,
        above: float | None,
        below: float | None,
    ) -> Question:
        """From the arguments of :func:`bayeslaw.report`.

        Raises
        ------
        QuestionError
            When there is nothing to report about, or two targets.
        """
        if at is None and plan is None:
            raise QuestionError(
                f"a report is about one planned run; give {argument('at', 'N=7e10,D=1.4e12')}, or a plan."
            )
        if at is not None and not _is_one_run(at):
            raise QuestionError(
                f"{argument('at')}: a report is about one run, by one number for each input; leave out the others."
            )
        limits = {side: limit for side, limit in (("above", above), ("below", below)) if limit is not None}
        if len(limits) > 1 or not all(np.isfinite(limit) for limit in limits.values()):
            raise QuestionError(
                f"a run misses one limit, not {limits}; give {argument('above')} or {argument('below')}."
            )
        if limits and plan is not None:
            raise QuestionError(f"the plan says the target; leave out {argument(next(iter(limits)))}.")
        outcome, known = asked.lead.law.output.column, None if plan is None else read_plan(plan)
        target = None if known is None else known.target
        for side, limit in limits.items():
            target = Target(outcome, "below" if side == "above" else "above", float(limit))
        return Question(at, target, known, known.family if family is None and known is not None else family)

    @property
    def missed(self) -> str:
        """The side on which a run misses its target."""
        return "" if self.target is None else "above" if self.target.side == "below" else "below"

    def run(self, decision: Decision | None) -> Mapping[str, Any]:
        """The inputs of the run: as given, or of the plan's best option (without a utility, of the likeliest)."""
        if self.at is not None:
            return self.at
        assert decision is not None
        assert self.plan is not None
        best = decision.best or max(decision.options, key=lambda option: option.probability.value)
        return self.plan.options[best.name]


def _is_one_run(at: Any) -> bool:
    return isinstance(at, Mapping) and all(
        isinstance(value, str | int | float | np.number | list | np.ndarray) and np.size(value) == 1
        for value in at.values()
    )  # fmt: skip
