"""The predictions of a plan for its runs: their means, the Jacobian of these, and the weight of each run."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import kept
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.model.flat_model import FlatModel


def predictions_at(model: FlatModel, data: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of every run at a flat vector, its Jacobian, and the weight of every run.

    Returns
    -------
    tuple
        Shapes ``(rows,)``, ``(rows, size)`` and ``(rows,)``.
    """
    mean, jacobian, weight = map(np.asarray, _program(model, Shapes.of(data))(x, data))
    return mean, jacobian, weight


@lru_cache(maxsize=PROGRAMS_KEPT)
def _program(model: FlatModel, shapes: Shapes) -> Any:

    def predictions(x: Any, data: Any) -> tuple[Any, Any, Any]:
        def slope(shift: Any) -> Any:
            return jax.grad(lambda shift: model.potential(x, ({**data, "shift": shift},)))(shift)

        # A run's density depends on its own shift alone, so one product with ones is the diagonal of the Hessian.
        ones = jnp.ones_like(data["shift"])
        _, curvature = jax.jvp(slope, (data["shift"],), (ones,))
        mean = model.mean(x, (data,))
        jacobian = jax.jacfwd(lambda x: model.mean(x, (data,)))(x)
        # A run far in the tails of a Student-t has negative curvature: it gets no weight here.
        return mean, jacobian, jnp.maximum(curvature, 0.0)

    vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
    return kept(
        lambda: jax.jit(predictions).lower(vector, shapes.structs()),
        "predictions", model.described, shapes, options=devices.HASTY,
    )  # fmt: skip
