"""Whether a table has the groups that a hierarchy needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note, Severity
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.stand_ins import STAND_INS
from bayeslaw.words import argument

# A standard deviation estimated from k groups has a relative error of about 1 / sqrt(2 (k - 1)): 0.4 at four.
FEWEST_GROUPS = 4


def families(design: Design) -> Iterator[Note]:
    """Whether there are enough groups for a hierarchy."""
    names, index = design.groups
    if design.family is None:
        if design.runs.has("family"):
            yield Note(
                "missing-family", "info", "Not every run has a family, so a fit cannot pool over the column family.",
                "Fill it in to pool over it.",
            )  # fmt: skip
        return
    # Problems of a hierarchy do not affect a fit without one.
    lead = "" if design.pooled else f"With {argument('family', design.family)}: "
    severity: Severity = "warning" if design.pooled else "info"
    if design.pooled and design.family == design.outcome_name:
        yield _refused(f"column {design.family} is the outcome, by which runs cannot be grouped")
    if len(names) == 1 and design.pooled:
        yield _refused(f"all runs have {design.family} '{names[0]}', so there is nothing to pool over")
    elif len(names) == 1:
        yield Note(
            "one-group", "info",
            f"All runs have {design.family} '{names[0]}', so there is nothing to pool.",
            "Fit without pooling.",
        )  # fmt: skip
    elif len(names) < FEWEST_GROUPS:
        yield Note(
            "few-groups", severity,
            f"{lead}Column {design.family} has {len(names)} groups, so how far groups differ will be mostly the prior.",
            "Check the spread priors of pooled parameters, or pool completely or not at all.",
        )  # fmt: skip
    for each in STAND_INS:
        if each.word in names:
            yield Note(
                "stand-in", "info",
                f"{lead}{design.family} has a group called '{each}', which a question for '{each}' is then about.",
                f"For {each.meaning} write '{each.beside(names)}'.",
            )  # fmt: skip
    if design.law is not None and len(names) > 1:
        counts = np.bincount(index, minlength=len(names))
        needed = len(design.law.free_parameters)
        thin = [f"{name} ({n})" for name, n in zip(names, counts, strict=True) if n < needed]
        if thin:
            yield Note(
                "thin-family", severity,
                f"{lead}{counted(len(thin), 'group')} of {design.family} {'has' if len(thin) == 1 else 'have'} fewer "
                f"runs than the {needed} parameters of law '{design.law.name}': {listed(thin, 5)}.",
                "Pool partially, so that they borrow from the others; without pooling they would be mostly prior.",
            )  # fmt: skip


def _refused(why: str) -> Note:
    """A note on groups that a fit refuses."""
    return Note("unusable", "serious", f"A fit would stop: {why}.", f"Leave {argument('family')} out.")
