"""Learning how laws drift: from public sweeps, and from a user's own earlier ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd

from bayeslaw.ask.drift import OTHER, TAILS, Drift, learned_drifts
from bayeslaw.errors import ConvergenceError, QuestionError, listed
from bayeslaw.fit.chains import Settings
from bayeslaw.fit.runs import Runs, read_runs
from bayeslaw.fit.sample import sample
from bayeslaw.fit.shards import Shards
from bayeslaw.law.law import Law
from bayeslaw.proof.looks import named_laws
from bayeslaw.proof.origins import SEEN
from bayeslaw.proof.slopes import NEAREST, as_table, public_slopes, slopes

# Part of the direction that is believed; the rest is added to the scale.  Sweeps were not drawn at random, and with
# seven of them a direction is as good as it looks only if the next one is like these.  Of 0, .3, .5 and 1 chosen for
# the interval scores of averages and single laws, each sweep foretold from the others.
BELIEVED = 0.5
# The size of slopes in nats of log loss per e-fold of compute.
USUAL = 0.005
# Origins of a sweep share most of their runs, so now and then all of them err together by more than their errors say.
TAILS_OF_ERRORS = 4.0
# With tails this heavy, the scale that has the 95 % interval of a normal one.
REACH = Drift(0.0, 1.0, TAILS).reach
# Laws and sweeps are few, so their spreads are funnels, which are walked in small steps.
SETTINGS = Settings(warmup=1000, draws=2000, target_accept=0.98)
# Spreads mix slowly, and are only averaged over.
LARGEST_RHAT = 1.05


def learn_drift(
    sweeps: Mapping[str, Runs | Any],
    laws: str | Law | Iterable[str | Law],
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    origins: Sequence[float] = SEEN,
    public: bool = True,
    draws: int | None = None,
    seed: int = 0,
    shards: str | Path | None = None,
    executor: Executor | str | None = None,
    told: Callable[[str], None] | None = None,
) -> dict[str, Drift]:
    """Learn from earlier sweeps how far laws go astray beyond the runs.

    Each law is fitted to the cheaper runs of each sweep, and the slope of what it errs by on the dearer ones, against
    the log of compute, joins those of the public sweeps.  A hierarchical model of slopes (laws, sweeps, origins) gives
    the slope on a sweep that none has seen.

    Parameters
    ----------
    sweeps
        Runs, or anything :func:`bayeslaw.read_runs` reads, by the name of the sweep.
    laws
        Laws or names of laws.
    family, pool
        As :func:`bayeslaw.fit` takes them.
    origins
        Shares of the runs that are seen, each an origin to forecast from.
    public
        Learn from the public sweeps too; of a few sweeps of one's own alone little is known.
    draws
        A chain, of the fits.
    seed
        Of the sampler.
    shards
        A folder where finished fits are kept, and taken up when the same are asked for again.
    executor
        As :func:`bayeslaw.backtest` takes it.
    told
        A function that is told what is being done.

    Returns
    -------
    dict
        A drift by law, which :func:`bayeslaw.forecast` and all other questions take as ``drift=``.

    Raises
    ------
    QuestionError
        When no sweeps are given, or one has nothing to say.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to what an origin sees.
    ConvergenceError
        When the model of slopes has not converged.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.
    """
    if not sweeps:
        raise QuestionError("drift is learned from earlier sweeps, one or more; give tables of runs.")
    every, folder = named_laws(laws), None if shards is None else Shards(Path(shards))
    rows: list[dict[str, Any]] = []
    for name, given in sweeps.items():
        if told is not None:
            told(name)
        runs = given if isinstance(given, Runs) else read_runs(given)
        rows += slopes(
            name, runs, every, family, pool, seen=origins, draws=draws, seed=seed, shards=folder, executor=executor,
            tell=told,
        )  # fmt: skip
    own = as_table(rows)
    if not public:
        return drift_from(own)
    # Laws of learning curves drift as they do along those, of which sweeps say nothing.
    return {**learned_drifts(), **drift_from(pd.concat([public_slopes(), own]))}


def drift_from(table: pd.DataFrame) -> dict[str, Drift]:
    """The slope of a law on a sweep that is not in a table of slopes: its direction and scale, by law.

    Slopes differ between laws, between sweeps and, less, between origins; a law that is not in the table has a
    direction like those that are.

    Parameters
    ----------
    table
        Columns as in :data:`bayeslaw.proof.slopes.COLUMNS`; slopes measured over less than an e-fold do not count.

    Raises
    ------
    ConvergenceError
        When the chains disagree.
    """
    table = table[table["distance"] > NEAREST]
    sweep, _ = pd.factorize(table["sweep"])
    law, names = pd.factorize(table["law"])
    # With one origin a sweep, what differs between origins cannot be told from what differs between sweeps.
    several = bool(table.duplicated(["sweep", "law"]).any())

    def model(slope: Any, error: Any) -> None:
        middle = numpyro.sample("middle", dist.Normal(0.0, 2 * USUAL))
        between = numpyro.sample("between", dist.HalfNormal(2 * USUAL))
        direction = middle + between * numpyro.sample("law", dist.Normal(0.0, 1.0).expand([len(names)]))
        log_scale = numpyro.sample("log_scale", dist.Normal(np.log(USUAL), 0.7))
        scale = math.e ** (log_scale + 0.5 * numpyro.sample("law_scale", dist.Normal(0.0, 1.0).expand([len(names)])))
        raw = numpyro.sample("sweep", dist.Normal(0.0, 1.0).expand([sweep.max() + 1, len(names)]))
        origin = numpyro.sample("origin", dist.HalfNormal(2 * USUAL)) if several else 0.0
        at = (direction + scale * raw)[sweep, law]
        numpyro.sample("slope", dist.StudentT(TAILS_OF_ERRORS, at, (origin**2 + error**2) ** 0.5), obs=slope)

    found = sample(model, (table["slope"].to_numpy(), table["error"].to_numpy()), SETTINGS)
    if found.diagnostics.rhat > LARGEST_RHAT:
        raise ConvergenceError(
            f"The drift of {listed(names)} was not learned: {listed(found.diagnostics.complaints)}. Bring more sweeps, "
            f"or learn from the public ones too."
        )
    draws = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.values.items()}
    rng = np.random.default_rng(0)
    size = len(draws["middle"])

    def foretold(offset: np.ndarray, offset_of_scale: np.ndarray) -> Drift:
        direction = draws["middle"] + draws["between"] * offset
        scale = np.hypot(np.exp(draws["log_scale"] + 0.5 * offset_of_scale), draws.get("origin", 0.0))
        slope = direction + scale * rng.standard_normal(size)
        mean, sd = slope.mean(), np.hypot(slope.std(), (1 - BELIEVED) * slope.mean())
        return Drift(round(float(BELIEVED * mean), 5), round(float(sd / REACH), 5))

    by_law = {str(name): foretold(draws["law"][:, i], draws["law_scale"][:, i]) for i, name in enumerate(names)}
    return {**by_law, OTHER: foretold(rng.standard_normal(size), rng.standard_normal(size))}
