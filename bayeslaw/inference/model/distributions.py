"""The law language in JAX: words, implicit terms, priors, likelihoods.  All distributions are written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import digamma, expit, gammaln, log_ndtr

from bayeslaw.language.formula import likelihoods, priors
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.likelihoods import LEAST, LEAST_BEYOND, MOST, NARROW
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
    "lgamma": gammaln, "digamma": digamma,
    "minimum": jnp.minimum, "maximum": jnp.maximum, "step": lambda a: jnp.heaviside(a, 0.5),
}  # fmt: skip
assert WORDS.keys() == FUNCTIONS.keys()

PRIORS: Mapping[str, type[dist.Distribution]] = {
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


class _StudentT(dist.StudentT):  # type: ignore[misc]
    """NumPyro's distribution takes the two logarithms of the gamma function apart, and compiles twice as long."""

    def log_prob(self, value: Any) -> Any:
        half, squared = 0.5 * self.df, ((value - self.loc) / self.scale) ** 2
        below, above = gammaln(jnp.stack([half, half + 0.5]))
        height = above - below - jnp.log(self.scale) - 0.5 * jnp.log(jnp.pi * self.df)
        return height - (half + 0.5) * jnp.log1p(squared / self.df)


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


class _LogFloor(dist.Distribution):  # type: ignore[misc]
    """Outcomes above a floor: the inverse of one below a frontier."""

    support = dist.constraints.positive

    def __init__(self, floor: Any, sd: Any, excess: Any, bound: Any) -> None:
        self.bound, self.inverse = bound, _LogFrontier(1.0 / floor, sd, excess, -bound)
        super().__init__(batch_shape=self.inverse.batch_shape)

    def log_prob(self, value: Any) -> Any:
        jacobian = jnp.where(jnp.abs(self.bound) > 0.5, 0.0, -2.0 * jnp.log(value))
        return self.inverse.log_prob(1.0 / value) + jacobian


class _LogNormalWithin(dist.Distribution):  # type: ignore[misc]
    """A log-normal outcome of which an interval is known: its mean density there; of a bound, its tail."""

    support = dist.constraints.positive

    def __init__(self, median: Any, sd: Any, half_width: Any, bound: Any) -> None:
        self.arguments = median, sd, half_width, bound
        super().__init__(batch_shape=jnp.broadcast_shapes(*(jnp.shape(one) for one in self.arguments)))

    def log_prob(self, value: Any) -> Any:
        median, sd, half_width, bound = self.arguments
        z, h = (jnp.log(value) - jnp.log(median)) / sd, half_width / sd
        # Far from the middle the two tails round to 1, so that the difference is taken on the side of small ones.
        side, wide = jnp.abs(z), h > NARROW
        safe = jnp.where(wide, h, 1.0)
        inner, outer = log_ndtr(-(side - safe)), log_ndtr(-(side + safe))
        share = inner + jnp.log(-jnp.expm1(outer - inner)) - jnp.log(2.0 * safe)
        exact = -0.5 * (z**2 + jnp.log(2.0 * jnp.pi)) + (z**2 - 1.0) * h**2 / 6.0
        known = jnp.where(wide, share, exact) - jnp.log(sd) - jnp.log(value)
        return jnp.where(bound < -0.5, log_ndtr(z), jnp.where(bound > 0.5, log_ndtr(-z), known))


def _on_the_logit(noise: dist.Distribution) -> dist.Distribution:
    return dist.TransformedDistribution(noise, dist.transforms.SigmoidTransform())


LIKELIHOODS: Mapping[str, Callable[..., dist.Distribution]] = {
    "Normal": dist.Normal,
    "StudentT": _StudentT,
    "LogNormal": lambda median, sd: dist.LogNormal(jnp.log(median), sd),
    "LogStudentT": lambda df, median, scale: dist.TransformedDistribution(
        _StudentT(df, jnp.log(median), scale), dist.transforms.ExpTransform()
    ),
    "LogFrontier": _LogFrontier,
    "LogFloor": _LogFloor,
    "LogNormalWithin": _LogNormalWithin,
    "LogitNormal": lambda median, sd: _on_the_logit(dist.Normal(_logit(_probability(median)), sd)),
    "LogitStudentT": lambda df, median, scale: _on_the_logit(_StudentT(df, _logit(_probability(median)), scale)),
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
