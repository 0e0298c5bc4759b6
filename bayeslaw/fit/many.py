"""Many small fits at once: laws left out, back-tests and simulations ask for hundreds of them.

A small fit spends most of its time between its chains: it starts them, waits for the slowest and gathers them, block by
block.  So the chains of several fits are walked by one compiled program, laid over devices as the chains of one fit are
(see ``chains``).  Plans that hide other runs, or hold other outcomes, share that program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.fit import devices
from bayeslaw.fit.chains import Settings
from bayeslaw.fit.fitting import posterior_of
from bayeslaw.fit.inference import flat_model, kind_of, prepare, settings_for
from bayeslaw.fit.plan import Plan, make_plan
from bayeslaw.fit.posterior import Posterior
from bayeslaw.fit.progress import Progress
from bayeslaw.fit.runs import Runs
from bayeslaw.fit.sample import Draws, Stopwatch
from bayeslaw.fit.shards import Shards
from bayeslaw.law.law import Law

# Fits walked together: enough that no device waits long for another, few enough that some are soon finished.
TOGETHER = 8


def infer_many(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    *,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    shards: Shards | None = None,
    **given: int | float | None,
) -> Iterator[tuple[int, Draws]]:
    """Sample many plans, and give each as soon as it is there.

    Parameters
    ----------
    plans
        Those of one structure whose posteriors suit the same coordinates share a program.
    seeds
        One a plan.  A plan and its seed give the same draws whatever else is sampled in the same program.
    start
        A flat vector near all modes, such as the mean of a fit to all of the runs; without one each mode is sought
        from the priors, which takes about as long as the sampling.
    progress
        Called with fits done and fits in all.
    shards
        Where finished fits are kept; those that are there already are not sampled again.
    **given
        Settings of all fits; see :class:`bayeslaw.Settings`.

    Yields
    ------
    tuple
        The position of a plan and its draws, plans of a kind together.

    Raises
    ------
    FileError
        When a fit cannot be kept, or one that was cannot be read.
    """
    groups: dict[Any, list[int]] = {}
    for i, plan in enumerate(plans):
        groups.setdefault((plan.structure, kind_of(plan)), []).append(i)
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress(done, len(plans))

    for group in groups.values():
        settings, left, paths = settings_for(plans[group[0]], **given), group, {}
        if shards is not None:
            paths = {i: shards.path(plans[i], settings, seeds[i], start) for i in group}
            left = []
            for i in group:
                if (kept := shards.get(paths[i])) is None:
                    left.append(i)
                    continue
                tell(1)
                yield i, _taken_up(plans[i], *kept, settings, seeds[i])
        # What a program for several fits saves on a few is less than its compilation costs.  What was kept counts, so
        # that the same program makes the rest.
        size = TOGETHER if len(group) >= TOGETHER else 1
        for batch in batched(left, size):
            found = _together([plans[i] for i in batch], [seeds[i] for i in batch], size, start, settings)
            if shards is not None:
                for i, draws in zip(batch, found, strict=True):
                    shards.put(paths[i], (draws.flat, draws.stats))
            tell(len(batch))
            yield from zip(batch, found, strict=True)


def _taken_up(plan: Plan, flat: np.ndarray, stats: dict[str, np.ndarray], settings: Settings, seed: int) -> Draws:
    """Draws that were kept."""
    with devices.float64():
        model = flat_model(plan.structure)
    return Draws(model, flat, stats, None, settings, seed, {})


def fit_many(
    law: Law,
    tables: Sequence[Runs],
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    seed: int = 0,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    shards: Shards | None = None,
    **given: int | float | None,
) -> list[Posterior]:
    """Fit a law to many tables; see :func:`bayeslaw.fit` for the rest, and :func:`infer_many`.

    Parameters
    ----------
    tables
        Those that differ in nothing but their outcomes and weights share a program.
    """
    plans = [make_plan(law, runs, family, pool) for runs in tables]
    found = dict(infer_many(plans, [seed] * len(plans), start=start, progress=progress, shards=shards, **given))
    return [posterior_of(plan, pool, found[i], given.get("target_accept")) for i, plan in enumerate(plans)]


def _together(
    plans: Sequence[Plan], seeds: Sequence[int], size: int, start: np.ndarray | None, settings: Settings
) -> list[Draws]:
    """A few plans of one structure in coordinates of one kind."""
    stopwatch = Stopwatch()
    with devices.float64():
        with stopwatch("trace"):
            data = [jax.tree.map(jnp.asarray, plan.data()) for plan in plans]
            prepared = prepare(plans[0], data[0], settings, size)
        with stopwatch("mode"):
            geometries = [prepared.geometry(each, seed, start) for each, seed in zip(data, seeds, strict=True)]
        with stopwatch("compile"):
            run = prepared.chains.result()
        with stopwatch("sampling"):
            walked = run(geometries, [(each,) for each in data], seeds, None)
    seconds = {stage: each / len(plans) for stage, each in stopwatch.seconds.items()}
    return [
        Draws(prepared.model, flat, stats, geometry, settings, seed, seconds)
        for (flat, stats, geometry), seed in zip(walked, seeds, strict=True)
    ]
