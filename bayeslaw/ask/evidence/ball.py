"""From saved draws back to the whitened coordinates that they were sampled in, without fitting again.

A hierarchy's draws lie in a funnel and other laws' along thin ridges, which a normal distribution fitted to draws
covers badly.  The coordinates that a plan is sampled in straighten both.  They need only the curvature at one point:
the mean of the draws or, in a hierarchy, the mean of the scales and the mode of everything else given them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from bayeslaw.ask.evidence.by_group import ByGroup
from bayeslaw.inference.base import devices
from bayeslaw.inference.base.batched import in_chunks
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT
from bayeslaw.inference.coordinates.conditional import Conditional
from bayeslaw.inference.coordinates.protocol import Coordinates, Problem
from bayeslaw.inference.coordinates.suited import roundest
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.posterior.posterior import Posterior


@dataclass(frozen=True)
class Whitened:
    """Draws in coordinates in which they are roughly a ball, with their log density there.

    Attributes
    ----------
    draws
        Shape ``(chains, draws, size)``.
    log_density
        From points ``(n, size)`` to values ``(n,)``, with all constants: its integral is the marginal likelihood.
    by_group
        The density by what groups share, where the coordinates keep the groups' own apart.
    """

    draws: np.ndarray
    log_density: Callable[[np.ndarray], np.ndarray]
    by_group: ByGroup | None = None


def whitened(posterior: Posterior) -> Whitened:
    """The draws of a posterior on the ball of the coordinates that suit its plan."""
    plan = posterior.plan
    with devices.float64():
        problem = Problem.of(plan)
        coordinates = roundest(plan).around(problem, posterior.flat.mean(axis=(0, 1)))
    ball = on_ball(problem.model, problem.args, posterior.flat, coordinates)
    if not isinstance(coordinates, Conditional):
        return ball
    return replace(ball, by_group=ByGroup(problem, coordinates))


def on_ball(model: FlatModel, args: tuple[Any, ...], flat: np.ndarray, coordinates: Coordinates) -> Whitened:
    """Flat draws of any model, shape ``(chains, draws, size)``, on the ball of coordinates."""
    constants = coordinates, args
    draws = in_chunks(
        _inverse(model), flat.reshape(-1, model.size), constants, about=("inverse", model.described)
    )  # fmt: skip
    density = partial(in_chunks, _density(model), constants=constants, about=("on ball", model.described))
    return Whitened(draws.reshape(flat.shape), density)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _density(model: FlatModel) -> Callable[[Any, Any], Any]:
    def density(z: Any, constants: tuple[Coordinates, Any]) -> Any:
        coordinates, args = constants
        x, log_det = coordinates.forward(z, model, args)
        return log_det - model.potential(x, args)

    return density


@lru_cache(maxsize=PROGRAMS_KEPT)
def _inverse(model: FlatModel) -> Callable[[Any, Any], Any]:
    def inverse(x: Any, constants: tuple[Coordinates, Any]) -> Any:
        coordinates, args = constants
        return coordinates.inverse(x, model, args)

    return inverse
