"""What log Bayes factors say, in words that do not overstate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayeslaw.ask.evidence.evidence import Evidence

# Kass & Raftery (1995): odds below e are not worth more than a mention, above e**5 = 148 they are very strong.
SEPARATE, DECISIVE = 1.0, 5.0
# Log odds within this many standard errors of 0 count as 0.
ERRORS = 2.0


@dataclass(frozen=True)
class BayesFactor:
    """By how much the runs change the odds of one law over another.

    Attributes
    ----------
    log, se
        In nats, with its Monte-Carlo standard error.
    low, high
        The range of `log` when all priors of both laws are halved and doubled in width.
    """

    one: str
    other: str
    log: float
    se: float
    low: float
    high: float

    @staticmethod
    def of(one: str, other: str, a: Evidence, b: Evidence, changes: Sequence[float]) -> BayesFactor:
        """The Bayes factor of two evidences.

        Parameters
        ----------
        changes
            Changes of their difference under other widths of the priors.
        """
        log, moved = a.log_evidence - b.log_evidence, [0.0, *changes]
        return BayesFactor(one, other, log, float(np.hypot(a.se, b.se)), log + min(moved), log + max(moved))

    @property
    def sure(self) -> float:
        """The log Bayes factor under the least favourable priors, minus two standard errors."""
        return self.low - ERRORS * self.se

    @property
    def turns(self) -> bool:
        """Whether another width of the priors reverses the order."""
        return self.low < 0.0 < self.high

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"log": self.log, "se": self.se, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{self.log:.1f}" + (f" ± {self.se:.1f}" if self.se >= 0.05 else "")


def in_words(factors: list[BayesFactor], forward: Mapping[str, float] | None) -> str:
    """A few sentences.

    Parameters
    ----------
    factors
        Bayes factors of the law with the largest evidence over each of the others.
    forward
        Forward weights, where there are any.
    """
    best = factors[0].one
    tied = [each for each in factors if each.sure < SEPARATE]
    favoured = [each for each in factors if SEPARATE <= each.sure < DECISIVE]
    decided = [each for each in factors if each.sure >= DECISIVE]
    sentences = []
    if tied:
        sentences.append(f"These data cannot separate {best} from {_over(tied)}.")
        if turning := [each.other for each in tied if each.turns and each.log >= SEPARATE]:
            sentences.append(f"Against {_and(turning)}, the order depends on the width of the priors.")
    if favoured:
        sentences.append(f"{_start(sentences)} favour {best} over {_over(favoured)}.")
    if decided:
        sentences.append(f"{_start(sentences)} decisively favour {best} over {_over(decided)}.")
    if forward is not None:
        first = max(forward, key=lambda name: forward[name])
        if first not in {best, *(each.other for each in tied)}:
            sentences.append(
                f"Yet larger runs are predicted from smaller ones better by {first} (forward weight "
                f"{forward[first]:.2f}; {best} {forward[best]:.2f}): evidence is about the law behind these runs, "
                f"forward weights about forecasts far beyond them."
            )
    return " ".join(sentences)


def _start(sentences: list[str]) -> str:
    return "They" if sentences else "These data"


def _over(factors: list[BayesFactor]) -> str:
    nearest, *others = sorted(factors, key=lambda each: each.sure)
    widths = f"{nearest.low:.1f} to {nearest.high:.1f} with priors of half and twice the width"
    words = [f"{nearest.other} (log Bayes factor {nearest}; {widths})", *(f"{each.other} ({each})" for each in others)]
    return _and(words)


def _and(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
