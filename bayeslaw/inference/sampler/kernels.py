"""What moves a chain: NumPyro's NUTS, or NUTS between jumps.

Slopes do not lead from one home of a posterior to another.  Where coordinates make all its homes nearly one ball (see
``ridge``), a point drawn from such a ball at random is often as good as the one where a chain is: proposals that do not
depend on that, taken or not as Metropolis and Hastings say (BlackJAX's ``irmh``), are jumps (Tierney 1994).  They lead
from home to home, and NUTS moves all but the first coordinate between them: where the ball is too narrow, a chain that
has jumped there would otherwise wait for long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState

# Proposals between two draws.  A third is taken, and they cost as much as NUTS.
JUMPS = 20
# Degrees of freedom of proposals in each coordinate by itself, so that a posterior may have long tails in any one.
TAILS = 5.0

Potential = Callable[[Any], Any]


class Place(NamedTuple):
    """Where a chain is, and what NUTS says of the coordinates that it moved."""

    z: Any
    nuts: HMCState


class Nuts:
    """NUTS.

    Parameters
    ----------
    potential
        Of ``z``.
    warmup
        Draws.
    **options
        NumPyro's.
    """

    def __init__(self, potential: Potential, warmup: int, **options: Any) -> None:
        self.potential, self.warmup, self.options = potential, warmup, options

    def init(self, rng: Any, z: Any) -> Place:
        """A chain at its start."""
        return Place(z, self._begun(self.potential, rng, z)[1])

    def sample(self, place: Place) -> Place:
        """A chain one draw further."""
        state = self._moved(self.potential, place.nuts)
        return Place(state.z, state)

    def _begun(self, potential: Potential, rng: Any, z: Any) -> tuple[NUTS, HMCState]:
        nuts = NUTS(potential_fn=potential, **self.options)
        return nuts, nuts.init(rng, self.warmup, z, (), {})

    def _moved(self, potential: Potential, state: HMCState) -> HMCState:
        # NUTS keeps its adaptation schedule in the object that `init` made; the state of that is of no use here.
        nuts, _ = self._begun(potential, jax.random.PRNGKey(0), jnp.zeros_like(state.z))
        return nuts.sample(state, (), {})


class Jumping(Nuts):
    """Jumps of all coordinates, and NUTS on all but the first."""

    def init(self, rng: Any, z: Any) -> Place:
        """A chain at its start."""
        return Place(z, self._begun(self._held(z), rng, z[1:])[1])

    def sample(self, place: Place) -> Place:
        """A chain one draw further."""
        key, jumps = jax.random.split(place.nuts.rng_key)
        z = self._jumped(place.z, jumps)
        held = self._held(z)
        value, slope = jax.value_and_grad(held)(z[1:])
        state = place.nuts._replace(z=z[1:], potential_energy=value, z_grad=slope, rng_key=key)
        state = self._moved(held, state)
        return Place(jnp.concatenate([z[:1], state.z]), state)

    def _held(self, z: Any) -> Potential:
        """The potential of all but the first coordinate, which stays where it is."""
        return lambda others: self.potential(jnp.concatenate([z[:1], others]))

    def _jumped(self, z: Any, key: Any) -> Any:
        # Half the time of importing this package; only laws that jump need it.
        from blackjax import irmh

        def log_density(z: Any) -> Any:
            potential = self.potential(z)
            return jnp.where(jnp.isnan(potential), -jnp.inf, -potential)

        def propose(key: Any) -> Any:
            return jax.random.t(key, TAILS, z.shape)

        def log_proposal(_: Any, proposed: Any) -> Any:
            return jax.scipy.stats.t.logpdf(proposed.position, TAILS).sum()

        kernel = irmh(log_density, propose, log_proposal)
        keys = jax.random.split(key, JUMPS)
        return jax.lax.scan(lambda state, key: (kernel.step(key, state)[0], None), kernel.init(z), keys)[0].position
