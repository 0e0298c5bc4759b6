"""A plan as a PyMC model, for those who want to extend a law beyond what a law file says.

It reads the same plan as ``plan_model`` and gives the same log density; tests hold the two together for every law
of the catalogue.  What ``to_pymc`` returns is an ordinary PyMC model::

    with to_pymc(law("power_law"), runs) as model:
        pm.Potential("floor_below_2", pt.switch(model["E"] < 2.0, 0.0, -np.inf))
        draws = pm.sample()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

try:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor import gradient
    from pytensor.graph.replace import graph_replace
except ImportError as missing:
    raise ImportError("A PyMC model of a law needs PyMC, which is not installed: install bayeslaw[pymc].") from missing

from bayeslaw.inference.model.data_terms import hoist
from bayeslaw.inference.model.plan import Plan, deviation_name, index_name, make_plan, spread_name
from bayeslaw.inference.model.pooling import Grouping
from bayeslaw.language import catalogue
from bayeslaw.language.formula import likelihoods, priors
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.likelihoods import LEAST, LEAST_BEYOND, MOST, NARROW
from bayeslaw.language.law import Law, Prior, Root
from bayeslaw.language.public_priors import with_priors
from bayeslaw.language.root import solve
from bayeslaw.runs.table import RunsLike, read_runs


def _double(value: Any) -> Any:
    """PyTensor treats a plain 2.0 as a low-precision number, and functions of it are then good to 7 digits only."""
    return pt.constant(np.asarray(value, dtype=float)) if isinstance(value, int | float) else value


def _hidden(value: Any) -> Any:
    """A value that no gradient passes through."""
    return gradient.disconnected_grad(_double(value))  # type: ignore[no-untyped-call]


def _word(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*(_double(a) for a in arguments))


def _log_add_exp(a: Any, b: Any) -> Any:
    """PyTensor's own is the naive form, which is right only after rewrites that not every mode has."""
    return pt.switch(pt.gt(a, b), a + pt.softplus(b - a), b + pt.softplus(a - b))


# The words of the language in PyTensor.
WORDS: Mapping[str, Callable[..., Any]] = {
    name: _word(function)
    for name, function in {
        "+": pt.add, "-": pt.sub, "*": pt.mul, "/": pt.true_div, "**": pt.pow, "neg": pt.neg,
        "exp": pt.exp, "expm1": pt.expm1, "log": pt.log, "log1p": pt.log1p, "log2": pt.log2, "log10": pt.log10,
        "sqrt": pt.sqrt,
        "sigmoid": pt.sigmoid, "logit": lambda a: pt.log(a) - pt.log1p(-a), "softplus": pt.softplus,
        "logaddexp": _log_add_exp,
        "lgamma": pt.gammaln, "digamma": pt.psi,
        "minimum": pt.minimum, "maximum": pt.maximum, "step": lambda a: 0.5 * (pt.sign(_hidden(a)) + 1.0),
    }.items()
}  # fmt: skip
assert WORDS.keys() == FUNCTIONS.keys()

# PyMC's distribution of each prior, and its names for our arguments in their order.
PRIORS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "Normal": (pm.Normal, ("mu", "sigma")),
    "StudentT": (pm.StudentT, ("nu", "mu", "sigma")),
    "LogNormal": (pm.LogNormal, ("mu", "sigma")),
    "HalfNormal": (pm.HalfNormal, ("sigma",)),
    "HalfCauchy": (pm.HalfCauchy, ("beta",)),
    "Exponential": (pm.Exponential, ("lam",)),
    "Gamma": (pm.Gamma, ("alpha", "beta")),
    "Beta": (pm.Beta, ("alpha", "beta")),
}
assert PRIORS.keys() == priors.PRIORS.keys()


def _probability(value: Any) -> Any:
    return pt.clip(value, LEAST, MOST)


def _count(value: Any) -> Any:
    """Counts come as floats, which PyMC's discrete distributions do not take."""
    return pt.cast(value.round(), "int64")


def _log_student_t(df: Any, median: Any, scale: Any, size: Any = None) -> Any:
    """Exp of a Student-t; PyMC derives its density, Jacobian included, and its random draws."""
    return pt.exp(pm.StudentT.dist(nu=df, mu=pt.log(median), sigma=scale, size=size))


def _binomial_log_density(value: Any, trials: Any, p: Any) -> Any:
    """PyMC's own uses log(1 - p), which for a billion trials at small p is off in the eighth digit."""
    chosen = pt.gammaln(trials + 1.0) - pt.gammaln(value + 1.0) - pt.gammaln(trials - value + 1.0)
    return pt.switch(
        pt.and_(pt.ge(value, 0), pt.le(value, trials)),
        chosen + value * pt.log(p) + (trials - value) * pt.log1p(-p),
        -np.inf,
    )


def _binomial_draws(trials: Any, p: Any, rng: np.random.Generator | None = None, size: Any = None) -> Any:
    assert rng is not None
    return rng.binomial(trials, p, size)


def _log_normal_cdf(x: Any) -> Any:
    """PyMC's own is right to 8 digits only, because its constants have lower precision."""
    root = _double(2.0**0.5)
    low = pt.log(0.5 * pt.erfcx(-pt.minimum(x, 0.0) / root)) - 0.5 * x**2
    return pt.switch(pt.lt(x, 0.0), low, pt.log1p(-0.5 * pt.erfc(pt.maximum(x, 0.0) / root)))


def _frontier_log_density(value: Any, frontier: Any, sd: Any, shortfall: Any, bound: Any) -> Any:
    """As in the NumPyro model."""
    above, steep = (pt.log(value) - pt.log(frontier)) / sd, sd / shortfall
    short = above * steep + 0.5 * steep**2 + _log_normal_cdf(-above - steep)
    at_most = _log_add_exp(_log_normal_cdf(above), short)
    beyond = _log_normal_cdf(-above)
    at_least = beyond + pt.log(-pt.expm1(pt.minimum(short - beyond, _double(-LEAST_BEYOND))))
    known = short - pt.log(shortfall) - pt.log(value)
    return pt.switch(pt.lt(bound, -0.5), at_most, pt.switch(pt.gt(bound, 0.5), at_least, known))


def _frontier_draws(
    frontier: Any, sd: Any, shortfall: Any, _: Any, rng: np.random.Generator | None = None, size: Any = None
) -> Any:
    assert rng is not None
    return frontier * np.exp(rng.normal(0.0, sd, size) - rng.exponential(shortfall, size))


def _floor_log_density(value: Any, floor: Any, sd: Any, excess: Any, bound: Any) -> Any:
    jacobian = pt.switch(pt.gt(pt.abs(bound), 0.5), 0.0, -2.0 * pt.log(value))
    return _frontier_log_density(_double(1.0) / value, _double(1.0) / floor, sd, excess, -bound) + jacobian


def _floor_draws(
    floor: Any, sd: Any, excess: Any, _: Any, rng: np.random.Generator | None = None, size: Any = None
) -> Any:
    assert rng is not None
    return floor * np.exp(rng.normal(0.0, sd, size) + rng.exponential(excess, size))


def _within_log_density(value: Any, median: Any, sd: Any, half_width: Any, bound: Any) -> Any:
    """As in the NumPyro model."""
    z, h = (pt.log(value) - pt.log(median)) / sd, half_width / sd
    side, wide = pt.abs(z), pt.gt(h, NARROW)
    safe = pt.switch(wide, h, _double(1.0))
    inner, outer = _log_normal_cdf(-(side - safe)), _log_normal_cdf(-(side + safe))
    share = inner + pt.log(-pt.expm1(outer - inner)) - pt.log(2.0 * safe)
    exact = -0.5 * (z**2 + pt.log(_double(2.0 * np.pi))) + (z**2 - 1.0) * h**2 / _double(6.0)
    known = pt.switch(wide, share, exact) - pt.log(sd) - pt.log(value)
    at_most, at_least = _log_normal_cdf(z), _log_normal_cdf(-z)
    return pt.switch(pt.lt(bound, -0.5), at_most, pt.switch(pt.gt(bound, 0.5), at_least, known))


def _within_draws(
    median: Any, sd: Any, _: Any, __: Any, rng: np.random.Generator | None = None, size: Any = None
) -> Any:
    assert rng is not None
    return median * np.exp(rng.normal(0.0, sd, size))


