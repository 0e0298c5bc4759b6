"""Many small fits at once: left-out runs, back-tests and simulations need hundreds of them.

A small fit spends most of its time between its chains: it starts them, waits for the slowest and gathers them, block by
block.  So one compiled program walks the chains of several fits, laid over devices like the chains of one fit (see
``layout``).  Plans that hide other runs, or hold other outcomes, share that program.

An executor hands the batch of one program to a worker (see ``executors``), which walks it in one thread.  Draws are
returned and kept here, so workers need no common folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import batched
from pathlib import Path

import numpy as np

from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.choice import Choice, choice_for, next_choice
from bayeslaw.inference.executors import done_by
from bayeslaw.inference.infer import fits_of_program, infer_together, taken_up
from bayeslaw.inference.model.plan import Plan, Structure
from bayeslaw.inference.posterior.making import posterior_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.inference.sampler.layout import TOGETHER
from bayeslaw.inference.sampler.pace import Crawl
from bayeslaw.inference.shards import Kept, Shards

# Plans of one structure, their choice, their seeds, the size of their program, and their start.
Batch = tuple[list[Plan], Choice, list[int], int, np.ndarray | None]


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
    """Sample many plans, and yield each as it completes.

    Parameters
    ----------
    plans
        Plans of one structure that are sampled in the same coordinates share a program.
    seeds
        One per plan.  A plan and its seed give the same draws whatever else is sampled in the same program.
    start
        A flat vector near all modes, such as the mean of a fit to all of the runs; without one each mode is searched
        for from the priors, which takes about as long as the sampling.
    progress
        Called with fits done and fits in all.
    shards
        Where finished fits are kept; fits already there are not sampled again.
    executor
        The executor that samples, in place of this process; its draws are the same.
    patient
        Repeat fits that have not converged, as :func:`bayeslaw.inference.choice.next_choice` decides.
    **given
        Settings of all fits; see :class:`bayeslaw.inference.sampler.settings.Settings`.

    Yields
    ------
    tuple
        The position of a plan and its draws, as they come.

    Raises
    ------
    FileError
        When a fit cannot be saved, or a saved one cannot be read.
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
            # A fit that crawls has not converged, and would crawl again.
            patience = patient and draws.crawl is None
            again = next_choice(plans[i], tried[i], draws.diagnostics, **given) if patience else None
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
    for (structure, choice), group in groups.items():
        left = group
        if shards is not None:
            paths |= {i: shards.path(plans[i], choice, seeds[i], start) for i in group}
            left = []
            for i in group:
                if (kept := shards.get(paths[i])) is None:
                    left.append(i)
                    continue
                yield i, taken_up(plans[i], kept, choice, seeds[i])
        # Kept fits count, so that the same program makes the rest.
        fits = fits_of_program(structure, len(group))
        # A few fits are shared out one by one, if there are workers.
        size = fits if executor is None or len(group) >= TOGETHER else 1
        for batch in batched(left, size):
            members.append(batch)
            batches.append(([plans[i] for i in batch], choice, [seeds[i] for i in batch], fits, start))
    for at, found in _here(batches) if executor is None else _elsewhere(executor, batches):
        if shards is not None:
            for i, draws in zip(members[at], found, strict=True):
                shards.put(paths[i], draws)
        yield from zip(members[at], found, strict=True)


def _here(batches: Sequence[Batch]) -> Iterator[tuple[int, list[Draws]]]:
    """The draws of batches, by this process."""
    for at, batch in enumerate(batches):
        yield at, _together(batch)


def _elsewhere(executor: Executor, batches: Sequence[Batch]) -> Iterator[tuple[int, list[Draws]]]:
    """The draws of batches, by the workers of an executor."""
    for at, found in done_by(executor, _to_send, batches):
        plans, choice, seeds, _, _ = batches[at]
        yield (
            at,
            [
                taken_up(plan, kept, choice, seed, crawl)
                for plan, (kept, crawl), seed in zip(plans, found, seeds, strict=True)
            ],
        )


def _to_send(*batch: *Batch) -> list[tuple[Kept, Crawl | None]]:
    """The result of a worker, without its compiled programs."""
    return [((draws.flat, draws.stats), draws.crawl) for draws in _together(batch, one_thread=True)]


def _together(batch: Batch, one_thread: bool = False) -> list[Draws]:
    """The draws of a batch."""
    plans, choice, seeds, fits, start = batch
    return infer_together(plans, choice, seeds, fits=fits, start=start, one_thread=one_thread)


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
