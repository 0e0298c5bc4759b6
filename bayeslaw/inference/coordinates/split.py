"""Which coordinates of a plan bend its posterior, which are group-specific, and which all groups share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayeslaw.inference.coordinates.block_arrow import Partition
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Structure, deviation_name, spread_name
from bayeslaw.language.formula.expression import names


@dataclass(frozen=True)
class Split(Partition):
    """The *scales* of a plan, and the division of the rest into group-specific and shared coordinates.

    Scales are log spreads between groups, and parameters of the noise alone that all runs share: a small spread
    squeezes its groups together, little noise squeezes everything.

    Attributes
    ----------
    scales
        Their flat positions; shape ``(t,)``.
    noise
        The position, among `scales`, of the one that multiplies all noise; None when there is none.
    spread_of
        By flat position of a deviation, the place of its spread among `scales`.
    """

    scales: np.ndarray
    noise: int | None
    spread_of: Mapping[int, int]

    @staticmethod
    def of(structure: Structure, model: FlatModel, *, by_group: bool) -> Split:
        """The split of a plan.

        Parameters
        ----------
        by_group
            Whether to set apart what belongs to one group of the finest grouping alone.
        """
        spreads = [model.site[spread_name(name, grouping)].start for name, grouping, _ in structure.effects]
        noise_names = shared_noise(structure)
        scales = [*spreads, *(model.site[name].start for name in noise_names)]
        noise = noise_scale(structure)
        spread_of = {
            at: i
            for i, (name, grouping, _) in enumerate(structure.effects)
            for at in range(*model.site[deviation_name(name, grouping)].stretch.indices(model.size))
        }
        groups = _of_groups(structure, model) if by_group else np.zeros((0, 0), dtype=int)
        shared = np.setdiff1d(np.arange(model.size), np.concatenate([scales, groups.reshape(-1)]))
        multiplies = None if noise is None else len(spreads) + noise_names.index(noise)
        return Split(groups, shared, np.array(scales, dtype=int), multiplies, spread_of)

    @property
    def order(self) -> np.ndarray:
        """The position of each flat coordinate among scales, groups and shared coordinates, in this order."""
        return np.argsort(np.concatenate([self.scales, self.positions]))


def shared_noise(structure: Structure) -> list[str]:
    """Parameters of the noise alone that are sampled, one value for all runs; counts have none."""
    return [name for name in structure.law.noise_parameters if name in one_for_all(structure)]


def one_for_all(structure: Structure) -> set[str]:
    """Parameters that are sampled as one value for all runs."""
    return {name for name, prior, length in structure.sites if prior is not None and length is None}


def noise_scale(structure: Structure) -> str | None:
    """The noise parameter that multiplies all noise, if there is one."""
    law, family = structure.law, structure.law.output.likelihood.family
    if family.scale is None:
        return None
    scale, shared = law.output.likelihood.arguments[family.arguments.index(family.scale)], shared_noise(structure)
    inside = (name for name in names(scale) if name in shared and law.parameters[name].prior.support == "positive")
    return next(inside, None)


def finest_grouping(structure: Structure) -> str:
    """The grouping with the most groups."""
    return max(structure.sizes, key=lambda pair: pair[1])[0]


def _of_groups(structure: Structure, model: FlatModel) -> np.ndarray:
    """The coordinates that belong to one group each of the finest grouping; shape ``(groups, k)``.

    Runs of two groups share none of them, whatever else is nested or crossed.
    """
    finest = finest_grouping(structure)
    own = [deviation_name(name, grouping) for name, grouping, _ in structure.effects if grouping == finest]
    own += [name for name, pooling in structure.poolings if pooling.kind == "none" and finest in pooling.groupings]
    return np.stack([np.arange(*model.site[name].stretch.indices(model.size)) for name in own], axis=1)
