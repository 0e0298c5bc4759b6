"""All chains, of one fit or of many, as one compiled program that advances them by a block of draws.

The program depends on shapes alone: model arguments, geometry, seeds and states are its arguments.  Chains are laid
over devices with ``shard_map``, so that each device walks its own trajectories without waiting for the others.  A chain
brings the arguments of its own fit, so chains of many fits are no different from those of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from threadpoolctl import threadpool_limits

from bayeslaw.errors import InputError
from bayeslaw.inference.base import devices
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.coordinates.geometry import Geometry, rewhitened, with_pilot
from bayeslaw.inference.coordinates.transports import JUMPED, transported
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Jumping, Nuts

# The most draws between two looks at the clock: a tenth of a second for usual models, and few enough dispatches.
BLOCK = 100
# In whitened coordinates the posterior has scale 1, so chains that start at scale 1.5 are over-dispersed.
START_SCALE = 1.5
# A chain that starts where there is no density would stay there for ever: so many times it is put half-way nearer to
# the mode.
TIMES_NEARER = 5
# The pilot's random numbers are its own.
PILOT_SEED = 1_000_003


@dataclass(frozen=True)
class Settings:
    """How long and how carefully to sample.

    Attributes
    ----------
    warmup, draws, chains
        Counts, a chain for the first two.
    target_accept
        The acceptance rate the step size is tuned to.
    pilot
        Draws a chain of a first run from whose covariance the coordinates are whitened once more; 0 for none.
    """

    draws: int = 1000
    warmup: int = 500
    chains: int = devices.CHAINS
    target_accept: float = 0.93
    pilot: int = 0
    max_tree_depth: int = 10

    def __post_init__(self) -> None:
        # Diagnostics compare the halves of chains, whose variance takes two draws.
        for name, least in {"draws": 4, "warmup": 1, "chains": 1}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise InputError(f"{name} is {value!r}; expected a whole number from {least}.")
        if not 0.0 < self.target_accept < 1.0:
            raise InputError(f"target_accept is {self.target_accept!r}; expected a rate between 0 and 1, such as 0.95.")


def check_seed(seed: Any) -> None:
    """Refuse a seed that random numbers cannot start from.

    Raises
    ------
    InputError
        When it is not a whole number from 0.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0.")


# Flat draws of a fit, what the sampler says of them, and the geometry they were sampled in.
Walked = tuple[np.ndarray, dict[str, np.ndarray], Geometry]
# From geometries, model arguments and seeds, one a fit, to what each fit gives; and whether by one thread alone.
Chains = Callable[[Sequence[Geometry], Sequence[Any], Sequence[int], Progress | None, bool], list[Walked]]

# Calls of the progress with draws that are new.
Tick = Callable[[int], None]

_compilers = ThreadPoolExecutor(2, thread_name_prefix="compile")


class Programs(NamedTuple):
    """The compiled steps of chains: from keys and starts to states, and from states by a block of draws."""

    begin: Callable[..., Any]
    advance: Callable[..., Any]


