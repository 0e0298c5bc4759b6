"""Coordinates: a change of variables in which a posterior is nearly a round ball, made for one problem.

NUTS samples ``z``; ``forward`` maps it to the flat vector ``x`` of the model, with the log determinant, and ``inverse``
maps back.  Coordinates are frozen records of arrays and pytrees of JAX, so that a compiled program takes them as an
argument: it depends on their class and shapes, and not on their numbers.

A class of coordinates is one file here and one row of ``suited``; nothing else names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Plan, Structure
from bayeslaw.inference.model.plan_model import plan_model
from bayeslaw.inference.sampler.kernels import Kernel
from bayeslaw.inference.sampler.settings import Settings


@dataclass(frozen=True)
class Problem:
    """The model to sample, with its data.

    Attributes
    ----------
    args
        Arguments of the model; for a plan's model, its data alone, as JAX arrays.
    structure
        The structure of the model's plan; None for other models, for which affine coordinates do not need it.
    """

    model: FlatModel
    args: tuple[Any, ...]
    structure: Structure | None = None

    @staticmethod
    def of(plan: Plan) -> Problem:
        """The problem of a plan; within ``devices.float64``."""
        return Problem(plan_model(plan.structure), (jax.tree.map(jnp.asarray, plan.data()),), plan.structure)

    @property
    def plan(self) -> Structure:
        """The structure of the plan."""
        assert self.structure is not None, "these coordinates are for plans"
        return self.structure


class Coordinates(Protocol):
    """A change of variables from a standard ball to the flat vector of a model.

    Attributes
    ----------
    settings
        How long to sample in them by default.
    kernel
        The kernel that moves a chain in them.
    folds
        Whether they fold where predictions turn: a fit that has not converged in them is repeated in others.
    """

    settings: ClassVar[Settings]
    kernel: ClassVar[type[Kernel]]
    folds: ClassVar[bool]

    @property
    def centre(self) -> np.ndarray:
        """The flat vector of the mode that they are made at; shape ``(size,)``."""
        ...

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """Coordinates of the shapes that those of a problem have, to compile for."""
        ...

    @classmethod
    def at_mode(cls, problem: Problem, starts: Sequence[np.ndarray]) -> Self:
        """The coordinates around the mode that is found from some flat vectors."""
        ...

    @classmethod
    def around(cls, problem: Problem, x: np.ndarray) -> Self:
        """The coordinates around a flat vector amid the posterior, such as the mean of its draws."""
        ...

    def forward(self, z: Any, model: FlatModel, args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """The flat vector of a point of the ball, and the log determinant of the map there."""
        ...

    def inverse(self, x: Any, model: FlatModel, args: tuple[Any, ...], /) -> Any:
        """The point of the ball of a flat vector."""
        ...
