"""From a plan to draws: starting points from the priors, geometry from the curvature, NUTS from there."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.base.program_shapes import Shapes
from bayeslaw.inference.base.progress import Progress
from bayeslaw.inference.coordinates.breaks.detection import Switched, switched
from bayeslaw.inference.coordinates.breaks.grid import ridge_through
from bayeslaw.inference.coordinates.breaks.map import Ridge, ridge_arrays
from bayeslaw.inference.coordinates.derivatives import curvature_of, marginal_of
from bayeslaw.inference.coordinates.following import follow, following_arrays
from bayeslaw.inference.coordinates.geometry import (
    Geometry,
    Hierarchy,
    Scales,
    affine_arrays,
    conditional_arrays,
    laplace,
    with_pilot,
)
from bayeslaw.inference.coordinates.mode import find_mode
from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.numpyro_model import numpyro_model
from bayeslaw.inference.model.plan import Plan, Structure, deviation_name, spread_name, unbounded
from bayeslaw.inference.sampler.chains import Chains, Settings, check_seed, compile_chains
from bayeslaw.inference.sampler.sample import Draws, Stopwatch
from bayeslaw.language.formula.expression import names

# Starts drawn from the priors, of which the best few are followed to their modes; the first start is the medians.
STARTS = 24
# Draws that tell the medians and widths of priors.
PRIOR_DRAWS = 999
# With fewer runs than this a coordinate, the posterior is a bent sheet that only its own predictions follow.
RUNS_A_COORDINATE = 10
# Following them factorises dense matrices at every step; beyond this many coordinates the steps it saves are not worth
# their price.
FOLLOWING_UP_TO = 60
# Draws a chain of a pilot, where there is one.
PILOT = 300
# A pilot's draws, a thousand or so, tell a covariance to within the root of coordinates over draws: a third here, and
# beyond it whitening by what they say would undo more than it mends.  NUTS's own diagonal metric then has to do.
PILOT_UP_TO = 150
# So many times the draws, for what has not converged.
LONGER = 4


class Choice(NamedTuple):
    """How a plan is sampled.

    Attributes
    ----------
    kind
        Its coordinates, a key of ``transports.TRANSPORTS``.
    patient
        Whether it takes more than usual, which had not converged.
    """

    kind: str
    settings: Settings
    patient: bool = False


@dataclass(frozen=True)
class Prepared:
    """What fits of one structure, in one kind of coordinates, have in common.

    Attributes
    ----------
    split
        Into scales and the rest, or into outer and inner coordinates; None of those that are all alike.
    chains
        The compiled chains, when they are.
    """

    structure: Structure
    model: FlatModel
    split: Scales | Ridge | None
    settings: Settings
    chains: Future[Chains]

    def geometry(self, data: Any, seed: int, start: np.ndarray | None = None) -> Geometry:
        """See :func:`find_geometry`."""
        return find_geometry(self.structure, self.model, data, self.split, seed, start)


def prepare(plan: Plan, data: Any, choice: Choice, fits: int = 1) -> Prepared:
    """Trace what a plan needs, and start to compile it.

    Parameters
    ----------
    data
        The plan's, as JAX's arrays.
    fits
        How many fits the chains take at once.
    """
    structure = plan.structure
    model = flat_model(structure)
    kind, settings = choice.kind, choice.settings
    split = split_for(kind, structure, model)
    arrays = arrays_to_compile_for(kind, model, split, structure.rows)
    if settings.pilot:
        arrays = with_pilot(arrays)
    chains = compile_chains(model, Shapes.of((data,)), Shapes.of(arrays), kind, settings, fits)
    curvature_of(model, (data,), split if isinstance(split, Scales) else None)
    return Prepared(structure, model, split, settings, chains)


def infer(plan: Plan, choice: Choice, seed: int = 0, progress: Progress | None = None) -> Draws:
    """Sample a plan."""
    check_seed(seed)
    stopwatch = Stopwatch()
    with devices.float64():
        with stopwatch("trace"):
            data = jax.tree.map(jnp.asarray, plan.data())
            prepared = prepare(plan, data, choice)
        with stopwatch("mode"):
            geometry = prepared.geometry(data, seed)
        with stopwatch("compile"):
            run = prepared.chains.result()
        with stopwatch("sampling"):
            ((flat, stats, geometry),) = run([geometry], [(data,)], [seed], progress, False)
    return Draws(prepared.model, flat, stats, geometry, choice.settings, seed, stopwatch.seconds, choice.patient)


def mode_of(plan: Plan, seed: int = 0) -> dict[str, Any]:
    """The mode of the posterior density over unbounded coordinates, as values of the sampled sites."""
    check_seed(seed)
    with devices.float64():
        model = flat_model(plan.structure)
        data = jax.tree.map(jnp.asarray, plan.data())
        mode = find_mode(curvature_of(model, (data,)), _starts(plan.structure, model, seed))
        return {name: v if v.ndim else float(v) for name, v in model.constrain(mode).items()}


@lru_cache(maxsize=64)
def flat_model(structure: Structure) -> FlatModel:
    """The NumPyro model of a plan over a flat vector."""
    rows = jnp.ones(structure.rows)
    example = {
        "arrays": {name: rows for name, _ in hoist(structure.law).arrays},
        "outcome": rows,
        "weights": rows,
        "shift": rows,
        "groups": {name: jnp.zeros(structure.rows, int) for name, _ in structure.sizes},
    }
    return FlatModel.of(numpyro_model(structure), (example,))


def kind_of(plan: Plan) -> str:
    """The coordinates that suit a plan: ``following``, ``conditional``, ``ridge`` or ``affine``."""
    structure, size = plan.structure, flat_size(plan.structure)
    few = np.count_nonzero(plan.weights) < RUNS_A_COORDINATE * size
    # A chance near 0 or 1 hardly moves with the parameters, and coordinates that follow it fold: 69 scores on one task
    # in 19 families gave 59 leapfrogs and 209 of 2000 draws diverged, where conditional ones gave 15 and none.
    followed = structure.law.output.likelihood.family.outcome != "count"
    if few and followed and size <= FOLLOWING_UP_TO and (structure.effects or _shared_noise(structure)):
        return "following"
    return _unfolded(structure)


def _unfolded(structure: Structure) -> str:
    """The coordinates that suit many runs, and do not fold whatever the law."""
    if structure.effects:
        return "conditional"
    return "ridge" if _switched(structure).absent else "affine"


def _switched(structure: Structure) -> Switched:
    """A part that may be absent, if each of its parameters that matter is one value for all runs."""
    found, own = switched(structure.law), _one_for_all(structure)
    absent = tuple(name for name in found.absent if name in own)
    return Switched(found.linear, absent) if absent and set(found.linear) <= own else Switched()


def _shared_noise(structure: Structure) -> list[str]:
    """Parameters of the noise alone that are sampled, one value for all runs; counts have none."""
    return [name for name in structure.law.noise_parameters if name in _one_for_all(structure)]


def _one_for_all(structure: Structure) -> set[str]:
    """Parameters that are sampled as one value for all runs."""
    return {name for name, prior, length in structure.sites if prior is not None and length is None}


def split_for(kind: str, structure: Structure, model: FlatModel) -> Scales | Ridge | None:
    """How coordinates of a kind are split."""
    match kind:
        case "affine":
            return None
        case "ridge":
            return _ridge_of(structure, model)
    return scales_of(structure, model, by_group=kind == "conditional")


def arrays_to_compile_for(kind: str, model: FlatModel, split: Scales | Ridge | None, rows: int) -> dict[str, Any]:
    """Arrays of the shapes that a geometry of this kind will have."""
    match split:
        case None:
            return affine_arrays(model.size)
        case Ridge():
            return ridge_arrays(split, rows)
    return following_arrays(split, rows) if kind == "following" else conditional_arrays(split)


def find_geometry(
    structure: Structure, model: FlatModel, data: Any, split: Scales | Ridge | None, seed: int,
    start: np.ndarray | None = None,
) -> Geometry:  # fmt: skip
    """Where and how to sample a plan, from a flat vector near its mode or, without one, from the priors."""
    starts = _starts(structure, model, seed) if start is None else [start]
    match split:
        case None:
            return laplace(curvature_of(model, (data,)), starts)
        case Ridge():
            curvature = curvature_of(model, (data,))
            return ridge_through(curvature, find_mode(curvature, starts), split, model, data)
    geometry = hierarchy_of(model, data, split).fit(starts)
    return geometry if len(split.groups) else follow(geometry, model, data)


def hierarchy_of(model: FlatModel, data: Any, scales: Scales) -> Hierarchy:
    """The curvature of a plan around its scales, with all data and with none."""
    posterior = curvature_of(model, (data,), scales)
    prior = curvature_of(model, ({**data, "weights": jnp.zeros_like(data["weights"])},), scales)
    return Hierarchy(posterior, prior, marginal_of(model, (data,), conditional_arrays(scales)), scales)


def scales_of(structure: Structure, model: FlatModel, by_group: bool) -> Scales:
    """The scales of a plan: spreads between groups, and parameters of the noise alone that all runs share.

    Parameters
    ----------
    by_group
        Whether to set apart what belongs to one group alone.
    """
    spreads = [model.site[spread_name(name, grouping)].start for name, grouping, _ in structure.effects]
    noise_names = _shared_noise(structure)
    scales = [*spreads, *(model.site[name].start for name in noise_names)]
    noise = _multiplies(structure)
    multiplies = None if noise is None else len(spreads) + noise_names.index(noise)
    spread_of = {
        at: i
        for i, (name, grouping, _) in enumerate(structure.effects)
        for at in range(*model.site[deviation_name(name, grouping)].stretch.indices(model.size))
    }
    groups = _by_group(structure, model) if by_group else np.zeros((0, 0), dtype=int)
    shared = np.setdiff1d(np.arange(model.size), np.concatenate([scales, groups.reshape(-1)]))
    return Scales(groups, shared, np.array(scales, dtype=int), multiplies, spread_of)


def _multiplies(structure: Structure) -> str | None:
    """The noise parameter that multiplies all noise, if there is one."""
    law, family = structure.law, structure.law.output.likelihood.family
    if family.scale is None:
        return None
    scale, shared = law.output.likelihood.arguments[family.arguments.index(family.scale)], _shared_noise(structure)
    inside = (name for name in names(scale) if name in shared and law.parameters[name].prior.support == "positive")
    return next(inside, None)


def _ridge_of(structure: Structure, model: FlatModel) -> Ridge:
    """Inner and outer coordinates of a plan without families, and the one that its ridge leads along."""
    inner, absent = (np.array([model.site[name].start for name in names]) for names in _switched(structure))
    low, middle, high = np.quantile(_prior_draws(structure, model, 0), [0.16, 0.5, 0.84], axis=0)
    spread, noise = (high - low) / 2.0, _multiplies(structure)
    # What the priors leave open most has most homes.
    along = absent[spread[absent].argmax()]
    outer = np.concatenate([[along], np.setdiff1d(np.arange(model.size), [along, *inner])])
    at = None if noise is None else int(np.flatnonzero(outer == model.site[noise].start)[0])
    return Ridge(inner, outer, at, middle, spread)


def _by_group(structure: Structure, model: FlatModel) -> np.ndarray:
    """The coordinates that belong to one group each of the finest grouping; shape ``(groups, k)``.

    Runs of two groups share none of them, whatever else is nested or crossed.
    """
    finest = finest_grouping(structure)
    own = [deviation_name(name, grouping) for name, grouping, _ in structure.effects if grouping == finest]
    own += [name for name, pooling in structure.poolings if pooling.kind == "none" and finest in pooling.groupings]
    return np.stack([np.arange(*model.site[name].stretch.indices(model.size)) for name in own], axis=1)


def finest_grouping(structure: Structure) -> str:
    """The grouping with the most groups."""
    return max(structure.sizes, key=lambda pair: pair[1])[0]


def _starts(structure: Structure, model: FlatModel, seed: int) -> list[np.ndarray]:
    """Flat vectors drawn from the priors, the first at the priors' medians; groups start alike."""
    draws = _prior_draws(structure, model, seed)
    return [np.median(draws, axis=0), *draws[: STARTS - 1]]


