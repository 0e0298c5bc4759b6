"""Affine coordinates: the mode, and a root of the inverse Hessian there.

    x = centre + scale z

This is enough where a posterior is close to Gaussian, as with many runs and no hierarchy, and it is valid for any
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.mode import find_mode
from bayeslaw.inference.coordinates.positive import FLATTEST, root_of_inverse
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Kernel, Nuts
from bayeslaw.inference.sampler.settings import CHEAP, Settings


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Affine:
    """One linear map for the whole posterior.

    Attributes
    ----------
    centre
        The flat vector of the mode; shape ``(size,)``.
    scale
        Shape ``(size, size)``.
    log_det
        The log determinant of `scale`.
    """

    centre: Any
    scale: Any
    log_det: Any

    settings: ClassVar[Settings] = CHEAP
    kernel: ClassVar[type[Kernel]] = Nuts
    folds: ClassVar[bool] = False

    @classmethod
    def identity(cls, size: int) -> Self:
        """The identity map."""
        return cls(np.zeros(size), np.eye(size), 0.0)

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """The identity."""
        return cls.identity(problem.model.size)

    @classmethod
    def at_mode(cls, problem: Problem, starts: Sequence[np.ndarray]) -> Self:
        """The map at the mode (Laplace's approximation)."""
        return cls.around(problem, find_mode(curvature_of(problem.model, problem.args), starts))

    @classmethod
    def around(cls, problem: Problem, x: np.ndarray) -> Self:
        """The map from the curvature at a point."""
        hessian = curvature_of(problem.model, problem.args).at(x)[2].shared
        # Curvature fourteen digits below the steepest is rounding error.
        return cls(x, *root_of_inverse(hessian, max(FLATTEST, 1e-14 * np.abs(np.diag(hessian)).max())))

    def forward(self, z: Any, _model: FlatModel, _args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """``centre + scale z``, and the log determinant."""
        return self.centre + self.scale @ z, self.log_det

    def inverse(self, x: Any, _model: FlatModel, _args: tuple[Any, ...], /) -> Any:
        """``scale⁻¹ (x - centre)``."""
        return jnp.linalg.solve(self.scale, x - self.centre)
