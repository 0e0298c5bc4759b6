"""How long and how carefully to sample."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from bayeslaw.errors import InputError
from bayeslaw.inference.base.work import CHAINS


@dataclass(frozen=True)
class Settings:
    """How long and how carefully to sample.

    Attributes
    ----------
    draws, warmup
        Counts per chain: kept draws, and warm-up draws before them, which tune step size and metric.
    chains
        The number of chains, which start apart and are compared.
    target_accept
        The acceptance rate that the step size is tuned to.  The default is above NumPyro's 0.8: on whitened coordinates
        trajectories have few steps, so smaller steps cost less than the divergences they avoid, for which a fit would
        be repeated.
    max_tree_depth
        The base-2 logarithm of the most leapfrogs per draw; NumPyro's own default of 10 is 1023 of them.
    enough
        Sampling stops before all `draws` once the chains have converged and every quantity has a bulk and a tail
        effective sample size of this many; None for a fixed number of draws.
    seconds
        A fit that crawls is given up once it is clear that sampling will take longer; infinite for no limit.  See
        ``pace``.
    """

    draws: int = 1000
    warmup: int = 500
    chains: int = CHAINS
    target_accept: float = 0.93
    max_tree_depth: int = 10
    enough: int | None = None
    seconds: float = 120.0

    def __post_init__(self) -> None:
        # Diagnostics compare the halves of chains, whose variance takes two draws.
        for name, least in {"draws": 4, "warmup": 1, "chains": 1}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise InputError(f"{name} is {value!r}; expected a whole number from {least}.")
        if not 0.0 < self.target_accept < 1.0:
            raise InputError(f"target_accept is {self.target_accept!r}; expected a rate between 0 and 1, such as 0.95.")
        if not self.seconds > 0.0:
            raise InputError(f"seconds is {self.seconds!r}; expected a time above 0, or None for no limit.")


# The ends of a 95 % interval are then known to a twentieth of its width, which is less than a table's own error.
ENOUGH = 1000
USUAL = Settings(enough=ENOUGH)
# In affine coordinates draws are cheap, and where runs are few for the parameters they are seldom independent.
CHEAP = Settings(draws=2000, enough=ENOUGH)
# Where runs are few for the parameters, in coordinates that follow the predictions.  The longest warm-up that NumPyro
# learns variances in once: from its first 25 draws alone, as in a longer one, they are far off there, and trees of 500
# steps in the next 50 draws cost more than all the rest.  Draws are nearly independent, 2,000 effective of 3,000, and
# each costs a dozen factorisations.  With this rate of acceptance the fits of three laws to 15 runs and of one to 66,
# two seeds each, took a fifth less time than with .95, had as many effective draws, and in all one draw diverged.
FEW_RUNS = Settings(draws=750, warmup=149, target_accept=0.87, enough=ENOUGH)
# Draws per chain of each of the many fits of a calibration or a frontier.
DRAWS_OF_MANY = 500


def check_seed(seed: Any) -> None:
    """Refuse an invalid seed.

    Raises
    ------
    InputError
        When it is not a whole number from 0.
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0.")
