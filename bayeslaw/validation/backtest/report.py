"""The results of a back-test, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from bayeslaw.ask.forecast.forecast import QUANTILES
from bayeslaw.errors import listed
from bayeslaw.note import Note
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.validation.backtest.scores import LEVELS, Scores
from bayeslaw.words import argument, multiple, plain

AVERAGE = "average"
LEVEL = 0.95
# A 95 % interval is trusted up to the distance where nine tenths of enough outcomes lie inside.  If true coverage were
# 80 %, nine tenths of 20 would lie inside once in five times, and all of 3 every second time.
BELIEVED, ENOUGH = 0.9, 20


@dataclass(frozen=True)
class Backtest:
    """Forecasts of hidden runs, compared with the outcomes.

    Attributes
    ----------
    outcome
        The outcome that was forecast.
    laws
        Scores by law, and of the average of several.
    rivals
        The same for Huber fits with a bootstrap; empty without rivals.
    origin
        The origin of each point; shape ``(points,)``.
    at
        The inputs of the laws, by name; each of shape ``(points,)``.
    fits, unconverged
        The number of fits, and of those that have not converged.
    left_out
        The names of origins that see too few runs to fit the laws.
    through
        The laws by which an input of the hidden runs was forecast too; empty where inputs were read off them.
    """

    outcome: str
    laws: Mapping[str, Scores]
    rivals: Mapping[str, Scores]
    origin: np.ndarray
    at: Mapping[str, np.ndarray]
    fits: int
    unconverged: int
    left_out: tuple[str, ...] = ()
    through: tuple[str, ...] = ()

    @property
    def lead(self) -> str:
        """The subject of the verdict: the average, or the only law."""
        return lead_of(self.laws)

    @cached_property
    def bins(self) -> tuple[tuple[float, Scores], ...]:
        """The forecasts behind the verdict, binned by distance from near to far, at least 20 per bin.

        Bins of :meth:`bayeslaw.validation.backtest.scores.Scores.by_ratio` with fewer are merged with the next; those
        at the far end that are still too small are left out.
        """
        found, scores = [], self.laws[self.lead]
        waiting = np.zeros(len(scores), dtype=bool)
        for low, high, _ in scores.by_ratio():
            waiting |= scores.within(low, high)
            if waiting.sum() >= ENOUGH:
                part = scores.at(waiting)
                found.append((min(high, float(np.nanmax(part.ratio, initial=1.0))), part))
                waiting = np.zeros(len(scores), dtype=bool)
        return tuple(found)

    @cached_property
    def believed(self) -> tuple[tuple[float, Scores], ...]:
        """Those of :attr:`bins`, from the nearest on, whose intervals have enough coverage."""
        return tuple(takewhile(lambda each: each[1].inside(LEVEL).mean() >= BELIEVED, self.bins))

    @property
    def reach(self) -> float | None:
        """The compute, as a multiple of the largest seen, up to which to trust intervals; None where not known."""
        return self.believed[-1][0] if self.believed else None

    @property
    def claim(self) -> str:
        """The coverage of intervals, and how far to trust them, without a full stop."""
        scores = self.laws[self.lead]
        whose = in_words(self.lead)
        held = f"{LEVEL:.0%} intervals of {whose} covered {scores.inside(LEVEL).mean():.0%}, n = {len(scores)}"
        if np.isnan(scores.ratio).all():
            return f"{held}; how far these lie beyond the runs is not known"
        if not self.bins:
            return f"{held}, too few to say how far to trust them (that takes {ENOUGH} at a distance)"
        if not self.believed:
            return f"{held}; do not trust them"
        reach, part = self.believed[-1]
        return f"{held}; trust them up to {multiple(reach)} the compute (n = {len(part)} at the far end)"

    @property
    def verdict(self) -> str:
        """The claim, and a comparison with common practice."""
        rival = self.rivals.get(self.lead)
        if rival is None:
            return f"{self.claim}."
        times = self.laws[self.lead].interval_score(LEVEL).mean() / rival.interval_score(LEVEL).mean()
        return (
            f"{self.claim}. Huber fits with a bootstrap covered {rival.inside(LEVEL).mean():.0%}; the interval score "
            f"is {times:.2g} times theirs (lower is better)."
        )

    @property
    def converged(self) -> bool:
        """Whether the chains of every fit have converged."""
        return not self.unconverged

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        return unconverged_fits(self.unconverged, self.fits)

    def _page(self) -> Page:
        head = ["", *(f"{level:.0%}" for level in LEVELS), f"interval score {LEVEL:.0%}", "CRPS", "log score"]
        rows = [
            [f"{kind}{name}", *_shown(scores)]
            for kind, found in (("", self.laws), ("Huber + bootstrap, ", self.rivals))
            for name, scores in found.items()
        ]
        return [
            f"Coverage of the {self.outcome.replace('_', ' ')} of hidden runs by level"
            f"{f', read off what {listed(self.through)} forecast,' if self.through else ''} and scores (lower is "
            "better, for the log score higher):",
            [head, *rows], f"Coverage by distance: {listed(self._by_ratio())}.", *left_out_words(self.left_out),
            self.verdict, *map(str, self.notes),
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = plain({
            "outcome": self.outcome,
            "laws": {name: scores.as_dict() for name, scores in self.laws.items()},
            "rivals": {name: scores.as_dict() for name, scores in self.rivals.items()},
            "reach": self.reach, "left_out": list(self.left_out), "through": list(self.through),
            "points": self.points(), "fits": self.fits, "unconverged": self.unconverged, "verdict": self.verdict,
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found

    def points(self) -> list[dict[str, Any]]:
        """Every forecast with its outcome, by law."""
        return [
            {
                "law": name, "origin": str(self.origin[i]), "family": str(scores.group[i]) or None,
                "at": {key: float(values[i]) for key, values in self.at.items()},
                "observed": float(scores.observed[i]), "pit": float(scores.pit[i]), "ratio": float(scores.ratio[i]),
                "quantiles": {f"{p:g}": float(q) for p, q in zip(QUANTILES, scores.quantiles[:, i], strict=True)},
            }
            for name, scores in self.laws.items() for i in range(len(scores))
        ]  # fmt: skip

    def _by_ratio(self) -> list[str]:
        found = []
        for low, high, part in self.laws[self.lead].by_ratio():
            reach = f"beyond {low:g}x" if np.isinf(high) else f"to {high:g}x"
            found.append(f"{reach} {part.inside(LEVEL).mean():.0%} of {len(part)}")
        return found


def lead_of(scores: Mapping[str, Scores]) -> str:
    """The subject of a verdict: the average, or the only law."""
    return AVERAGE if AVERAGE in scores else next(iter(scores))


def in_words(lead: str) -> str:
    """The subject of a verdict, within a sentence."""
    return "the average" if lead == AVERAGE else lead


def left_out_words(names: Sequence[str]) -> list[str]:
    """The line on origins that see too few runs, if there are any."""
    return [f"Left out, since they see fewer runs than a law has parameters: {listed(names)}."] if names else []


def unconverged_fits(unconverged: int, fits: int) -> tuple[Note, ...]:
    """The note on fits that have not converged, if there are any."""
    if not unconverged:
        return ()
    return (Note(
        "unconverged-fits", "warning",
        f"{unconverged} of {fits} fits have not converged, so their forecasts are rough.",
        f"Take more {argument('draws')}, or a smaller law.",
    ),)  # fmt: skip


def _shown(scores: Scores) -> list[str]:
    return [
        *(f"{scores.inside(level).mean():.0%}" for level in LEVELS), f"{scores.interval_score(LEVEL).mean():.3g}",
        f"{scores.crps.mean():.3g}", f"{scores.log_score.mean():.3g}",
    ]  # fmt: skip
