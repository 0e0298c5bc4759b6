"""Whether a table has the groups that a hierarchy needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.note import Note, Severity
from bayeslaw.runs.notes.design import Design, counted
from bayeslaw.runs.stand_ins import STAND_INS
from bayeslaw.words import argument, worded

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
    if len(names) == 1:
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


def constants_of_families(design: Design) -> Iterator[Note]:
    """A constant that families still differ about."""
    law = design.law
    if law is None or design.family is None or not design.pooled:
        return
    held = [
        each.name for each in law.parameters.values()
        if each.prior.is_constant and each.pool == "family" and each.name not in design.pool
    ]  # fmt: skip
    if held:
        one = len(held) == 1
        right = worded(
            f"pool={{{', '.join(f'"{name}": "complete"' for name in held)}}}",
            " ".join(f"--pool {name}=complete" for name in held),
        )
        yield Note(
            "constant-middle", "warning",
            f"{listed(held)} {'is a constant, which holds' if one else 'are constants, which hold'} the middle of the "
            f"groups of {design.family} and not each of them.",
            f"To hold {'it' if one else 'them'} in every group give {right}.",
        )  # fmt: skip
