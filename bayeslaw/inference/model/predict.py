"""From the values that are sampled to the parameters of every run, and the distribution of its outcome.

Parameters that are shared in the same way are computed as one array.  XLA compiles every operation, at some 20 ms each,
and runs it with an overhead that small arrays do not repay, so a law of seven parameters takes the operations of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import expit

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.distributions import LIKELIHOODS, WORDS, solve_root
from bayeslaw.inference.model.plan import Structure, deviation_name
from bayeslaw.inference.model.pooling import Pooling
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.law import Prior, Root

# From a value to the scale on which groups' deviations add, by the support of the prior, and back.
UNBOUND: Mapping[str, Callable[[Any], Any]] = {"positive": WORDS["log"], "unit": WORDS["logit"], "real": jnp.asarray}
BOUND: Mapping[str, Callable[[Any], Any]] = {"positive": jnp.exp, "unit": expit, "real": jnp.asarray}

# From the name of a sampled value to the value on the scale without bounds, shape ``(n,)``; of a scalar ``(1,)``.
Unbounded = Callable[[str], Any]


class Predicted(NamedTuple):
    """What a plan predicts for every run: the mean, shape ``(rows,)``, and the distribution of the outcome."""

    mean: Any
    outcome: dist.Distribution


def predict(structure: Structure, unbounded: Unbounded, data: Mapping[str, Any]) -> Predicted:
    """The prediction for every row of a plan's data.

    Parameters
    ----------
    data
        As :meth:`Plan.data` gives it.
    """
    values = _with_mean(structure, dict(parameters(structure, unbounded, data)), data)
    likelihood = LIKELIHOODS[structure.law.output.likelihood.name]
    return Predicted(values["mean"], likelihood(*(evaluate(a, values, WORDS) for a in hoist(structure.law).likelihood)))


def _with_mean(structure: Structure, known: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """All values of a law's formulas, its terms and its mean included, from those of its parameters."""
    law, hoisted = structure.law, hoist(structure.law)
    values: dict[str, Any] = {**law.references, **data["arrays"], **known}
    for name, term in hoisted.terms:
        if isinstance(term, Root):
            values[name] = solve_root(term, values, WORDS)
        else:
            values[name] = evaluate(term, values, WORDS)
    values["mean"] = evaluate(hoisted.formula, values, WORDS) + data["shift"]
    return values


def of_the_mean(structure: Structure) -> dict[str, list[str]]:
    """The parameters that the mean depends on and that are not held, by the support of their priors."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, pooling in structure.poolings:
        prior = structure.law.parameters[name].prior
        if not _held(prior, pooling) and name not in structure.law.noise_parameters:
            found[prior.support].append(name)
    return dict(sorted(found.items()))


def unbounded_by_run(structure: Structure, unbounded: Unbounded, data: Mapping[str, Any]) -> Any:
    """The parameters of :func:`of_the_mean` for every row, on the scale without bounds; ``(parameters, rows)``.

    They are linear in the values that are sampled.
    """
    known = dict(parameters(structure, unbounded, data, dict.fromkeys(BOUND, jnp.asarray)))
    each = [known[name] for names in of_the_mean(structure).values() for name in names]
    return jnp.stack([jnp.broadcast_to(one, (structure.rows,)) for one in each])


def mean_by_run(structure: Structure, own: Any, data: Mapping[str, Any]) -> Any:
    """The mean of every row, shape ``(rows,)``: each depends on its own column of :func:`unbounded_by_run` alone."""
    known: dict[str, Any] = {
        name: structure.law.parameters[name].prior.arguments[0]
        for name, pooling in structure.poolings
        if _held(structure.law.parameters[name].prior, pooling)
    }
    start = 0
    for support, names in of_the_mean(structure).items():
        known |= zip(names, BOUND[support](own[start : start + len(names)]), strict=True)
        start += len(names)
    return _with_mean(structure, known, data)["mean"]


def parameters(
    structure: Structure,
    unbounded: Unbounded,
    data: Mapping[str, Any],
    bound: Mapping[str, Callable[[Any], Any]] = BOUND,
) -> Iterator[tuple[str, Any]]:
    """Every parameter with its value for every row, or with one value for all."""
    alike: dict[tuple[Pooling, str], list[str]] = defaultdict(list)
    for name, pooling in structure.poolings:
        prior = structure.law.parameters[name].prior
        if _held(prior, pooling):
            yield name, prior.arguments[0]
        else:
            alike[pooling, prior.support].append(name)
    for (pooling, support), names in alike.items():
        yield from zip(names, _values(structure, pooling, bound[support], names, unbounded, data), strict=True)


def _held(prior: Prior, pooling: Pooling) -> bool:
    """Whether a parameter is a constant for all runs."""
    return prior.is_constant and pooling.kind == "complete"


def _values(
    structure: Structure,
    pooling: Pooling,
    bound: Callable[[Any], Any],
    names: list[str],
    unbounded: Unbounded,
    data: Mapping[str, Any],
) -> Any:
    """Parameters of one pooling and support, ``(parameters, rows)``; ``(parameters,)`` if all runs share them."""
    groups = data["groups"]
    if pooling.kind == "none":
        (grouping,) = pooling.groupings
        return _by_run(bound(jnp.stack([unbounded(name) for name in names])), groups[grouping])
    priors = [structure.law.parameters[name].prior for name in names]
    population = jnp.concatenate([_population(*each, unbounded) for each in zip(names, priors, strict=True)])
    if pooling.kind == "complete":
        return bound(population)
    deviations = {
        grouping: jnp.stack([unbounded(deviation_name(name, grouping)) for name in names])
        for grouping in pooling.groupings
    }
    if len(deviations) == 1:
        # Bounded once per group instead of once per run: an exponential costs as much as the rest of a term.
        ((grouping, own),) = deviations.items()
        return _by_run(bound(population[:, None] + own), groups[grouping])
    return bound(population[:, None] + sum(_by_run(own, groups[grouping]) for grouping, own in deviations.items()))


def _population(name: str, prior: Prior, unbounded: Unbounded) -> Any:
    return UNBOUND[prior.support](jnp.array(prior.arguments)) if prior.is_constant else unbounded(name)


# The gradient of indexing is a scatter, which XLA's CPU backend does one element at a time; a product with the
# groups' indicators is several times faster until the indicators outgrow the cache.
INDICATORS_UP_TO = 32


def _by_run(values: Any, group: Any) -> Any:
    """Values by group, shape ``(parameters, groups)``, as values by run, ``(parameters, runs)``."""
    if values.shape[1] > INDICATORS_UP_TO:
        return values[:, group]
    return values @ jax.nn.one_hot(group, values.shape[1], dtype=values.dtype, axis=0)
