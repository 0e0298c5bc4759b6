"""A law along one axis of scale for every draw of a posterior, with the other inputs held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayeslaw.ask.forecast.drift import Drift, drifted
from bayeslaw.ask.where.points import points_at
from bayeslaw.ask.where.scale import Axis, Inputs, axis_of, path
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.streams import NEW_FAMILY, generator
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.runs import observations
from bayeslaw.runs.stand_ins import Group
from bayeslaw.words import argument

# For an input without a range: this factor beyond the fitted runs at either end.
FURTHER = 1e3


@dataclass(frozen=True)
class Track:
    """A law along an axis.

    Attributes
    ----------
    fixed
        Fixed values of other inputs, by name; the middle of the fitted runs for the rest.
    groups
        The family, as :meth:`bayeslaw.Posterior.parameters` takes it.
    drift
        Drift of the law beyond the runs, if any.
    """

    posterior: Posterior
    axis: Axis
    fixed: Mapping[str, float]
    groups: Mapping[str, Group]
    drift: Drift | None

    @cached_property
    def fitted(self) -> np.ndarray:
        """The fitted runs along the axis, or the usual place of published values; shape ``(runs,)``."""
        return self.axis.values(self.posterior.usual)

    @cached_property
    def held(self) -> str:
        """The other inputs, in words."""
        return path(self.posterior, self.axis, self.fitted, self.posterior.usual, self.fixed, noise=False)[1]

    @cached_property
    def within(self) -> tuple[float, float]:
        """The range of the law along the axis, wide enough for the fitted runs."""
        law, low, high = self.posterior.law, float(self.fitted.min()), float(self.fitted.max())
        if self.axis.scale is None:
            start, end = law.inputs[self.axis.name].range or (low / FURTHER if low > 0 else low, high * FURTHER)
            return min(start, low), max(end, high)
        start, end = low / FURTHER, high * FURTHER
        found = []
        for name in self.axis.scale:
            # A power of compute, or constant.
            one, more = (float(each) for each in self.inputs(np.exp([0.0, 1.0]))[name])
            limits, power = law.inputs[name].range, np.log(more / one)
            if limits is not None and power > 0:
                found.append([(limit / one) ** (1.0 / power) for limit in limits])
        if found:
            start, end = max(each[0] for each in found), min(each[1] for each in found)
        return min(start, low), max(end, high)

    @cached_property
    def parameters(self) -> dict[str, np.ndarray]:
        """Draws of every parameter, each of shape ``(size, 1)``."""
        # The same random numbers as in a forecast, so that both draw the same new family.
        drawn = self.posterior.parameters(self.groups, generator(self.posterior.seed, NEW_FAMILY))
        return {name: values[:, None] for name, values in drawn.items()}

    def inputs(self, places: np.ndarray) -> Inputs:
        """Every input at places along the axis, each of their shape."""
        return path(self.posterior, self.axis, places, self.posterior.usual, self.fixed)[0]

    def heights(self, places: np.ndarray) -> np.ndarray:
        """The law at places of shape ``(1, points)`` or ``(size, 1)``, one row per draw."""
        law, inputs = self.posterior.law, self.inputs(places)
        mean = law.mean(law.with_computed_inputs(inputs), self.parameters)
        heights = np.broadcast_to(mean, (self.posterior.size, places.shape[1]))
        return drifted(self.drift, self.posterior, inputs, heights)


def make_track(
    posterior: Posterior,
    along: str | None,
    fixed: Mapping[str, float],
    groups: Mapping[str, Group],
    drift: Drift | None,
) -> Track:
    """Make a track, and check that the fixed inputs can be held.

    Raises
    ------
    QuestionError
        When the law has no such axis, or a fixed input moves along it or is computed from other inputs.
    RunsError
        When a value cannot be an input of the law.
    """
    law = posterior.law
    track = Track(posterior, axis_of(law, along), fixed, groups, drift)
    for name in fixed:
        if name == track.axis.name:
            raise QuestionError(f"{argument('at')}: '{name}' is the axis of the question; hold other inputs.")
        if name not in law.free_inputs:
            others = [each for each in law.free_inputs if each != track.axis.name]
            raise QuestionError(f"{argument('at')}: '{name}' cannot be held; hold {' or '.join(others) or 'nothing'}.")
    middle = points_at([law], track.inputs(np.median(track.fitted, keepdims=True)))
    observations.inputs(middle, law)  # refuses values out of range
    return track
