"""Several laws as one: posteriors with weights, of which questions are asked as of a single posterior.

An average is a mixture.  Its draws are draws of its posteriors in proportion to their weights, so an answer holds the
doubt about the law beside the doubt within each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.ask.subject import AVERAGED, Subject, require_same
from bayeslaw.errors import BayeslawError, QuestionError, did_you_mean, listed, shown
from bayeslaw.fit.diagnostics import Diagnostics
from bayeslaw.fit.notes import Note
from bayeslaw.fit.posterior import Posterior

Weights = str | Mapping[str, float] | Sequence[float]

EQUAL = "equal"
# Ways to weigh laws, the costly ones last.
WEIGHINGS = (EQUAL, "evidence", "stacking", "forward")
# A law with more of the weight than this is not averaged with the others: they have no say in a 90 % interval.
DOMINANT = 0.95


@dataclass(frozen=True)
class Average:
    """Posteriors with weights.

    Made by :func:`bayeslaw.average`; a single posterior is an average too.

    Attributes
    ----------
    posteriors
        By what messages and answers call them.
    weights
        Of each, by the same names; they sum to 1.
    """

    posteriors: Mapping[str, Posterior]
    weights: Mapping[str, float]

    @staticmethod
    def of(asked: Posterior | Average) -> Average:
        """What a question is asked of, as an average."""
        return asked if isinstance(asked, Average) else Average({_fit(asked).law.name: asked}, {asked.law.name: 1.0})

    def __repr__(self) -> str:
        return f"Average({listed(f'{name} {weight:.3f}' for name, weight in self.weights.items())})"

    @property
    def name(self) -> str:
        """The names of all posteriors."""
        return " + ".join(self.posteriors)

    @property
    def title(self) -> str:
        """For a heading."""
        return self.lead.law.title if len(self.posteriors) == 1 else f"Average of {listed(self.posteriors)}"

    @property
    def lead(self) -> Posterior:
        """The posterior whose law reads most inputs; of several, the one with most weight."""
        names = sorted(self.posteriors, key=lambda name: -self.weights[name])
        return max((self.posteriors[name] for name in names), key=lambda each: len(each.law.free_inputs))

    @property
    def families(self) -> tuple[str, ...]:
        """The families that all posteriors know."""
        first, *others = (each.families for each in self.posteriors.values())
        return tuple(family for family in first if all(family in other for other in others))

    @property
    def link(self) -> str:
        """The scale on which parts of the doubt are compared: that of the noise where all have the same."""
        links = {each.law.output.link for each in self.posteriors.values()}
        return links.pop() if len(links) == 1 else "identity"

    @property
    def diagnostics(self) -> Diagnostics:
        """Those of the posterior that can be trusted least."""
        return Diagnostics.worst(posterior.diagnostics for posterior in self.posteriors.values())

    @property
    def dominant(self) -> str | None:
        """The posterior that has nearly all of the weight, if one of several has."""
        name = max(self.weights, key=lambda each: self.weights[each])
        return name if len(self.weights) > 1 and self.weights[name] > DOMINANT else None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to know before asking."""
        if self.dominant is None:
            return ()
        return (Note(
            "one-law", "info",
            f"'{self.dominant}' has {self.weights[self.dominant]:.3f} of the weight, so the average says what it says.",
            "Hold it against an average with equal weights.",
        ),)  # fmt: skip

    @cached_property
    def rows(self) -> Mapping[str, np.ndarray]:
        """Which draws of each posterior make up the mixture: as many as they have in proportion, spread evenly."""
        sizes = {name: posterior.size for name, posterior in self.posteriors.items()}
        size = min(sizes[name] / weight for name, weight in self.weights.items() if weight > 0)
        counts = {name: round(weight * size) for name, weight in self.weights.items()}
        return {name: np.arange(count) * sizes[name] // count for name, count in counts.items() if count}

    def mixed(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        """Draws of the mixture from those under each posterior, which have shape ``(size, ...)``."""
        return np.concatenate([draws[name][rows] for name, rows in self.rows.items()])

    def require(self, allow_unconverged: bool = False) -> None:
        """Refuse to answer from chains that have not converged, unless told otherwise."""
        for name, posterior in self.posteriors.items():
            with self.naming(name):
                posterior.diagnostics.require(allow_unconverged)

    @contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """Say of an error which of several posteriors it is about."""
        try:
            yield
        except BayeslawError as error:
            if len(self.posteriors) == 1:
                raise
            raise type(error)(f"{name}: {error}") from None


def average(posteriors: Mapping[str, Posterior] | Sequence[Posterior], weights: Weights = EQUAL) -> Average:
    """Several fits of the same runs as one, to be asked as a posterior is.

    An average answers where the choice of law matters and is not settled: its forecasts are wider than those of any
    one law by as much as the laws disagree.

    Parameters
    ----------
    posteriors
        Two or more, of any laws of the outcome, or of one law with different priors or pooling.  They are called by
        their laws, and numbered where that is ambiguous; a mapping gives them names of its own.
    weights
        Numbers, one a posterior or by name, in any proportion; or how to find them:

        ``"equal"``
            None better than another.
        ``"evidence"``
            The probability of each law given the runs, were one of them the truth.
        ``"stacking"``
            The mixture that predicts left-out runs best (Yao et al. 2018).
        ``"forward"``
            The mixture that best predicts the dearer runs from the cheaper ones: what a far forecast asks for.

    Returns
    -------
    Average
        For :func:`bayeslaw.forecast`.

    Raises
    ------
    QuestionError
        When there is one posterior only, when they are not about the same runs and outcome, or when the weights are
        not weights of these posteriors.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), doi:10.1214/17-BA1091.
    """
    every = named(posteriors)
    if len(every) < 2:
        raise QuestionError(f"an average takes two fits or more, not {len(every)}; ask a single one directly.")
    require_same(
        [(name, Subject.of(each.plan)) for name, each in every.items()], Subject.difference_of_outcomes, AVERAGED
    )
    return Average(every, _weights(weights, every))


def named(posteriors: Mapping[str, Posterior] | Sequence[Posterior]) -> dict[str, Posterior]:
    """Posteriors by the names of their laws; where several have the same law, numbered in their order."""
    if isinstance(posteriors, Mapping):
        return {name: _fit(each) for name, each in posteriors.items()}
    laws = [_fit(posterior).law.name for posterior in posteriors]
    return {
        law if laws.count(law) == 1 else f"{law} {laws[: i + 1].count(law)}": posterior
        for i, (law, posterior) in enumerate(zip(laws, posteriors, strict=True))
    }


def _fit(asked: Any) -> Posterior:
    """What is asked, when it is a fit."""
    if not isinstance(asked, Posterior):
        raise QuestionError(f"questions are asked of fits, as fit() and load() give them, not of {shown(asked)}.")
    return asked


def _weights(given: Weights, posteriors: Mapping[str, Posterior]) -> dict[str, float]:
    """Weights by name, summing to 1."""
    if isinstance(given, str):
        if given not in WEIGHINGS:
            raise QuestionError(
                f"weights: no way to weigh laws is called '{given}'{did_you_mean(given, WEIGHINGS)}; choose one of "
                f"{listed(WEIGHINGS)}, or give numbers."
            )
        if given != EQUAL:
            from bayeslaw.ask.weights import weigh

            return dict(weigh(posteriors, given))
        given = [1.0] * len(posteriors)
    if isinstance(given, Mapping):
        for name in given:
            if name not in posteriors:
                raise QuestionError(
                    f"weights: there is no '{name}'{did_you_mean(name, posteriors)}; weigh {listed(posteriors)}."
                )
        for name in posteriors:
            if name not in given:
                raise QuestionError(f"weights: '{name}' has none; give it 0 to leave it out.")
        given = [given[name] for name in posteriors]
    if len(given) != len(posteriors):
        raise QuestionError(f"weights: {len(given)} numbers for {len(posteriors)} fits; give one each.")
    if not all(math.isfinite(weight) and weight >= 0 for weight in given) or not sum(given) > 0:
        raise QuestionError(
            f"weights: {listed(f'{w:g}' for w in given)} are not proportions; give numbers from 0, not all 0."
        )
    return {name: float(weight / sum(given)) for name, weight in zip(posteriors, given, strict=True)}
