"""The answer about the next run: candidates with what they tell and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.draws import family_words
from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.ask.interval import percent
from bayeslaw.ask.where.extrapolation import Outside
from bayeslaw.decisions.information.bounds import Told
from bayeslaw.decisions.information.screen import narrower
from bayeslaw.decisions.information.value import Value
from bayeslaw.errors import listed
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.note import Note, in_order
from bayeslaw.page import Block, Page, as_html, as_text
from bayeslaw.words import chance, plain, short, size

# Rows of the table in an answer.
SHOWN = 8
# A forecast that would be narrower by less than this part is not worth a run for the target's sake.
LEAST_NARROWER = 0.01
# Bounds that are further apart than this, in nats, say that the draws are too few.
LOOSE = 0.3


@dataclass(frozen=True)
class Candidate:
    """A run that could be made.

    Attributes
    ----------
    at, units
        Its inputs and their units, by name.
    family
        Its family, where the table of candidates says it.
    cost
        In units of the cost.
    information
        About the target's outcome, in nats, by normal scores: a lower bound but for Monte-Carlo error.
    told
        The same between bounds by nested Monte Carlo, and the information about all parameters; None where it was not
        computed.
    outside
        The quantity in which it lies farthest outside the fitted runs; None for a run within them.
    is_target
        Whether it is the target itself.
    worth
        What its outcome is worth to a plan, before its cost; None without a plan.
    """

    at: Mapping[str, float]
    units: Mapping[str, str]
    family: str | None
    cost: float
    information: float
    told: Told | None
    outside: Outside | None
    is_target: bool = False
    worth: Value | None = None

    @property
    def narrower(self) -> float:
        """The part by which the standard deviation of the target's forecast shrinks, were all distributions normal."""
        return float(narrower(self.information))

    @property
    def per_cost(self) -> float:
        """Nats per unit of cost; infinite for a run that costs nothing."""
        return self.information / self.cost if self.cost > 0 else float("inf")

    @property
    def net(self) -> float | None:
        """What its outcome is worth less its cost; None without a plan."""
        return None if self.worth is None else self.worth.value - self.cost

    @property
    def place(self) -> str:
        """The inputs in words."""
        words = ", ".join(f"{name} = {size(value, self.units.get(name, ''))}" for name, value in self.at.items())
        return f"{words}{family_words(self.family)}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        bounds = None if self.told is None else {
            "target": self.told.target.as_dict(), "parameters": self.told.parameters.as_dict(),
        }  # fmt: skip
        return {
            "at": dict(self.at), "family": self.family, "cost": self.cost, "information": self.information,
            "narrower": self.narrower, "per_cost": self.per_cost, "bounds": bounds,
            "outside": None if self.outside is None else self.outside.as_dict(), "is_target": self.is_target,
            "worth": None if self.worth is None else self.worth.as_dict(), "net": self.net,
        }  # fmt: skip


