"""A posterior in ArviZ's format: an ``xarray.DataTree`` with ArviZ's groups.

Predictions, densities and quantities that follow from the draws are made when they are asked for; a saved fit holds the
draws alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bayeslaw.errors import QuestionError, did_you_mean
from bayeslaw.inference.base.streams import PRIOR, PRIOR_RUNS, REPLICATED, generator
from bayeslaw.inference.model.plan import Plan, index_name, spread_name
from bayeslaw.inference.model.values import draw_prior
from bayeslaw.inference.posterior.noise import new_tables
from bayeslaw.inference.posterior.pointwise import pointwise_log_likelihood
from bayeslaw.inference.posterior.quantities import Quantity, quantities
from bayeslaw.inference.posterior.storage import about
from bayeslaw.language.formula.expression import to_text
from bayeslaw.language.parts import Input, Output, Parameter

if TYPE_CHECKING:
    import xarray

    from bayeslaw.inference.posterior.posterior import Posterior

PRIOR_DRAWS = 1000
Arrays = dict[str, np.ndarray]


def to_datatree(posterior: Posterior, rename: Mapping[str, str] | None = None) -> xarray.DataTree:
    """ArviZ's groups of a fit; see :meth:`Posterior.to_datatree`."""
    from arviz_base import from_dict

    plan, column, shape = posterior.plan, posterior.law.output.column, posterior.flat.shape[:2]
    draws = {name: posterior.draws(name) for name in posterior.values}
    prior = draw_prior(plan, generator(posterior.seed, PRIOR), PRIOR_DRAWS)
    following, before = quantities(plan, draws), quantities(plan, prior)
    replicated = new_tables(plan, draws, generator(posterior.seed, REPLICATED))
    expected = new_tables(plan, prior, generator(posterior.seed, PRIOR_RUNS))

    def in_chains(arrays: Mapping[str, np.ndarray]) -> Arrays:
        return {name: each.reshape(*shape, *each.shape[1:]) for name, each in arrays.items()}

    groupings = {
        **plan.groupings,
        **{each.grouping.name: each.grouping for each in following.values() if each.grouping},
    }
    dims = {**_sampled_dims(plan), **{name: [each.grouping.name] for name, each in following.items() if each.grouping}}
    constant = {**plan.inputs, **_families(plan)}
    tree = from_dict(
        {
            "posterior": {**posterior.values, **in_chains({name: each.draws for name, each in following.items()})},
            "posterior_predictive": in_chains({column: replicated}),
            "log_likelihood": {column: plan.weights * pointwise_log_likelihood(plan, posterior.values)},
            "log_prior": in_chains(_log_prior(plan, draws)),
            "sample_stats": dict(posterior.stats),
            "unconstrained_posterior": _unconstrained(posterior),
            "prior": _one_chain({**prior, **{name: each.draws for name, each in before.items()}}),
            "prior_predictive": _one_chain({column: expected}),
            "observed_data": {column: plan.outcome},
            "constant_data": constant,
        },
        dims={**dims, **{name: ["run"] for name in (column, *constant)}},
        coords={"run": np.asarray(posterior.runs.rows), **{name: list(g.labels) for name, g in groupings.items()}},
        attrs={"/": about(posterior)},
    )
    described = dict(_described(plan, following))
    for group in tree.children.values():
        for name in map(str, group.data_vars):
            group[name].attrs.update(described.get(name, {}))
    return _renamed(tree, rename or {})


def _renamed(tree: xarray.DataTree, rename: Mapping[str, str]) -> xarray.DataTree:
    known = {str(name) for group in tree.children.values() for name in group.variables}
    for name, new in rename.items():
        if name not in known:
            raise QuestionError(f"rename: the tree has no '{name}'{did_you_mean(name, known)}.")
        if new in known:
            raise QuestionError(f"rename {name}: the tree has a '{new}' already; choose another name.")
    renamed: xarray.DataTree = tree.map_over_datasets(
        lambda group: group.rename({name: new for name, new in rename.items() if name in group.variables})
    )
    return renamed


def _one_chain(arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {name: each[None] for name, each in arrays.items()}


def _sampled_dims(plan: Plan) -> dict[str, list[str]]:
    """The groups along which sampled values lie, by name; of a scalar none."""
    own = {name: list(each.groupings) for name, each in plan.poolings.items() if each.kind == "none"}
    return {**own, **{deviations: [grouping] for _, grouping, deviations in plan.structure.effects}}


def _families(plan: Plan) -> Arrays:
    """The group of each run, as a position and in words; each of shape ``(runs,)``."""
    found: Arrays = {}
    for name, grouping in plan.groupings.items():
        found[index_name(name)] = grouping.index
        found[f"{name}_label"] = np.array(grouping.labels, dtype=str)[grouping.index]
    if (plan.weights != 1.0).any():
        found[f"{plan.law.output.column}_weight"] = plan.weights
    return found


def _log_prior(plan: Plan, draws: Mapping[str, np.ndarray]) -> Arrays:
    """The log density of each value under its prior, of shapes as the draws have.

    Without deviations: their distribution is a part of the model, and power-scaling it with the priors would make every
    hierarchy look sensitive to them (Kallioinen and others 2024, section 4).
    """
    return {name: prior.scipy().logpdf(draws[name]) for name, prior, _ in plan.structure.sites if prior is not None}


def _unconstrained(posterior: Posterior) -> Arrays:
    """The coordinates of the sampler by name; each of shape ``(chains, draws, ...)``."""
    found: Arrays = {}
    at = 0
    for name, _, length in posterior.plan.structure.sites:
        stretch = posterior.flat[..., at : at + (length or 1)]
        found[name] = stretch[..., 0] if length is None else stretch
        at += length or 1
    return found


def _described(plan: Plan, following: Mapping[str, Quantity]) -> Iterator[tuple[str, dict[str, str]]]:
    """What each variable is, and its units, under the names that xarray's own pictures look for."""
    law = plan.law
    parts: list[tuple[str, Output | Input | Parameter]] = [
        (law.output.column, law.output), *law.inputs.items(), *law.parameters.items()
    ]  # fmt: skip
    for name, part in parts:
        yield name, {"long_name": part.meaning, "units": part.units or "1"}
    for name, grouping, deviations in plan.structure.effects:
        on = {"positive": "log", "unit": "logit"}.get(law.parameters[name].prior.support)
        scale = f" on the {on}" if on else ""
        units = "1" if on else law.parameters[name].units or "1"
        yield spread_name(name, grouping), {"long_name": f"spread of {name} between groups{scale}", "units": units}
        yield deviations, {"long_name": f"deviation of {name} from the population{scale}", "units": units}
    for name, each in following.items():
        if each.of in law.derived:
            yield name, {"long_name": to_text(law.derived[each.of])}
        else:
            yield name, {"long_name": law.parameters[each.of].meaning, "units": law.parameters[each.of].units or "1"}
    for name in plan.groupings:
        yield index_name(name), {"long_name": f"position of the run's {name}"}
        yield f"{name}_label", {"long_name": f"the run's {name}"}
