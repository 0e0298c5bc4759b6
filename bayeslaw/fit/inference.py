"""From a plan to draws: starting points from the priors, geometry from the curvature, NUTS from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayeslaw.fit import devices
from bayeslaw.fit.chains import Progress, Settings, Shapes, compile_chains
from bayeslaw.fit.flat import FlatModel
from bayeslaw.fit.geometry import (
    Geometry,
    Hierarchy,
    Scales,
    affine_arrays,
    affine_at,
    conditional_arrays,
    find_mode,
)
from bayeslaw.fit.hoist import hoist
from bayeslaw.fit.numpyro_model import numpyro_model
from bayeslaw.fit.plan import Plan, Structure, deviation_name, spread_name, unbounded
from bayeslaw.fit.sample import Draws, Stopwatch, curvature_of
from bayeslaw.law.expr import names

# Starts drawn from the priors, of which the best few are followed to their modes; the first start is the medians.
STARTS = 24
# Without a hierarchy the conditional transport factorises one dense matrix at every step; beyond this many coordinates
# that costs more than the gradient.  A hierarchy's is an arrow, whose cost grows with its groups alone.
CONDITIONAL_UP_TO = 150
# In so few dimensions one dense block costs what the arrow does, and a likelihood that curves the wrong way somewhere,
# as with few runs, is made positive as a whole, which keeps more of it: three corpora of 15 runs then mix twice as
# well.  It is also where NUTS's own dense metric learns more in its warm-up than it costs.
DENSE_UP_TO = 32
# With fewer runs than this a parameter, noise is uncertain enough to bend the posterior of everything else.
RUNS_A_PARAMETER = 10


def infer(plan: Plan, settings: Settings, seed: int = 0, progress: Progress | None = None) -> Draws:
    """Sample a plan."""
    stopwatch = Stopwatch()
    structure = plan.structure
    with devices.float64():
        with stopwatch("trace"):
            data = jax.tree.map(jnp.asarray, plan.data())
            model = flat_model(structure)
            scales = scales_of(structure, model) if bends(plan) else None
            arrays = affine_arrays(model.size) if scales is None else conditional_arrays(scales)
            kind = "affine" if scales is None else "conditional"
            chains = compile_chains(model, Shapes.of((data,)), Shapes.of(arrays), kind, settings)
            curvature_of(model, (data,))
        with stopwatch("mode"):
            geometry = find_geometry(structure, model, data, scales, seed)
        with stopwatch("compile"):
            run = chains.result()
        with stopwatch("sampling"):
            flat, stats, geometry = run(geometry, (data,), seed, progress)
    return Draws(model, flat, stats, geometry, settings, seed, stopwatch.seconds)


def mode_of(plan: Plan, seed: int = 0) -> dict[str, Any]:
    """The mode of the posterior density over unbounded coordinates, as values of the sampled sites."""
    with devices.float64():
        model = flat_model(plan.structure)
        data = jax.tree.map(jnp.asarray, plan.data())
        mode = find_mode(curvature_of(model, (data,)), _starts(plan.structure, model, seed))
        return {name: v if v.ndim else float(v) for name, v in model.constrain(mode).items()}


def flat_model(structure: Structure) -> FlatModel:
    """The NumPyro model of a plan over a flat vector."""
    rows = jnp.ones(structure.rows)
    example = {
        "arrays": {name: rows for name, _ in hoist(structure.law).arrays},
        "outcome": rows,
        "weights": rows,
        "groups": {name: jnp.zeros(structure.rows, int) for name, _ in structure.sizes},
    }
    return FlatModel.of(numpyro_model(structure), (example,))


def bends(plan: Plan) -> bool:
    """Whether spreads or noise bend the posterior enough for the conditional transport, and it can be afforded."""
    size = flat_size(plan.structure)
    few = len(plan.outcome) < RUNS_A_PARAMETER * size
    # Counts have no scale of their own: without a hierarchy nothing is left to condition on.
    shared = {name for name, _, length in plan.structure.sites if length is None}
    few = few and not shared.isdisjoint(plan.law.noise_parameters)
    return bool(plan.structure.effects) or (few and size <= CONDITIONAL_UP_TO)


def find_geometry(structure: Structure, model: FlatModel, data: Any, scales: Scales | None, seed: int) -> Geometry:
    """Where and how to sample a plan."""
    posterior = curvature_of(model, (data,))
    starts = _starts(structure, model, seed)
    if scales is None:
        return affine_at(posterior, find_mode(posterior, starts))
    prior = curvature_of(model, ({**data, "weights": jnp.zeros_like(data["weights"])},))
    return Hierarchy(posterior, prior, scales).fit(starts)


def scales_of(structure: Structure, model: FlatModel) -> Scales:
    """The scales of a plan: spreads between groups, and parameters of the noise alone that all runs share."""
    law = structure.law
    spreads = [model.site[spread_name(name, grouping)].start for name, grouping, _ in structure.effects]
    noise_names = [name for name in law.noise_parameters if name in model.site and not model.site[name].shape]
    scales = [*spreads, *(model.site[name].start for name in noise_names)]
    family = law.output.likelihood.family
    multiplies = None
    if family.scale is not None:
        scale = law.output.likelihood.arguments[family.arguments.index(family.scale)]
        inside = [
            name for name in names(scale) if name in noise_names and law.parameters[name].prior.support == "positive"
        ]
        multiplies = len(spreads) + noise_names.index(inside[0]) if inside else None
    spread_of = {
        at: i
        for i, (name, grouping, _) in enumerate(structure.effects)
        for at in range(*model.site[deviation_name(name, grouping)].stretch.indices(model.size))
    }
    groups = _by_group(structure, model)
    shared = np.setdiff1d(np.arange(model.size), np.concatenate([scales, groups.reshape(-1)]))
    return Scales(np.array(scales, dtype=int), multiplies, groups, shared, spread_of)


def _by_group(structure: Structure, model: FlatModel) -> np.ndarray:
    """The coordinates that belong to one group each of the finest grouping; shape ``(groups, k)``.

    Runs of two groups share none of them, whatever else is nested or crossed.
    """
    if not structure.sizes or model.size <= DENSE_UP_TO:
        return np.zeros((0, 0), dtype=int)
    finest, _ = max(structure.sizes, key=lambda pair: pair[1])
    own = [deviation_name(name, grouping) for name, grouping, _ in structure.effects if grouping == finest]
    own += [name for name, pooling in structure.poolings if pooling.kind == "none" and finest in pooling.groupings]
    return np.stack([np.arange(*model.site[name].stretch.indices(model.size)) for name in own], axis=1)


def _starts(structure: Structure, model: FlatModel, seed: int) -> list[np.ndarray]:
    """Flat vectors drawn from the priors, the first at the priors' medians; groups start alike."""
    rng = np.random.default_rng(seed)
    starts = np.zeros((STARTS, model.size))
    for name, prior, _ in structure.sites:
        if prior is not None:
            site = model.site[name]
            draws = unbounded(prior, prior.draw(rng, 999))
            starts[0, site.stretch] = np.median(draws)
            starts[1:, site.stretch] = draws[: STARTS - 1, None]
    return list(starts)


def settings_for(plan: Plan, **given: int | float | None) -> Settings:
    """Default settings, careful where a few runs are in groups, with what the caller gave."""
    chosen = Settings()
    # With groups pooled or not: fifteen runs in three corpora with a floor and amplitudes of their own keep a chain in
    # a thin corner for 300 draws at the usual step.
    if plan.structure.sizes and bends(plan) and flat_size(plan.structure) <= DENSE_UP_TO:
        chosen = Settings(target_accept=0.95, warmup=700, dense=True)
    elif plan.structure.effects:
        chosen = Settings(warmup=300, pilot=300)
    return replace(chosen, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def flat_size(structure: Structure) -> int:
    """The number of coordinates of a plan."""
    return sum(length or 1 for _, _, length in structure.sites)
