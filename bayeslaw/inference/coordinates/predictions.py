"""The predictions of a plan for its runs: their means, the Jacobian of these, and the weight of each run."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import kept
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.model.plan_model import PlanModel


class Predictions(NamedTuple):
    """What a plan predicts at a flat vector.

    Attributes
    ----------
    mean, weight
        Of every run; shapes ``(rows,)``.  The weight is the curvature of its density over its mean.
    own
        The parameters of the mean of every run, as ``PlanModel.unbounded_by_run`` gives them; ``(parameters, rows)``.
    design
        The Jacobian of `own`, which is the same everywhere; ``(parameters, rows, size)``.
    slopes
        Of every mean, over its own parameters; ``(parameters, rows)``.
    """

    mean: Any
    weight: Any
    own: Any
    design: Any
    slopes: Any


def predictions_at(model: PlanModel, data: Any, x: np.ndarray) -> Predictions:
    """The predictions of a plan at a flat vector."""
    return Predictions(*map(np.asarray, _program(model, Shapes.of(data))(x, data)))


def means_with_slopes(model: PlanModel, own: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """The mean of every run and its slope over the run's own parameters, from one backward pass for all runs."""
    means, pull = jax.vjp(lambda own: model.mean_by_run(own, args), own)
    (slopes,) = pull(jnp.ones_like(means))
    return means, slopes


@lru_cache(maxsize=PROGRAMS_KEPT)
def _program(model: PlanModel, shapes: Shapes) -> Any:

    def predictions(x: Any, data: Any) -> Predictions:
        def slope(shift: Any) -> Any:
            return jax.grad(lambda shift: model.potential(x, ({**data, "shift": shift},)))(shift)

        # A run's density depends on its own shift alone, so one product with ones is the diagonal of the Hessian.
        ones = jnp.ones_like(data["shift"])
        _, curvature = jax.jvp(slope, (data["shift"],), (ones,))
        own = model.unbounded_by_run(x, (data,))
        mean, slopes = means_with_slopes(model, own, (data,))
        design = jax.jacfwd(lambda x: model.unbounded_by_run(x, (data,)))(x)
        # A run far in the tails of a Student-t has negative curvature: it gets no weight here.
        return Predictions(mean, jnp.maximum(curvature, 0.0), own, design, slopes)

    vector = jax.ShapeDtypeStruct((model.size,), jnp.float64)
    return kept(
        lambda: jax.jit(predictions).lower(vector, shapes.structs()),
        "predictions", model.described, shapes, options=devices.HASTY,
    )  # fmt: skip
