"""Many small fits at once: laws left out, back-tests and simulations ask for hundreds of them.

A small fit spends most of its time between its chains: it starts them, waits for the slowest and gathers them, block by
block.  So the chains of several fits are walked by one compiled program, laid over devices as the chains of one fit are
(see ``chains``).  Plans that hide other runs, or hold other outcomes, share that program.

What one program walks is also what an executor hands to a worker (see ``executors``), which walks it in one thread.
Draws come back and are kept here, so that workers need no folder in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import batched
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.executors import done_by
from bayeslaw.inference.fit import posterior_of
from bayeslaw.inference.infer import Choice, choice_for, flat_model, next_choice, prepare
from bayeslaw.inference.model.plan import Plan, Structure
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.sampler.sample import Draws, Stopwatch
from bayeslaw.inference.shards import Kept, Shards

# Fits walked together: enough that no device waits long for another, few enough that some are soon finished.
TOGETHER = 8
# Plans of one structure, their seeds, how many fits their program takes, start, and how they are sampled.
Batch = tuple[list[Plan], list[int], int, np.ndarray | None, Choice]


def infer_many(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    *,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    shards: Shards | None = None,
    executor: Executor | None = None,
    patient: bool = False,
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
    executor
        What samples, in place of this process; its draws are the same.
    patient
        Sample those that have not converged again, as :func:`bayeslaw.inference.infer.next_choice` has it.
    **given
        Settings of all fits; see :class:`bayeslaw.inference.sampler.chains.Settings`.

    Yields
    ------
    tuple
        The position of a plan and its draws, as they come.

    Raises
    ------
    FileError
        When a fit cannot be kept, or one that was cannot be read.
    ExecutorError
        When workers are lost, or cannot do the work.
    """
    left, done = {i: choice_for(plan, **given) for i, plan in enumerate(plans)}, 0
    while left:
        tried, left = dict(sorted(left.items())), {}
        positions = list(tried)
        own = [plans[i] for i in tried], [seeds[i] for i in tried], list(tried.values())
        for at, draws in _sampled(*own, start, shards, executor):
            i = positions[at]
            again = next_choice(plans[i], tried[i], draws.diagnostics, **given) if patient else None
            if again is not None:
                left[i] = again
                continue
            done += 1
            if progress is not None:
                progress(done, len(plans))
            yield i, draws


def _sampled(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    choices: Sequence[Choice],
    start: np.ndarray | None,
    shards: Shards | None,
    executor: Executor | None,
) -> Iterator[tuple[int, Draws]]:
    """The position of each plan and its draws, as they come."""
    groups: dict[tuple[Structure, Choice], list[int]] = {}
    for i, (plan, choice) in enumerate(zip(plans, choices, strict=True)):
        groups.setdefault((plan.structure, choice), []).append(i)
    batches: list[Batch] = []
    members: list[tuple[int, ...]] = []
    paths: dict[int, Path] = {}
    for (_, choice), group in groups.items():
        left = group
        if shards is not None:
            paths |= {i: shards.path(plans[i], choice, seeds[i], start) for i in group}
            left = []
            for i in group:
                if (kept := shards.get(paths[i])) is None:
                    left.append(i)
                    continue
                yield i, _taken_up(plans[i], kept, choice, seeds[i])
        # What a program for several fits saves on a few is less than its compilation costs.  What was kept counts, so
        # that the same program makes the rest.
        size = TOGETHER if len(group) >= TOGETHER else 1
        for batch in batched(left, size):
            members.append(batch)
            batches.append(([plans[i] for i in batch], [seeds[i] for i in batch], size, start, choice))
    for at, found in _here(batches) if executor is None else _elsewhere(executor, batches):
        if shards is not None:
            for i, draws in zip(members[at], found, strict=True):
                shards.put(paths[i], (draws.flat, draws.stats))
        yield from zip(members[at], found, strict=True)


def _here(batches: Sequence[Batch]) -> Iterator[tuple[int, list[Draws]]]:
    """The draws of batches, by this process."""
    for at, batch in enumerate(batches):
        yield at, _together(*batch)


def _elsewhere(executor: Executor, batches: Sequence[Batch]) -> Iterator[tuple[int, list[Draws]]]:
    """The draws of batches, by the workers of an executor."""
    for at, found in done_by(executor, _to_send, batches):
        plans, seeds, _, _, choice = batches[at]
        yield (
            at,
            [_taken_up(plan, kept, choice, seed) for plan, kept, seed in zip(plans, found, seeds, strict=True)],
        )


def _to_send(*batch: *Batch) -> list[Kept]:
    """What a worker gives back: programs stay where they are."""
    return [(draws.flat, draws.stats) for draws in _together(*batch, one_thread=True)]


def _taken_up(plan: Plan, kept: Kept, choice: Choice, seed: int) -> Draws:
    """Draws that were kept, or made elsewhere."""
    with devices.float64():
        model = flat_model(plan.structure)
    return Draws(model, *kept, None, choice.settings, seed, {}, choice.patient)


def fit_many(
    plans: Sequence[Plan],
    *,
    seed: int = 0,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    shards: Shards | None = None,
    executor: Executor | None = None,
    patient: bool = False,
    **given: int | float | None,
) -> list[Posterior]:
    """Fit laws to many tables; see :func:`infer_many`."""
    found = dict(
        infer_many(
            plans, [seed] * len(plans), start=start, progress=progress, shards=shards, executor=executor,
            patient=patient, **given,
        )
    )  # fmt: skip
    target_accept = given.get("target_accept")
    return [posterior_of(plan, found[i], target_accept) for i, plan in enumerate(plans)]


def _together(
    plans: Sequence[Plan],
    seeds: Sequence[int],
    size: int,
    start: np.ndarray | None,
    choice: Choice,
    one_thread: bool = False,
) -> list[Draws]:
    """A few plans of one structure, sampled alike."""
    stopwatch = Stopwatch()
    # BLAS rounds by how many threads it has, which is not the same everywhere.
    with devices.float64(), threadpool_limits(1):
        with stopwatch("trace"):
            data = [jax.tree.map(jnp.asarray, plan.data()) for plan in plans]
            prepared = prepare(plans[0], data[0], choice, size)
        with stopwatch("mode"):
            geometries = [prepared.geometry(each, seed, start) for each, seed in zip(data, seeds, strict=True)]
        with stopwatch("compile"):
            run = prepared.chains.result()
        with stopwatch("sampling"):
            walked = run(geometries, [(each,) for each in data], seeds, None, one_thread)
    seconds = {stage: each / len(plans) for stage, each in stopwatch.seconds.items()}
    return [
        Draws(prepared.model, flat, stats, geometry, choice.settings, seed, seconds, choice.patient)
        for (flat, stats, geometry), seed in zip(walked, seeds, strict=True)
    ]
