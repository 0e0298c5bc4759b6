"""The parts of coordinates that are split into scales and the rest; ``split`` decides which is which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.coordinates.split import Split


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scales:
    """How scales move: ``t = at + root z``.

    Attributes
    ----------
    at
        Where they are at the mode of their marginal; shape ``(t,)``.
    root
        Shape ``(t, t)``, with the log of its determinant in `log_det`.
    is_noise
        1 for the scale that multiplies all noise and 0 for the others; shape ``(t,)``.
    """

    at: Any
    root: Any
    log_det: Any
    is_noise: Any

    @classmethod
    def of(cls, split: Split, x: np.ndarray) -> Self:
        """Independent scales, centred where they are at a flat vector."""
        count = len(split.scales)
        return cls(x[split.scales], np.eye(count), 0.0, np.array([float(i == split.noise) for i in range(count)]))

    @property
    def count(self) -> int:
        """The number of scales."""
        return int(self.at.shape[0])

    def by_themselves(self) -> Self:
        """The same scales, moved by `z` itself."""
        return replace(self, root=jnp.eye(self.count))

    def forward(self, z: Any) -> Any:
        """Scales of the first part of a point of the ball."""
        return self.at + self.root @ z

    def inverse(self, t: Any) -> Any:
        """The first part of the point of the ball of scales."""
        return jnp.linalg.solve(self.root, t - self.at)

    def quieter(self, t: Any) -> Any:
        """The weight of runs relative to the mode, as the noise changes."""
        return jnp.exp(-2.0 * jnp.sum((t - self.at) * self.is_noise))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rest:
    """Some of the other coordinates, and the forces that hold them at the mode.

    Attributes
    ----------
    at
        Their values at the mode; for groups ``(groups, k)``, for shared coordinates ``(r,)``.
    deviates, spread
        1 for a deviation between groups and 0 for other coordinates, and the position of its spread among the scales;
        shapes ``(k,)`` or ``(r,)``.
    prior
        The precision of their priors, without that of deviations; ``(groups, k, k)`` or ``(r, r)``.
    slope, prior_slope
        Slopes of the likelihood's and the prior's potential at the mode, shaped as `at`; the latter without deviations.
    """

    at: Any
    deviates: Any
    spread: Any
    prior: Any
    slope: Any
    prior_slope: Any

    def tight(self, t: Any) -> Any:
        """The precision of deviations given scales."""
        return self.deviates * jnp.exp(-2.0 * t)[self.spread]

    def slope_given(self, quieter: Any, tight: Any) -> Any:
        """The slope of the potential at the mode's values under other scales."""
        return quieter * self.slope + self.prior_slope + jnp.broadcast_to(tight, self.at.shape) * self.at
