"""Whether the outcome is what a law of losses expects: a score rises, a loss falls, and another column may be it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import numpy as np

from bayeslaw.errors import listed
from bayeslaw.language.formula.expression import names
from bayeslaw.note import Note
from bayeslaw.runs.columns import FLOPS, understood
from bayeslaw.runs.headers import PERPLEXITY
from bayeslaw.runs.notes.design import Design, counted, named_rows, usable
from bayeslaw.runs.wording import called
from bayeslaw.words import worded

# Fewer runs rise by chance.
FEWEST = 4
# The rank correlation with compute from which the outcome rises: one run of seven may be out of order.
RISES = 0.9
# By what their names say; a name with "bits" is a multiple of a loss in nats.
BITS = ("bpb", "bpc", "bits_per", "bits per", "bits-per")
SHARE = re.compile(r"(?<![a-z])(err|error|error rate|error_rate|err_rate|wrong)(?![a-z])")
# Standard errors of guessing below which a score is no bad luck.
FAR_BELOW = 4.0
LAWS_OF_SCORES = {
    "emergence_logistic": "right answers n_correct among n_trials, by flops",
    "task_chain": "the same by n_params and n_tokens",
    "downstream_error": "the share of wrong answers error, by loss",
}


def rises(design: Design) -> str | None:
    """The scale with which the outcome rises; None if it does not."""
    y = design.outcome
    if y is None or not design.falls:
        return None
    name, scale = _compute(design)
    keep = np.isfinite(y) & usable(scale)
    if keep.sum() < FEWEST or np.ptp(y[keep]) == 0:
        return None
    ranks = [np.argsort(np.argsort(x[keep], kind="stable")) for x in (scale, y)]
    return name if float(np.corrcoef(ranks[0], ranks[1])[0, 1]) >= RISES else None


def _compute(design: Design) -> tuple[str, np.ndarray]:
    runs = design.runs
    found = {n: runs.column(n) for n in ("flops", "n_params", "n_tokens") if runs.has(n) and not runs.is_text(n)}
    if "flops" not in found and len(found) == 2:
        return "compute", FLOPS * found["n_params"] * found["n_tokens"]
    return next(iter({**found, **design.axes}.items()), ("compute", np.full(len(runs), np.nan)))


def sentence_of(words: str) -> str:
    """Words with a capital at the start."""
    return f"{words[:1].upper()}{words[1:]}"


def score_as_loss(design: Design) -> Iterator[Note]:
    """An outcome that rises with compute, under a law that says it falls."""
    by = rises(design)
    if by is not None:
        laws = "; ".join(f"{name} ({what})" for name, what in LAWS_OF_SCORES.items())
        yield Note(
            "rises-with-scale", "serious",
            f"{sentence_of(called(design.runs, design.outcome_name))} rises with {by} over {len(design.runs)} rows, so "
            f"it looks like a score and is no loss, which falls.",
            f"Take a law of scores: {laws}; or give the loss.",
        )  # fmt: skip


def other_units(design: Design) -> Iterator[Note]:
    """A perplexity or bits a byte in place of nats a token, by the name."""
    own = design.runs.wording.reading(design.outcome_name).own
    if design.outcome is None or not design.falls or "log" in own.lower():
        return
    what = sentence_of(called(design.runs, design.outcome_name))
    if design.law is None and PERPLEXITY.search(own.lower()):
        right = worded(f"columns={{'loss': 'log({own})'}}", f'--columns "loss=log({own})"')
        yield Note(
            "perplexity", "serious", f"{what} is a perplexity by its name, and a loss is its logarithm.",
            f"Read its logarithm with {right}.",
        )  # fmt: skip
    elif any(word in own.lower() for word in BITS) and design.runs.wording.reading(design.outcome_name).unit is None:
        right = worded("units={'loss': 0.6931}", "--units loss=0.6931")
        yield Note(
            "bits", "warning",
            f"{what} is in bits by its name, and is read as nats a token: exponents and best sizes are the same, but "
            f"the floor, its amplitudes and every forecast are in other units than it says.",
            f"Multiply by the logarithm of 2, which gives nats a byte or character: {right}; times the bytes in a "
            f"token of your tokenizer, about 4, it is nats a token.",
        )  # fmt: skip


def other_outcomes(design: Design) -> Iterator[Note]:
    """Columns that could be the outcome as well as the one that was taken, and differ from it."""
    runs, name = design.runs, design.outcome_name
    if design.outcome is None or runs.wording.reading(name).chosen:
        return
    others = [each for each in runs.names if each != name and understood(each) == name and not runs.is_text(each)]
    others = [each for each in others if not np.array_equal(runs.column(each), design.outcome, equal_nan=True)]
    if others:
        taken, first = runs.wording.reading(name).own, others[0]
        options = [worded(f"columns={{'{name}': '{each}'}}", f"--columns {shlex.quote(f'{name}={each}')}")
                   for each in (first, taken)]  # fmt: skip
        yield Note(
            "other-outcomes", "warning",
            f"{listed([*map(repr, others)], 4)} could be the outcome as well as column '{taken}', which is taken: "
            f"training and held-out losses, or those of several texts, have laws of their own.",
            f"Say which it is: {options[0]}, or {options[1]}.",
        )  # fmt: skip


def share_as_loss(design: Design) -> Iterator[Note]:
    """A share of wrong answers under a law of losses, by its name."""
    y, own = design.outcome, design.runs.wording.reading(design.outcome_name).own
    if y is None or not design.falls or not SHARE.search(own.lower()) or not ((y > 0) & (y < 1)).all():
        return
    yield Note(
        "share", "warning",
        f"{sentence_of(called(design.runs, design.outcome_name))} is a share of wrong answers by its name, and the law "
        "is of losses in nats a token: it knows no chance level, and its floor has a prior for losses.",
        "Take law 'downstream_error', which predicts such a share from the loss, or fit counts of right answers "
        "(emergence_logistic, task_chain).",
    )  # fmt: skip


def below_chance(design: Design) -> Iterator[Note]:
    """Scores that guessing alone would beat, where the law knows its share."""
    law, right = design.law, design.outcome
    if (
        law is None
        or right is None
        or "chance" not in law.parameters
        or law.output.likelihood.family.outcome != "count"
    ):
        return
    prior, trials = law.parameters["chance"].prior, law.inputs[next(iter(names(law.output.likelihood.arguments[0])))]
    if not prior.is_constant or not design.runs.has(trials.column):
        return
    asked, guessed = design.runs.column(trials.column), prior.arguments[0]
    below = right < asked * guessed - FAR_BELOW * np.sqrt(asked * guessed * (1 - guessed))
    if not below.any():
        return
    lowest = int(np.argmin(np.where(below, right / asked, np.inf)))
    yield Note(
        "below-chance", "warning",
        f"{counted(int(below.sum()), 'score')} lie{'s' if below.sum() == 1 else ''} below the chance of {guessed:g} by "
        f"more than guessing scatters, the lowest {right[lowest]:g} of {asked[lowest]:g} in "
        f"{named_rows(design, [lowest])}; law '{law.name}' puts none there.",
        "See whether wrong answers were counted, or give the share that is right by guessing on this task "
        f"({worded('law.with_priors(chance="Constant(...)")', '--prior "chance=Constant(...)"')}).",
    )  # fmt: skip
