"""From plans to draws: trace, mode, compile, sampling.  One fit is a batch of one.

Compiled programs are kept by the shapes they depend on: a second fit of the same shape compiles nothing, and a second
process finds its programs in the compilation cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.program_shapes import Shapes
from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.choice import Choice
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.mode import find_mode
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.exact_runs import refuse_exact_runs
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Plan, Structure
from bayeslaw.inference.model.plan_model import plan_model
from bayeslaw.inference.model.starts import starts_of
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.inference.sampler.layout import TOGETHER
from bayeslaw.inference.sampler.pace import Clock, Crawl, core_seconds
from bayeslaw.inference.sampler.paused import Paused
from bayeslaw.inference.sampler.program import BLOCK, compile_program
from bayeslaw.inference.sampler.settings import Settings, check_seed
from bayeslaw.inference.sampler.walk import walk
from bayeslaw.inference.shards import ARGUMENT, Kept, Shards
from bayeslaw.words import argument

# The mode of any model is searched for from zero and from this many points between -2 and 2, where NumPyro and Stan
# start chains.
STARTS, WITHIN = 8, 2.0


def infer(
    plan: Plan,
    choice: Choice,
    seed: int = 0,
    progress: Progress | None = None,
    clock: Clock = core_seconds,
    shards: Shards | None = None,
) -> Draws:
    """Sample a plan.

    Parameters
    ----------
    progress
        Called with draws done and draws in all, over all chains, warm-up included.
    clock
        The clock that decides whether the fit crawls.
    shards
        Where a finished fit is kept and taken up, and one that is interrupted too.
    """

    def sampled(paused: Paused | None) -> Draws:
        fits = fits_of_program(plan.structure, 1)
        (draws,) = infer_together([plan], choice, [seed], fits=fits, progress=progress, clock=clock, paused=paused)
        return draws

    if shards is None:
        return sampled(None)
    path = shards.path(plan, choice, seed, None)
    if (kept := shards.get(path)) is not None:
        return taken_up(plan, kept, choice, seed)
    draws = sampled(Paused(path.with_suffix(".paused"), argument(ARGUMENT)))
    shards.put(path, draws)
    return draws


def taken_up(plan: Plan, kept: Kept, choice: Choice, seed: int, crawl: Crawl | None = None) -> Draws:
    """Draws that were kept, or made elsewhere."""
    with devices.float64():
        model = plan_model(plan.structure)
    return Draws(model, *kept, None, choice.settings, seed, {}, choice.patient, crawl)


# Up to so many numbers, arguments and a block of draws, a program has room for several fits.
ROOMY = 50_000


def fits_of_program(structure: Structure, count: int) -> int:
    """The number of fits of the program that makes this many of a structure.

    On a CPU a place that no fit takes costs nothing but memory, so one program makes a fit and all later fits to parts
    of its runs.
    """
    devices.start()
    numbers = structure.rows * (3 + len(structure.law.inputs)) + BLOCK * structure.size
    roomy = numbers <= ROOMY and jax.default_backend() == "cpu"
    return TOGETHER if roomy or count >= TOGETHER else 1


def infer_together(
    plans: Sequence[Plan],
    choice: Choice,
    seeds: Sequence[int],
    *,
    fits: int = 1,
    start: np.ndarray | None = None,
    progress: Progress | None = None,
    one_thread: bool = False,
    clock: Clock = core_seconds,
    paused: Paused | None = None,
) -> list[Draws]:
    """Sample a few plans of the same structure by one program; each draw is the same as alone, to the bit.

    Parameters
    ----------
    seeds
        One seed per plan.
    fits
        How many fits the program takes.
    start
        A flat vector near all modes; without one each mode is searched for from the priors.
    one_thread
        Whether one thread does all of it, as beside other workers.
    clock
        The clock that decides whether fits crawl.
    paused
        The file of a single fit that was interrupted, or will be.
    """

    def starts(problem: Problem, seed: int) -> Sequence[np.ndarray]:
        return starts_of(problem.plan, problem.model, seed) if start is None else [start]

    def problems() -> list[Problem]:
        return [Problem.of(plan) for plan in plans]

    return _sampled(
        problems, starts, choice, seeds,
        fits=fits, progress=progress, one_thread=one_thread, clock=clock, paused=paused,
    )  # fmt: skip


def sample(
    model: Callable[..., None],
    args: tuple[Any, ...] = (),
    settings: Settings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Draws:
    """Sample any NumPyro model, in affine coordinates.

    Parameters
    ----------
    model
        A NumPyro model whose latent sites are continuous.
    args
        Its arguments; arrays may be nested in dicts and tuples.
    progress
        Called with draws done and draws in all, over all chains, warm-up included.
    """

    def problems() -> list[Problem]:
        arrays = jax.tree.map(jnp.asarray, args)
        return [Problem(FlatModel.of(model, arrays), arrays)]

    def starts(problem: Problem, seed: int) -> Sequence[np.ndarray]:
        size = problem.model.size
        return [np.zeros(size), *np.random.default_rng(seed).uniform(-WITHIN, WITHIN, (STARTS, size))]

    (draws,) = _sampled(problems, starts, Choice(Affine, settings or Settings()), [seed], fits=1, progress=progress)
    return draws


def mode_of(plan: Plan, seed: int = 0) -> dict[str, Any]:
    """The mode of the posterior density over unbounded coordinates, as values of the sampled sites."""
    check_seed(seed)
    with devices.float64():
        problem = Problem.of(plan)
        starts = starts_of(problem.plan, problem.model, seed)
        mode = find_mode(curvature_of(problem.model, problem.args), starts)
        return {name: v if v.ndim else float(v) for name, v in problem.model.constrain(mode).items()}


def _sampled(
    make: Callable[[], list[Problem]],
    starts: Callable[[Problem, int], Sequence[np.ndarray]],
    choice: Choice,
    seeds: Sequence[int],
    *,
    fits: int,
    progress: Progress | None,
    one_thread: bool = False,
    clock: Clock = core_seconds,
    paused: Paused | None = None,
) -> list[Draws]:
    """The draws of problems of the same shapes."""
    for seed in seeds:
        check_seed(seed)
    stopwatch, settings = _Stopwatch(), choice.settings
    total, done = (settings.warmup + settings.draws) * settings.chains * len(seeds), 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress(done, total)

    with devices.float64(), devices.one_thread():
        with stopwatch("trace"):
            problems = make()
            model, args = problems[0].model, [problem.args for problem in problems]
            template = choice.coordinates.template(problems[0])
            compiling = compile_program(model, Shapes.of(args[0]), Shapes.of(template), settings, fits)
        with stopwatch("mode"):
            made = [
                choice.coordinates.at_mode(problem, starts(problem, seed))
                for problem, seed in zip(problems, seeds, strict=True)
            ]
            for problem, coordinates in zip(problems, made, strict=True):
                refuse_exact_runs(problem, coordinates)
        with stopwatch("compile"):
            program = compiling.result()
        with stopwatch("sampling"):
            walked, crawls = walk(program, made, args, seeds, settings, tick, one_thread, clock, paused)
    seconds = {stage: each / len(seeds) for stage, each in stopwatch.seconds.items()}
    return [
        Draws(model, stats.pop("flat"), stats, coordinates, settings, seed, seconds, choice.patient, crawls.get(i))
        for i, (stats, coordinates, seed) in enumerate(zip(walked, made, seeds, strict=True))
    ]


@dataclass
class _Stopwatch:
    """Wall seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage."""
        begin = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin
