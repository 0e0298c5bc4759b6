"""A plan as a NumPyro model, and over a flat vector.  The only module that writes NumPyro distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.scipy.special import expit, gammaln, log_ndtr
from numpyro.infer.util import log_likelihood as numpyro_log_likelihood

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.flat_model import FlatModel
from bayeslaw.inference.model.plan import Structure, deviation_name, spread_name
from bayeslaw.language.formula import likelihoods, priors
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.likelihoods import LEAST, LEAST_BEYOND, MOST
from bayeslaw.language.law import Prior, Root
from bayeslaw.language.root import MOST_STEPS, solve


def _logit(a: Any) -> Any:
    """The logit term by term, as in NumPy and PyTensor; JAX's own, the logarithm of a quotient, rounds once more."""
    return jnp.log(a) - jnp.log1p(-a)


# The words of the language in JAX.  softplus and sigmoid go through logaddexp: the naive forms have NaN gradients
# far out (1 / (1 + exp(800))).
WORDS: Mapping[str, Callable[..., Any]] = {
    "+": jnp.add, "-": jnp.subtract, "*": jnp.multiply, "/": jnp.divide, "**": jnp.power, "neg": jnp.negative,
    "exp": jnp.exp, "expm1": jnp.expm1, "log": jnp.log, "log1p": jnp.log1p, "log2": jnp.log2, "log10": jnp.log10,
    "sqrt": jnp.sqrt,
    "sigmoid": expit, "logit": _logit, "softplus": jax.nn.softplus, "logaddexp": jnp.logaddexp,
    "minimum": jnp.minimum, "maximum": jnp.maximum, "step": lambda a: jnp.heaviside(a, 0.5),
}  # fmt: skip
assert WORDS.keys() == FUNCTIONS.keys()

PRIORS: Mapping[str, Callable[..., dist.Distribution]] = {
    "Normal": dist.Normal,
    "StudentT": dist.StudentT,
    "LogNormal": dist.LogNormal,
    "HalfNormal": dist.HalfNormal,
    "HalfCauchy": dist.HalfCauchy,
    "Exponential": dist.Exponential,
    "Gamma": dist.Gamma,
    "Beta": dist.Beta,
}
assert PRIORS.keys() == priors.PRIORS.keys()


def _probability(value: Any) -> Any:
    return jnp.clip(value, LEAST, MOST)


class _BetaBinomial(dist.BetaBinomial):  # type: ignore[misc]
    """NumPyro's distribution uses JAX's betaln, which is right to 7 digits only."""

    def log_prob(self, value: Any) -> Any:
        passed, failed, a, b = value, self.total_count - value, self.concentration1, self.concentration0
        chosen = gammaln(self.total_count + 1.0) - gammaln(passed + 1.0) - gammaln(failed + 1.0)
        seen = gammaln(passed + a) + gammaln(failed + b) - gammaln(self.total_count + a + b)
        return chosen + seen - gammaln(a) - gammaln(b) + gammaln(a + b)


class _LogFrontier(dist.Distribution):  # type: ignore[misc]
    """Outcomes below a frontier: on the log, a normal minus an exponential (Meeusen and van den Broeck 1977).

    The bound is 0 for a known outcome, -1 for an upper bound and 1 for a lower bound.
    """

    support = dist.constraints.positive

    def __init__(self, frontier: Any, sd: Any, shortfall: Any, bound: Any) -> None:
        self.arguments = frontier, sd, shortfall, bound
        super().__init__(batch_shape=jnp.broadcast_shapes(*(jnp.shape(one) for one in self.arguments)))

    def log_prob(self, value: Any) -> Any:
        frontier, sd, shortfall, bound = self.arguments
        above, steep = (jnp.log(value) - jnp.log(frontier)) / sd, sd / shortfall
        # The density times the shortfall, and also the difference of the normal's distribution function and this one's.
        short = above * steep + 0.5 * steep**2 + log_ndtr(-above - steep)
        at_most = jnp.logaddexp(log_ndtr(above), short)
        share = jnp.minimum(short - log_ndtr(-above), -LEAST_BEYOND)
        at_least = log_ndtr(-above) + jnp.log(-jnp.expm1(share))
        known = short - jnp.log(shortfall) - jnp.log(value)
        return jnp.where(bound < -0.5, at_most, jnp.where(bound > 0.5, at_least, known))


LIKELIHOODS: Mapping[str, Callable[..., dist.Distribution]] = {
    "Normal": dist.Normal,
    "StudentT": dist.StudentT,
    "LogNormal": lambda median, sd: dist.LogNormal(jnp.log(median), sd),
    "LogStudentT": lambda df, median, scale: dist.TransformedDistribution(
        dist.StudentT(df, jnp.log(median), scale), dist.transforms.ExpTransform()
    ),
    "LogFrontier": _LogFrontier,
    "Beta": lambda mean, k: dist.Beta(_probability(mean) * k, (1.0 - _probability(mean)) * k),
    "Binomial": lambda trials, p: dist.BinomialProbs(_probability(p), trials),
    "BetaBinomial": lambda trials, p, k: _BetaBinomial(_probability(p) * k, (1.0 - _probability(p)) * k, trials),
}
assert LIKELIHOODS.keys() == likelihoods.LIKELIHOODS.keys()


def prior(of: Prior) -> dist.Distribution:
    """A prior as a NumPyro distribution."""
    return PRIORS[of.name](*of.arguments)


