"""Any NumPyro model as a function of one unbounded flat vector, which coordinates and samplers work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
import numpyro
from numpyro.distributions import biject_to, transforms
from numpyro.infer.util import potential_energy


@dataclass(frozen=True)
class Site:
    """One sampled value: its shapes without and with its bounds, and its place in the flat vector."""

    name: str
    shape: tuple[int, ...]
    flat_shape: tuple[int, ...]
    start: int
    transform: Any = field(compare=False)

    @property
    def stop(self) -> int:
        """The end of the site's stretch of the flat vector."""
        return self.start + int(np.prod(self.flat_shape, dtype=int))

    @property
    def stretch(self) -> slice:
        """The site's stretch of the flat vector."""
        return slice(self.start, self.stop)

    def constrain(self, values: np.ndarray) -> np.ndarray:
        """Flat values of shape ``(..., stop - start)`` as values of the site, ``(..., *shape)``."""
        values = values.reshape(values.shape[:-1] + self.flat_shape)
        # The common transforms in NumPy: JAX would compile a program for each.
        match self.transform:
            case transforms.IdentityTransform():
                return values
            case transforms.ExpTransform():
                return np.exp(values)
            case transforms.SigmoidTransform():
                return 1.0 / (1.0 + np.exp(-values))
        return np.asarray(self.transform(values))


@dataclass(frozen=True)
class FlatModel:
    """A model as a potential energy over a flat vector.

    Attributes
    ----------
    model
        A NumPyro model of the arguments that every method takes as `args`.
    """

    model: Callable[..., None]
    sites: tuple[Site, ...]

    @staticmethod
    def of(model: Callable[..., None], args: tuple[Any, ...]) -> FlatModel:
        """Trace a model once, for its sites."""
        trace: dict[str, Any] = {}

        def record(args: tuple[Any, ...]) -> None:
            seeded = numpyro.handlers.seed(model, jax.random.PRNGKey(0))
            for name, site in numpyro.handlers.trace(seeded).get_trace(*args).items():
                if site["type"] == "sample" and not site["is_observed"]:
                    trace[name] = (biject_to(site["fn"].support), tuple(np.shape(site["value"])))

        jax.eval_shape(record, args)  # shapes and supports only: nothing is compiled or drawn
        sites: list[Site] = []
        for name, (transform, shape) in trace.items():
            sites.append(
                Site(name, shape, tuple(transform.inverse_shape(shape)), sites[-1].stop if sites else 0, transform)
            )
        return FlatModel(model, tuple(sites))

    @property
    def described(self) -> str | None:
        """All that its density follows from, in words; None where that cannot be said, as of any NumPyro model."""
        return None

    @cached_property
    def size(self) -> int:
        """The length of the flat vector."""
        return self.sites[-1].stop

    @cached_property
    def names(self) -> list[str]:
        """A name for each coordinate of the flat vector."""
        return [f"{s.name}[{i}]" if s.shape else s.name for s in self.sites for i in range(s.stop - s.start)]

    @cached_property
    def site(self) -> Mapping[str, Site]:
        """Sites by name."""
        return {site.name: site for site in self.sites}

    def potential(self, x: Any, args: tuple[Any, ...]) -> Any:
        """Minus the log density of the flat vector, all constants and Jacobians included."""
        values = {s.name: x[s.stretch].reshape(s.flat_shape) for s in self.sites}
        return potential_energy(self.model, args, {}, values)

    def mean(self, x: Any, args: tuple[Any, ...]) -> Any:
        """The model's deterministic ``mean`` at a flat vector."""
        values = {s.name: s.transform(x[s.stretch].reshape(s.flat_shape)) for s in self.sites}
        model = numpyro.handlers.substitute(self.model, data=values)
        return numpyro.handlers.trace(model).get_trace(*args)["mean"]["value"]

    def constrain(self, draws: np.ndarray) -> dict[str, np.ndarray]:
        """Flat draws ``(..., size)`` as values by site, ``(..., *shape)``."""
        return {s.name: s.constrain(draws[..., s.stretch]) for s in self.sites}
