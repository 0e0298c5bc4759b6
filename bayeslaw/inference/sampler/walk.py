"""Chains of some fits from dispersed starts to draws, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base.batched import in_chunks
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Place
from bayeslaw.inference.sampler.pace import Clock, Crawl, Pace, core_seconds
from bayeslaw.inference.sampler.program import BLOCK, Program
from bayeslaw.inference.sampler.settings import Settings

if TYPE_CHECKING:
    from bayeslaw.inference.coordinates.protocol import Coordinates

# In whitened coordinates the posterior has scale 1, so chains that start at scale 1.5 are over-dispersed.
START_SCALE = 1.5
# A chain that starts where there is no density would stay there for ever; this many times its start is moved half-way
# to the mode.
TIMES_NEARER = 5

# The potential of a place that nothing is known of: any other is lower, so the first proposal is accepted.
UNKNOWN = 1e300

# Draws of a fit after warm-up by name, each of shape ``(chains, draws, ...)``.
Walked = dict[str, np.ndarray]


def walk(
    program: Program,
    coordinates: Sequence[Coordinates],
    args: Sequence[Any],
    seeds: Sequence[int],
    settings: Settings,
    tick: Callable[[int], None],
    one_thread: bool = False,
    clock: Clock = core_seconds,
) -> tuple[list[Walked], dict[int, Crawl]]:
    """Walk the chains of some fits.

    Parameters
    ----------
    coordinates, args, seeds
        One per fit.
    tick
        Called with the number of new draws, over all chains, including warm-up.
    one_thread
        Whether one thread does all of it, as beside other workers.
    clock
        The clock that decides whether fits crawl.

    Returns
    -------
    tuple
        The draws of each fit, and the fits that crawl, by position: these were given up, and their draws are NaN.
    """
    layout, total = program.layout, settings.warmup + settings.draws
    rates = layout.put(np.full(layout.size, settings.target_accept))
    fixed = rates, layout.put_fits(coordinates), layout.put_fits(args)
    shape = layout.chains, program.model.size
    starts = layout.put_chains([START_SCALE * np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
    keys = layout.put_chains([np.asarray(jax.random.split(jax.random.PRNGKey(seed), layout.chains)) for seed in seeds])
    kept: Walked = {}
    crawls: dict[int, Crawl] = {}
    shares, begins = layout.shares(len(seeds), settings.chains, one_thread), range(0, total, BLOCK)
    pace = Pace(settings, layout.fits, clock)
    for turn, share in enumerate(shares):
        walked = share.walked & ~np.isin(layout.fit_of, list(crawls))
        for _ in range(TIMES_NEARER):
            begun = program.begin(layout.put(walked), keys, starts)
            stood, _ = program.advance(layout.put(walked), _standing(begun), *fixed)
            energy, slope = stood.nuts.potential_energy, stood.nuts.z_grad
            now = begun._replace(nuts=begun.nuts._replace(potential_energy=energy, z_grad=slope))
            there = np.column_stack([energy, slope])
            away = walked & ~(np.isfinite(there).all(axis=1) & (np.asarray(energy) < UNKNOWN))
            if not away.any():
                break
            starts = layout.put(np.where(away[:, None], 0.5, 1.0) * np.asarray(starts))
        for i, done in enumerate(begins):
            now, drawn = program.advance(layout.put(walked), now, *fixed)
            new = {name: np.asarray(values)[share.rows] for name, values in drawn.items()}
            if not kept:
                long = layout.size, len(begins) * BLOCK
                kept = {name: np.zeros((*long, *values.shape[2:]), values.dtype) for name, values in new.items()}
            for name, values in new.items():
                kept[name][share.rows, done : done + BLOCK] = values
            tick(min(BLOCK, total - done) * int(walked.sum()))
            leapfrogs = np.zeros(layout.size)
            leapfrogs[share.rows] = new["n_steps"].sum(axis=1)
            left = len(begins) - i - 1 + (len(shares) - turn - 1) * len(begins)
            slow = pace.crawling(layout.by_fit(walked * leapfrogs), layout.by_fit(walked * BLOCK), left)
            if slow:
                crawls |= slow
                walked = walked & ~np.isin(layout.fit_of, list(crawls))
            if not walked.any():
                break
    own = [np.flatnonzero((layout.fit_of == i) & (layout.chain_of < settings.chains)) for i in range(len(seeds))]
    found = [
        _unfolded(
            program.model,
            {name: values[own[i]][:, settings.warmup : total] for name, values in kept.items()},
            (coordinates[i], args[i]),
        )
        for i in range(len(seeds))
    ]
    for i in crawls:
        for values in found[i].values():
            if np.issubdtype(values.dtype, np.floating):
                values[:] = np.nan
    return found, crawls


def _standing(place: Place) -> Place:
    """The chains without momentum, with steps of length 0: advanced, they learn potential and slope where they are.

    A program for that alone would hold the gradient once more, and take a third of the time to compile.
    """
    nuts = place.nuts
    still = nuts.adapt_state._replace(
        step_size=jnp.zeros_like(nuts.adapt_state.step_size),
        mass_matrix_sqrt=jnp.zeros_like(nuts.adapt_state.mass_matrix_sqrt),
    )
    unknown = {"potential_energy": jnp.full_like(nuts.potential_energy, UNKNOWN), "z_grad": jnp.zeros_like(nuts.z_grad)}
    # Beyond any warm-up, which would adapt the step.
    return place._replace(nuts=nuts._replace(i=jnp.full_like(nuts.i, 2**30), adapt_state=still, **unknown))


def _unfolded(model: FlatModel, walked: Walked, constants: tuple[Coordinates, Any]) -> Walked:
    """The draws as flat vectors with the log density there, instead of points of the ball and potentials there."""
    z, potential = walked.pop("z"), walked.pop("potential")
    flat, log_det = in_chunks(_forward(model), z.reshape(-1, z.shape[-1]), constants, hasty=True)
    return {"flat": flat.reshape(*z.shape[:2], -1), "lp": -(potential + log_det.reshape(potential.shape)), **walked}


@lru_cache(maxsize=PROGRAMS_KEPT)
def _forward(model: FlatModel) -> Callable[[Any, Any], Any]:
    def forward(z: Any, constants: tuple[Coordinates, Any]) -> Any:
        coordinates, args = constants
        return coordinates.forward(z, model, args)

    return forward