def solve_root(root: Root, values: Mapping[str, Any], words: Mapping[str, Callable[..., Any]]) -> Any:
    """An implicit term, with exact first and second derivatives."""

    def repeat(step: Callable[[Any], Any], unfinished: Callable[[Any], Any], start: Any) -> Any:
        def more(counted: Any) -> Any:
            count, state = counted
            return (count < MOST_STEPS) & unfinished(state)

        return jax.lax.while_loop(more, lambda counted: (counted[0] + 1, step(counted[1])), (0, start))[1]

    return solve(root, values, words, stop_gradient=jax.lax.stop_gradient, select=jnp.where, repeat=repeat)


@lru_cache(maxsize=64)
def numpyro_model(structure: Structure) -> Callable[[Mapping[str, Any]], None]:
    """The model of a plan, a function of :meth:`Plan.data` alone."""
    law = structure.law
    hoisted = hoist(law)

    def model(data: Mapping[str, Any]) -> None:
        values: dict[str, Any] = {**law.references, **data["arrays"]}
        for name in law.parameters:
            values[name] = _parameter(structure, name, data)
        for name, term in hoisted.terms:
            if isinstance(term, Root):
                values[name] = solve_root(term, values, WORDS)
            else:
                values[name] = evaluate(term, values, WORDS)
        mean = evaluate(hoisted.formula, values, WORDS) + data["shift"]
        values["mean"] = numpyro.deterministic("mean", mean)
        arguments = [evaluate(a, values, WORDS) for a in hoisted.likelihood]
        with numpyro.handlers.scale(scale=data["weights"]):
            numpyro.sample(law.output.column, LIKELIHOODS[law.output.likelihood.name](*arguments), obs=data["outcome"])

    return model


@lru_cache(maxsize=64)
def flat_model(structure: Structure) -> FlatModel:
    """The model of a plan over a flat vector."""
    rows = jnp.ones(structure.rows)
    example = {
        "arrays": {name: rows for name, _ in hoist(structure.law).arrays},
        "outcome": rows,
        "weights": rows,
        "shift": rows,
        "groups": {name: jnp.zeros(structure.rows, int) for name, _ in structure.sizes},
    }
    return FlatModel.of(numpyro_model(structure), (example,))


# The scale on which groups' deviations add, and back.
_UNBOUND: Mapping[str, Callable[[Any], Any]] = {"positive": jnp.log, "unit": _logit, "real": jnp.asarray}
_BOUND: Mapping[str, Callable[[Any], Any]] = {"positive": jnp.exp, "unit": expit, "real": jnp.asarray}


def _parameter(structure: Structure, name: str, data: Mapping[str, Any]) -> Any:
    """A parameter's value for every run, or one value for all."""
    parameter = structure.law.parameters[name]
    pooling = structure.pooling_of(name)
    if pooling.kind == "none":
        (grouping,) = pooling.groupings
        each = prior(parameter.prior).expand([structure.size_of[grouping]])
        return _by_run(numpyro.sample(name, each.to_event(1)), data["groups"][grouping])
    constant = parameter.prior.is_constant
    population = parameter.prior.arguments[0] if constant else numpyro.sample(name, prior(parameter.prior))
    if pooling.kind == "complete":
        return population
    value, bounded = _UNBOUND[parameter.prior.support](population), _BOUND[parameter.prior.support]
    by_group: dict[str, Any] = {}
    for grouping in pooling.groupings:
        spread = numpyro.sample(spread_name(name, grouping), prior(parameter.spread))
        each = dist.Normal(0.0, spread).expand([structure.size_of[grouping]])
        by_group[grouping] = numpyro.sample(deviation_name(name, grouping), each.to_event(1))
    if len(by_group) == 1:
        # Transformed once per group instead of once per run: an exponential costs as much as the rest of a term.
        ((grouping, deviations),) = by_group.items()
        return _by_run(bounded(value + deviations), data["groups"][grouping])
    return bounded(value + sum(_by_run(each, data["groups"][grouping]) for grouping, each in by_group.items()))


# The gradient of indexing is a scatter, which XLA's CPU backend does one element at a time; a product with the
# groups' indicators is several times faster until the indicators outgrow the cache.
INDICATORS_UP_TO = 32


def _by_run(values: Any, group: Any) -> Any:
    """Values by group, shape ``(groups,)``, as values by run, shape ``(runs,)``."""
    if values.shape[0] > INDICATORS_UP_TO:
        return values[group]
    return jax.nn.one_hot(group, values.shape[0], dtype=values.dtype) @ values


def log_likelihood(structure: Structure, values: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """The log density of every row's outcome for every draw; shape ``(chains, draws, rows)``.

    Parameters
    ----------
    values
        Draws by site, each of shape ``(chains, draws, ...)``.
    """
    # Without scaling by weights, since the density of a row is wanted.
    data = {**data, "weights": jnp.ones_like(data["weights"])}
    model = numpyro_model(structure)
    found = numpyro_log_likelihood(model, dict(values), data, batch_ndims=2, parallel=False)
    return found[structure.law.output.column]


def log_prior_by_group(structure: Structure, grouping: str, unbounded: Callable[[str], Any]) -> Any:
    """The log prior of the group-specific values of a grouping, including Jacobians; shape ``(groups,)``.

    Parameters
    ----------
    unbounded
        From a site to its unbounded values, of shape ``(groups,)`` or ``(1,)``.
    """
    total = jnp.zeros(structure.size_of[grouping])
    for name, effect, deviations in structure.effects:
        if effect == grouping:
            spread = jnp.exp(unbounded(spread_name(name, grouping)))
            total += dist.Normal(0.0, spread).log_prob(unbounded(deviations))
    for name, pooling in structure.poolings:
        if pooling.kind == "none" and grouping in pooling.groupings:
            each, flat = prior(structure.law.parameters[name].prior), unbounded(name)
            transform = dist.biject_to(each.support)
            value = transform(flat)
            total += each.log_prob(value) + transform.log_abs_det_jacobian(flat, value)
    return total
