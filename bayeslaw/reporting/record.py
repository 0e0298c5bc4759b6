"""The answer: a page as one file, and what it says in short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bayeslaw.ask.forecast.forecast import Forecast
from bayeslaw.inference.base import atomic_files
from bayeslaw.note import Note
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.reporting.card import Check
from bayeslaw.words import plain


@dataclass(frozen=True, eq=False)
class Report:
    """A report on one planned run.

    Attributes
    ----------
    verdict
        The answer in one paragraph.
    card
        Pass, look or fail on what it rests on, with a sentence each.
    forecast
        The forecast of the run, in which its draws are.
    html
        The page: one file that needs nothing else, and no network.
    answers
        The other answers on it, by the name of the question, as each gives them for JSON.
    notes
        What limits the answer.
    """

    verdict: str
    card: tuple[Check, ...]
    forecast: Forecast
    html: str = field(repr=False)
    answers: Mapping[str, Any] = field(repr=False)
    notes: tuple[Note, ...]

    @property
    def converged(self) -> bool:
        """Whether the chains have converged; if not, the caller asked anyway."""
        return self.forecast.converged

    def save(self, path: str | Path) -> Path:
        """Write the page; an existing file is replaced only when all is written.

        Raises
        ------
        FileError
            When it cannot be written.
        """
        atomic_files.write(Path(path), self.html.encode())
        return Path(path)

    def _page(self) -> Page:
        rows = [["", "", "checked"], *([each.state, each.name, each.text] for each in self.card)]
        return [self.verdict, rows, *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the page itself is not part of it."""
        found: dict[str, Any] = plain({
            "verdict": self.verdict, "card": [each.as_dict() for each in self.card],
            "forecast": self.forecast.as_dict(), **self.answers,
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found