@dataclass(frozen=True)
class NextRuns:
    """What candidates tell about the outcome of a target.

    Attributes
    ----------
    forecast
        Of the target, as it is now.
    candidates
        Those within the budget, in the order of the table.
    cost
        The formula of the cost.
    budget
        What may be spent in all; None without a bound.
    left_out
        How many candidates cost more than the budget.
    chosen
        Positions among the candidates of those that tell most together within the budget, in the order in which they
        were chosen; empty without one.
    together
        What the chosen tell together, in nats.
    size
        The number of draws behind it.
    fitted
        The inputs of the fitted runs, by name; each of shape ``(runs,)``.
    perfect, money
        What it would be worth to a plan to know everything before choosing, and what that is counted in; None and empty
        without one.
    """

    forecast: Forecast
    candidates: tuple[Candidate, ...]
    cost: str
    budget: float | None
    left_out: int
    chosen: tuple[int, ...]
    together: float
    size: int
    fitted: Mapping[str, np.ndarray]
    perfect: Value | None = None
    money: str = ""

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def best(self) -> Candidate:
        """The candidate that tells most."""
        return max(self.candidates, key=lambda each: each.information)

    @property
    def best_for_its_cost(self) -> Candidate:
        """The candidate that tells most per unit of cost."""
        return max(self.candidates, key=lambda each: each.per_cost)

    @property
    def best_net(self) -> Candidate | None:
        """The candidate whose outcome is worth most beyond its cost; None without a plan."""
        return max(self.candidates, key=lambda each: each.net or 0.0) if self.perfect is not None else None

    @property
    def batch(self) -> tuple[Candidate, ...]:
        """The candidates that tell most together within the budget."""
        return tuple(self.candidates[i] for i in self.chosen)

    @property
    def diagnostics(self) -> Diagnostics:
        """Those of the least trustworthy fit."""
        return self.forecast.diagnostics

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.forecast.converged

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        return in_order((*self._notes(), *self.forecast.notes))

    def _notes(self) -> Iterator[Note]:
        if self.best.narrower < LEAST_NARROWER:
            yield Note(
                "not-worth-it", "warning",
                f"No candidate is worth a run for the target's sake: the best narrows its forecast by "
                f"{100 * self.best.narrower:.1f} %.",
                "Consider candidates that are closer to the target, or decide with what is known.",
            )  # fmt: skip
        if self.best_net is not None and not self._pays(self.best_net):
            yield Note(
                "not-worth-its-price", "warning",
                f"No candidate is worth its price: the best, at {self.best_net.place}, is worth "
                f"{self._money(self.best_net)} to the plan before its cost of {short(self.best_net.cost)}.",
                "Decide with what is known, or look for a cheaper run.",
            )  # fmt: skip
        if any(each.is_target for each in self.candidates):
            yield Note(
                "target-among-candidates", "info",
                "The target itself is among the candidates: a run of it tells most, and what remains is the scatter "
                "between two runs.",
                "Leave it out to choose among smaller runs.",
            )  # fmt: skip
        if any(self._loose):
            yield Note(
                "loose-bounds", "warning",
                f"The bounds on what some candidates tell are far apart "
                f"({listed(each.place for each in self._loose)}), as few of the {self.size:,} draws are near any one "
                f"outcome.",
                "Trust the order of the candidates more than the numbers, or fit with more draws.",
            )  # fmt: skip
        if self.forecast.drift and any(each.outside is not None and each.outside.side == "above" for each in self.batch
                                       or (self.best, self.best_for_its_cost)):  # fmt: skip
            yield Note(
                "one-slope", "info",
                "A run beyond the fitted ones is taken to tell of the drift all the way to the target, which has one "
                "slope in each draw. A fit to that run lets the law drift anew from there.",
                "Expect the forecast after a fit to narrow by less than this where most of its uncertainty is drift.",
            )  # fmt: skip

    @staticmethod
    def _pays(candidate: Candidate) -> bool:
        """Whether an outcome is worth more than it costs, beyond Monte-Carlo error."""
        return candidate.net is not None and candidate.worth is not None and candidate.net > candidate.worth.error

    def _money(self, candidate: Candidate) -> str:
        """The worth of an outcome, with its error."""
        return (
            ""
            if candidate.worth is None
            else f"{short(candidate.worth.value)} {self.money} (+- {short(candidate.worth.error, 1)})"
        )

    @property
    def _loose(self) -> list[Candidate]:
        return [each for each in self.candidates if each.told and each.told.target.apart > LOOSE]

    def _page(self) -> Page:
        target, best, cheap = self.forecast.points[0], self.best, self.best_for_its_cost
        name = self.forecast.outcome.replace("_", " ")
        left_out = f" ({self.left_out} more cost too much)" if self.left_out else ""
        page: list[Block] = [
            f"The {name} of a new run {target.place} is forecast as {target.new_run.words(self.forecast.units)} by "
            f"{self.forecast.by} ({percent(self.forecast.level)} interval).",
            f"Of {_counted(len(self), 'candidate')}{left_out}, the run at {best.place} tells most about it: "
            f"{_nats(best)}, for a cost of {short(best.cost)}.",
        ]  # fmt: skip
        if cheap is not best:
            page.append(f"For its cost, the run at {cheap.place} tells most: {_nats(cheap)}, for {short(cheap.cost)}.")
        if self.budget is not None:
            page.append(self._spending(self.budget))
        if self.perfect is not None and self.best_net is not None and self._pays(self.best_net):
            page.append(
                f"To the plan, the outcome at {self.best_net.place} is worth most beyond its cost: "
                f"{self._money(self.best_net)} less {short(self.best_net.cost)}. To know everything would be worth "
                f"{short(self.perfect.value)} {self.money}."
            )
        page.append(self._table())
        page.append(
            f"Cost: {self.cost}. Nats by normal scores, a lower bound; between: bounds by nested Monte Carlo, with "
            f"their standard error."
        )
        return [*page, *map(str, self.notes)]

    def _spending(self, budget: float) -> str:
        """What to buy for the budget, as a sentence."""
        if not self.batch:
            return f"Within {short(budget)}, no candidate tells anything that the draws can see."
        cost, names = sum(each.cost for each in self.batch), "; ".join(each.place for each in self.batch)
        which = "one run tells most" if len(self.batch) == 1 else f"{len(self.batch)} runs tell most together"
        return f"Within {short(budget)}, {which} ({names}): {_size_of(self.together)}, for {short(cost)}."

    def _table(self) -> list[list[str]]:
        """The candidates that tell most, and those that the answer speaks of."""
        ranked = sorted(self.candidates, key=lambda each: -each.information)
        first = list(
            {
                id(each): each
                for each in (self.best, self.best_for_its_cost, *self._by_worth[:2], *self.batch, *ranked)
            }.values()
        )
        shown = sorted(first[:SHOWN], key=lambda each: -each.information)
        columns = {
            "family": [each.family or "" for each in shown],
            **{name: [size(each.at[name], each.units.get(name, "")) for each in shown] for name in shown[0].at},
            "cost": [short(each.cost) for each in shown],
            "nats": [f"{each.information:.3f}" for each in shown],
            "between": [_between(each) for each in shown],
            "narrower by": [chance(each.narrower) for each in shown],
            "worth": ["" if each.worth is None else short(each.worth.value) for each in shown],
            "net": ["" if each.net is None else short(each.net) for each in shown],
            "nats per cost": [short(each.per_cost) for each in shown],
            "beyond the runs": ["within" if each.outside is None else each.outside.in_short for each in shown],
        }
        kept = {name: cells for name, cells in columns.items() if any(cells)}
        return [list(kept), *map(list, zip(*kept.values(), strict=True))]

    @property
    def _by_worth(self) -> list[Candidate]:
        return [] if self.perfect is None else sorted(self.candidates, key=lambda each: -(each.net or 0.0))

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        forecast = self.forecast.as_dict()
        kept = ("law", "outcome", "units", "weights", "drift", "diagnostics")
        found: dict[str, Any] = plain({
            "target": forecast["points"][0], "candidates": [each.as_dict() for each in self.candidates],
            "best": self.candidates.index(self.best),
            "best_for_its_cost": self.candidates.index(self.best_for_its_cost),
            "cost": self.cost, "budget": self.budget, "left_out": self.left_out,
            "perfect": None if self.perfect is None else self.perfect.as_dict(), "money": self.money,
            "batch": list(self.chosen), "together": self.together, **{name: forecast[name] for name in kept},
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _nats(candidate: Candidate) -> str:
    return _size_of(candidate.information)


def _size_of(information: float) -> str:
    """Information in words: nats, and by how much the forecast would narrow."""
    return f"{information:.2f} nats, which narrows its forecast by {chance(float(narrower(information)))}"


def _between(candidate: Candidate) -> str:
    if candidate.told is None:
        return ""
    bounds = candidate.told.target
    return f"{max(bounds.lower, 0.0):.3f} and {max(bounds.upper, 0.0):.3f} (+- {bounds.error:.3f})"