def _prior_draws(structure: Structure, model: FlatModel, seed: int) -> np.ndarray:
    """Flat vectors drawn from the priors, all groups alike and without deviations; shape ``(PRIOR_DRAWS, size)``."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((PRIOR_DRAWS, model.size))
    for name, prior, _ in structure.sites:
        if prior is not None:
            drawn[:, model.site[name].stretch] = unbounded(prior, prior.draw(rng, PRIOR_DRAWS))[:, None]
    return drawn


def choice_for(plan: Plan, **given: int | float | None) -> Choice:
    """How a plan is sampled unless it turns out otherwise, with the settings that the caller gave."""
    return _with_settings(plan, kind_of(plan), given)


def next_choice(plan: Plan, tried: Choice, found: Diagnostics, **given: int | float | None) -> Choice | None:
    """How a plan is sampled once more after what was found; None when that will do, or nothing is left to try.

    What lacks draws alone gets more of the same.  What lacks something else, or still lacks them, is sampled with care.
    """
    if found.converged:
        return None
    if not tried.patient and found.with_draws(LONGER).converged:
        longer = replace(tried.settings, draws=LONGER * tried.settings.draws)
        return tried._replace(settings=longer, patient=True)
    careful = with_care(plan, **given)
    return None if tried == careful else careful


def with_care(plan: Plan, **given: int | float | None) -> Choice:
    """How a plan is sampled that is hard: longer and in shorter steps, where nothing folds, after a pilot.

    Coordinates that follow predictions fold where a prediction turns, as with a break in the law; those made at the
    mode are long-winded there and right, and less long-winded once a pilot has shown how wide the posterior is.
    """
    kind = kind_of(plan)
    choice = _with_settings(plan, _unfolded(plan.structure) if kind == "following" else kind, given)
    settings = choice.settings
    careful = replace(
        settings, draws=LONGER * settings.draws, warmup=max(settings.warmup, 1000),
        target_accept=max(settings.target_accept, 0.98),
        pilot=max(settings.pilot, PILOT if choice.kind != "ridge" and flat_size(plan.structure) <= PILOT_UP_TO else 0),
    )  # fmt: skip
    return choice._replace(settings=careful, patient=True)


def _with_settings(plan: Plan, kind: str, given: Mapping[str, int | float | None]) -> Choice:
    settings = Settings()
    match kind:
        case "following":
            # The longest warm-up that NumPyro learns variances in once: from its first 25 draws alone, as in a longer
            # one, they are far off here, and trees of 500 steps in the next 50 draws cost more than all the rest.
            # Draws are nearly independent, 2,000 effective of 3,000, and each costs a dozen factorisations.
            settings = Settings(draws=750, warmup=149, target_accept=0.95)
        case "conditional" if flat_size(plan.structure) <= PILOT_UP_TO:
            settings = Settings(warmup=300, pilot=PILOT)
        case "ridge":
            # Jumps mix; NUTS between them is to be sure of its steps, and need not lead far.
            settings = Settings(warmup=300, target_accept=0.98, max_tree_depth=5)
    return Choice(kind, replace(settings, **{name: value for name, value in given.items() if value is not None}))  # type: ignore[arg-type]


def flat_size(structure: Structure) -> int:
    """The number of coordinates of a plan."""
    return sum(length or 1 for _, _, length in structure.sites)
