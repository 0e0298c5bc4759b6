"""The result of a comparison of laws: numbers by law, weights, and a verdict in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bayeslaw.ask.compare.forward import Forward
from bayeslaw.ask.compare.loo import LARGEST_KHAT, FamilyLoo, Loo
from bayeslaw.ask.compare.verdict import BayesFactor, in_words
from bayeslaw.ask.compare.weights import Weights, by_evidence, by_stacking
from bayeslaw.ask.evidence.evidence import Evidence, more_draws, with_error
from bayeslaw.ask.evidence.sensitivity import Shift
from bayeslaw.errors import listed
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note, by_name, in_order, serious
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.words import plain


@dataclass(frozen=True)
class Standing:
    """The results for one law.

    Attributes
    ----------
    evidence, loo
        Of the runs as a whole, and of each run given all the others.
    families
        Of each family given all the others; None where no family was left out.
    forward
        Of larger runs given smaller ones; None where there are none to predict.
    sensitivity
        The change of the log evidence when all priors are scaled in width, by factor.
    """

    evidence: Evidence
    loo: Loo
    families: FamilyLoo | None
    forward: Forward | None
    sensitivity: Mapping[float, Shift]

    @property
    def notes(self) -> tuple[Note, ...]:
        """Notes about numbers that may be unreliable."""
        return in_order((*self.evidence.notes, *self._of_scores()))

    def _of_scores(self) -> Iterator[Note]:
        if self.loo.doubtful:
            yield Note(
                "pareto-k", "warning",
                f"{self.loo.doubtful} more runs have a Pareto k above {LARGEST_KHAT} than were fitted without, so the "
                f"score of runs by the others is too high.",
                "Trust the other scores.",
            )  # fmt: skip
        for code, what, found in (
            ("loo", "single runs", self.loo), ("families", "families", self.families),
            ("forward", "larger runs", self.forward),
        ):  # fmt: skip
            if found is not None and found.unconverged:
                yield Note(
                    f"{code}-unconverged", "warning",
                    f"{found.unconverged} of the fits without {what} have not converged, so their scores are rough.",
                    more_draws(),
                )  # fmt: skip
        for factor, shift in self.sensitivity.items():
            if shift.notes:
                yield Note(
                    "prior-width-doubtful", "warning",
                    f"The evidence with all priors {factor:g} times as wide is unreliable "
                    f"({listed(note.code for note in shift.notes)}).",
                    more_draws(),
                )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        families = self.families
        return {
            "log_evidence": self.evidence.log_evidence, "se": self.evidence.se,
            "elpd_loo": self.loo.elpd, "elpd_loo_se": self.loo.se, "largest_khat": float(self.loo.khat.max()),
            "elpd_families": None if families is None else families.elpd,
            "elpd_families_se": None if families is None else families.se,
            "elpd_by_family": None if families is None else dict(families.by_family),
            "elpd_forward": None if self.forward is None else self.forward.elpd,
            "elpd_by_origin": None if self.forward is None else self.forward.by_origin.tolist(),
            "prior_width": {f"{factor:g}": {"change": shift.change, "se": shift.se, "refitted": shift.refitted}
                            for factor, shift in self.sensitivity.items()},
            "converged": self.evidence.converged,
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A comparison of laws on the same runs.

    Attributes
    ----------
    laws
        By name, those with the largest evidence first.
    posteriors
        The fits, in the same order.
    """

    laws: Mapping[str, Standing]
    posteriors: Mapping[str, Posterior]

    @cached_property
    def weights(self) -> Mapping[str, Weights | None]:
        """The weights of the laws by ``evidence``, ``stacking`` and ``forward``; None where they cannot be computed."""
        ahead = {name: each.forward for name, each in self.laws.items() if each.forward is not None}
        return {
            "evidence": self._by_evidence[0],
            "stacking": by_stacking({name: each.loo for name, each in self.laws.items()}),
            "forward": by_stacking(ahead) if ahead else None,
        }

    @cached_property
    def _by_evidence(self) -> tuple[Weights, dict[str, tuple[float, float]]]:
        return by_evidence({name: each.evidence for name, each in self.laws.items()})

    def bayes_factor(self, one: str, other: str) -> BayesFactor:
        """The Bayes factor of one law over another."""
        a, b = self.laws[one], self.laws[other]
        changes = [a.sensitivity[factor].change - b.sensitivity[factor].change for factor in a.sensitivity]
        return BayesFactor.of(one, other, a.evidence, b.evidence, changes)

    def notes_on(self, name: str) -> tuple[Note, ...]:
        """Notes about the numbers of one law that may be unreliable."""
        best = next(iter(self.laws))
        turns = name != best and self.bayes_factor(best, name).turns
        return in_order((*self.laws[name].notes, *([_turns(best)] if turns else [])))

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer: a note that all laws share appears once, any other names its law."""
        return by_name({name: self.notes_on(name) for name in self.laws})

    @property
    def converged(self) -> bool:
        """Whether the chains of every law have converged; if not, the caller asked anyway."""
        return all(each.evidence.converged for each in self.laws.values())

    @cached_property
    def verdict(self) -> str:
        """What the evidence says, how firmly, and whether prediction disagrees."""
        best, *others = self.laws
        words = in_words([self.bayes_factor(best, other) for other in others], self.weights["forward"])
        for name, each in self.laws.items():
            of_fit = self.posteriors[name].notes
            if codes := [note.code for note in serious(each.evidence.notes) if note not in of_fit]:
                words += f" The evidence of {name} is unreliable ({listed(codes)})."
        return words

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        subject = next(iter(self.laws.values())).evidence.subject
        found: dict[str, Any] = plain({
            "laws": {
                name: {
                    **each.as_dict(),
                    "weights": {how: None if found is None else found[name] for how, found in self.weights.items()},
                    "evidence_weight_interval": list(self._by_evidence[1][name]),
                    "notes": [note.as_dict() for note in self.notes_on(name)],
                }
                for name, each in self.laws.items()
            },
            "log_bayes_factors": {
                one: {other: self.bayes_factor(one, other).as_dict() for other in self.laws if other != one}
                for one in self.laws
            },
            "verdict": self.verdict, "outcome": subject.outcome, "runs": subject.rows,
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found

    def _page(self) -> Page:
        subject = next(iter(self.laws.values())).evidence.subject
        return [
            f"{len(self.laws)} laws of the {subject.outcome.replace('_', ' ')} of {subject.rows} runs, by log evidence "
            f"and scores in nats and by weights:",
            self._table(), self.verdict, *map(str, self.notes),
        ]  # fmt: skip

    def _table(self) -> list[list[str]]:
        """One row per law, with a column for every number that some law has."""
        best = next(iter(self.laws))
        columns: dict[str, list[str]] = {
            "law": list(self.laws),
            "log evidence": [with_error(each.evidence.log_evidence, each.evidence.se) for each in self.laws.values()],
            "behind": ["" if name == best else f"{self.bayes_factor(best, name).log:.1f}" for name in self.laws],
            "each run": [_score(each.loo) for each in self.laws.values()],
            "each family": [_score(each.families) for each in self.laws.values()],
            **{f"by {how}": ["" if found is None else f"{found[name]:.2f}" for name in self.laws]
               for how, found in self.weights.items()},
        }  # fmt: skip
        known = {head: cells for head, cells in columns.items() if any(cells)}
        return [list(known), *map(list, zip(*known.values(), strict=True))]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())


def _score(found: Loo | FamilyLoo | None) -> str:
    return "" if found is None else f"{found.elpd:.1f} ± {found.se:.1f}"


def _turns(best: str) -> Note:
    return Note(
        "prior-sensitive", "warning",
        f"With all priors halved or doubled in width, the order of this law and {best} changes.",
        "Say what is known about the parameters in their priors, or compare by prediction.",
    )  # fmt: skip
