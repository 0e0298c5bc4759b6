"""Simulation-based calibration: whether the inference computes the right posteriors.

Parameters are drawn from the priors, and tables of runs from the parameters.  In the fit to each table the true value
is then exchangeable with the draws, so its rank among them is uniform, for parameters and for anything derived from
them (Talts et al. 2018).  The log likelihood is ranked too, because ranks of parameters do not reveal a sampler that
ignores the data (Modrak et al. 2023).  So is the law far beyond the runs, which is what users ask for.

Around a posterior, its own draws replace those of the priors, and each simulated table is added to the fitted runs:
this tests the inference where it was used (Sailynoja et al. 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack

import numpy as np

from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.diagnostics import MOST_UNCONVERGED
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.many import infer_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.values import Random, Values, draw_prior
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.sampler.settings import DRAWS_OF_MANY
from bayeslaw.inference.workplace import Workplace, opened_workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors
from bayeslaw.note import Note
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.runs.table import Runs, RunsLike, read_runs
from bayeslaw.validation.calibration.ranks import FEWEST, LEVEL, LOG_LIKELIHOOD, ranks_of, within_band
from bayeslaw.validation.calibration.simulation import Simulated, simulate, spread_plan
from bayeslaw.words import argument, plain

# Of the histograms in the JSON.
BINS = 20
# Runs per parameter: enough for the coordinates that the sampler uses on tables that are not small (see `suited`).
ROWS_A_PARAMETER = 12


@dataclass(frozen=True)
class Calibration:
    """Ranks of true values among the draws of their fits.

    Attributes
    ----------
    law
        Its name.
    rows
        Runs in each table.
    ranks
        By quantity, between 0 and 1 and uniform if the inference is right: everything sampled, the log likelihood of
        the table, and the forecast (the law beyond the runs); each of shape ``(converged fits,)``.
    unconverged
        The number of fits that have not converged even with more draws and smaller steps.  They are left out, as
        questions refuse them.
    again
        The same with another seed, if a quantity was outside the band the first time.
    """

    law: str
    rows: int
    seed: int
    ranks: Mapping[str, np.ndarray]
    unconverged: int
    again: Calibration | None = None

    @property
    def simulations(self) -> int:
        """The number of tables that were fitted."""
        return len(self.ranks[LOG_LIKELIHOOD]) + self.unconverged

    @property
    def outside(self) -> tuple[str, ...]:
        """The quantities whose ranks leave the 99 % simultaneous band of their distribution function."""
        return tuple(name for name, ranks in self.ranks.items() if not within_band(ranks))

    @property
    def failed(self) -> tuple[str, ...]:
        """The quantities that were outside both times; one in ten thousand is by chance."""
        return () if self.again is None else tuple(name for name in self.outside if name in self.again.outside)

    @property
    def passed(self) -> bool:
        """Whether the calibration found no fault."""
        return not self.failed and self.converged

    @property
    def verdict(self) -> str:
        """One sentence."""
        band, count = f"the {LEVEL:.0%} band", len(self.ranks)
        if not self.converged:
            said = "too many fits have not converged to tell"
        elif self.failed:
            said = f"{listed(self.failed)} left {band} twice: posteriors of '{self.law}' are wrong there"
        elif self.outside:
            said = f"of {count} quantities all but {listed(self.outside)} stay in {band}, and on another seed these too"
        else:
            said = f"all {count} quantities stay in {band}"
        simulated = f"Over {self.simulations} simulations of {self.rows} runs"
        return f"{simulated}, {said}; {self.unconverged} fits did not converge."

    @property
    def converged(self) -> bool:
        """Whether the chains of nearly all fits have converged."""
        return self.unconverged <= MOST_UNCONVERGED * self.simulations

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        if not self.unconverged:
            return ()
        return (Note(
            "unconverged-fits", "info" if self.converged else "serious",
            f"{self.unconverged} of {self.simulations} fits did not converge and are left out.",
            "Ask for more draws (draws=2000) to rank the true values of these tables too.",
        ),)  # fmt: skip

    def _page(self) -> Page:
        return [f"{self.law}: {self.verdict}", *map(str, self.notes)]

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON; histograms of the ranks have twenty bins."""
        found: dict[str, Any] = plain({
            "law": self.law, "passed": self.passed, "verdict": self.verdict, "simulations": self.simulations,
            "rows": self.rows, "seed": self.seed, "level": LEVEL, "unconverged": self.unconverged,
            "outside": list(self.outside), "failed": list(self.failed),
            "quantities": {
                name: np.histogram(ranks, BINS, (0.0, 1.0))[0].tolist() for name, ranks in self.ranks.items()
            },
            "again": None if self.again is None else self.again.as_dict(),
            "notes": [note.as_dict() for note in self.notes], "converged": self.converged,
        })  # fmt: skip
        return found


@dataclass(frozen=True)
class _Trial:
    """The source of simulated tables, and the plan that each is fitted with.

    Attributes
    ----------
    plan
        The plan of the runs whose outcomes are drawn.
    known
        The posterior whose runs every fit sees as well; None without one.
    """

    plan: Plan
    known: Posterior | None = None

    def draw(self, rng: Random, size: int) -> Values:
        """Draws of everything sampled, each of shape ``(size, ...)``."""
        if self.known is None:
            return draw_prior(self.plan, rng, size)
        chosen = rng.integers(self.known.size, size=size)
        return {name: self.known.draws(name)[chosen] for name in self.known.values}

    def fitted(self, outcome: np.ndarray) -> Plan:
        """The plan of a table."""
        if self.known is None:
            return self.plan.with_outcome(outcome)
        return self.known.plan.beside(self.plan.with_outcome(outcome))


