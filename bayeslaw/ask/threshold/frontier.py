"""The frontier over time: how fast the densest networks grow denser, the doubt about densities included.

Densities come from effective sizes, which a reference knows no better than its own fit.  The law of the frontier is
fitted to the densities under each of some draws of the reference, and the draws of all fits together are the answer
(multiple imputation, Rubin 1987): a doubt of the reference is common to all networks, and no noise a network holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Unpack

import numpy as np

from bayeslaw.ask.forecast.forecast import Interval, check_level, percent
from bayeslaw.ask.threshold.effective_size import EffectiveSizes
from bayeslaw.errors import ConvergenceError, QuestionError, listed
from bayeslaw.inference.base.diagnostics import MOST_UNCONVERGED
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.workplace import opened_workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.runs.table import Runs

# Draws of the reference for each of which the law is fitted: the doubt about quantiles of 40 is a sixth of their own.
IMAGINED = 40
# A chain of each; together they are many.
DRAWS = 500
# A regression on fewer record-setters has no slope to speak of.
FEWEST_RECORDS = 3


@dataclass(frozen=True, eq=False)
class Frontier:
    """The posterior of a frontier over the doubt of its reference too.

    Attributes
    ----------
    law
        Of the frontier.
    draws
        Of its parameters and what is derived of them, by name, of all fits together; each of shape ``(size,)``.
    records
        The doubling time by a regression of the log of the density on time, of those networks that are denser than all
        before, as in the paper; a draw of the reference each, NaN where there are fewer than three.
    fits, unconverged
        How many draws of the reference were asked for, and for how many of them the fit did not converge and is left
        out.
    sizes
        What the densities come from.
    """

    law: str
    units: Mapping[str, str]
    level: float
    draws: Mapping[str, np.ndarray]
    records: np.ndarray
    fits: int
    unconverged: int
    sizes: EffectiveSizes

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Of every parameter and derived quantity."""
        return {name: Interval.of(values, self.level) for name, values in self.draws.items()}

    @property
    def doubling(self) -> Interval:
        """The time in which the density of the frontier doubles."""
        return self.intervals["doubling"]

    @property
    def record_setters(self) -> Interval | None:
        """The same by the regression; None where too few networks set records."""
        known = self.records[np.isfinite(self.records)]
        return Interval.of(known, self.level) if len(known) else None

    @property
    def flags(self) -> tuple[str, ...]:
        """What to know before the answer is used, in sentences."""
        floor, ceiling = (int(np.sum(share > 0.5)) for share in (self.sizes.at_floor, self.sizes.at_ceiling))
        said = []
        if floor or ceiling:
            said.append(
                f"of {len(self.sizes)} scores {floor} are at the floor of the reference and {ceiling} at its ceiling; "
                f"they count as bounds"
            )
        if self.unconverged:
            said.append(f"{self.unconverged} of {self.fits} fits did not converge and are left out")
        return tuple(said)

    def __str__(self) -> str:
        lines = [f"law {self.law}, over {self.fits} draws of the reference; {percent(self.level)}% intervals"]
        for name, one in self.intervals.items():
            unit = self.units.get(name, "")
            lines.append(f"  {name} = {one.median:.4g} {unit}".rstrip() + f"  [{one.lower:.4g}, {one.upper:.4g}]")
        if (old := self.record_setters) is not None:
            lines.append(f"  doubling by record-setters alone = {old.median:.4g}  [{old.lower:.4g}, {old.upper:.4g}]")
        return "\n".join([*lines, *(f"  {flag[0].upper()}{flag[1:]}." for flag in self.flags)])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        old = self.record_setters
        return {
            "law": self.law, "level": self.level,
            "parameters": {name: one.as_dict() for name, one in self.intervals.items()},
            "record_setters": None if old is None else old.as_dict(),
            "fits": self.fits, "unconverged": self.unconverged, "flags": list(self.flags),
            "sizes": self.sizes.as_dict(),
        }  # fmt: skip


def frontier(
    sizes: EffectiveSizes,
    law: Law | str = "densing",
    level: float = 0.9,
    *,
    priors: str | Mapping[str, str] | None = None,
    imagined: int = IMAGINED,
    allow_unconverged: bool = False,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Frontier:
    """How fast the densest networks grow denser.

    Parameters
    ----------
    sizes
        What :func:`bayeslaw.effective_size` found, of networks whose table has the input of the law (a column ``day``
        for ``densing``, days from 24 February 2023).
    law
        Of a ``density``, or its name.
    level
        Probability of the central intervals.
    priors
        Of the law of the frontier, as :func:`bayeslaw.fit` takes them.
    imagined
        Draws of the reference, for each of which the law is fitted.
    allow_unconverged
        Answer even where more than a tenth of the fits have not converged; they are in the answer then.
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
    check_level(level)
    asked = with_priors(catalogue.find(law), priors)
    if asked.output.column != "density" or "doubling" not in {**asked.parameters, **asked.derived}:
        raise QuestionError(
            f"law '{asked.name}' predicts {asked.output.column}; a frontier wants a law of a density with a doubling "
            f"time, such as 'densing'."
        )
    if len(asked.free_inputs) != 1:
        raise QuestionError(
            f"law '{asked.name}' reads {listed(asked.free_inputs)}; a frontier wants a law of a density by one input, "
            f"the time, such as 'densing'."
        )
    if imagined < 2:
        raise QuestionError(f"imagined: {imagined} draws of the reference hold no doubt; ask for {IMAGINED} or so.")
    tables = sizes.densities(imagined)
    plans = [make_plan(asked, runs) for runs in tables]
    sampling = sampling.or_else(draws=DRAWS)
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
        law=asked.name, units={one.name: one.units for one in asked.parameters.values()}, level=level,
        draws={name: np.concatenate([each[name] for each in values]) for name in shown},
        records=np.array([record_setters(runs, asked.inputs[along].column) for runs in tables]),
        fits=len(found), unconverged=unconverged, sizes=sizes,
    )  # fmt: skip


def record_setters(runs: Runs, time: str) -> float:
    """The doubling time of those that are denser than all before them, by a regression of the log of density on time.

    Not a number where they are fewer than three.  Bounds, which no regression knows, are left out.
    """
    known = runs.take(runs.column("bound") == 0)
    when, log_density = known.column(time), np.log(known.column("density"))
    order = np.argsort(when, kind="stable")
    best = np.maximum.accumulate(log_density[order])
    records = order[np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)]
    if len(records) < FEWEST_RECORDS:
        return float(np.nan)
    return float(np.log(2) / np.polyfit(when[records], log_density[records], 1)[0])
