"""Simulation-based calibration: whether the posteriors of a law are those of its priors and its noise.

Parameters are drawn from the priors and tables of runs from the parameters.  In the fit to each table the true value
is then one more draw: its rank among the draws is uniform, for parameters and for whatever depends on them (Talts et
al. 2018).  The log likelihood is ranked too, since no parameter tells of a sampler that ignores the data (Modrak et
al. 2023), and so is the law far beyond the runs, which is what it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import QuestionError, listed
from bayeslaw.fit.diagnostics import bulk_ess
from bayeslaw.fit.many import infer_many
from bayeslaw.fit.plan import Plan, make_plan
from bayeslaw.fit.pointwise import pointwise_log_likelihood
from bayeslaw.fit.progress import Progress, watched
from bayeslaw.fit.runs import Runs
from bayeslaw.fit.shards import Shards
from bayeslaw.law import catalogue
from bayeslaw.law.latin import latin_hypercube
from bayeslaw.law.law import Law
from bayeslaw.proof.simulation import simulate

LOG_LIKELIHOOD, FORECAST = "log likelihood", "forecast"
# The share of all uniform samples that stays within the band at all of its points.
LEVEL = 0.99
# Samples that the band is found from: its level is then right to a tenth of what it leaves out.
BAND_SAMPLES = 10_000
# A target as far beyond the runs, on the log, as half of what they span.
BEYOND = 0.5
BINS = 20
# Draws a chain; and what a fit is asked for that has not converged, as its user is told to.
DRAWS, PATIENT = 500, {"draws": 1500, "target_accept": 0.99}
# So many runs a parameter are where the sampler takes the coordinates of tables that are not small (see `kind_of`).
ROWS_A_PARAMETER = 12
# Where more fits than this fail, those that do not are no longer what a user gets.
MOST_UNCONVERGED = 0.1


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
        By quantity, between 0 and 1 and uniform where the inference is right: each parameter, the log likelihood of
        the table, and the forecast, the law beyond the runs; each of shape ``(converged fits,)``.
    unconverged
        How many fits have not converged with more draws and shorter steps either.  They are left out, as questions
        refuse them.
    again
        The same with another seed, where a quantity was outside the band the first time.
    """

    law: str
    rows: int
    seed: int
    ranks: Mapping[str, np.ndarray]
    unconverged: int
    again: Calibration | None = None

    @property
    def simulations(self) -> int:
        """How many tables were fitted."""
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
        """Whether nothing speaks against the inference."""
        return not self.failed and self.unconverged <= MOST_UNCONVERGED * self.simulations

    @property
    def verdict(self) -> str:
        """One sentence."""
        band, count = f"the {LEVEL:.0%} band", len(self.ranks)
        if self.unconverged > MOST_UNCONVERGED * self.simulations:
            said = "too many fits have not converged to tell"
        elif self.failed:
            said = f"{listed(self.failed)} left {band} twice: posteriors of '{self.law}' are wrong there"
        elif self.outside:
            said = f"of {count} quantities all but {listed(self.outside)} stay in {band}, and on another seed these too"
        else:
            said = f"all {count} quantities stay in {band}"
        simulated = f"Over {self.simulations} simulations of {self.rows} runs"
        return f"{simulated}, {said}; {self.unconverged} fits did not converge."

    def __str__(self) -> str:
        return f"{self.law}: {self.verdict}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; histograms of the ranks have twenty bins."""
        return {
            "law": self.law, "passed": self.passed, "verdict": self.verdict, "simulations": self.simulations,
            "rows": self.rows, "seed": self.seed, "level": LEVEL, "unconverged": self.unconverged,
            "outside": list(self.outside), "failed": list(self.failed),
            "quantities": {
                name: np.histogram(ranks, BINS, (0.0, 1.0))[0].tolist() for name, ranks in self.ranks.items()
            },
            "again": None if self.again is None else self.again.as_dict(),
        }  # fmt: skip


def sbc(
    law: Law | str,
    runs: Runs | None = None,
    *,
    simulations: int = 200,
    rows: int | None = None,
    seed: int = 0,
    progress: bool | Progress = False,
    shards: str | Path | None = None,
    **settings: Any,
) -> Calibration:
    """Calibrate the inference of a law by simulation.

    Parameters
    ----------
    law
        A law or the name of one.
    runs
        A table whose inputs all simulated tables have; without one, `rows` runs spread over the ranges of the law.
    rows
        Twelve a parameter unless given.
    simulations
        Tables to draw and to fit.  Quantities that leave their band are looked at once more, with as many.
    progress
        Show one progress bar, or call a function with fits done and fits in all.
    shards
        A folder in which finished fits are kept, so that work that was stopped is not done again.
    **settings
        Of NUTS (``draws``, ``warmup``, ``chains``, ``target_accept``); sensible unless given.

    Raises
    ------
    QuestionError
        When there are too few simulations to tell anything, or the priors give hardly any possible table.

    References
    ----------
    Talts et al. (2018), arXiv:1804.06788; Modrak et al. (2023), arXiv:2211.02383; Sailynoja, Burkner & Vehtari (2022),
    arXiv:2103.10522.
    """
    if simulations < BINS:
        raise QuestionError(f"{simulations} simulations tell nothing; ask for at least {BINS} (--simulations).")
    law = catalogue.law(law) if isinstance(law, str) else law
    with watched(progress, "fit", "calibrating") as watch:
        how = {**settings, "progress": watch, "shards": None if shards is None else Shards(Path(shards))}
        first = _calibrated(law, runs, simulations, rows, seed, how)
        if not first.outside:
            return first
        return replace(first, again=_calibrated(law, runs, simulations, rows, seed + 1, how))


