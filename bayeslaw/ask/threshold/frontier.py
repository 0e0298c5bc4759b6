"""The frontier over time: how fast the density of the best networks grows, including the uncertainty of densities.

Densities come from effective sizes, which are only as certain as the fit of the reference.  The law of the frontier is
fitted to the densities under each of several draws of the reference, and the draws of all fits together are the answer
(multiple imputation, Rubin 1987).  The uncertainty of the reference is common to all networks, so noise per network
could not represent it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Unpack

import numpy as np

from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.ask.threshold.effective_size import EffectiveSizes
from bayeslaw.errors import ConvergenceError, QuestionError, listed
from bayeslaw.inference.base.diagnostics import MOST_UNCONVERGED
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.sampler.settings import DRAWS_OF_MANY
from bayeslaw.inference.workplace import opened_workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.note import Note, in_order
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.runs.table import Runs
from bayeslaw.words import plain

# Draws of the reference, for each of which the law is fitted: with 40, the Monte-Carlo error is a sixth of the spread.
IMAGINED = 40
# A regression on fewer record-setters has no meaningful slope.
FEWEST_RECORDS = 3


@dataclass(frozen=True, eq=False)
class Frontier:
    """The posterior of a frontier, including the uncertainty of its reference.

    Attributes
    ----------
    law
        The law of the frontier.
    levels
        Probabilities of the intervals, the headline's first.
    draws
        Draws of its parameters and derived quantities, by name, of all fits together; each of shape ``(size,)``.
    records
        The doubling time by a regression of log density on time over the networks that set a record, as in the paper;
        one per draw of the reference, NaN where there are fewer than three.
    fits, unconverged
        The number of draws of the reference, and of those whose fit did not converge and is left out.
    sizes
        The effective sizes behind the densities.
    """

    law: str
    units: Mapping[str, str]
    levels: tuple[float, ...]
    draws: Mapping[str, np.ndarray]
    records: np.ndarray
    fits: int
    unconverged: int
    sizes: EffectiveSizes

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """The interval of every parameter and derived quantity."""
        return {name: Interval.of(values, self.levels) for name, values in self.draws.items()}

    @property
    def doubling(self) -> Interval:
        """The time in which the density of the frontier doubles."""
        return self.intervals["doubling"]

    @property
    def record_setters(self) -> Interval | None:
        """The same by the regression; None where too few networks set records."""
        known = self.records[np.isfinite(self.records)]
        return Interval.of(known, self.levels) if len(known) else None

    @property
    def level(self) -> float:
        """The probability of the headline's intervals."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains of the reference and nearly all fits have converged; if not, the caller asked anyway."""
        return self.sizes.converged and self.unconverged <= MOST_UNCONVERGED * self.fits

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer, including the notes of the sizes."""
        if not self.unconverged:
            return self.sizes.notes
        few = self.unconverged <= MOST_UNCONVERGED * self.fits
        return in_order((*self.sizes.notes, Note(
            "unconverged-fits", "info" if few else "serious",
            f"{self.unconverged} of {self.fits} fits did not converge{' and are left out' if few else ''}.",
            "Ask for more draws (draws=2000) to have them all.",
        )))  # fmt: skip

    def _page(self) -> Page:
        time = self.units.get("doubling", "")
        rows = [(name, one.words(), self.units.get(name, "")) for name, one in self.intervals.items()]
        if (old := self.record_setters) is not None:
            rows.append(("doubling by record-setters alone", old.words(), time))
        return [
            f"The density of the frontier doubles in {self.doubling.words()}{time and f' {time}s'} (law {self.law}, "
            f"over {self.fits} draws of the reference, {percent(self.level)} interval).",
            [("", "value", "units"), *rows], *map(str, self.notes),
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        old = self.record_setters
        found: dict[str, Any] = plain({
            "law": self.law, "level": self.level,
            "parameters": {name: one.as_dict() for name, one in self.intervals.items()},
            "record_setters": None if old is None else old.as_dict(),
            "fits": self.fits, "unconverged": self.unconverged, "sizes": self.sizes.as_dict(),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


def frontier(
    sizes: EffectiveSizes,
    law: Law | str = "densing",
    level: Level = 0.9,
    *,
    priors: str | Mapping[str, str] | None = None,
    imagined: int = IMAGINED,
    allow_unconverged: bool = False,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Frontier:
    """Find how fast the density of the best networks grows.

    Parameters
    ----------
    sizes
        An answer of :func:`bayeslaw.effective_size`, for networks whose table has the input of the law (for ``densing``
        a column ``day``, in days from 24 February 2023).
    law
        A law of a ``density``, or its name.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    priors
        Priors of the law of the frontier, as for :func:`bayeslaw.fit`.
    imagined
        The number of draws of the reference, for each of which the law is fitted.
    allow_unconverged
        Answer even if more than a tenth of the fits have not converged; the answer then includes them.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.  By
        default 500 draws per chain and fit.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    Frontier
        The doubling time with its interval, and that of record-setters alone.

    Raises
    ------
    QuestionError
        When fewer than two draws of the reference are asked for, or the law is not one of a density that doubles with
        one input.
    RunsError
        When the table lacks an input of the law.
    ConvergenceError
        When more than a tenth of the fits have not converged.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.

    References
    ----------
    Xiao et al. (2024), arXiv:2412.04315; Rubin (1987), Multiple Imputation for Nonresponse in Surveys.
    """
    sampling, work = asked_for(sampling, work, fields)
    levels = levels_of(level)
    asked = with_priors(catalogue.find(law), priors)
    if asked.output.column != "density" or "doubling" not in {**asked.parameters, **asked.derived}:
        raise QuestionError(
            f"law '{asked.name}' predicts {asked.output.column}; a frontier needs a law of a density with a doubling "
            f"time, such as 'densing'."
        )
    if len(asked.free_inputs) != 1:
        raise QuestionError(
            f"law '{asked.name}' reads {listed(asked.free_inputs)}; a frontier needs a law of a density by one input, "
            f"the time, such as 'densing'."
        )
    if imagined < 2:
        raise QuestionError(f"imagined: {imagined} draws of the reference hold no uncertainty; use {IMAGINED} or so.")
    tables = sizes.densities(imagined)
    plans = [make_plan(asked, runs) for runs in tables]
    sampling = sampling.or_else(draws=DRAWS_OF_MANY)
    with opened_workplace(work, "fitting frontiers") as place:
        place.watch.expect(len(plans))
        found = fit_many(
            plans, seed=work.seed, patient=sampling.patience, **sampling.settings, **place.part(len(plans))
        )
    good = [one for one in found if one.diagnostics.converged]
    unconverged = len(found) - len(good)
    if unconverged > MOST_UNCONVERGED * len(found):
        if not allow_unconverged:
            raise ConvergenceError(
                f"{unconverged} of {len(found)} fits of law '{asked.name}' have not converged, so the doubling time is "
                f"not known; ask for more draws, or pass allow_unconverged=True to see it."
            )
        good = found
    values = [one.parameters() for one in good]
    values = [{**each, **asked.derive(each)} for each in values]
    shown = [*asked.free_parameters, *asked.derived]
    (along,) = asked.free_inputs
    return Frontier(
        law=asked.name, units={one.name: one.units for one in asked.parameters.values()}, levels=levels,
        draws={name: np.concatenate([each[name] for each in values]) for name in shown},
        records=np.array([record_setters(runs, asked.inputs[along].column) for runs in tables]),
        fits=len(found), unconverged=unconverged, sizes=sizes,
    )  # fmt: skip


def record_setters(runs: Runs, time: str) -> float:
    """The doubling time of record-setters, by a regression of log density on time.

    NaN where there are fewer than three.  Bounds, which a regression cannot use, are left out.
    """
    known = runs.take(runs.column("bound") == 0)
    when, log_density = known.column(time), np.log(known.column("density"))
    order = np.argsort(when, kind="stable")
    best = np.maximum.accumulate(log_density[order])
    records = order[np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)]
    if len(records) < FEWEST_RECORDS:
        return float(np.nan)
    return float(np.log(2) / np.polyfit(when[records], log_density[records], 1)[0])
