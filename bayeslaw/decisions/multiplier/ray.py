"""Two recipes along one axis of scale: the factor between them at equal outcome, in every draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.threshold.crossing import first_crossing, sign_change
from bayeslaw.ask.threshold.curve import FURTHER, Track

# Steps of a third over the widest range of the catalogue, 1e14 to 1e30 FLOP: losses of recipes do not turn in between,
# and what lies within a step is found by bisection.
POINTS = 129


@dataclass(frozen=True)
class Ray:
    """The laws of two recipes along an axis under one posterior, with the same other inputs held."""

    new: Track
    old: Track

    @cached_property
    def within(self) -> tuple[float, float]:
        """Where the two are compared: the range of the law along the axis, above zero."""
        low, high = self.old.within
        return (low if low > 0.0 else float(self.old.fitted[self.old.fitted > 0.0].min()) / FURTHER), high

    @cached_property
    def grid(self) -> np.ndarray:
        """The logs of places along the axis, at equal steps."""
        low, high = np.log(self.within).tolist()
        return np.linspace(low, high, POINTS)

    @cached_property
    def without_drift(self) -> Ray:
        """The laws themselves: among the fitted runs there is nothing to drift."""
        return self if self.new.drift is None else Ray(replace(self.new, drift=None), replace(self.old, drift=None))

    @cached_property
    def _along(self) -> np.ndarray:
        return self.old.heights(np.exp(self.grid[None, :]))

    def _curve(self, places: np.ndarray) -> np.ndarray:
        """The old recipe at logs of places; on the grid, which every scale needs, once."""
        return self._along if places.shape == (1, POINTS) else self.old.heights(np.exp(places))

    def factor(self, scale: float) -> np.ndarray:
        """How many times a scale the old recipe needs for what the new one has there; shape ``(size,)``.

        Infinity where it does not come to that within the range, and 0 where it has come to it at the lower end.
        """
        places, _ = first_crossing(self._curve, self.grid, self.reached(scale))
        return np.asarray(np.exp(places) / scale)

    def reached(self, scale: float) -> np.ndarray:
        """What the new recipe comes to at a scale; shape ``(size,)``."""
        return np.asarray(self.new.heights(np.array([[scale]]))[:, 0])

    def crossing(self) -> np.ndarray:
        """Where the better of the two becomes the worse, shape ``(size,)``; infinity where it stays the better.

        Runs of one scale drift alike, so that drift moves both and not the place where they meet.
        """
        laws = self.without_drift

        def apart(places: np.ndarray) -> np.ndarray:
            return np.asarray(laws.new.heights(np.exp(places)) - laws.old.heights(np.exp(places)))

        return np.asarray(np.exp(sign_change(apart, self.grid)))


@dataclass(frozen=True)
class Rays:
    """The same ray under each posterior of an average.

    Attributes
    ----------
    each
        By the average's names of its posteriors.
    """

    asked: Average
    each: Mapping[str, Ray]

    @property
    def within(self) -> tuple[float, float]:
        """Where all laws compare the two."""
        ends = np.array([ray.within for ray in self.each.values()])
        return float(ends[:, 0].max()), float(ends[:, 1].min())

    @property
    def held(self) -> str:
        """The other inputs, in words."""
        return next(ray.new.held for ray in self.each.values() if ray.new.posterior is self.asked.lead)

    @property
    def without_drift(self) -> Rays:
        """The laws themselves."""
        return Rays(self.asked, {name: ray.without_drift for name, ray in self.each.items()})

    def factor(self, scale: float) -> np.ndarray:
        """As :meth:`Ray.factor`, of the mixture; shape ``(size,)``."""
        return self.asked.mixed({name: ray.factor(scale) for name, ray in self.each.items()})

    def reached(self, scale: float) -> np.ndarray:
        """As :meth:`Ray.reached`, of the mixture; shape ``(size,)``."""
        return self.asked.mixed({name: ray.reached(scale) for name, ray in self.each.items()})

    def crossing(self) -> np.ndarray:
        """As :meth:`Ray.crossing`, of the mixture; shape ``(size,)``."""
        return self.asked.mixed({name: ray.crossing() for name, ray in self.each.items()})
