"""Words that a question may use in place of a group: ``new`` and ``population``.

A group of that name takes precedence: if a family is called "new", ``new`` asks for it.  In brackets, ``(new)`` and
``(population)``, the words always keep their meaning.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class StandIn:
    """A stand-in for a group, distinct from any group that is called by its word."""

    word: str
    meaning: str

    def __str__(self) -> str:
        return self.word

    def beside(self, names: Container[str]) -> str:
        """How to write it beside groups of these names."""
        return f"({self.word})" if self.word in names else self.word


# Its deviations are drawn from the population.
NEW = StandIn("new", "one that no run belonged to")
# All deviations are zero.
POPULATION = StandIn("population", "the middle of all")
STAND_INS = (NEW, POPULATION)

Group = str | StandIn


def meant(word: Group, names: Container[str]) -> Group | None:
    """The group or stand-in that a word means among groups of these names; None for an unknown word."""
    if isinstance(word, StandIn) or word in names:
        return word
    return next((each for each in STAND_INS if word in (each.word, f"({each.word})")), None)