@lru_cache(maxsize=PROGRAMS_KEPT)
def compile_chains(
    model: FlatModel, args: Shapes, geometry: Shapes, kind: str, settings: Settings, fits: int = 1
) -> Future[Chains]:
    """Trace the program here (NumPyro's stack of handlers is global) and compile it in a second thread.

    Parameters
    ----------
    fits
        How many fits it takes at most; those that are not there cost nothing on a CPU.
    """
    # Chain by chain, and in each fit by fit: the chains of a few fits then fall on different devices.
    walkers = settings.chains * fits
    total = settings.warmup + settings.draws
    block = math.ceil(total / math.ceil(total / BLOCK))

    def density(z: Any, arrays: Any, args: Any) -> Any:
        x, log_det = transported(kind, z, arrays, model, args)
        return model.potential(x, args) - log_det

    # NumPyro differentiates its potential wherever it uses it; so it is given the gradient that was traced once.
    with_slope = jax.jit(jax.value_and_grad(density))

    @jax.custom_vjp
    def potential(z: Any, arrays: Any, args: Any) -> Any:
        return with_slope(z, arrays, args)[0]

    potential.defvjp(with_slope, lambda slope, weight: (weight * slope, None, None))

    def kernel(arrays: Any, args: Any) -> Nuts:
        return (Jumping if kind in JUMPED else Nuts)(
            lambda z: potential(z, arrays, args),
            settings.warmup,
            target_accept_prob=settings.target_accept,
            max_tree_depth=settings.max_tree_depth,
        )

    def begin(rng: Any, start: Any, arrays: Any, args: Any) -> Any:
        return kernel(arrays, args).init(rng, start)

    def advance(place: Any, arrays: Any, args: Any) -> Any:
        moving = kernel(arrays, args)

        def draw(place: Any, _: Any) -> Any:
            place = moving.sample(place)
            x, log_det = transported(kind, place.z, arrays, model, args)
            state = place.nuts
            kept = {
                "flat": x, "z": place.z, "lp": -(state.potential_energy + log_det), "energy": state.energy,
                "diverging": state.diverging, "n_steps": state.num_steps, "acceptance_rate": state.accept_prob,
            }  # fmt: skip
            return place, kept

        return jax.lax.scan(draw, place, None, length=block)

    def by_device(step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of one chain as that of the chains of one device; nothing is done for fits that are not there."""

        def steps(active: Any, *each: Any) -> Any:
            if jax.default_backend() != "cpu":
                return jax.vmap(step)(*each)
            # Vectorised control flow computes both branches and every chain's longest trajectory: on a CPU, one by one.
            nothing = jax.eval_shape(step, *jax.tree.map(lambda a: a[0], each))

            def one_by_one(own: Any) -> Any:
                present, arguments = own
                return jax.lax.cond(
                    present,
                    lambda: step(*arguments),
                    lambda: jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), nothing),
                )

            return jax.lax.map(one_by_one, (active, each))

        return steps

    with devices.float64():
        laid_over = devices.chain_devices(walkers)
        mesh = Mesh(np.array(laid_over), ("chains",), axis_types=(AxisType.Auto,))
        chain = PartitionSpec("chains")
        by_chain = NamedSharding(mesh, chain)

        def of_chains(one: Any) -> Any:
            return jax.tree.map(lambda a: jax.ShapeDtypeStruct((walkers, *a.shape), a.dtype, sharding=by_chain), one)

        def lower(step: Callable[..., Any], *each: Any) -> Any:
            shared = jax.shard_map(by_device(step), mesh=mesh, in_specs=chain, out_specs=chain, check_vma=False)
            return jax.jit(shared).lower(*map(of_chains, (jax.ShapeDtypeStruct((), jnp.bool_), *each)))

        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
        fixed = geometry.structs(), args.structs()
        state = jax.eval_shape(begin, key, vector, *fixed)
        beginning = lower(begin, key, vector, *fixed)
        begun = _compilers.submit(partial(beginning.compile, compiler_options=devices.HASTY))
        advancing = lower(advance, state, *fixed)

    def laid(fields: Sequence[Any]) -> Any:
        """What belongs to each fit as what belongs to each of its chains; absent fits look like the last."""
        fields = [*fields, *[fields[-1]] * (fits - len(fields))]
        return jax.tree.map(
            lambda *each: jax.device_put(np.concatenate([np.stack(each)] * settings.chains), by_chain), *fields
        )

    def walk(
        programs: Programs, arrays: Sequence[Any], args: Any, seeds: Sequence[int], draws: int, tick: Tick, turns: int
    ) -> list[dict[str, np.ndarray]]:
        """All chains from dispersed starts: by fit, the draws after warm-up by name, ``(chains, draws, ...)``."""
        count, chains, total = len(seeds), settings.chains, settings.warmup + draws

        def of_fits(values: Sequence[np.ndarray]) -> Any:
            """Arrays of shape ``(chains, ...)``, one a fit, laid over devices."""
            padded = np.stack([*values, *[values[-1]] * (fits - count)], axis=1)
            return jax.device_put(padded.reshape(walkers, *padded.shape[2:]), by_chain)

        starts = of_fits(
            [START_SCALE * np.random.default_rng(seed).standard_normal((chains, model.size)) for seed in seeds]
        )
        keys = of_fits([np.asarray(jax.random.split(jax.random.PRNGKey(seed), chains)) for seed in seeds])
        present = np.tile(np.arange(fits) < count, chains).reshape(turns, -1)
        fixed, found = (laid(arrays), args), []
        for turn in range(turns):
            these = np.where(np.arange(turns)[:, None] == turn, present, False).reshape(-1)
            active = jax.device_put(these, by_chain)
            for _ in range(TIMES_NEARER):
                now, blocks = programs.begin(active, keys, starts, *fixed), []
                found_there = np.column_stack([now.nuts.potential_energy, now.nuts.z_grad])
                away = these & ~np.isfinite(found_there).all(axis=1)
                if not away.any():
                    break
                starts = jax.device_put(np.where(away[:, None], 0.5, 1.0) * np.asarray(starts), by_chain)
            for done in range(0, total, block):
                now, drawn = programs.advance(active, now, *fixed)
                blocks.append({name: np.split(np.asarray(values), turns)[turn] for name, values in drawn.items()})
                tick(min(block, total - done) * int(these.sum()))
            found.append(
                {
                    name: np.concatenate([drawn[name] for drawn in blocks], axis=1)[:, settings.warmup : total]
                    for name in blocks[0]
                }
            )
        kept = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
        return [{name: values[i::fits] for name, values in kept.items()} for i in range(count)]

    def run(
        programs: Programs,
        geometries: Sequence[Geometry],
        args: Sequence[Any],
        seeds: Sequence[int],
        progress: Progress | None,
        one_thread: bool,
    ) -> list[Walked]:
        # A host device is a thread, and each has its turn while nothing is there for the others.  Fewer devices would
        # be another program, which XLA rounds differently.
        turns = len(laid_over) if one_thread and jax.default_backend() == "cpu" else 1
        pilots = settings.warmup + settings.pilot if settings.pilot else 0
        total, done = (pilots + settings.warmup + settings.draws) * settings.chains * len(seeds), 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if progress is not None:
                progress(done, total)

        # BLAS has threads of its own, which on small matrices only get in the way of the chains'.
        with devices.float64(), threadpool_limits(1):
            data = laid(args)
            if settings.pilot:
                untaught = [with_pilot(each.arrays) for each in geometries]
                pilots_of = walk(programs, untaught, data, [s + PILOT_SEED for s in seeds], settings.pilot, tick, turns)
                geometries = [
                    rewhitened(geometry, pilot["z"].reshape(-1, model.size))
                    for geometry, pilot in zip(geometries, pilots_of, strict=True)
                ]
            kept = walk(programs, [dict(g.arrays) for g in geometries], data, seeds, settings.draws, tick, turns)
        for each in kept:
            each.pop("z")
        return [(each.pop("flat"), each, geometry) for each, geometry in zip(kept, geometries, strict=True)]

    # What was handed in first is compiled first, so to wait for it here cannot be for ever.
    return _compilers.submit(lambda: partial(run, Programs(advance=advancing.compile(), begin=begun.result())))
