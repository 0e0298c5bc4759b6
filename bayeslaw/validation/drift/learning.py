"""Learning how laws drift: from public sweeps, and from a user's own earlier ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Unpack

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd

from bayeslaw.ask.forecast.drift import OTHERS, TAILS, Drift, learned_drifts
from bayeslaw.errors import ConvergenceError, QuestionError, listed
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.infer import sample
from bayeslaw.inference.sampler.settings import ENOUGH, Settings
from bayeslaw.inference.workplace import opened_workplace
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors_each
from bayeslaw.runs.table import RunsLike, read_runs
from bayeslaw.validation.backtest.ahead import named_laws
from bayeslaw.validation.backtest.origins import SEEN
from bayeslaw.validation.drift.slopes import NEAREST, as_table, public_slopes, slopes

# The part of the direction that is kept; the rest is added to the scale.  Sweeps were not drawn at random, and with
# seven of them a direction is as good as it looks only if the next sweep is like these.  Chosen among 0, .3, .5 and 1
# for the interval scores of averages and single laws, with each sweep forecast from the others.
BELIEVED = 0.5
# The size of slopes: nats of log loss and logits of a score per e-fold of compute, logits of a score per e-fold of
# loss.
USUAL = {"log": 0.005, "logit": 0.1, "logit by loss": 2.0}
# How much the scales of laws, and of collections of tasks, may differ: the standard deviation of their logs.
LAWS_DIFFER, COLLECTIONS_DIFFER = 0.5, 0.7
# Origins of a sweep share most of their runs, so sometimes all of them err together by more than their standard errors.
TAILS_OF_ERRORS = 4.0
# Laws and sweeps are few, so their spreads form funnels, which need small steps: an effective draw takes a thousand.
SETTINGS = Settings(warmup=500, draws=2000, target_accept=0.98, enough=ENOUGH)
# Slopes on a new sweep that are drawn from each draw.  They cost nothing beside it, and drawn once only they would add
# as much to the error of a drift as the draws do.
NEW_SWEEPS = 10
# Spreads mix slowly, and are nuisance parameters.
LARGEST_RHAT = 1.05


def learn_drift(
    sweeps: Mapping[str, RunsLike],
    laws: str | Law | Iterable[str | Law],
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    origins: Sequence[float] = SEEN,
    public: bool = True,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> dict[str, Drift]:
    """Learn from earlier sweeps how far laws drift beyond the runs.

    Each law is fitted to the cheaper runs of each sweep.  The slope of its errors on the more expensive runs, against
    the log of compute, joins the slopes on the public sweeps.  A hierarchical model of slopes (laws, sweeps, origins)
    predicts the slope on a new sweep.

    Parameters
    ----------
    sweeps
        Runs, or anything :func:`bayeslaw.read_runs` reads, by the name of the sweep.
    laws
        Laws or names of laws.
    family, pool, priors
        As :func:`bayeslaw.fit` takes them; of `pool` and `priors` each law takes the parameters that it has.
    origins
        Shares of the runs that are seen, each an origin to forecast from.
    public
        Learn from the public sweeps too; a few sweeps of one's own alone say little.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    dict
        A drift by law, which :func:`bayeslaw.forecast` and all other questions take as ``drift=``.

    Raises
    ------
    QuestionError
        When no sweeps are given, or one says nothing about drift.
    RunsError, LawError, PoolingError
        When a law cannot be fitted to what an origin sees.
    ConvergenceError
        When the model of slopes has not converged.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.
    """
    sampling, work = asked_for(sampling, work, fields)
    if not sweeps:
        raise QuestionError("drift is learned from earlier sweeps, one or more; give tables of runs.")
    every = with_priors_each(named_laws(laws), priors)
    rows: list[dict[str, Any]] = []
    with opened_workplace(work, "learning drift") as place:
        for name, given in sweeps.items():
            place.watch.doing(name)
            rows += slopes(
                name,
                read_runs(given),
                every,
                family,
                pool,
                seen=origins,
                sampling=sampling,
                seed=work.seed,
                place=place,
            )
    own = as_table(rows)
    if not public:
        return drift_from(own)
    # Laws of learning curves keep their learned drift, as sweeps say nothing about it.
    return {**learned_drifts(), **drift_from(pd.concat([public_slopes(), own]))}


def drift_from(table: pd.DataFrame) -> dict[str, Drift]:
    """The slope of a law on a new sweep: its direction and scale, by law.

    Losses, shares, and shares that are read off a loss are learned separately, as their slopes have different units.

    Parameters
    ----------
    table
        Columns as in :data:`bayeslaw.validation.drift.slopes.COLUMNS`; slopes measured over less than
        :data:`~bayeslaw.validation.drift.slopes.NEAREST` are ignored.

    Raises
    ------
    ConvergenceError
        When the chains disagree.
    """
    far = table[table["distance"] > table["link"].map(NEAREST)]
    found: dict[str, Drift] = {}
    for kind, part in far.groupby("link"):
        found |= _of_losses(part) if kind == "log" else _of_scores(part, str(kind))
    return found


def _of_losses(table: pd.DataFrame) -> dict[str, Drift]:
    """Slopes differ between laws, between sweeps and, less, between origins; new laws share the direction of others."""
    sweep, sweeps = pd.factorize(table["sweep"])
    law, names = pd.factorize(table["law"])
    # With one origin per sweep, differences between origins and between sweeps cannot be separated.
    several = bool(table.duplicated(["sweep", "law"]).any())
    draws = _sampled(_model_of_losses(len(sweeps), len(names), several), table, sweep, law)
    rng, size = np.random.default_rng(0), (NEW_SWEEPS, len(draws["middle"]))

    def drift_of(offset: np.ndarray, offset_of_scale: np.ndarray) -> Drift:
        direction = draws["middle"] + draws["between"] * offset
        scale = np.hypot(np.exp(draws["log_scale"] + LAWS_DIFFER * offset_of_scale), draws.get("origin", 0.0))
        return Drift.of(direction + scale * rng.standard_normal(size), BELIEVED)

    by_law = {str(name): drift_of(draws["law"][:, i], draws["law_scale"][:, i]) for i, name in enumerate(names)}
    return {**by_law, OTHERS["log"]: drift_of(rng.standard_normal(size), rng.standard_normal(size))}


@cache
def _model_of_losses(sweeps: int, laws: int, several: bool) -> Callable[..., None]:
    usual = USUAL["log"]

    def model(slope: Any, error: Any, sweep: Any, law: Any) -> None:
        middle = numpyro.sample("middle", dist.Normal(0.0, 2 * usual))
        between = numpyro.sample("between", dist.HalfNormal(2 * usual))
        direction = middle + between * numpyro.sample("law", dist.Normal(0.0, 1.0).expand([laws]))
        log_scale = numpyro.sample("log_scale", dist.Normal(np.log(usual), 0.7))
        law_scale = numpyro.sample("law_scale", dist.Normal(0.0, 1.0).expand([laws]))
        scale = math.e ** (log_scale + LAWS_DIFFER * law_scale)
        raw = numpyro.sample("sweep", dist.Normal(0.0, 1.0).expand([sweeps, laws]))
        origin = numpyro.sample("origin", dist.HalfNormal(2 * usual)) if several else 0.0
        at = (direction[None] + scale[None] * raw)[sweep, law]
        numpyro.sample("slope", dist.StudentT(TAILS_OF_ERRORS, at, (origin**2 + error**2) ** 0.5), obs=slope)

    return model


def _of_scores(table: pd.DataFrame, kind: str) -> dict[str, Drift]:
    """Slopes have heavy tails, no direction, and scales that differ between laws and between collections of tasks.

    Of three collections, one ends above its laws, one far above, and one below: a direction learned from two is wrong
    for the third.  The tails come from abilities that appear late; they say how different the next collection may be.
    """
    collection, collections = pd.factorize(table["sweep"])
    law, names = pd.factorize(table["law"])
    draws = _sampled(_model_of_scores(len(collections), len(names), USUAL[kind]), table, collection, law)
    rng, size = np.random.default_rng(0), (NEW_SWEEPS, len(draws["log_scale"]))

    def drift_of(offset_of_scale: np.ndarray) -> Drift:
        scale = np.exp(draws["log_scale"] + LAWS_DIFFER * offset_of_scale)
        return Drift.of(scale * rng.standard_t(TAILS, size), 0.0)

    by_law = {str(name): drift_of(draws["law_scale"][:, i]) for i, name in enumerate(names)}
    return {**by_law, OTHERS[kind]: drift_of(rng.standard_normal(size))}


@cache
def _model_of_scores(collections: int, laws: int, usual: float) -> Callable[..., None]:
    def model(slope: Any, error: Any, collection: Any, law: Any) -> None:
        log_scale = numpyro.sample("log_scale", dist.Normal(np.log(usual), 0.7))
        law_scale = numpyro.sample("law_scale", dist.Normal(0.0, 1.0).expand([laws]))
        unlike = numpyro.sample("unlike", dist.HalfNormal(COLLECTIONS_DIFFER))
        own = numpyro.sample("collection", dist.Normal(0.0, 1.0).expand([collections]))
        scale = math.e ** (log_scale + LAWS_DIFFER * law_scale[law] + unlike * own[collection])
        numpyro.sample("slope", dist.StudentT(TAILS, 0.0, (scale**2 + error**2) ** 0.5), obs=slope)

    return model


def _sampled(
    model: Callable[..., None], table: pd.DataFrame, sweep: np.ndarray, law: np.ndarray
) -> dict[str, np.ndarray]:
    """Draws of a model of slopes, by site, each of shape ``(size, ...)``.

    Models are kept and take the table as their arguments, so tables of one shape share a compiled program.
    """
    found = sample(model, (table["slope"].to_numpy(), table["error"].to_numpy(), sweep, law), SETTINGS)
    if found.diagnostics.rhat > LARGEST_RHAT:
        raise ConvergenceError(
            f"The drift of {listed(table['law'].unique())} was not learned: {listed(found.diagnostics.complaints)}. "
            f"Bring more sweeps, or learn from the public ones too."
        )
    return {name: values.reshape(-1, *values.shape[2:]) for name, values in found.values.items()}
