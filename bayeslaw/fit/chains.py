"""All chains of NUTS as one compiled program that advances them by a block of draws.

The program depends on shapes alone: model arguments, geometry, seeds and states are its arguments.  Chains are laid
over devices with ``shard_map``, so that each device walks its own trajectories without waiting for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from numpyro.infer import NUTS
from threadpoolctl import threadpool_limits

from bayeslaw.fit import devices
from bayeslaw.fit.flat import FlatModel
from bayeslaw.fit.geometry import Geometry, rewhitened, with_pilot
from bayeslaw.fit.shapes import Shapes
from bayeslaw.fit.transports import TRANSPORTS

Progress = Callable[[int, int], None]

# Draws between two looks at the clock: a tenth of a second for usual models, and few enough dispatches.
BLOCK = 100
# In whitened coordinates the posterior has scale 1, so chains that start at scale 1.5 are over-dispersed.
START_SCALE = 1.5
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
    dense
        Let NUTS learn a covariance in its warm-up, and not variances alone.
    """

    draws: int = 1000
    warmup: int = 500
    chains: int = devices.CHAINS
    target_accept: float = 0.9
    pilot: int = 0
    dense: bool = False
    max_tree_depth: int = 10


# From a geometry, model arguments and a seed to flat draws and what the sampler says of them.
Chains = Callable[[Geometry, Any, int, Progress | None], tuple[np.ndarray, dict[str, np.ndarray], Geometry]]

_compiler = ThreadPoolExecutor(1, thread_name_prefix="compile")


@lru_cache(maxsize=64)
def compile_chains(model: FlatModel, args: Shapes, geometry: Shapes, kind: str, settings: Settings) -> Future[Chains]:
    """Trace the program here (NumPyro's stack of handlers is global) and compile it in a second thread."""
    transport = TRANSPORTS[kind]

    def kernel(rng: Any, start: Any, arrays: Any, args: Any) -> tuple[NUTS, Any]:
        def potential(z: Any) -> Any:
            x, log_det = transport(z, arrays, model, args)
            return model.potential(x, args) - log_det

        nuts = NUTS(
            potential_fn=potential,
            dense_mass=settings.dense,
            target_accept_prob=settings.target_accept,
            max_tree_depth=settings.max_tree_depth,
        )
        return nuts, nuts.init(rng, settings.warmup, start, (), {})

    def advance(first: Any, rng: Any, start: Any, state: Any, arrays: Any, args: Any) -> Any:
        # NUTS keeps its adaptation schedule in the object that `init` made; its state is taken up again after.
        nuts, fresh = kernel(rng, start, arrays, args)
        state = jax.tree.map(lambda a, b: jnp.where(first, a, b), fresh, state)

        def draw(state: Any, _: Any) -> Any:
            state = nuts.sample(state, (), {})
            x, log_det = transport(state.z, arrays, model, args)
            kept = {
                "flat": x, "z": state.z, "lp": -(state.potential_energy + log_det), "energy": state.energy,
                "diverging": state.diverging, "n_steps": state.num_steps, "acceptance_rate": state.accept_prob,
            }  # fmt: skip
            return state, kept

        return jax.lax.scan(draw, state, None, length=BLOCK)

    def advance_all(first: Any, rngs: Any, starts: Any, states: Any, arrays: Any, args: Any) -> Any:
        """The chains of one device."""
        if jax.default_backend() != "cpu":
            return jax.vmap(advance, in_axes=(None, 0, 0, 0, None, None))(first, rngs, starts, states, arrays, args)
        # Vectorised control flow computes both branches and every chain's longest trajectory: on a CPU, one by one.
        return jax.lax.map(lambda own: advance(first, own[0], own[1], own[2], arrays, args), (rngs, starts, states))

    with devices.float64():
        mesh = Mesh(np.array(devices.chain_devices(settings.chains)), ("chains",), axis_types=(AxisType.Auto,))
        chain, shared = PartitionSpec("chains"), PartitionSpec()
        by_chain, same = NamedSharding(mesh, chain), NamedSharding(mesh, shared)
        program = jax.jit(
            jax.shard_map(
                advance_all,
                mesh=mesh,
                in_specs=(shared, chain, chain, chain, shared, shared),
                out_specs=chain,
                check_vma=False,
            )
        )
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
        state = jax.eval_shape(lambda *a: kernel(*a)[1], key, vector, geometry.structs(), args.structs())

        def of_chains(one: Any) -> Any:
            return jax.tree.map(
                lambda a: jax.ShapeDtypeStruct((settings.chains, *a.shape), a.dtype, sharding=by_chain), one
            )

        lowered = program.lower(
            jax.ShapeDtypeStruct((), jnp.bool_, sharding=same),
            of_chains(key), of_chains(vector), of_chains(state), geometry.structs(same), args.structs(same),
        )  # fmt: skip

    def walk(
        compiled: Any, arrays: Any, args: Any, seed: int, draws: int, tick: Callable[[int], None]
    ) -> dict[str, np.ndarray]:
        """All chains from dispersed starts: the draws after warm-up, by name, ``(chains, draws, ...)``."""
        chains, total = settings.chains, settings.warmup + draws
        starts = START_SCALE * np.random.default_rng(seed).standard_normal((chains, model.size))
        starts = jax.device_put(starts, by_chain)
        keys = jax.device_put(jax.random.split(jax.random.PRNGKey(seed), chains), by_chain)
        now = jax.tree.map(lambda a: jax.device_put(np.zeros((chains, *a.shape), a.dtype), by_chain), state)
        fixed = jax.device_put((arrays, args), same)
        blocks = []
        for done in range(0, total, BLOCK):
            now, block = compiled(jax.device_put(np.bool_(done == 0), same), keys, starts, now, *fixed)
            blocks.append(jax.tree.map(np.asarray, block))
            tick(min(BLOCK, total - done) * chains)
        return {
            name: np.concatenate([block[name] for block in blocks], axis=1)[:, settings.warmup : total]
            for name in blocks[0]
        }

    def run(
        compiled: Any, geometry: Geometry, args: Any, seed: int, progress: Progress | None
    ) -> tuple[np.ndarray, dict[str, np.ndarray], Geometry]:
        pilots = settings.warmup + settings.pilot if kind == "piloted" else 0
        total, done = (pilots + settings.warmup + settings.draws) * settings.chains, 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if progress is not None:
                progress(done, total)

        # BLAS has threads of its own, which on small matrices only get in the way of the chains'.
        with devices.float64(), threadpool_limits(1):
            if kind == "piloted":
                untaught = with_pilot(geometry.arrays)
                pilot = walk(compiled, untaught, args, seed + PILOT_SEED, settings.pilot, tick)
                geometry = rewhitened(geometry, pilot["z"].reshape(-1, model.size))
            kept = walk(compiled, dict(geometry.arrays), args, seed, settings.draws, tick)
        kept.pop("z")
        return kept.pop("flat"), kept, geometry

    return _compiler.submit(lambda: partial(run, lowered.compile()))
