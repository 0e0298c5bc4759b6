"""The answer in one paragraph, to be pasted into a memo."""

from __future__ import annotations

from collections.abc import Sequence

from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.ask.forecast.risk import Risk
from bayeslaw.ask.interval import percent
from bayeslaw.decisions.choice.answer import Decision
from bayeslaw.decisions.choice.reach import amount
from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.reporting.card import Check
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.words import a_chance, chance, first_sentence, multiple, with_units

# What speaks against an answer is said in full elsewhere.
MOST_DOUBTS = 3


def paragraph(
    found: Forecast,
    missed: Risk | None,
    tested: HiddenRuns | None,
    untested: str,
    notes: Sequence[Note],
    decision: Decision | None = None,
    card: Sequence[Check] = (),
) -> str:
    """The answer in prose: the number, how far beyond the runs, why it is uncertain, and what speaks against it.

    Parameters
    ----------
    untested
        Why there is no back-test, where one was tried.
    card
        What the answer rests on: checks that fail are said first.
    """
    name = with_units(found.outcome, found.units)
    said = _failed(card)
    for i, point in enumerate(found.points):
        wide = "" if point.new_run.exact else f"{percent(found.level)} interval, "
        said.append(f"The {name} of a new run {point.place} is forecast as {point.new_run.words()} ({wide}{found.by}).")
        far = [f"{multiple(ratio)} in {_quantity(key)}" for key, ratio in point.extrapolation.items()
               if ratio is not None and ratio > 1.0 + 1e-9]  # fmt: skip
        if point.measured:
            said.append(
                f"It lies beyond the fitted runs by {listed(far)}." if far else "It lies within the fitted runs."
            )
        if missed is not None:
            chances = missed.points[i].probability
            said.append(f"There is {a_chance(chances)} that it ends {missed.side} {missed.limit:g}.")
        if point.because:
            said.append(f"The uncertainty comes from {point.because}.")
    said += _choice(decision)
    if tested is not None:
        far_away = "" if tested.farthest is None else f", up to {multiple(tested.farthest)} the compute"
        said.append(
            f"Of the {tested.count} most expensive runs, hidden and forecast from the others, {tested.held} ended "
            f"inside their 95 % intervals{far_away}."
        )
    elif untested:
        said.append(f"The laws were not tested on these runs: {untested}")
    said += _looked_at(card)
    against = [first_sentence(each) for each in doubts(notes)]
    more = f" And {len(against) - MOST_DOUBTS} more." if len(against) > MOST_DOUBTS else ""
    said.append(
        f"Against it: {' '.join(against[:MOST_DOUBTS])}{more}" if against else "Nothing in the runs speaks against it."
    )
    return " ".join(said)


def _failed(card: Sequence[Check]) -> list[str]:
    """That an answer should not be decided on, if it should not."""
    failed = [each.name for each in card if each.state == "FAIL"]
    return [f"Do not decide on this forecast as it is: it fails on {listed(failed)}."] if failed else []


def _looked_at(card: Sequence[Check]) -> list[str]:
    """How many checks pass, and which are to be looked at."""
    passed, look = ([each.name for each in card if each.state == state] for state in ("PASS", "LOOK"))
    if len(card) < 2:
        return []
    return [f"Of {len(card)} checks {len(passed)} pass{f'; look at {listed(look)}' if look else ''}."]


def doubts(notes: Sequence[Note]) -> list[str]:
    """What speaks against an answer; of laws that share a note in other words, the first says it."""
    grave = [note for note in notes if note.severity in ("serious", "warning")]
    return [note.text for i, note in enumerate(grave) if note.code not in {each.code for each in grave[:i]}]


def _choice(decision: Decision | None) -> list[str]:
    """Which option of a plan is worth most."""
    if decision is None or len(decision.options) < 2:
        return []
    best, money = decision.best, decision.plan.money
    if best is None or best.worth is None:
        return []
    return [
        f"Of {len(decision.options)} options '{best.name}' is worth most: {amount(best.worth.expected, money)} "
        f"expected, with {a_chance(best.probability.value)} of {decision.plan.target}; another would turn out better "
        f"in {chance(1.0 - best.worth.probability_best)} of cases."
    ]


def _quantity(key: str) -> str:
    """A quantity of an extrapolation in words."""
    return "compute" if key == "flops_ratio" else key.removesuffix("_ratio")
