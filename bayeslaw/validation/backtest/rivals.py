"""Common practice, as a rival: a law fitted by Huber loss, and a bootstrap.

Each family is fitted separately, as this practice shares nothing: the log of the law to the log of the outcome with a
Huber loss of width 1e-3 (Hoffmann et al. 2022, section 3.3), from many starts.  Runs are then resampled with
replacement and the law is fitted to each resampled table (Besiroglu et al. 2024, section 4).  A forecast is the law of
such a fit plus the residual of one run, so its interval is also one for a new run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import least_squares

from bayeslaw.inference.model.plan import Plan, bounded, unbounded
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.language.law import Law

TABLES = 100
STARTS = 20
HUBER = 1e-3
# A start that cannot be evaluated counts as an error by a factor of e¹⁰⁰.
HOPELESS = 100.0


def bootstrap(plan: Plan, hidden: np.ndarray, family: np.ndarray, seed: int = 0) -> np.ndarray:
    """Forecasts of hidden runs from the others; shape ``(TABLES, hidden runs)``.

    Parameters
    ----------
    hidden
        A mask of shape ``(runs,)``.
    family
        The family of each run; a family with too few runs to fit is forecast from all runs together.
    """
    rng = np.random.default_rng(seed)
    draws = np.empty((TABLES, len(hidden)))
    for name in np.unique(family[hidden]):
        seen = ~hidden & (family == name)
        if np.count_nonzero(seen) < len(plan.law.free_parameters):
            seen = ~hidden
        draws[:, hidden & (family == name)] = _bootstrap(plan, seen, hidden & (family == name), rng)
    return draws[:, hidden]


def _bootstrap(plan: Plan, seen: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Forecasts of some runs from others as of one family; shape ``(TABLES, wanted runs)``."""
    law = plan.law
    link = law.output.link
    outcome, inputs = LINKS[link](plan.outcome[seen]), {name: v[seen] for name, v in plan.inputs.items()}
    curve = _curve(law)

    def fitted(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        places = {name: v[rows] for name, v in inputs.items()}
        return _least(lambda x: curve(x, places) - outcome[rows], starts)

    every = np.arange(len(outcome))
    best = fitted(every, _starts(law, rng))
    residuals = outcome - curve(best, inputs)
    asked = {name: v[wanted] for name, v in plan.inputs.items()}
    draws = np.array([curve(fitted(rng.choice(every, len(every)), best[None]), asked) for _ in range(TABLES)])
    return np.asarray(UNLINKS[link](draws + rng.choice(residuals, draws.shape)))


def _curve(law: Law) -> Callable[[np.ndarray, Mapping[str, np.ndarray]], np.ndarray]:
    """The law on the scale of its noise, as a function of unbounded coordinates ``(..., parameters)`` and inputs."""
    free, link = _free(law), LINKS[law.output.link]
    fixed = {name: float(p.prior.draw(np.random.default_rng(0), 1)[0])
             for name, p in law.parameters.items() if p.prior.is_constant}  # fmt: skip

    def curve(x: np.ndarray, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        places = np.moveaxis(x, -1, 0)[..., None]
        values = {name: bounded(law.parameters[name].prior, place) for name, place in zip(free, places, strict=True)}
        with np.errstate(all="ignore"):
            return np.asarray(link(law.mean(inputs, {**fixed, **values})), dtype=float)

    return curve


def _starts(law: Law, rng: np.random.Generator) -> np.ndarray:
    """Unbounded coordinates drawn from the priors; shape ``(STARTS, parameters)``."""
    priors = [law.parameters[name].prior for name in _free(law)]
    return np.stack([unbounded(prior, prior.draw(rng, STARTS)) for prior in priors], axis=1)


def _free(law: Law) -> list[str]:
    """The parameters of the law itself."""
    return [name for name in law.free_parameters if name not in law.noise_parameters]


def _least(residuals: Callable[[np.ndarray], np.ndarray], starts: np.ndarray) -> np.ndarray:
    """The coordinates with the lowest Huber loss, from the best of several starts.

    Residuals of coordinates of shape ``(..., parameters)`` have shape ``(..., rows)``.
    """

    def finite(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.nan_to_num(residuals(x), nan=HOPELESS, posinf=HOPELESS, neginf=-HOPELESS))

    def jacobian(x: np.ndarray) -> np.ndarray:
        """By forward differences, as SciPy takes them, but of all parameters in one evaluation of the law."""
        step = np.sqrt(np.finfo(float).eps) * np.fmax(1.0, np.abs(x))
        ahead = finite(np.concatenate([x[None], x + np.diag(step)]))
        return np.asarray(((ahead[1:] - ahead[0]) / step[:, None]).T)

    found = [least_squares(finite, start, jacobian, loss="huber", f_scale=HUBER, max_nfev=200) for start in starts]
    return np.asarray(min(found, key=lambda each: each.cost).x)