def sbc(
    law: Law | str | Posterior,
    runs: RunsLike | None = None,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    simulations: int = 200,
    rows: int | None = None,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Calibration:
    """Calibrate the inference of a law by simulation.

    Parameters
    ----------
    law
        A law or the name of one; or a posterior, around which the inference is then calibrated.
    runs
        A table whose inputs all simulated tables have; without one, `rows` runs spread over the ranges of the law.
    family, pool, priors
        As :func:`bayeslaw.fit` takes them.
    rows
        Runs in each simulated table (default: twelve per parameter).
    simulations
        Tables to draw and to fit.  If quantities leave their band, the calibration is repeated once with as many.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.  By default
        500 draws per chain and, around a posterior, the acceptance rate that it was sampled with.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Raises
    ------
    QuestionError
        When there are too few simulations, the priors hardly give any possible table, or the posterior has not
        converged.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.

    References
    ----------
    Talts et al. (2018), arXiv:1804.06788; Modrak et al. (2023), arXiv:2211.02383; Sailynoja, Burkner & Vehtari (2022),
    arXiv:2103.10522; Sailynoja et al. (2025), arXiv:2502.03279.
    """
    sampling, work = asked_for(sampling, work, fields)
    if simulations < FEWEST:
        raise QuestionError(
            f"{simulations} simulations are too few to show anything; ask for at least {FEWEST} "
            f"({argument('simulations')})."
        )
    sampling = sampling.or_else(draws=DRAWS_OF_MANY)
    start = None
    if isinstance(law, Posterior):
        if any(each is not None for each in (runs, family, pool, priors)):
            raise QuestionError("a posterior has its own runs, families, pooling and priors; leave them out.")
        law.require_runs("calibration")
        law.diagnostics.require()
        start = law.flat.mean(axis=(0, 1))
        sampling = sampling.or_else(target_accept=law.target_accept)
    else:
        law = with_priors(catalogue.find(law), priors)
    trials = _trials(law, None if runs is None else read_runs(runs), family, pool, rows)
    with opened_workplace(work, "calibrating") as place:
        calibrate = partial(_calibrated, trials, simulations, start=start, sampling=sampling, place=place)
        first = calibrate(work.seed)
        if not first.outside:
            return first
        return replace(first, again=calibrate(work.seed + 1))


def _trials(
    subject: Law | Posterior, runs: Runs | None, family: str | None, pool: Mapping[str, str] | None, rows: int | None
) -> Callable[[Random], _Trial]:
    """A function from random numbers, which place the runs if no table does, to a trial."""
    if isinstance(subject, Posterior):
        fixed = _Trial(_unweighted(subject.plan), subject)
    elif runs is not None:
        fixed = _Trial(_unweighted(make_plan(subject, runs, family, pool)))
    else:
        return partial(_spread, subject, rows or ROWS_A_PARAMETER * len(subject.free_parameters))
    return lambda _: fixed


def simulated_tables(law: Law, simulations: int, seed: int = 0) -> list[Plan]:
    """The plans of tables that are drawn from the priors of a law, as :func:`sbc` fits them."""
    return _simulated(_trials(law, None, None, None, None), simulations, seed)[2]


def _simulated(trials: Callable[[Random], _Trial], simulations: int, seed: int) -> tuple[_Trial, Simulated, list[Plan]]:
    rng = np.random.default_rng(seed)
    trial = trials(rng)
    simulated = simulate(trial.plan, trial.draw, simulations, rng)
    return trial, simulated, [trial.fitted(outcome) for outcome in simulated.outcomes]


def _calibrated(
    trials: Callable[[Random], _Trial], simulations: int, seed: int, *, start: np.ndarray | None, sampling: Sampling,
    place: Workplace,
) -> Calibration:  # fmt: skip
    trial, simulated, plans = _simulated(trials, simulations, seed)
    ranked: dict[int, dict[str, float]] = {}
    place.watch.expect(simulations)
    many = infer_many(
        plans, range(simulations), start=start, patient=sampling.patience, **sampling.settings,
        **place.part(simulations),
    )  # fmt: skip
    for i, found in many:
        if found.diagnostics.converged:
            truth = {name: values[i] for name, values in simulated.values.items()}
            # Each has its own random numbers, whatever order they come in.
            ranked[i] = ranks_of(plans[i], found.values, truth, np.random.default_rng((seed, simulations, i)))
    names = next(iter(ranked.values()), {LOG_LIKELIHOOD: 0.0})
    ranks = {name: np.array([ranked[i][name] for i in sorted(ranked)]) for name in names}
    return Calibration(trial.plan.law.name, len(plans[0].outcome), seed, ranks, simulations - len(ranked))


def _spread(law: Law, rows: int, rng: Random) -> _Trial:
    return _Trial(spread_plan(law, rows, rng))


def _unweighted(plan: Plan) -> Plan:
    """A simulated run counts once, whatever the weight of the original run."""
    return replace(plan, runs=plan.runs.with_columns({"weight": np.where(plan.weights > 0, 1.0, 0.0)}))
