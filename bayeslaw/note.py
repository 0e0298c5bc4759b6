"""Notes: what to know before using a table of runs, a fit or an answer, what follows from it, and what to do.

``serious``: an answer will be mostly prior, or plainly wrong.  ``warning``: intervals will be off unless you apply the
remedy.  ``info``: good to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["serious", "warning", "info"]

RANK: Mapping[Severity, int] = {"serious": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Note:
    """One thing to know about a table of runs, a fit or an answer.

    Attributes
    ----------
    code
        A short name that does not change between versions, such as ``collinear``.
    severity
        ``serious``, ``warning`` or ``info``; see the module.
    text
        What was found and what follows from it, in full sentences.
    remedy
        What to do about it, in full sentences.
    """

    code: str
    severity: Severity
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"[{self.severity}: {self.code}] {self.text} {self.remedy}"

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def read_note(record: Mapping[str, Any]) -> Note:
    """A note from its record, as :meth:`Note.as_dict` gives it.

    Raises
    ------
    ValueError, TypeError
        When the record is not a note.
    """
    note = Note(**record)
    if note.severity not in RANK or not all(isinstance(value, str) for value in record.values()):
        raise ValueError(f"{record} is not a note")
    return note


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes without repeats, the most serious first."""
    return tuple(sorted(dict.fromkeys(notes), key=lambda note: RANK[note.severity]))


def by_name(notes: Mapping[str, Iterable[Note]]) -> tuple[Note, ...]:
    """Notes of several laws as one list: a note that all laws share appears once, any other names its law."""
    shared = set[Note].intersection(*(set(each) for each in notes.values())) if notes else set()
    return in_order(
        note if note in shared else replace(note, text=f"{name}: {note.text}")
        for name, each in notes.items()
        for note in each
    )


def serious(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The serious notes, which every later answer repeats."""
    return tuple(note for note in notes if note.severity == "serious")
