"""Log evidence: how probable a law, its priors included, makes the runs as a whole.

Evidences of two laws on the same runs differ by the log Bayes factor.  A number without a trustworthy error is worse
than none here, because nothing about it looks wrong; so fits that have not converged are refused, and a note reports
anything else that makes the error unreliable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.ask.evidence.ball import whitened
from bayeslaw.ask.evidence.bridge import CrossFit, bridge, bridge_by_group
from bayeslaw.ask.evidence.comparable import Subject
from bayeslaw.ask.evidence.nested import nested as nested_sampling
from bayeslaw.errors import QuestionError, listed, shown
from bayeslaw.inference.base.diagnostics import LEAST_ESS
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.sampler.settings import check_seed
from bayeslaw.note import Note, in_order, serious
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.words import argument, plain

# An error of 0.2 is a Bayes factor that is off by a fifth.
LARGEST_SE = 0.2
# The error of an error from this many terms is 7 %; with fewer it is a guess.
LEAST_TERMS = 100
# Halves of the same draws agree within three of their errors all but one time in four hundred.
MOST_DISAGREEMENT = 4.0
# Beyond it the variance of a Pareto distribution's sample mean no longer settles in practice (Vehtari et al. 2024).
LARGEST_KHAT = 0.7

# Log evidences with their standard errors, by method.
Opinions = Mapping[str, tuple[float, float]]


def more_draws() -> str:
    """The remedy for errors that fall with the number of draws."""
    return f"Fit again with more {argument('draws')}."


@dataclass(frozen=True)
class Evidence:
    """The log of the density of the outcomes under a law, its parameters integrated out.

    Attributes
    ----------
    law
        Its name.
    log_evidence, se
        In nats, with its Monte-Carlo standard error: warp-III bridge sampling, both halves of the draws averaged.
    notes
        Why the error may be unreliable, or the number not what it seems, and the serious notes of the fit and its law.
    opinions
        Other estimates, each with its standard error: from the same draws ``normal``, a bridge without warping; from
        the priors alone, on request, ``nested`` sampling.
    subject
        The data it is about: evidences compare only on the same data.
    size
        The number of parameters that were integrated out.
    converged
        Whether the chains have converged; if not, the caller asked anyway.
    """

    law: str
    log_evidence: float
    se: float
    notes: tuple[Note, ...]
    opinions: Opinions
    subject: Subject
    size: int
    converged: bool

    def _page(self) -> Page:
        others = listed(f"{name} {with_error(*opinion)}" for name, opinion in self.opinions.items())
        return [
            f"The log evidence of law {self.law} on the {self.subject.outcome.replace('_', ' ')} of "
            f"{self.subject.rows} runs is {with_error(self.log_evidence, self.se)} nats, with {self.size} parameters "
            f"integrated out.",
            *([f"Other estimates: {others}."] if others else []), *map(str, self.notes),
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = plain({
            "law": self.law, "log_evidence": self.log_evidence, "se": self.se,
            "opinions": {name: {"log_evidence": value, "se": se} for name, (value, se) in self.opinions.items()},
            "outcome": self.subject.outcome, "runs": self.subject.rows, "parameters": self.size,
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def with_error(value: float, se: float) -> str:
    """A value and its error, to two digits of the error."""
    digits = max(0, 1 - int(np.floor(np.log10(se)))) if np.isfinite(se) and se > 0 else 3
    return f"{value:.{digits}f} ± {se:.{digits}f}"


def log_evidence(
    posterior: Posterior, *, nested: bool = False, seed: int | None = None, allow_unconverged: bool = False
) -> Evidence:
    """Find the log evidence (log marginal likelihood) of a law from its fit, without fitting again.

    All constants and Jacobians are kept, so evidences of different laws on the same outcomes are comparable.

    Parameters
    ----------
    nested
        Also estimate it by nested sampling, which takes a minute at seven parameters and needs dynesty
        (``bayeslaw[evidence]``).
    seed
        Seed of the random numbers that the draws are compared with (default: the posterior's).
    allow_unconverged
        Answer from chains that have not converged; the answer says so.

    Raises
    ------
    ConvergenceError
        When the chains have not converged: an error estimated from them would be wrong too.
    QuestionError
        When draws are not numbers, when there are too few of them for the number of parameters, or when there are too
        many parameters for nested sampling.

    References
    ----------
    Meng & Wong (1996); Meng & Schilling (2002); Gronau et al. (2017), arXiv:1703.05984; Micaletto & Vehtari (2025),
    arXiv:2508.14487.
    """
    if not isinstance(posterior, Posterior):
        raise QuestionError(f"evidence is of one fit, not of {shown(posterior)}; ask each fit by itself.")
    posterior.require_runs("evidence")
    posterior.diagnostics.require(allow_unconverged)
    if lost := np.count_nonzero(~np.isfinite(posterior.flat).all(axis=(1, 2))):
        raise QuestionError(
            f"{lost} of {len(posterior.flat)} chains of law '{posterior.law.name}' have draws that are not numbers; "
            f"fit again with another {argument('seed')}, or with fewer parameters or narrower priors."
        )
    seed = posterior.seed if seed is None else seed
    check_seed(seed)
    independent = {"nested": nested_sampling(posterior.plan, seed)} if nested else {}
    ball = whitened(posterior)
    least = 2 * max(LEAST_TERMS, ball.draws.shape[-1])
    if posterior.size < least:
        raise QuestionError(
            f"{posterior.size} draws are too few to find the evidence of law '{posterior.law.name}' with its "
            f"{ball.draws.shape[-1]} parameters (at least {least}); fit again with more {argument('draws')}."
        )
    by_group = ball.by_group
    if by_group is None:
        bridges = bridge(ball.log_density, ball.draws, seed)
    else:
        bridges = bridge_by_group(by_group, ball.draws, seed)
    best, second = bridges["warp3"], bridges["normal"]
    opinions = {"normal": (second.log_evidence, second.se), **independent}
    return Evidence(
        law=posterior.law.name,
        log_evidence=best.log_evidence,
        se=best.se,
        notes=in_order(
            (
                *(note for check in CHECKS for note in check(posterior, best, opinions)),
                *serious(posterior.notes),
                *posterior.law.notes,
            )
        ),
        opinions=opinions,
        subject=Subject.of(posterior.plan),
        size=ball.draws.shape[-1],
        converged=posterior.diagnostics.converged,
    )


def chains(posterior: Posterior, *_: Any) -> Iterator[Note]:
    """The draws themselves."""
    found = posterior.diagnostics
    yield from found.notes
    if found.converged and found.divergences:
        yield Note(
            "divergences", "warning",
            f"{found.divergences} of {posterior.size} draws diverged, so a region may be missing from all of them.",
            f"Fit again with a higher {argument('target_accept')}, such as 0.98, or with a simpler hierarchy.",
        )  # fmt: skip


def halves(_: Posterior, found: CrossFit, __: Opinions) -> Iterator[Note]:
    """The two estimates that were averaged."""
    if not found.disagreement <= MOST_DISAGREEMENT:
        one, other = (half.log_evidence for half in found.halves)
        yield Note(
            "halves-differ", "serious",
            f"The two halves of the draws say {one:.3f} and {other:.3f}, which are {found.disagreement:.1f} standard "
            f"errors apart.",
            more_draws(),
        )  # fmt: skip


def error(_: Posterior, found: CrossFit, __: Opinions) -> Iterator[Note]:
    """The error, and what it was estimated from."""
    if not found.se <= LARGEST_SE:
        yield Note(
            "large-error", "warning",
            f"The standard error is {found.se:.2f}, so Bayes factors are off by a fifth or more.", more_draws(),
        )  # fmt: skip
    if not found.ess >= LEAST_TERMS:
        yield Note(
            "few-terms", "serious",
            f"The estimate rests on {found.ess:.0f} effective terms (at least {LEAST_TERMS}), so its error is a guess.",
            more_draws(),
        )  # fmt: skip
    if found.khat > LARGEST_KHAT and not found.ess >= LEAST_ESS:
        yield Note(
            "heavy-tail", "warning",
            f"Few terms carry the estimate (Pareto k {found.khat:.2f}, at most {LARGEST_KHAT}), so its error may be "
            f"too small.",
            more_draws(),
        )  # fmt: skip


def power(posterior: Posterior, *_: Any) -> Iterator[Note]:
    """Weights other than 1."""
    if (posterior.plan.weights != 1.0).any():
        yield Note(
            "weighted", "warning",
            "Rows have weights, and a density to the power of a weight is not a density: this is the integral of "
            "prior times weighted likelihood.",
            "Compare it only between laws on the same weights, and as a ranking.",
        )  # fmt: skip


def disagreement(_: Posterior, found: CrossFit, opinions: Opinions) -> Iterator[Note]:
    """Other estimates."""
    for name, (value, se) in opinions.items():
        apart = abs(value - found.log_evidence) / float(np.hypot(se, found.se))
        if not apart <= MOST_DISAGREEMENT:
            yield Note(
                "opinions-differ", "serious",
                f"Another estimate ({name}) says {with_error(value, se)}, which is {apart:.1f} standard errors away.",
                more_draws(),
            )  # fmt: skip


CHECKS: tuple[Callable[[Posterior, CrossFit, Opinions], Iterator[Note]], ...] = (
    chains, halves, error, disagreement, power,
)  # fmt: skip
