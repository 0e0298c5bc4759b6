"""NumPyro's NUTS on whitened coordinates, for any NumPyro model.

The sampler sees the coordinates ``z`` of a transport (see ``geometry``); its own warm-up corrects what curvature at
one point cannot know.  Compiled programs are kept by the shapes they depend on: a second fit of the same shape
compiles nothing, and a second process finds its programs in the compilation cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.base.program_shapes import Shapes
from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.geometry import Geometry, affine_arrays, laplace
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.chains import Settings, check_seed, compile_chains


@dataclass(frozen=True)
class Draws:
    """Draws of a flat vector with what the sampler said about them.

    Attributes
    ----------
    flat
        Unbounded coordinates; shape ``(chains, draws, size)``.
    stats
        By ArviZ's names (``diverging``, ``n_steps``, ``energy``, ``acceptance_rate``, ``lp``), each of shape
        ``(chains, draws)``.
    geometry
        Where they were sampled; None for draws that were kept in a file, or made by another process.
    seconds
        Wall time by stage.
    patient
        Whether they took more than usual; see :func:`bayeslaw.inference.infer.next_choice`.
    """

    model: FlatModel
    flat: np.ndarray
    stats: dict[str, np.ndarray]
    geometry: Geometry | None
    settings: Settings
    seed: int
    seconds: dict[str, float]
    patient: bool = False

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Draws by site of the model, each of shape ``(chains, draws, *shape)``."""
        return self.model.constrain(self.flat)

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Whether the draws can be trusted."""
        return Diagnostics.of(self.flat, self.model.names, self.stats)


@dataclass
class Stopwatch:
    """Wall seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a stage."""
        begin = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin


def sample(
    model: Callable[..., None],
    args: tuple[Any, ...] = (),
    settings: Settings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Draws:
    """Sample any NumPyro model.

    Parameters
    ----------
    model
        A NumPyro model whose latent sites are continuous.
    args
        Its arguments; arrays may be nested in dicts and tuples.
    progress
        Called with draws done and draws in all, over all chains, warm-up included.
    """
    check_seed(seed)
    settings, stopwatch = settings or Settings(), Stopwatch()
    with devices.float64():
        args = jax.tree.map(jnp.asarray, args)
        with stopwatch("trace"):
            flat = FlatModel.of(model, args)
            chains = compile_chains(flat, Shapes.of(args), Shapes.of(affine_arrays(flat.size)), "affine", settings)
            curvature = curvature_of(flat, args)
        with stopwatch("mode"):
            spread = np.random.default_rng(seed).uniform(-2.0, 2.0, (8, flat.size))
            geometry = laplace(curvature, [np.zeros(flat.size), *spread])
        with stopwatch("compile"):
            run = chains.result()
        with stopwatch("sampling"):
            ((draws, stats, geometry),) = run([geometry], [args], [seed], progress, False)
    return Draws(flat, draws, stats, geometry, settings, seed, stopwatch.seconds)