def _calibrated(
    law: Law, runs: Runs | None, simulations: int, rows: int | None, seed: int, how: dict[str, Any]
) -> Calibration:
    rng = np.random.default_rng(seed)
    rows = rows or ROWS_A_PARAMETER * len(law.free_parameters)
    inputs = _design(law, rows, rng) if runs is None else runs.inputs(law)
    simulated = simulate(law, inputs, simulations, rng)
    plan, target = _plan(law, inputs, simulated.outcomes[0]), beyond(law, inputs)
    plans = [replace(plan, outcome=outcome) for outcome in simulated.outcomes]
    ranked: dict[int, dict[str, float]] = {}
    for asked in ({"draws": DRAWS} | how, how | PATIENT):
        left = [i for i in range(simulations) if i not in ranked]
        for at, found in infer_many([plans[i] for i in left], left, **asked):
            if found.diagnostics.converged:
                i = left[at]
                truth = {name: values[i] for name, values in simulated.parameters.items()}
                # Each with random numbers of its own, whatever order they come in.
                ranked[i] = ranks_of(plans[i], found.values, truth, target, np.random.default_rng((seed, i)))
    names = (*law.free_parameters, LOG_LIKELIHOOD, FORECAST)
    ranks = {name: np.array([ranked[i][name] for i in sorted(ranked)]) for name in names}
    return Calibration(law.name, len(plan.outcome), seed, ranks, simulations - len(ranked))


def _design(law: Law, rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    inputs = law.with_computed_inputs(latin_hypercube(law, rng, rows))
    return {name: np.asarray(values, dtype=float) for name, values in inputs.items()}


def _plan(law: Law, inputs: Mapping[str, np.ndarray], outcome: np.ndarray) -> Plan:
    """A plan of one family, from inputs alone."""
    columns = {law.inputs[name].column: values for name, values in inputs.items()}
    return make_plan(law, Runs.from_arrays({**columns, law.output.column: outcome}, f"simulated {law.name}"))


def beyond(law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A point beyond the runs in every input, each of shape ``(1,)``."""
    needed = {*law.free_inputs, *law.noise_inputs}
    return law.with_computed_inputs({name: _further(inputs[name]) for name in inputs if name in needed})


def _further(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    return np.array([high * (high / low) ** BEYOND if low > 0 else high + BEYOND * (high - low)])


def ranks_of(
    plan: Plan,
    values: Mapping[str, np.ndarray],
    truth: Mapping[str, float],
    target: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Where the true value of each quantity stands among its draws, between 0 and 1.

    Draws are thinned to as many as they are worth, and ties are drawn lots for: as they are, both would look like
    errors of the inference.

    Parameters
    ----------
    values
        Draws by parameter, each of shape ``(chains, draws)``.
    target
        By input, the point of the forecast; each of shape ``(1,)``.
    """
    true = _quantities(plan, {name: np.full((1, 1), truth[name]) for name in values}, target)
    drawn = _quantities(plan, values, target)
    stacked = np.stack(list(drawn.values()), axis=-1)
    with np.errstate(all="ignore"):
        worth = float(np.nanmin(bulk_ess(stacked)))
    size = stacked.shape[0] * stacked.shape[1]
    kept = stacked.reshape(size, -1)[:: max(1, int(np.ceil(size / max(worth, 1.0))))]
    at = np.array([each.item() for each in true.values()])
    below, equal = (kept < at).sum(axis=0), (kept == at).sum(axis=0)
    found = (below + rng.uniform(size=len(at)) * (equal + 1)) / (len(kept) + 1)
    return dict(zip(drawn, found.tolist(), strict=True))


def _quantities(
    plan: Plan, values: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Everything that is ranked, each of the shape of the values."""
    law = plan.law
    shape = next(iter(values.values())).shape
    constants = {n: p.prior.arguments[0] for n, p in law.parameters.items() if p.prior.is_constant}
    forecast = np.asarray(law.mean(target, {**constants, **values}), dtype=float)
    return {
        **{name: values[name] for name in law.free_parameters},
        LOG_LIKELIHOOD: pointwise_log_likelihood(plan, values).sum(axis=-1),
        FORECAST: np.broadcast_to(forecast, shape),
    }


def within_band(ranks: np.ndarray) -> bool:
    """Whether the distribution function of some ranks stays within its simultaneous band."""
    from arviz_stats.ecdf_utils import compute_ecdf

    if len(ranks) < BINS:
        return True  # too few to leave any band
    points, low, high = _band(len(ranks))
    found = compute_ecdf(ranks, points)
    # Both are counts over the number of ranks, so that only rounding can tell equal ones apart.
    return bool(((found >= low - 1e-9) & (found <= high + 1e-9)).all())


@lru_cache(maxsize=64)
def _band(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points and the band at them, for so many ranks."""
    from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

    points = np.arange(1, count) / count
    pointwise = simulate_confidence_bands(count, 1, points, LEVEL, BAND_SAMPLES, np.random.default_rng(0))
    return points, *get_pointwise_confidence_band(pointwise, count, points)