def _logit_student_t(df: Any, median: Any, scale: Any, size: Any = None) -> Any:
    """As :func:`_log_student_t`, on the logit."""
    return pt.sigmoid(pm.StudentT.dist(nu=df, mu=WORDS["logit"](_probability(median)), sigma=scale, size=size))


# Each likelihood from the name of the outcome, its arguments and PyMC's own ones (`observed`, `dims`).
LIKELIHOODS: Mapping[str, Callable[..., Any]] = {
    "Normal": lambda name, mean, sd, **more: pm.Normal(name, mean, sd, **more),
    "StudentT": lambda name, df, mean, scale, **more: pm.StudentT(name, nu=df, mu=mean, sigma=scale, **more),
    "LogNormal": lambda name, median, sd, **more: pm.LogNormal(name, pt.log(median), sd, **more),
    "LogStudentT": lambda name, df, median, scale, **more: pm.CustomDist(
        name, df, median, scale, dist=_log_student_t, class_name="LogStudentT", **more
    ),
    "LogFrontier": lambda name, frontier, sd, shortfall, bound, **more: pm.CustomDist(
        name, frontier, sd, shortfall, bound, logp=_frontier_log_density, random=_frontier_draws,
        class_name="LogFrontier", **more,
    ),
    "LogFloor": lambda name, floor, sd, excess, bound, **more: pm.CustomDist(
        name, floor, sd, excess, bound, logp=_floor_log_density, random=_floor_draws, class_name="LogFloor", **more
    ),
    "LogNormalWithin": lambda name, median, sd, half_width, bound, **more: pm.CustomDist(
        name, median, sd, half_width, bound, logp=_within_log_density, random=_within_draws,
        class_name="LogNormalWithin", **more,
    ),
    "LogitNormal": lambda name, median, sd, **more: pm.LogitNormal(
        name, WORDS["logit"](_probability(median)), sd, **more
    ),
    "LogitStudentT": lambda name, df, median, scale, **more: pm.CustomDist(
        name, df, median, scale, dist=_logit_student_t, class_name="LogitStudentT", **more
    ),
    "Beta": lambda name, mean, k, **more: pm.Beta(
        name, alpha=_probability(mean) * k, beta=(1.0 - _probability(mean)) * k, **more
    ),
    "Binomial": lambda name, trials, p, **more: pm.CustomDist(
        name, _count(trials), _probability(p), logp=_binomial_log_density, random=_binomial_draws,
        class_name="Binomial", dtype="int64", **more,
    ),
    "BetaBinomial": lambda name, trials, p, k, **more: pm.BetaBinomial(
        name, n=_count(trials), alpha=_probability(p) * k, beta=(1.0 - _probability(p)) * k, **more
    ),
}  # fmt: skip
assert LIKELIHOODS.keys() == likelihoods.LIKELIHOODS.keys()


def prior(name: str, of: Prior, dims: str | None = None) -> Any:
    """A prior as a random variable of the model being built."""
    distribution, arguments = PRIORS[of.name]
    numbers = [_double(value) for value in of.arguments]
    return distribution(name, **dict(zip(arguments, numbers, strict=True)), dims=dims)


# Steps towards a root; `root` needs fifteen at most.  A scan takes three times as long per gradient, and one that ends
# early cannot be translated for all samplers.
UNROLLED = 20


def solve_root(root: Root, values: Mapping[str, Any], words: Mapping[str, Callable[..., Any]]) -> Any:
    """An implicit term, with exact first and second derivatives."""
    values = {name: pt.as_tensor_variable(_double(value)) for name, value in values.items()}

    def repeat(step: Callable[[Any], Any], _unfinished: Callable[[Any], Any], state: Any) -> Any:
        for _ in range(UNROLLED):
            state = step(state)
        return state

    return solve(root, values, words, stop_gradient=_hidden, select=pt.switch, repeat=repeat)


