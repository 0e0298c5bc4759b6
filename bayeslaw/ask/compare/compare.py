"""Which of several laws the runs support, how strongly, and which would have foretold the dearer ones.

Two questions with two answers: the evidence is about the law that made these runs, the scores of what was left out
about prediction.  They may disagree, and then both are said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, cast

from bayeslaw.ask.compare.comparison import Comparison, Standing
from bayeslaw.ask.compare.forward import forward, origins
from bayeslaw.ask.compare.loo import leave_families_out, loo
from bayeslaw.ask.compare.weights import require_converged, require_several
from bayeslaw.ask.evidence.comparable import Subject, require_same
from bayeslaw.ask.evidence.evidence import log_evidence
from bayeslaw.ask.evidence.sensitivity import prior_sensitivity
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.executors import opened
from bayeslaw.inference.fit import fit
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.pooling import pools_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.shards import Shards
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.runs.table import Runs, read_runs

# Told what is being done, in a few words.
Told = Callable[[str], None]


def compare(
    laws: Iterable[Law | str | Posterior] | Mapping[str, Law | str | Posterior],
    runs: Runs | Any | None = None,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    draws: int | None = None,
    target_accept: float | None = None,
    seed: int = 0,
    by_family: bool = True,
    allow_unconverged: bool = False,
    shards: str | Path | None = None,
    executor: Executor | str | None = None,
    told: Told | None = None,
) -> Comparison:
    """Hold laws against each other on the same runs.

    Parameters
    ----------
    laws
        Laws, names of laws, or fits, two or more; by a name of your own where two have the same.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads; fits bring their own.
    family, pool
        As :func:`bayeslaw.fit` takes them; each law is told of those parameters in `pool` that it has.
    draws
        Of the fits, a chain.
    target_accept
        Of the fits; a funnel, such as a group effect makes, is walked in smaller steps at 0.98.
    seed
        Of the fits.
    by_family
        Leave each family out, where there are any: a fit a family and law.
    allow_unconverged
        Compare even fits that have not converged; they are then flagged.
    shards
        A folder in which finished fits without some runs are kept, so that work that was stopped is not done again.
    executor
        What makes these fits, as :func:`bayeslaw.backtest` takes it.
    told
        A function that is told what is being done.

    Returns
    -------
    Comparison
        Laws by evidence, the largest first.

    Raises
    ------
    QuestionError
        When there is one law only, two have the same name, they are about different data, or one has not converged.
    LawError, RunsError, PoolingError
        When a law, the table or a hierarchy cannot be used.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.

    References
    ----------
    Kass & Raftery (1995), doi:10.1080/01621459.1995.10476572; Yao, Vehtari, Simpson & Gelman (2018),
    doi:10.1214/17-BA1091; Kallioinen et al. (2024), doi:10.1007/s11222-023-10366-5.
    """
    tell = told or (lambda _: None)
    table = runs if runs is None or isinstance(runs, Runs) else read_runs(runs)
    settings = {"draws": draws, "target_accept": target_accept, "seed": seed}
    fits = _fits(_named(laws), table, family, pool, settings, tell)
    require_converged(fits, allow_unconverged)
    hidden = origins(fits)
    kept, found = None if shards is None else Shards(Path(shards)), {}
    with opened(executor) as workers:
        for name, posterior in fits.items():
            tell(f"{name}: evidence, and what was left out")
            evidence = log_evidence(posterior, allow_unconverged=allow_unconverged)
            families = by_family and posterior.family is not None
            found[name] = Standing(
                evidence=evidence,
                loo=loo(posterior, shards=kept, executor=workers),
                families=leave_families_out(posterior, shards=kept, executor=workers) if families else None,
                forward=forward(posterior, hidden, shards=kept, executor=workers) if hidden else None,
                sensitivity=prior_sensitivity(posterior, evidence),
            )
    order = sorted(found, key=lambda name: -found[name].evidence.log_evidence)
    return Comparison({name: found[name] for name in order}, {name: fits[name] for name in order})


def _named(laws: Any) -> dict[str, Law | Posterior]:
    """Laws and fits by name, names of the catalogue looked up."""
    if isinstance(laws, Law | str | Posterior):
        laws = [laws]
    found: dict[str, Law | Posterior] = {}
    for name, each in laws.items() if isinstance(laws, Mapping) else [(None, each) for each in laws]:
        one = catalogue.law(each) if isinstance(each, str) else each
        called = name or (one.law.name if isinstance(one, Posterior) else one.name)
        if called in found:
            raise QuestionError(
                f"'{called}' is given twice; give each law once, or two forms of one law by names of your own: "
                f'{{"{called}": ..., "{called} with other priors": ...}}.'
            )
        found[called] = one
    require_several(found)
    return found


def _require_these(runs: Runs, plans: Mapping[str, Plan]) -> None:
    """Refuse fits of other runs than those that were given beside them."""
    for name, plan in plans.items():
        given = make_plan(plan.law, runs, plan.family)
        require_same([("runs", Subject.of(given)), (name, Subject.of(plan))])


def _fits(
    given: Mapping[str, Law | Posterior], runs: Runs | None, family: str | None, pool: Mapping[str, str] | None,
    settings: Mapping[str, Any], tell: Told,
) -> dict[str, Posterior]:  # fmt: skip
    """The fits, once nothing speaks against comparing them."""
    laws = {name: each for name, each in given.items() if isinstance(each, Law)}
    if laws and runs is None:
        raise QuestionError(f"runs are missing: {listed(laws)} must be fitted first; pass runs, or fits of them.")
    pools = pools_of(laws, pool)
    plans = {
        name: each.plan if isinstance(each, Posterior) else make_plan(each, cast(Runs, runs), family, pools[name])
        for name, each in given.items()
    }
    require_same([(name, Subject.of(plan)) for name, plan in plans.items()])
    if runs is not None and not laws:
        _require_these(runs, plans)
    fits: dict[str, Posterior] = {}
    for name, each in given.items():
        if isinstance(each, Law):
            tell(f"{name}: fit")
            each = fit(each, runs, family, pools[name], **settings)
        fits[name] = each
    return fits
