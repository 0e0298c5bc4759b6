"""The card of a report: pass, look or fail on what a forecast rests on, each with a sentence.

``PASS``: nothing speaks against it.  ``LOOK``: it can be used with what the sentence says in mind.  ``FAIL``: it
should not be decided on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.errors import listed
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.posterior.residuals import fitted_scores, residual_notes
from bayeslaw.inference.posterior.summary import LEARNED_NOTHING, Row, posterior_summary
from bayeslaw.note import Note, by_name, in_order
from bayeslaw.reporting.hidden_runs import HiddenRuns
from bayeslaw.words import chance, multiple, worded

State = Literal["PASS", "LOOK", "FAIL"]
WORST: tuple[State, ...] = ("FAIL", "LOOK", "PASS")

# The end of a central 90 % interval of a standard normal.
INSIDE_90 = 1.645
# With fewer runs than twice the parameters that are learned, an answer leans on priors.
RUNS_PER_PARAMETER = 2
# Fewer outcomes inside their 90 % interval than this probability allows are a reason to look, or to fail.
SUSPICIOUS, IMPOSSIBLE = 0.05, 0.001
# A posterior median this far out in its prior contradicts it.
SURPRISING = 0.01


@dataclass(frozen=True)
class Check:
    """One line of the card.

    Attributes
    ----------
    repeats
        The code of the note that it repeats, if it does.
    """

    name: str
    state: State
    text: str
    repeats: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class HeldOut:
    """Runs that were not fitted, with their forecasts.

    Attributes
    ----------
    forecast
        At the runs whose outcome is known.
    outcomes
        Shape ``(runs,)``.
    source
        The file that they come from.
    """

    forecast: Forecast
    outcomes: np.ndarray
    source: str

    @property
    def inside(self) -> int:
        """How many outcomes lie inside their 90 % interval."""
        ends = [(each.new_run.lower, each.new_run.upper) for each in self.forecast.points]
        return sum(low <= y <= high for (low, high), y in zip(ends, self.outcomes, strict=True))


def checks(
    asked: Average, found: Forecast, tested: HiddenRuns | None, held: HeldOut | None, learned: Sequence[Learned]
) -> tuple[Check, ...]:
    """All lines of the card."""
    fitted = asked.measured
    return (
        _converged(asked, found),
        *([_residuals(asked), _priors(learned), _enough(asked), _table(asked)] if fitted else []),
        *([_distance(found)] if fitted else []),
        *([_backtest(found, tested)] if fitted or tested is not None else []),
        *([_held_out(held)] if held is not None else []),
    )


def worst_of(card: Sequence[Check]) -> State:
    """The worst state of a card."""
    return next(state for state in WORST if state in {each.state for each in card})


def _converged(asked: Average, found: Forecast) -> Check:
    if not asked.measured:
        return Check("published values", "LOOK", "They come without runs, so nothing here can be checked against runs; "
                                                 "fit the law to runs for a page that can.")  # fmt: skip
    worst = asked.diagnostics
    if not found.converged:
        return Check("convergence", "FAIL", f"The chains have not converged: {listed(found.diagnostics.complaints)}.")
    return Check(
        "convergence", "PASS",
        f"The chains agree: R-hat is at most {worst.rhat:.3f} and the effective sample size at least {worst.ess:.0f}, "
        f"with {worst.divergences} divergences.",
    )  # fmt: skip


def _residuals(asked: Average) -> Check:
    found = in_order(by_name({name: residual_notes(each) for name, each in asked.posteriors.items()}))
    inside = {name: np.abs(fitted_scores(each)) < INSIDE_90 for name, each in asked.posteriors.items()}
    name, least = min(inside.items(), key=lambda item: item[1].mean())
    whose = f" by {name}" if len(inside) > 1 else ""
    said = f"{least.sum()} of {len(least)} fitted runs lie inside their 90 % interval{whose}."
    if found:
        state: State = "FAIL" if found[0].severity == "serious" else "LOOK"
        return Check("residuals", state, f"{found[0].text} {said}", found[0].code)
    surprise = float(bdtr(int(least.sum()), len(least), 0.9))
    return Check("residuals", "LOOK" if surprise < IMPOSSIBLE else "PASS",
                 f"{said} No part of them lies to one side of the law.")  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """What the runs taught about one parameter.

    Attributes
    ----------
    law
        The name of the posterior.
    row
        Of its summary.
    prior
        Median and 90 % interval of the prior; None for a quantity without one.
    at
        The share of the prior below the posterior's median, and below the ends of its 90 % interval.
    """

    law: str
    row: Row
    prior: tuple[float, float, float]
    at: tuple[float, float, float]

    @property
    def untaught(self) -> bool:
        """Whether the runs say nothing about it."""
        return (self.row.contraction or 0.0) < LEARNED_NOTHING

    @property
    def surprising(self) -> bool:
        """Whether its median lies where the prior did not expect it."""
        return not SURPRISING / 2 <= self.at[1] <= 1.0 - SURPRISING / 2


def learned_by(name: str, posterior: Posterior, draws: int = 4000) -> Iterator[Learned]:
    """Every parameter that has a prior of its own, beside it."""
    rng = np.random.default_rng(posterior.seed)
    for row in posterior_summary(posterior).rows:
        parameter = posterior.law.parameters.get(row.name)
        if parameter is None or row.contraction is None or row.group:
            continue
        prior = np.sort(parameter.prior.draw(rng, draws))
        low, middle, high = np.quantile(prior, [0.05, 0.5, 0.95])
        at = np.searchsorted(prior, [row.lower, row.median, row.upper]) / draws
        yield Learned(
            name, row, (float(low), float(middle), float(high)), (float(at[0]), float(at[1]), float(at[2]))
        )  # fmt: skip


def _priors(learned: Sequence[Learned]) -> Check:
    name = "prior against posterior"
    several = len({each.law for each in learned}) > 1

    def named(which: list[Learned]) -> str:
        return listed(dict.fromkeys(f"{each.row.name} of {each.law}" if several else each.row.name for each in which))

    odd, same = [each for each in learned if each.surprising], [each for each in learned if each.untaught]
    if odd:
        return Check(name, "LOOK", f"The runs contradict the prior of {named(odd)}: its median lies in the outermost "
                                   f"{100 * SURPRISING:g} % of what was expected.")  # fmt: skip
    if same:
        return Check(name, "LOOK", f"The runs say nothing about {named(same)}: what depends on it is the prior.")
    return Check(name, "PASS", "The runs moved every parameter away from its prior, and none to where it was not "
                               "expected.")  # fmt: skip


def _enough(asked: Average) -> Check:
    name, runs = "enough runs", min(len(each.plan.outcome) for each in asked.posteriors.values())
    most = max(len(each.law.free_parameters) for each in asked.posteriors.values())
    said = f"{runs} runs for the {most} parameters of {'the largest law' if len(asked.posteriors) > 1 else 'the law'}"
    worst = _worst_note(asked, lambda note: note.code in OF_THE_DESIGN)
    if worst is not None:
        return Check(name, "FAIL" if worst.severity == "serious" else "LOOK", f"{said}. {worst.text}", worst.code)
    if runs < RUNS_PER_PARAMETER * most:
        return Check(name, "LOOK", f"{said}: fewer than {RUNS_PER_PARAMETER} each, so the answer leans on priors.")
    return Check(name, "PASS", f"{said}, and their inputs vary enough to tell these apart.")


def _table(asked: Average) -> Check:
    name, worst = "the table", _worst_note(asked, lambda note: note.code not in OF_THE_DESIGN | OF_THE_FIT)
    if worst is None:
        return Check(name, "PASS", "Nothing in the table of runs looks wrong: units, counts, copies, scatter.")
    return Check(name, "FAIL" if worst.severity == "serious" else "LOOK", worst.text, worst.code)


def _worst_note(asked: Average, kept: Callable[[Note], bool]) -> Note | None:
    """The first serious note or warning of the fits that is about something."""
    noted = in_order(note for each in asked.posteriors.values() for note in each.notes if kept(note))
    return noted[0] if noted and noted[0].severity != "info" else None


# Notes on whether runs can tell parameters apart, and those that other lines of the card are about.
OF_THE_DESIGN = {"collinear", "few-levels", "short-range", "few-groups", "thin-family", "few-sizes"}
OF_THE_FIT = {"one-sided", "unconverged", "far-off"}


def _distance(found: Forecast) -> Check:
    far: Note | None = next((note for note in found.notes if note.code == "far-off"), None)
    (point,) = found.points
    if far is None:
        text = "within the fitted runs" if point.in_short == "within" else f"at {point.distance}"
        return Check("distance", "PASS", f"The run is {text}, no farther than laws are known to reach.")
    return Check("distance", "FAIL" if far.severity == "serious" else "LOOK", f"{far.text} {far.remedy}", far.code)


def _backtest(found: Forecast, tested: HiddenRuns | None) -> Check:
    name = "back-test"
    if tested is None:
        how = worded("backtest=bl.backtest(...)", "--backtest backtest.json, as `bayeslaw backtest RUNS --json` prints")
        return Check(name, "LOOK", f"The laws were not tested on these runs; make the report again with {how}.")
    said = f"{tested.held} of {tested.count} hidden runs ended inside their 95 % intervals"
    if not tested.enough:
        return Check(name, "LOOK", f"{said}, which is too few runs to say how far to trust them.")
    if tested.reach is None:
        if tested.farthest is None:
            return Check(name, "LOOK", f"{said}; how far they lie beyond the others is not known.")
        return Check(name, "FAIL", f"{said}: do not trust the intervals.")
    ratio = found.points[0].extrapolation.get("flops_ratio")
    if ratio is not None and ratio > tested.reach:
        return Check(name, "LOOK", f"{said}, which tests them up to {multiple(tested.reach)} the compute; this run is "
                                   f"at {multiple(ratio)}.")  # fmt: skip
    return Check(name, "PASS", f"{said}; they can be trusted up to {multiple(tested.reach)} the compute.")


def _held_out(held: HeldOut) -> Check:
    count, name = len(held.outcomes), "runs held out"
    said = f"{held.inside} of {count} runs that were held out lie inside their 90 % interval"
    surprise = float(bdtr(held.inside, count, 0.9))
    if surprise < IMPOSSIBLE:
        return Check(name, "FAIL", f"{said}; with a right forecast so few would in {chance(surprise)} of cases.")
    if surprise < SUSPICIOUS:
        return Check(name, "LOOK", f"{said}; with a right forecast so few would in {chance(surprise)} of cases.")
    return Check(name, "PASS", f"{said}.")