def to_pymc(
    law: Law | str,
    runs: RunsLike,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
) -> pm.Model:
    """Hand a law and its runs to PyMC, to be extended with further terms or fitted with other samplers.

    Parameters
    ----------
    law, runs, family, pool, priors
        As :func:`bayeslaw.fit` takes them.

    Returns
    -------
    A model whose random variables have the names of the law's parameters, and for those pooled partially also
    ``alpha_spread_family`` and ``alpha_deviation_family``.  Dimensions are ``run``, by row in the file, and the
    groupings, such as ``family``, as in :meth:`bayeslaw.Posterior.to_datatree`; ``mean`` is the law's value for every
    run.  Inputs are ``pm.Data`` under their names in the law, beside ``loss_data`` and ``family_index``: after
    ``pm.set_data`` the model predicts other runs.

    Raises
    ------
    RunsError, PoolingError
        When the table or the hierarchy cannot carry the law.
    """
    plan = make_plan(with_priors(catalogue.find(law), priors), read_runs(runs), family, pool)
    law = plan.law
    structure, hoisted = plan.structure, hoist(law)
    used = {name: grouping for name, grouping in plan.groupings.items() if name in structure.size_of}
    coords: dict[str, Any] = {name: list(grouping.labels) for name, grouping in used.items()}
    with pm.Model(coords={**coords, "run": np.asarray(plan.runs.rows)}) as model:
        references = {name: _double(scale) for name, scale in law.references.items()}
        data = {**references, **{name: pm.Data(name, array, dims="run") for name, array in plan.inputs.items()}}
        arrays = {name: evaluate(node, data, WORDS) for name, node in hoisted.arrays}
        groups = {name: _group_index(name, grouping) for name, grouping in used.items()}
        values: dict[str, Any] = {**references, **arrays}
        for name in law.parameters:
            values[name] = _double(_parameter(plan, name, groups))
        for name, term in hoisted.terms:
            if isinstance(term, Root):
                values[name] = solve_root(term, values, WORDS)
            else:
                values[name] = evaluate(term, values, WORDS)
        mean = _double(evaluate(hoisted.formula, values, WORDS))
        values["mean"] = pm.Deterministic("mean", pt.broadcast_to(mean, (model.dim_lengths["run"],)), dims="run")
        arguments = [_double(evaluate(a, values, WORDS)) for a in hoisted.likelihood]
        _observe(plan, arguments)
    return model


def _group_index(name: str, grouping: Grouping) -> Any:
    """The group of each run, under a name that no dimension has."""
    return pm.Data(index_name(name), grouping.index, dims="run")


def _parameter(plan: Plan, name: str, groups: Mapping[str, Any]) -> Any:
    """A parameter's value for every run, or one value for all."""
    parameter, pooling = plan.law.parameters[name], plan.poolings[name]
    if pooling.kind == "none":
        (grouping,) = pooling.groupings
        return prior(name, parameter.prior, dims=grouping)[groups[grouping]]
    constant = parameter.prior.is_constant
    population = _double(parameter.prior.arguments[0]) if constant else prior(name, parameter.prior)
    if pooling.kind == "complete":
        return population
    support = parameter.prior.support
    value = {"positive": pt.log, "unit": WORDS["logit"], "real": _double}[support](population)
    for grouping in pooling.groupings:
        spread = prior(spread_name(name, grouping), parameter.spread)
        value = value + pm.Normal(deviation_name(name, grouping), 0.0, spread, dims=grouping)[groups[grouping]]
    return {"positive": pt.exp, "unit": pt.sigmoid, "real": _double}[support](value)


def _observe(plan: Plan, arguments: list[Any]) -> None:
    """The outcome and, for weights other than 1, the factor on its log density."""
    column, likelihood = plan.law.output.column, plan.law.output.likelihood
    counts = likelihood.family.outcome == "count"
    outcome = pm.Data(f"{column}_data", plan.outcome.astype(np.int64) if counts else plan.outcome, dims="run")
    LIKELIHOODS[likelihood.name](column, *arguments, observed=outcome, dims="run")
    if (plan.weights != 1.0).any():
        weights = pm.Data(f"{column}_weight", plan.weights, dims="run")
        density = _log_density(likelihood.name, arguments, outcome)
        pm.Potential(f"{column}_weighted", ((weights - 1.0) * density).sum())


def _log_density(name: str, arguments: list[Any], outcome: Any) -> Any:
    """The log density of each run, a formula of the model's own random variables.

    ``pm.logp`` clones any random variables it finds, so it is given none.
    """
    stand_ins = [argument.type() for argument in arguments]
    with pm.Model(model=None):
        density = pm.logp(LIKELIHOODS[name]("outcome", *stand_ins), outcome)
    return graph_replace(density, dict(zip(stand_ins, arguments, strict=True)))
