"""Posteriors whose draws were not sampled: questions are asked of draws, whoever made them.

A question is held to what follows from the draws, so that draws made by hand test it as well as those of a fit, in a
thousandth of the time.  What is held to the data has draws of the exact posterior, or is fitted.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri

import bayeslaw as bl
from bayeslaw.inference.model.plan import Plan, bounded, make_plan, spread_name, unbounded
from bayeslaw.inference.model.values import by_run, draw_prior
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.functions import LINKS

CHAINS, DRAWS = 4, 250
# How much families differ, on the scale on which their deviations add, and what noise and spreads are known to.
SPREAD, WIDTH = 0.05, 0.1


def with_draws(plan: Plan, values: Mapping[str, np.ndarray]) -> Posterior:
    """The posterior of a plan that has given draws.

    Parameters
    ----------
    values
        Of everything that the plan samples, each of shape ``(chains, draws, ...)``.
    """
    columns, names = [], []
    for name, prior, length in plan.structure.sites:
        free = values[name] if prior is None else unbounded(prior, values[name])
        columns.append(free.reshape(*free.shape[:2], -1))
        names += [name] if length is None else [f"{name}[{i}]" for i in range(length)]
    flat = np.concatenate(columns, axis=-1)
    energy = np.random.default_rng(1).standard_normal(flat.shape[:2])
    stats = {
        "diverging": np.zeros(energy.shape, dtype=bool), "n_steps": np.full(energy.shape, 7),
        "energy": energy, "lp": -energy, "acceptance_rate": np.full(energy.shape, 0.9),
    }  # fmt: skip
    return Posterior(
        plan=plan, values=dict(values), flat=flat, flat_names=tuple(names), stats=stats, seed=0, versions={},
    )  # fmt: skip


def from_priors(
    law: bl.Law | str, runs: bl.Runs, family: str | None = None, pool: Mapping[str, str] | None = None, seed: int = 0
) -> Posterior:
    """Draws of the priors, beside runs of which they know nothing: for what holds whatever the draws are."""
    plan, rng = make_plan(bl.law(law) if isinstance(law, str) else law, runs, family, pool), np.random.default_rng(seed)
    drawn = draw_prior(plan, rng, CHAINS * DRAWS)
    return with_draws(plan, {name: each.reshape(CHAINS, DRAWS, *each.shape[1:]) for name, each in drawn.items()})


def about(
    law: bl.Law | str,
    runs: bl.Runs,
    truth: Mapping[str, float],
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    noise: float | np.ndarray,
    chains: int = CHAINS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Posterior:
    """The posterior of a law that is taken to be linear about known values: independent draws of a normal distribution.

    Runs that were simulated from these values lie about it as about a fit.

    Parameters
    ----------
    truth
        By parameter; medians of the priors where not given.
    noise
        The standard deviation of an outcome on the law's scale of noise (log, logit or none), for all runs or for each.
    """
    plan, rng = make_plan(bl.law(law) if isinstance(law, str) else law, runs, family, pool), np.random.default_rng(seed)
    spreads = {spread_name(name, grouping) for name, grouping, _ in plan.structure.effects}
    sites, centre, precision = [], [], []
    for name, prior, length in plan.structure.sites:
        middle = 0.0 if prior is None else SPREAD if name in spreads else truth.get(name, prior.median())
        loose = SPREAD if prior is None else WIDTH if name in {*spreads, *plan.law.noise_parameters} else 1.0
        centre += [middle if prior is None else float(unbounded(prior, middle))] * (length or 1)
        precision += [loose**-2] * (length or 1)
        sites.append((name, prior, length, slice(len(centre) - (length or 1), len(centre))))

    def values_at(flat: np.ndarray) -> dict[str, np.ndarray]:
        found = {}
        for name, prior, length, place in sites:
            free = flat[..., place] if length else flat[..., place.start]
            found[name] = free if prior is None else bounded(prior, free)
        return found

    def linked(flat: np.ndarray) -> np.ndarray:
        mean = plan.law.mean(plan.inputs, by_run(plan, values_at(flat)))
        return LINKS[plan.law.output.link](np.broadcast_to(mean, (len(flat), len(plan.outcome))))

    steps = 1e-5 * np.eye(len(centre))
    slopes = (linked(centre + steps) - linked(centre - steps)) / (2e-5 * np.ones(len(plan.outcome)) * noise)
    root = np.linalg.inv(np.linalg.cholesky(slopes @ slopes.T + np.diag(precision)))
    # One from each of as many equal parts, so that no chain is off by chance.
    parts = rng.permuted(np.broadcast_to(np.arange(draws)[:, None], (chains, draws, len(centre))), axis=1)
    flat = centre + ndtri((parts + rng.random(parts.shape)) / draws) @ root
    return with_draws(plan, values_at(flat))
