"""A model's potential and its derivatives as compiled programs, kept by the shapes they depend on."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import kept
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.coordinates.block_arrow import Blocks, Partition
from bayeslaw.inference.coordinates.mode import Curvature
from bayeslaw.inference.model.flat_model import FlatModel

# Rows times columns of a Hessian that are computed together: 16 MB per intermediate array, of which there are a dozen.
HESSIAN_NUMBERS = 2_000_000


def curvature_of(model: FlatModel, args: tuple[Any, ...], partition: Partition | None = None) -> Curvature:
    """Value, gradient and Hessian of a model's potential at given arguments.

    Parameters
    ----------
    partition
        Groups of uncoupled coordinates, which make a large Hessian affordable (default: no groups).
    """
    partition = partition or Partition.dense(model.size)
    directions = partition.directions(model.size)
    program = _curvature_program(model, Shapes.of(args), len(directions))

    def at(x: np.ndarray) -> tuple[float, np.ndarray, Blocks]:
        value, gradient, products = program(x, args, directions)
        return float(value), np.asarray(gradient), partition.blocks(np.asarray(products))

    return Curvature(at, partition)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _curvature_program(model: FlatModel, shapes: Shapes, count: int) -> Any:
    """Value, gradient and the Hessian's products with some directions in one program."""
    largest = max((math.prod(shape) for shape, _ in shapes.leaves), default=1)
    # One direction after another uses a processor equally well, and compiles in two thirds of the time.
    at_once = None if jax.default_backend() == "cpu" else max(1, min(count, HESSIAN_NUMBERS // max(largest, 1)))

    def curvature(x: Any, args: Any, directions: Any) -> Any:
        def gradient(x: Any) -> Any:
            value, slope = jax.value_and_grad(model.potential)(x, args)
            return slope, value

        slope, push, value = jax.linearize(gradient, x, has_aux=True)
        return value, slope, jax.lax.map(push, directions, batch_size=at_once)

    vector, vectors = (jax.ShapeDtypeStruct(shape, jnp.float64) for shape in ((model.size,), (count, model.size)))
    return kept(
        lambda: jax.jit(curvature).lower(vector, shapes.structs(), vectors),
        "curvature", model.described, shapes, count, options=devices.HASTY,
    )  # fmt: skip
