"""What each option of a plan is worth, in words and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.drift import Drift, as_records
from bayeslaw.ask.forecast.forecast import Forecast, Point
from bayeslaw.ask.interval import percent
from bayeslaw.decisions.choice.chances import Probability
from bayeslaw.decisions.choice.look import Rates
from bayeslaw.decisions.choice.plan import Plan
from bayeslaw.decisions.choice.reach import Reach, amount
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.note import Note
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import chance, plain, size

GO, GREY, STOP = "go", "grey", "stop"


@dataclass(frozen=True)
class Worth:
    """The utility of an option, in the plan's money.

    Attributes
    ----------
    expected, error
        The expected utility, and its Monte-Carlo standard error.
    value_at_risk, expected_shortfall
        The utility that is fallen short of in the worst cases, and the mean of those.
    regret, regret_error
        How much less than the best option of the same draw it is expected to bring, and the error of that.
    probability_best
        The share of draws in which no other option brings more.
    """

    expected: float
    error: float
    value_at_risk: float
    expected_shortfall: float
    regret: float
    regret_error: float
    probability_best: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "expected": self.expected, "error": self.error, "value_at_risk": self.value_at_risk,
            "expected_shortfall": self.expected_shortfall, "probability_best": self.probability_best,
            "regret": {"expected": self.regret, "error": self.regret_error},
        }  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One run that can be bought.

    Attributes
    ----------
    forecast
        Of its run; the parts of the uncertainty are those of its one point.
    probability
        That a run meets the target.
    of_law
        That the law itself does, the average of runs there.
    cost
        None for a plan without.
    worth
        None for a plan without a utility.
    verdict
        ``"go"``, ``"grey"`` or ``"stop"``; None for a plan without thresholds.
    rates
        What the plan would say after the look; None without thresholds or a look.
    """

    name: str
    forecast: Forecast
    probability: Probability
    of_law: float
    cost: float | None
    worth: Worth | None
    verdict: str | None
    rates: Rates | None

    @property
    def point(self) -> Point:
        """Its forecast."""
        return self.forecast.points[0]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name, "at": dict(self.point.at), "family": self.point.family,
            "target": self.probability.as_dict(), "probability": self.probability.value, "of_law": self.of_law,
            "parts": dict(self.point.parts), "outcome": self.point.new_run.as_dict(), "cost": self.cost,
            "utility": None if self.worth is None else self.worth.as_dict(), "verdict": self.verdict,
            "rates": None if self.rates is None else self.rates.as_dict(),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Decision:
    """What a plan's options are worth under a posterior.

    Attributes
    ----------
    law
        The name of the law; the names of an average's posteriors.
    options
        In the order of the plan.
    reach
        The least budget at which the target is likely enough; None where no ray leads there.
    look
        The run that the rates look at, by input; None without one.
    utilities
        In each draw, which all options share; shape ``(size, options)``; None for a plan without a utility.
    drift
        The drift of each law, by name; empty where it was switched off or is not known.
    notes
        What limits the answer.
    """

    law: str
    plan: Plan
    options: tuple[Option, ...]
    reach: Reach | None
    look: Mapping[str, float] | None
    utilities: np.ndarray | None
    diagnostics: Diagnostics
    drift: Mapping[str, Drift]
    notes: tuple[Note, ...]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    @property
    def best(self) -> Option | None:
        """The option with the highest expected utility; None for a plan without one."""
        known = [(option.worth.expected, -i, option) for i, option in enumerate(self.options) if option.worth]
        return max(known)[2] if known else None

    def _page(self) -> Page:
        plan, money = self.plan, self.plan.money
        by = f"law{'s' if ' + ' in self.law else ''} {self.law}"
        page: list[Block] = [f"The chance that a run comes to {plan.target}, by option ({by}):", self.table()]
        if self.best is not None and self.best.worth is not None and len(self.options) > 1:
            worth = self.best.worth
            page.append(
                f"'{self.best.name}' has the highest expected utility, {amount(worth.expected, money)} (Monte-Carlo "
                f"error {amount(worth.error, money)}), and is the best option in {chance(worth.probability_best)} of "
                f"draws; to know the best of each draw would be worth {amount(worth.regret, money)}."
            )
        if self.best is not None:
            page.append(
                f"In the worst {percent(plan.tail)} of cases a utility is at most its value at risk, and the expected "
                f"shortfall on average."
            )
        if plan.go is not None and plan.stop is not None:
            page.append(f"Go is a chance of {percent(plan.go)} or more, stop one of {percent(plan.stop)} or less.")
        page += [
            f"'{each.name}': the uncertainty is {each.point.because}." for each in self.options if each.point.because
        ]
        if self.reach is not None:
            page += self.reach.sentences(plan.target, money)
        page += self._looked()
        return [*page, *map(str, self.notes)]

    def table(self) -> list[list[str]]:
        """The options as rows of text, below a header."""
        inputs = list(dict.fromkeys(name for each in self.options for name in each.point.at))
        columns: dict[str, list[str]] = {
            "option": [each.name for each in self.options],
            **{name: [each.point.inputs.get(name, "") for each in self.options] for name in inputs},
            "chance": [str(each.probability) for each in self.options],
        }
        money = f" ({self.plan.money})" if self.plan.money else ""
        if self.plan.cost is not None:
            columns[f"cost{money}"] = [amount(each.cost or 0.0, "") for each in self.options]
        if all(each.worth is not None for each in self.options):
            heads = {"utility": "expected", "value at risk": "value_at_risk", "shortfall": "expected_shortfall"}
            for head, field in {**heads, "regret": "regret"}.items():
                columns[f"{head}{money}"] = [amount(getattr(each.worth, field), "") for each in self.options]
        if self.plan.go is not None:
            columns["verdict"] = [each.verdict or "" for each in self.options]
        return [list(columns), *map(list, zip(*columns.values(), strict=True))]

    def _looked(self) -> list[Block]:
        """What the plan would say after a look, by option."""
        rated = [(each.name, each.rates) for each in self.options if each.rates is not None]
        if not rated or self.look is None:
            return []
        units = self.options[0].point.units
        at = ", ".join(f"{name} = {size(value, units.get(name, ''))}" for name, value in self.look.items())
        rows = [
            [name, *(chance(p) for p in (r.go, r.grey, r.stop)),
             *("none would" if p is None else chance(p) for p in (r.false_go, r.false_stop))]
            for name, r in rated
        ]  # fmt: skip
        head = ["option", "go", "grey", "stop", "false go", "false stop"]
        return [
            f"After a look at a run at {at}, the plan would say:", [head, *rows],
            "False go is among runs that would miss the target, false stop among runs that would meet it.",
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plan, best = self.plan, self.best
        found: dict[str, Any] = plain({
            "law": self.law, "outcome": plan.target.outcome, "target": str(plan.target), "money": plan.money,
            "go": plan.go, "stop": plan.stop, "tail": plan.tail, "best": None if best is None else best.name,
            "options": [option.as_dict() for option in self.options],
            "reach": None if self.reach is None else self.reach.as_dict(),
            "look": None if self.look is None else dict(self.look), "drift": as_records(self.drift),
            "diagnostics": self.diagnostics.as_dict(), "notes": [note.as_dict() for note in self.notes],
            "converged": self.converged,
        })  # fmt: skip
        return found
