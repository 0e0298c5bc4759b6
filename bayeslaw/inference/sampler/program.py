"""The compiled program of chains: a step that starts them, and one that advances them by a block of draws.

It depends on shapes only: model arguments, coordinates, seeds and states are its arguments.  Chains are laid over
devices with ``shard_map``, so that each device walks its own trajectories without waiting for the others.  A chain
brings the arguments of its own fit, so chains of many fits are no different from those of one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import Entry
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Kernel, Place, Tuning
from bayeslaw.inference.sampler.layout import Layout
from bayeslaw.inference.sampler.random_bits import with_bits
from bayeslaw.inference.sampler.settings import Settings

# Draws between two looks at the clock: a tenth of a second for usual models, and few enough dispatches.  It is the same
# for all, so that one program serves any number of draws; those beyond the last that is wanted are dropped.
BLOCK = 50

_compilers = ThreadPoolExecutor(2, thread_name_prefix="compile")


@dataclass(frozen=True)
class Program:
    """The compiled steps of chains.

    Attributes
    ----------
    model
        The model whose density is walked.
    begin
        From a mask of walked chains, keys and starts to places, of whose potential and slope nothing is known yet.
    advance
        From a mask of walked chains, places, rates of acceptance, coordinates and model arguments to places and `BLOCK`
        draws by name.
    """

    layout: Layout
    model: FlatModel
    begin: Callable[..., Any]
    advance: Callable[..., Any]


def compile_program(
    model: FlatModel, args: Shapes, coordinates: Shapes, settings: Settings, fits: int = 1
) -> Future[Program]:
    """The program of a model in some coordinates, which is kept.

    Parameters
    ----------
    coordinates
        Coordinates of the class and the shapes that chains are walked in.
    settings
        The program is the same for any number of draws, rate of acceptance and time, and for up to four chains.
    fits
        The most fits that it takes; missing ones cost nothing on a CPU.
    """
    layout = Layout.with_room(fits, settings.chains)
    return _compiled(model, args, coordinates, settings.warmup, settings.max_tree_depth, layout)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _compiled(
    model: FlatModel, args: Shapes, coordinates: Shapes, warmup: int, max_tree_depth: int, layout: Layout
) -> Future[Program]:
    """Trace the program here (NumPyro's stack of handlers is global) and compile it in a second thread."""
    about = model.described, args, coordinates, warmup, max_tree_depth, layout
    beginning, advancing = Entry.of("begin", *about, options=devices.HASTY), Entry.of("advance", *about)
    if (begun := beginning.found()) is not None and (advanced := advancing.found()) is not None:
        at_hand: Future[Program] = Future()
        at_hand.set_result(Program(layout, model, begun, advanced))
        return at_hand
    begin, advance = _steps(model, coordinates.structs().kernel, partial(Tuning, warmup, max_tree_depth))
    with devices.float64():
        key = jax.eval_shape(lambda: jax.random.PRNGKey(0))
        vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
        place = jax.eval_shape(begin, key, vector)
        compiled = _compilers.submit(partial(beginning.compiled, _lowered(layout, begin, key, vector)))
        rate = jax.ShapeDtypeStruct((), jnp.float64)
        lowered = _lowered(layout, advance, place, rate, coordinates.structs(), args.structs())
    # Programs are compiled in the order of submission, so waiting here cannot deadlock.
    return _compilers.submit(
        lambda: Program(layout, model, advance=advancing.compiled(lowered), begin=compiled.result())
    )


def _steps(
    model: FlatModel, kernel: Callable[..., Kernel], tuned: Callable[[Any], Tuning]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The two steps of one chain, as functions to trace."""

    def density(z: Any, coordinates: Any, args: Any) -> Any:
        x, log_det = coordinates.forward(z, model, args)
        return model.potential(x, args) - log_det

    # NumPyro differentiates its potential wherever it uses it, so it gets a gradient that was traced once.
    with_slope = jax.jit(jax.value_and_grad(density))

    @jax.custom_vjp
    def potential(z: Any, coordinates: Any, args: Any) -> Any:
        return with_slope(z, coordinates, args)[0]

    potential.defvjp(with_slope, lambda slope, weight: (weight * slope, None, None))

    def begin(rng: Any, start: Any) -> Any:
        return _kept(kernel(jnp.sum, tuned(0.5)).init(with_bits(rng), start))

    def advance(place: Any, target_accept: Any, coordinates: Any, args: Any) -> Any:
        mover = kernel(lambda z: potential(z, coordinates, args), tuned(target_accept))

        def draw(place: Any, _: Any) -> Any:
            place = mover.sample(_drawing(place))
            state = place.nuts
            kept = {
                "z": place.z, "potential": state.potential_energy, "energy": state.energy,
                "diverging": state.diverging, "n_steps": state.num_steps, "acceptance_rate": state.accept_prob,
            }  # fmt: skip
            return _kept(place), kept

        return jax.lax.scan(draw, place, None, length=BLOCK)

    return begin, advance


def _drawing(place: Place) -> Place:
    """A place whose key can be drawn from."""
    return place._replace(nuts=place.nuts._replace(rng_key=with_bits(place.nuts.rng_key)))


def _kept(place: Place) -> Place:
    """A place whose key is a plain array."""
    return place._replace(nuts=place.nuts._replace(rng_key=jax.random.key_data(place.nuts.rng_key)))


def _lowered(layout: Layout, step: Callable[..., Any], *each: Any) -> Any:
    """A step of one chain, extended to all chains of a layout and lowered for arguments like those of one chain."""
    chains = PartitionSpec("chains")
    step = jax.shard_map(
        _of_device(step), mesh=layout.sharding.mesh, in_specs=chains, out_specs=chains, check_vma=False
    )
    return jax.jit(step).lower(*map(layout.structs, (jax.ShapeDtypeStruct((), jnp.bool_), *each)))


def _of_device(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of one chain, extended to the chains of one device; nothing is computed for those that are not walked."""

    def steps(walked: Any, *each: Any) -> Any:
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

        return jax.lax.map(one_by_one, (walked, each))

    return steps
