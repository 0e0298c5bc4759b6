"""The results of a back-test of best sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayeslaw.note import Note
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.validation.backtest.report import LEVEL, in_words, lead_of, left_out_words, unconverged_fits
from bayeslaw.validation.backtest.scores import LEVELS, Scores
from bayeslaw.words import plain

# Of regrets, which have one side.
REGRET_LEVEL = 0.9


@dataclass(frozen=True)
class BestSizes:
    """Best sizes at hidden budgets, compared with where the runs of each budget have theirs.

    Attributes
    ----------
    sizes
        Scores of the log of the best size by law, and of the average of several; the standard error of each budget's
        own best size is part of the forecasts.
    regret
        Scores of the loss that the stated size gives up at each budget, where its runs tell.
    chosen
        The stated sizes by law; shape ``(points,)``.
    origin, budget
        The origin and the compute of each point; shape ``(points,)``.
    fits, unconverged
        The number of fits, and of those that have not converged.
    left_out
        The names of origins that see too few runs to fit the laws.
    """

    sizes: Mapping[str, Scores]
    regret: Mapping[str, Scores]
    chosen: Mapping[str, np.ndarray]
    origin: np.ndarray
    budget: np.ndarray
    fits: int
    unconverged: int
    left_out: tuple[str, ...] = ()

    @property
    def lead(self) -> str:
        """The subject of the verdict: the average, or the only law."""
        return lead_of(self.sizes)

    @property
    def verdict(self) -> str:
        """How often intervals held the best size, and what the stated sizes gave up."""
        sizes, regret = self.sizes[self.lead], self.regret[self.lead]
        held = (
            f"{LEVEL:.0%} intervals of the best size of {in_words(self.lead)} covered {sizes.inside(LEVEL).mean():.0%}"
        )
        off = np.exp(np.median(np.abs(np.log(self.chosen[self.lead]) - sizes.observed)))
        given = (
            f"; the stated size gave up {np.median(regret.observed):.2g} in the middle and {regret.observed.max():.2g} "
            f"at most, and {REGRET_LEVEL:.0%} intervals of that covered {regret.inside(REGRET_LEVEL).mean():.0%}"
            if len(regret)
            else ""
        )
        return f"{held} of {len(sizes)} hidden budgets, and half of the stated sizes were within {off:.2f}x{given}."

    @property
    def converged(self) -> bool:
        """Whether the chains of every fit have converged."""
        return not self.unconverged

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        return unconverged_fits(self.unconverged, self.fits)

    def _page(self) -> Page:
        levels = [f"{level:.0%}" for level in LEVELS]
        head = ["", *levels, f"width {LEVEL:.0%}", "error", f"regret {REGRET_LEVEL:.0%}", "given up"]
        return [
            "Coverage of the best size at hidden budgets by level, the width of its interval and the error of the "
            "stated size as factors, the coverage of the regret of that size, and what it gave up (medians):",
            [head, *([name, *self._shown(name)] for name in self.sizes)],
            *left_out_words(self.left_out), self.verdict, *map(str, self.notes),
        ]  # fmt: skip

    def _shown(self, name: str) -> list[str]:
        sizes, regret = self.sizes[name], self.regret[name]
        low, high = sizes.interval(LEVEL)
        off = np.abs(np.log(self.chosen[name]) - sizes.observed)
        lost = [f"{regret.inside(REGRET_LEVEL).mean():.0%}", f"{np.median(regret.observed):.2g}"] if len(regret) else []
        return [
            *(f"{sizes.inside(level).mean():.0%}" for level in LEVELS), f"{np.exp(np.median(high - low)):.2f}x",
            f"{np.exp(np.median(off)):.2f}x",
            *(lost or ["", ""]),
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = plain({
            "sizes": {name: scores.as_dict() for name, scores in self.sizes.items()},
            "regret": {name: scores.as_dict() for name, scores in self.regret.items() if len(scores)},
            "points": self.points(), "left_out": list(self.left_out), "fits": self.fits,
            "unconverged": self.unconverged, "verdict": self.verdict,
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found

    def points(self) -> list[dict[str, Any]]:
        """Every best size that was asked for, with that of the runs, by law."""
        return [
            {
                "law": name, "origin": str(self.origin[i]), "family": str(scores.group[i]) or None,
                "budget": float(self.budget[i]), "times": float(scores.ratio[i]),
                "of_runs": float(np.exp(scores.observed[i])), "stated": float(self.chosen[name][i]),
                "intervals": {
                    f"{level:g}": [float(np.exp(end[i])) for end in scores.interval(level)] for level in LEVELS
                },
            }
            for name, scores in self.sizes.items() for i in range(len(scores))
        ]  # fmt: skip
