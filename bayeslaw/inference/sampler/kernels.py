"""Kernels of a chain: NumPyro's NUTS, or NUTS between jumps.

Gradients do not lead from one mode of a posterior to another.  Where coordinates merge all its modes into nearly one
ball (see ``breaks``), a random point of such a ball is often as good as the current one.  Independence
Metropolis-Hastings proposals from the ball therefore jump from mode to mode (Tierney 1994).  Between them, NUTS moves
all but the first coordinate: where the ball is too narrow, a chain that has jumped there would otherwise stay for long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState

# Proposals between two draws.  A third is accepted, and they cost as much as NUTS.
JUMPS = 20
# Degrees of freedom of proposals, separately in each coordinate, so that a posterior may have heavy tails in any one.
TAILS = 5.0

# Minus the log density of a point of the ball.
Potential = Callable[[Any], Any]


class Tuning(NamedTuple):
    """What NUTS is tuned to in warm-up, and how long; see ``Settings``.  The rate may be an argument of a program."""

    warmup: int
    max_tree_depth: int
    target_accept: Any


class Place(NamedTuple):
    """The position of a chain, and NUTS's statistics of the coordinates that it moved."""

    z: Any
    nuts: HMCState


class Kernel(Protocol):
    """The kernel of a chain."""

    def __init__(self, potential: Potential, tuning: Tuning) -> None: ...

    def init(self, rng: Any, z: Any) -> Place:
        """A chain at its start."""
        ...

    def sample(self, place: Place) -> Place:
        """A chain one draw further."""
        ...


@dataclass(frozen=True)
class Nuts:
    """NUTS on all coordinates."""

    potential: Potential
    tuning: Tuning

    def init(self, rng: Any, z: Any) -> Place:
        """A chain at its start."""
        return Place(z, _begun(self.potential, self.tuning, rng, z)[1])

    def sample(self, place: Place) -> Place:
        """A chain one draw further."""
        state = _moved(self.potential, self.tuning, place.nuts)
        return Place(state.z, state)


@dataclass(frozen=True)
class Jumping:
    """Jumps of all coordinates, and NUTS on all but the first."""

    potential: Potential
    tuning: Tuning

    def init(self, rng: Any, z: Any) -> Place:
        """A chain at its start."""
        return Place(z, _begun(self._held(z), self.tuning, rng, z[1:])[1])

    def sample(self, place: Place) -> Place:
        """A chain one draw further."""
        key, jumps = jax.random.split(place.nuts.rng_key)
        z = jumped(self.potential, place.z, jumps)
        held = self._held(z)
        value, slope = jax.value_and_grad(held)(z[1:])
        state = place.nuts._replace(z=z[1:], potential_energy=value, z_grad=slope, rng_key=key)
        state = _moved(held, self.tuning, state)
        return Place(jnp.concatenate([z[:1], state.z]), state)

    def _held(self, z: Any) -> Potential:
        """The potential of all but the first coordinate, which stays where it is."""
        return lambda others: self.potential(jnp.concatenate([z[:1], others]))


def jumped(potential: Potential, z: Any, key: Any) -> Any:
    """A point of the ball after some Metropolis-Hastings proposals from a heavy-tailed ball."""

    def log_density(z: Any) -> Any:
        value = potential(z)
        return jnp.where(jnp.isnan(value), -jnp.inf, -value)

    def log_proposal(z: Any) -> Any:
        return jax.scipy.stats.t.logpdf(z, TAILS).sum()

    def jump(at: tuple[Any, Any], key: Any) -> tuple[tuple[Any, Any], None]:
        here, height = at
        drawn, taken = jax.random.split(key)
        there = jax.random.t(drawn, TAILS, here.shape)
        found = log_density(there)
        # Between two points without density, stay.
        gain = (-height - log_proposal(there)) - (-found - log_proposal(here))
        chance = jnp.minimum(jnp.exp(jnp.where(jnp.isnan(gain), -jnp.inf, gain)), 1.0)
        take = jax.random.bernoulli(taken, chance)
        return (jnp.where(take, there, here), jnp.where(take, found, height)), None

    return jax.lax.scan(jump, (z, log_density(z)), jax.random.split(key, JUMPS))[0][0]


def _begun(potential: Potential, tuning: Tuning, rng: Any, z: Any) -> tuple[NUTS, HMCState]:
    nuts = NUTS(potential_fn=potential, target_accept_prob=tuning.target_accept, max_tree_depth=tuning.max_tree_depth)
    return nuts, nuts.init(rng, tuning.warmup, z, (), {})


def _moved(potential: Potential, tuning: Tuning, state: HMCState) -> HMCState:
    # NumPyro's NUTS keeps its adaptation schedule in the object that `init` made, and has no other way to set it; the
    # state of this second `init` is of no use.
    nuts, _ = _begun(potential, tuning, state.rng_key, jnp.zeros_like(state.z))
    return nuts.sample(state, (), {})
