"""Which laws suit a table: the first row of one list whose laws find their columns."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import bayeslaw
from bayeslaw.errors import RunsError, listed
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors_each
from bayeslaw.note import Note
from bayeslaw.runs.columns import check_no_chart, check_one_each, offered
from bayeslaw.runs.observations import columns_lacking
from bayeslaw.runs.table import Runs
from bayeslaw.words import argument, worded

AUTO = "auto"
CHOICES = Path(bayeslaw.__file__).parent / "data" / "choices.toml"
# With fewer values a column is a setting of the sweep, and not what it studies.
FEWEST_VALUES = 3
# How many other choices a message names.
NEAREST = 3


@dataclass(frozen=True)
class Choice:
    """Laws for a kind of table.

    Attributes
    ----------
    laws
        Their names; several are averaged.
    because
        What kind of table that is, as words after "since".
    tested
        What the choice rests on.
    varies
        Columns that must have several values.
    priors
        The name of the priors that were tested with them; None for the weak ones of the law files.
    """

    laws: tuple[str, ...]
    because: str
    tested: str
    varies: tuple[str, ...] = ()
    priors: str | None = None

    def with_priors(self, wanted: str | Mapping[str, str] | None = None) -> dict[str, Law]:
        """The laws by name, with priors by name in place of the choice's, or with other priors of single parameters."""
        laws = {name: catalogue.law(name) for name in self.laws}
        if isinstance(wanted, str):
            return with_priors_each(laws, wanted)
        return with_priors_each(with_priors_each(laws, self.priors), wanted or {})

    @property
    def outcome(self) -> str:
        """The column that the laws predict."""
        return catalogue.law(self.laws[0]).output.column

    @property
    def of_score(self) -> bool:
        """Whether that is a share or a count of right answers."""
        return catalogue.law(self.laws[0]).output.likelihood.family.outcome in ("count", "unit")

    def suits(self, runs: Runs) -> bool:
        """Whether a table has what the laws need."""
        return not self.lacking(runs)

    def lacking(self, runs: Runs) -> list[str]:
        """The columns that a table has not, or not in enough values, in words."""
        laws = [catalogue.law(name) for name in self.laws]
        absent = [name for law in laws for name in columns_lacking(runs, law, [law.output.column])]
        constant = [name for name in self.varies if name not in absent and not _varies(runs, name)]
        return list(dict.fromkeys([*absent, *(f"several values of {name}" for name in constant)]))

    def note(self, runs: Runs) -> Note:
        """What was chosen, why, and what would make it another choice."""
        # Those that would come first, were their columns there.
        before = choices()[: choices().index(self)]
        others = [each for each in before if each.outcome == self.outcome]
        nearest = sorted(others, key=lambda each: len(each.lacking(runs)))[:NEAREST]
        more = "; ".join(f"{listed(each.lacking(runs))} would choose {listed(each.laws)}" for each in nearest)
        averaged = " averaged equally," if len(self.laws) > 1 else ""
        option = worded(f"priors={self.priors!r}", f"--priors {self.priors}")
        learned = "" if self.priors is None else f" with the priors of public runs ({option}),"
        return Note(
            "auto", "info",
            f"The laws were chosen by the table: {listed(self.laws)},{averaged}{learned} since {self.because}.",
            f"Tested: {self.tested}. {f'With other columns, {more}; name' if more else 'Name'} a law to have that one.",
        )  # fmt: skip


@cache
def choices() -> tuple[Choice, ...]:
    """All choices, in the order in which they are tried."""
    rows = tomllib.loads(CHOICES.read_text(encoding="utf-8"))["choice"]
    return tuple(
        Choice(tuple(row["laws"]), row["because"], row["tested"], tuple(row.get("varies", ())), row.get("priors"))
        for row in rows
    )


def choose(runs: Runs, outcome: str | None = None) -> Choice:
    """The laws for a table.

    Parameters
    ----------
    outcome
        The column to predict, where a table has several.

    Raises
    ------
    RunsError
        When no law suits, or several columns could be the outcome and none is named.
    """
    if outcome is not None and not runs.has(outcome):
        raise RunsError(f"{runs.source}: there is no column '{outcome}' to predict; it has {listed(runs.names, 12)}.")
    check_no_chart(runs.names, runs.source, "a fit")
    found = [each for each in choices() if each.suits(runs) and outcome in (None, each.outcome)]
    if not found:
        raise RunsError(_nothing(runs, outcome))
    kinds = list(dict.fromkeys(each.outcome for each in found))
    if len(kinds) > 1:
        raise RunsError(
            f"{runs.source}: {listed(kinds)} could each be the outcome; say which is to be predicted, such as "
            f"outcome='{kinds[0]}' (--outcome {kinds[0]})."
        )
    return found[0]


def score_of(runs: Runs) -> str:
    """The score that a table has: a count of right answers, or a share.

    Raises
    ------
    RunsError
        When it has none.
    """
    scores = dict.fromkeys(each.outcome for each in choices() if each.of_score)
    found = next((name for name in scores if runs.has(name)), None)
    if found is None:
        raise RunsError(
            f"{runs.source}: there is no score to predict; expected a column {' or '.join(scores)}, and the "
            f"table has {listed(runs.names, 12)}."
        )
    return found


def _nothing(runs: Runs, outcome: str | None) -> str:
    """Why no law suits, with the nearest ones and what they lack."""
    asked = [each for each in choices() if outcome in (None, each.outcome)]
    near = sorted(asked, key=lambda each: (not runs.has(each.outcome), len(each.lacking(runs))))[:NEAREST]
    check_one_each(near[0].lacking(runs), runs.names, runs.source)
    lacks = "; ".join(f"{each.laws[0]} lacks {listed(each.lacking(runs))}" for each in near)
    which = offered(near[0].lacking(runs), runs.names) or worded("columns={name: column}", "--columns NAME=COLUMN")
    return (
        f"{runs.source}: no law can be chosen for the columns {listed(runs.names, 12)}: {lacks}; name the columns "
        f"({which}), or a law ({argument('law')})."
    )


def _varies(runs: Runs, name: str) -> bool:
    return not runs.is_text(name) and len(np.unique(runs.column(name))) >= FEWEST_VALUES
