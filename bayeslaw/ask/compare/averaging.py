"""The verb that makes an average, and the ways to weight laws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bayeslaw.ask.average import EQUAL, Average, checked
from bayeslaw.ask.evidence.comparable import AVERAGED, Subject, require_same
from bayeslaw.errors import QuestionError, did_you_mean, listed
from bayeslaw.inference.posterior.posterior import Posterior

Weights = str | Mapping[str, float] | Sequence[float]


def average(posteriors: Mapping[str, Posterior] | Sequence[Posterior], weights: Weights = EQUAL) -> Average:
    """Average several fits of the same runs; the average answers questions like a posterior.

    Use an average where the choice of law matters and is not settled: its forecasts are wider than those of any one
    law, by as much as the laws disagree.

    Parameters
    ----------
    posteriors
        Two or more fits, of any laws of the outcome, or of one law with different priors or pooling.  They are named
        after their laws, and numbered where that is ambiguous; a mapping gives them other names.
    weights
        Numbers, one per posterior or by name, in any proportion; or how to find them:

        ``"equal"``
            All laws alike.
        ``"evidence"``
            The probability of each law given the runs, were one of them the truth.
        ``"stacking"``
            The mixture that predicts left-out runs best (Yao et al. 2018).
        ``"forward"``
            The mixture that best predicts the larger runs from the smaller ones, which is what a far forecast needs.

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
    if len({each.published_by is None for each in every.values()}) > 1:
        raise QuestionError(
            "a fit and published values cannot be averaged, since published values come without runs; average fits of "
            "the same runs, or published values among themselves."
        )
    require_same(
        [(name, Subject.of(each.plan)) for name, each in every.items()], Subject.difference_of_outcomes, AVERAGED
    )
    return Average(every, _weights(weights, every))


def named(posteriors: Mapping[str, Posterior] | Sequence[Posterior]) -> dict[str, Posterior]:
    """Posteriors by the names of their laws; posteriors of the same law are numbered in order."""
    if isinstance(posteriors, Mapping):
        return {name: checked(each) for name, each in posteriors.items()}
    laws = [checked(posterior).name for posterior in posteriors]
    return {
        law if laws.count(law) == 1 else f"{law} {laws[: i + 1].count(law)}": posterior
        for i, (law, posterior) in enumerate(zip(laws, posteriors, strict=True))
    }


def _weights(given: Weights, posteriors: Mapping[str, Posterior]) -> dict[str, float]:
    """Weights by name, summing to 1."""
    if isinstance(given, str):
        if given != EQUAL:
            # These weights come from more fits or densities, so they start JAX; equal ones need none.
            from bayeslaw.ask.compare.weights import weigh

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
