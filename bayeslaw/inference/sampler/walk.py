"""Chains of some fits from dispersed starts to draws, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.sampler.growing import Growing, Walked
from bayeslaw.inference.sampler.kernels import Place
from bayeslaw.inference.sampler.pace import Clock, Crawl, Pace, core_seconds
from bayeslaw.inference.sampler.paused import Paused, Stand
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


def walk(
    program: Program,
    coordinates: Sequence[Coordinates],
    args: Sequence[Any],
    seeds: Sequence[int],
    settings: Settings,
    tick: Callable[[int], None],
    one_thread: bool = False,
    clock: Clock = core_seconds,
    paused: Paused | None = None,
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
    paused
        The file of a single fit in which its chains are kept when they are interrupted, and from which they walk on.

    Returns
    -------
    tuple
        The draws of each fit, and the fits that crawl, by position: these were given up, and their draws are NaN.
    """
    layout, total = program.layout, settings.warmup + settings.draws
    rates = layout.put(np.full(layout.size, settings.target_accept))
    fixed = rates, layout.put_fits(coordinates), layout.put_fits(args)
    shares, begins = layout.shares(len(seeds), settings.chains, one_thread), range(0, total, BLOCK)
    places = _begun(program, shares, fixed, seeds)
    growing = [Growing(program.model, constants, settings) for constants in zip(coordinates, args, strict=True)]
    crawls: dict[int, Crawl] = {}
    walking = np.arange(layout.fits) < len(seeds)
    pace = Pace(settings, layout.fits, clock)
    stand = Stand(0, places, growing[0].look) if paused is None else paused.taken_up(places, growing[0])
    if stand.blocks:
        tick(stand.blocks * BLOCK * settings.chains)
    with nullcontext() if paused is None else paused.kept(stand, growing[0]):
        for i in range(stand.blocks, len(begins)):
            done, places = begins[i], list(stand.places)
            leapfrogs, walked = np.zeros(layout.size), np.zeros(layout.size, dtype=bool)
            for s, share in enumerate(shares):
                own = share & walking[layout.fit_of]
                places[s], drawn = program.advance(layout.put(own), places[s], *fixed)
                new = {name: np.asarray(values) for name, values in drawn.items()}
                for fit in np.flatnonzero(walking):
                    rows = np.flatnonzero(own & (layout.fit_of == fit))
                    growing[fit].put(layout.chain_of[rows], done, {name: values[rows] for name, values in new.items()})
                leapfrogs, walked = leapfrogs + own * new["n_steps"].sum(axis=1), walked | own
            tick(min(BLOCK, total - done) * int(walked.sum()))
            slow = pace.crawling(layout.by_fit(walked * leapfrogs), layout.by_fit(walked * BLOCK), len(begins) - i - 1)
            crawls |= slow
            walking[list(slow)] = False
            for fit in np.flatnonzero(walking):
                if growing[fit].enough(done + BLOCK):
                    walking[fit] = False
                    tick(max(total - done - BLOCK, 0) * settings.chains)
            stand.blocks, stand.places, stand.look = i + 1, places, growing[0].look
            if not walking.any():
                break
    found = [each.draws() for each in growing]
    for i in crawls:
        for values in found[i].values():
            if np.issubdtype(values.dtype, np.floating):
                values[:] = np.nan
    return found, crawls


def _begun(program: Program, shares: Sequence[np.ndarray], fixed: tuple[Any, ...], seeds: Sequence[int]) -> list[Place]:
    """The chains of each share at starts where there is density, with potential and slope there."""
    layout = program.layout
    shape = layout.chains, program.model.size
    starts = layout.put_chains([START_SCALE * np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
    keys = layout.put_chains([np.asarray(jax.random.split(jax.random.PRNGKey(seed), layout.chains)) for seed in seeds])
    places = []
    for share in shares:
        for _ in range(TIMES_NEARER):
            begun = program.begin(layout.put(share), keys, starts)
            stood, _ = program.advance(layout.put(share), _standing(begun), *fixed)
            energy, slope = stood.nuts.potential_energy, stood.nuts.z_grad
            place = begun._replace(nuts=begun.nuts._replace(potential_energy=energy, z_grad=slope))
            there = np.column_stack([energy, slope])
            away = share & ~(np.isfinite(there).all(axis=1) & (np.asarray(energy) < UNKNOWN))
            if not away.any():
                break
            starts = layout.put(np.where(away[:, None], 0.5, 1.0) * np.asarray(starts))
        places.append(place)
    return places


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
