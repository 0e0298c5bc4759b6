"""Coordinates of a hierarchy: scales first, then everything else given the scales.

The *scales* ``t`` (log spreads between groups, noise; see ``split``) bend the posterior.  Given them the rest ``o`` is
close to Gaussian, with a precision that is known as a function of them,

    Q(t) = noise(t)^-2 · H_likelihood + H_prior + diag(spread(t)^-2),      o = m(t) + Q(t)^-1/2 z,

where ``m(t)`` is one Newton step from the mode.  In ``z`` the funnel is gone in both of its regimes: groups with many
precise runs are effectively centred, groups with one or two runs non-centred, and each direction of each group by as
much as its data require (Papaspiliopoulos, Roberts & Skold 2007 for one direction; this is the matrix form).

The joint mode of a hierarchy does not exist (all spreads collapse to zero).  So the scales are placed at the mode of
their Laplace-approximated marginal, ``F(t) = U(m(t), t) + 1/2 log det Q(t)`` (Tierney & Kadane 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import kept
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes
from bayeslaw.inference.coordinates.block_arrow import Arrow, Blocks
from bayeslaw.inference.coordinates.derivatives import curvature_of
from bayeslaw.inference.coordinates.marginal import hessian, step_to_mode
from bayeslaw.inference.coordinates.mode import Curvature, descend, find_mode
from bayeslaw.inference.coordinates.pieces import Rest, Scales
from bayeslaw.inference.coordinates.positive import FLATTEST, positive, positive_arrow, root_of_inverse
from bayeslaw.inference.coordinates.protocol import Problem
from bayeslaw.inference.coordinates.split import Split
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.sampler.kernels import Kernel, Nuts
from bayeslaw.inference.sampler.settings import USUAL, Settings

# Scales and the rest are moved to their modes in turn, each given the other, until no scale moves by a twentieth, which
# is half the width of a log scale known from two hundred runs.  Two or three turns are usual.
TURNS, SETTLED = 8, 0.05


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Conditional:
    """Everything else given the scales.

    Attributes
    ----------
    groups, shared
        The group-specific and the shared coordinates.
    likelihood
        The Hessian of the likelihood over both.
    order
        The position of each flat coordinate among scales, groups and shared coordinates; shape ``(size,)``.
    """

    scales: Scales
    groups: Rest
    shared: Rest
    likelihood: Blocks
    order: Any

    settings: ClassVar[Settings] = USUAL
    kernel: ClassVar[type[Kernel]] = Nuts
    folds: ClassVar[bool] = False

    @classmethod
    def template(cls, problem: Problem) -> Self:
        """Coordinates of the shapes that those of a problem have, to compile for."""
        return cls.blank(Split.of(problem.plan, problem.model, by_group=True))

    @classmethod
    def blank(cls, split: Split) -> Self:
        """Coordinates of the shapes that those of a split have."""
        (groups, each), shared, size = split.groups.shape, len(split.shared), len(split.order)
        return cls(
            Scales.of(split, np.zeros(size)),
            Rest(
                np.zeros((groups, each)), np.zeros(each), np.zeros(each, dtype=int), np.zeros((groups, each, each)),
                np.zeros((groups, each)), np.zeros((groups, each)),
            ),
            Rest(
                np.zeros(shared), np.zeros(shared), np.zeros(shared, dtype=int), np.zeros((shared, shared)),
                np.zeros(shared), np.zeros(shared),
            ),
            Blocks(
                np.zeros((groups, each, each)), np.zeros((groups, each, shared)), np.zeros((shared, shared))
            ),
            np.zeros(size, dtype=int),
        )  # fmt: skip

    @classmethod
    def at_mode(cls, problem: Problem, starts: Sequence[np.ndarray]) -> Self:
        """Scales at the mode of their marginal, the rest at its mode given them."""
        return cls.of_split(problem, Split.of(problem.plan, problem.model, by_group=True), starts)

    @classmethod
    def around(cls, problem: Problem, x: np.ndarray) -> Self:
        """Scales where they are at a flat vector, the rest at its mode given them."""
        return cls.of_split_around(problem, Split.of(problem.plan, problem.model, by_group=True), x)

    @classmethod
    def of_split(cls, problem: Problem, split: Split, starts: Sequence[np.ndarray]) -> Self:
        """As :meth:`at_mode`, for any split of the problem's plan."""
        posterior, prior = _curvatures(problem, split)
        program, t = (
            _marginal_program(problem.model, Shapes.of(problem.args), Shapes.of(cls.blank(split))),
            split.scales,
        )

        def density(local: Conditional, t: np.ndarray) -> tuple[float, np.ndarray]:
            value, x = program(local, t, problem.args)
            return float(value), np.asarray(x)

        starts = [start.copy() for start in starts]
        for start in starts:
            start[t] = starts[0][t]
        x = find_mode(posterior, starts)
        for _ in range(TURNS):
            before, local = x[t], cls._local(posterior, prior, split, x)
            x = descend(posterior, step_to_mode(partial(density, local), before))
            if np.abs(x[t] - before).max() < SETTLED:
                break
        local = cls._local(posterior, prior, split, x)
        curvature = hessian(partial(density, local), x[t])
        # The density of a log scale that the data do not identify falls off slowly on one side; beyond a standard
        # deviation of 1 the sampler's own warm-up does better.
        root, log_det = root_of_inverse(curvature, 1.0)
        return replace(local, scales=replace(local.scales, root=root, log_det=log_det))

    @classmethod
    def of_split_around(cls, problem: Problem, split: Split, x: np.ndarray) -> Self:
        """As :meth:`around`, for any split of the problem's plan."""
        posterior, prior = _curvatures(problem, split)
        return cls._local(posterior, prior, split, descend(posterior, x))

    @classmethod
    def _local(cls, posterior: Curvature, prior: Curvature, split: Split, x: np.ndarray) -> Self:
        """The pieces of the precision at a point, with independent scales."""
        _, slope, curvature = posterior.at(x)
        _, prior_slope, prior_curvature = prior.at(x)
        scales = Scales.of(split, x)
        tight = np.exp(-2.0 * scales.at)

        def rest(positions: np.ndarray, alike: np.ndarray, prior_precision: Callable[[np.ndarray], np.ndarray]) -> Rest:
            deviates = np.array([float(i in split.spread_of) for i in alike])
            spread = np.array([split.spread_of.get(i, 0) for i in alike], dtype=int)
            pull = deviates * tight[spread]
            return Rest(
                x[positions], deviates, spread, prior_precision(np.diag(pull)), (slope - prior_slope)[positions],
                prior_slope[positions] - pull * x[positions],
            )  # fmt: skip

        return cls(
            scales,
            rest(
                split.groups,
                # All groups have the same parameters, with separate values.
                split.groups[0] if len(split.groups) else np.zeros(0, dtype=int),
                lambda pull: np.maximum(prior_curvature.groups - pull, 0.0) * np.eye(split.groups.shape[1]),
            ),
            rest(split.shared, split.shared, lambda pull: positive(prior_curvature.shared - pull, FLATTEST)),
            positive_arrow(*(a - b for a, b in zip(curvature, prior_curvature, strict=True))),
            split.order,
        )

    @property
    def centre(self) -> np.ndarray:
        """The flat vector of the mode; shape ``(size,)``."""
        return np.asarray(np.concatenate([self.scales.at, np.ravel(self.groups.at), self.shared.at])[self.order])

    @property
    def own(self) -> np.ndarray:
        """Positions on the ball of the coordinates of each group; shape ``(groups, k)``."""
        groups, each = self.groups.at.shape
        return self.scales.count + np.arange(groups * each).reshape(groups, each)

    def in_parts(self, z: Any) -> tuple[Any, Any, Any]:
        """A vector of the ball, or one in the same order, as scales, groups ``(groups, k)`` and shared coordinates."""
        groups, each = self.groups.at.shape
        scales, own, shared = jnp.split(z, [self.scales.count, self.scales.count + groups * each])
        return scales, own.reshape(groups, each), shared

    def forward(self, z: Any, _model: FlatModel, _args: tuple[Any, ...], /) -> tuple[Any, Any]:
        """Scales first, then everything else given the scales."""
        return self.forward_parts(*self.in_parts(z))

    def forward_parts(self, scales_z: Any, group_z: Any, shared_z: Any) -> tuple[Any, Any]:
        """The same from the parts of the ball, so that terms that do not depend on the groups are computed once."""
        t = self.scales.forward(scales_z)
        factor, group_slope, shared_slope = self.precision_root(t)
        group_y, shared_y = factor.solve_root(group_slope, shared_slope)
        group_step, shared_step = factor.solve_root_transposed(group_z - group_y, shared_z - shared_y)
        group_o, shared_o = self.groups.at + group_step, self.shared.at + shared_step
        x = jnp.concatenate([t, group_o.reshape(-1), shared_o])[self.order]
        return x, self.scales.log_det - factor.half_log_det

    def inverse(self, x: Any, _model: FlatModel, _args: tuple[Any, ...], /) -> Any:
        """Scales first here too."""
        t, group_o, shared_o = self.in_parts(x[jnp.argsort(self.order)])
        factor, group_slope, shared_slope = self.precision_root(t)
        group_y, shared_y = factor.solve_root(group_slope, shared_slope)
        group_z, shared_z = factor.root_transposed(group_o - self.groups.at, shared_o - self.shared.at)
        return jnp.concatenate([self.scales.inverse(t), (group_z + group_y).reshape(-1), shared_z + shared_y])

    def precision_root(self, t: Any) -> tuple[Arrow, Any, Any]:
        """The root of the precision given scales, and the slope of the potential at the mode under them."""
        quieter, likelihood = self.scales.quieter(t), self.likelihood
        group_tight, shared_tight = self.groups.tight(t), self.shared.tight(t)
        factor = Arrow.of(
            quieter * likelihood.groups + self.groups.prior + jnp.diag(group_tight)[None],
            quieter * likelihood.cross,
            quieter * likelihood.shared + self.shared.prior + jnp.diag(shared_tight),
        )
        return factor, self.groups.slope_given(quieter, group_tight), self.shared.slope_given(quieter, shared_tight)

    def given(self, t: Any) -> tuple[Any, Any]:
        """The flat vector of scales with everything else at its mode given them, by one Newton step; and log det."""
        alone = replace(self, scales=self.scales.by_themselves())
        z = jnp.zeros(self.order.shape[0]).at[: self.scales.count].set(t - self.scales.at)
        return alone.forward_parts(*alone.in_parts(z))


def _curvatures(problem: Problem, split: Split) -> tuple[Curvature, Curvature]:
    """The Hessians of the posterior and of the prior (the posterior without data), over all but the scales."""
    (data,) = problem.args
    nothing = {**data, "weights": jnp.zeros_like(data["weights"])}
    return curvature_of(problem.model, (data,), split), curvature_of(problem.model, (nothing,), split)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _marginal_program(model: FlatModel, args: Shapes, template: Shapes) -> Any:
    """Minus the log density of the scales, and the flat vector with everything else at its mode given them.

    The value alone: to compile its gradient would take longer than all differences that a small fit needs.
    """

    def density(local: Conditional, t: Any, args: Any) -> Any:
        x, log_det = local.given(t)
        return model.potential(x, args) - log_det, x

    structs = template.structs()
    return kept(
        lambda: jax.jit(density).lower(structs, structs.scales.at, args.structs()),
        "marginal", model.described, args, template, options=devices.HASTY,
    )  # fmt: skip
