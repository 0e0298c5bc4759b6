"""Words that a question may say in place of a group: ``new`` and ``population``.

A group of that name comes first: with a family that is called "new", ``new`` asks for it.  In brackets, ``(new)`` and
``(population)``, the words keep their meaning.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class StandIn:
    """What stands in for a group, told from any group that has its word as a name."""

    word: str
    meaning: str

    def __str__(self) -> str:
        return self.word

    def beside(self, names: Container[str]) -> str:
        """How to write it where groups have these names."""
        return f"({self.word})" if self.word in names else self.word


# Its deviations are drawn from the population.
NEW = StandIn("new", "one that no run belonged to")
# All deviations are zero.
POPULATION = StandIn("population", "the middle of all")
STAND_INS = (NEW, POPULATION)

Group = str | StandIn


def meant(word: Group, names: Container[str]) -> Group | None:
    """What a word means where groups have these names; None where it means nothing."""
    if isinstance(word, StandIn) or word in names:
        return word
    return next((each for each in STAND_INS if word in (each.word, f"({each.word})")), None)
