"""Which of several laws the runs support, how strongly, and which would have predicted the larger runs.

These are two questions.  The evidence is about the law behind these runs; the scores of left-out runs are about
prediction.  They may disagree, and then the answer says both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Unpack, cast

from bayeslaw.ask.compare.comparison import Comparison, Standing
from bayeslaw.ask.compare.forward import forward, origins
from bayeslaw.ask.compare.loo import leave_families_out, loo
from bayeslaw.ask.compare.weights import require_converged, require_several
from bayeslaw.ask.evidence.comparable import Subject, require_same
from bayeslaw.ask.evidence.evidence import log_evidence
from bayeslaw.ask.evidence.sensitivity import prior_sensitivity
from bayeslaw.errors import QuestionError, listed
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from bayeslaw.inference.fit import fit_plan
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.pooling import pools_of
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.workplace import Workplace, opened_workplace
from bayeslaw.language import catalogue
from bayeslaw.language.law import Law
from bayeslaw.language.public_priors import with_priors_each
from bayeslaw.runs.table import Runs, RunsLike, read_runs


def compare(
    laws: Iterable[Law | str | Posterior] | Mapping[str, Law | str | Posterior],
    runs: RunsLike | None = None,
    family: str | None = None,
    pool: Mapping[str, str] | None = None,
    *,
    priors: str | Mapping[str, str] | None = None,
    by_family: bool = True,
    allow_unconverged: bool = False,
    sampling: Sampling = Sampling(),
    work: Work = Work(),
    **fields: Unpack[Fields],
) -> Comparison:
    """Compare laws on the same runs.

    Parameters
    ----------
    laws
        Two or more laws, names of laws, or fits; a mapping gives them names of your own, which is necessary where two
        have the same.
    runs
        Runs, or anything :func:`bayeslaw.read_runs` reads; fits bring their own.
    family, pool, priors
        As :func:`bayeslaw.fit` takes them; of `pool` and `priors` each law takes the parameters that it has.
    by_family
        Also leave each family out, if there are any: one more fit per family and law.
    allow_unconverged
        Compare even fits that have not converged; the answer says so.
    sampling, work
        How to sample, and how the work is done; see :class:`bayeslaw.Sampling` and :class:`bayeslaw.Work`.
    **fields
        Single fields of these two, such as ``draws=2000``, ``seed=1`` or ``progress=False``.

    Returns
    -------
    Comparison
        Laws by evidence, the largest first.

    Raises
    ------
    QuestionError
        When there is one law only, two have the same name, or they are about different data.
    ConvergenceError
        When a fit has not converged.
    LawError, RunsError, PoolingError
        When a law, the table or a hierarchy cannot be used.
    ExecutorError
        When workers cannot be reached, are lost, or cannot do the work.

    References
    ----------
    Kass & Raftery (1995), doi:10.1080/01621459.1995.10476572; Yao, Vehtari, Simpson & Gelman (2018),
    doi:10.1214/17-BA1091; Kallioinen et al. (2024), doi:10.1007/s11222-023-10366-5.
    """
    sampling, work = asked_for(sampling, work, fields)
    given = _named(laws, priors)
    plans = _plans(given, None if runs is None else read_runs(runs), family, pool)
    found = {}
    with opened_workplace(work, "comparing") as place:
        fits = _fits(given, plans, sampling, work, place)
        require_converged(fits, allow_unconverged)
        hidden, again = origins(fits), sampling.patience
        groupings = {name: fit.family_grouping if by_family else None for name, fit in fits.items()}
        place.watch.expect(sum(len(hidden) + (0 if g is None else len(g.labels)) for g in groupings.values()))
        for name, posterior in fits.items():
            place.watch.doing(f"{name}: evidence")
            evidence = log_evidence(posterior, allow_unconverged=allow_unconverged)
            place.watch.doing(f"{name}: what was left out")
            found[name] = Standing(
                evidence=evidence,
                loo=loo(posterior, place=place, patience=again),
                families=(
                    None if groupings[name] is None else leave_families_out(posterior, place=place, patience=again)
                ),
                forward=forward(posterior, hidden, place=place, patience=again) if hidden else None,
                sensitivity=prior_sensitivity(posterior, evidence),
            )
    order = sorted(found, key=lambda name: -found[name].evidence.log_evidence)
    return Comparison({name: found[name] for name in order}, {name: fits[name] for name in order})


def _named(laws: Any, priors: str | Mapping[str, str] | None) -> dict[str, Law | Posterior]:
    """Laws and fits by name, names of the catalogue looked up; laws with their priors."""
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
    return found | with_priors_each({name: each for name, each in found.items() if isinstance(each, Law)}, priors)


def _require_these(runs: Runs, plans: Mapping[str, Plan]) -> None:
    """Refuse fits of runs other than the runs that were given."""
    for name, plan in plans.items():
        given = make_plan(plan.law, runs, plan.family)
        require_same([("runs", Subject.of(given)), (name, Subject.of(plan))])


def _plans(
    given: Mapping[str, Law | Posterior], runs: Runs | None, family: str | None, pool: Mapping[str, str] | None
) -> dict[str, Plan]:
    """The plans of the fits, checked to be comparable."""
    laws = {name: each for name, each in given.items() if isinstance(each, Law)}
    for each in given.values():
        if isinstance(each, Posterior):
            each.require_runs("a comparison")
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
    return plans


def _fits(
    given: Mapping[str, Law | Posterior], plans: Mapping[str, Plan], sampling: Sampling, work: Work, place: Workplace
) -> dict[str, Posterior]:
    """The fits; missing ones are made."""
    place.watch.expect(sum(isinstance(each, Law) for each in given.values()))
    fits: dict[str, Posterior] = {}
    for name, each in given.items():
        if isinstance(each, Posterior):
            fits[name] = each
            continue
        place.watch.doing(f"{name}: fit")
        count = place.watch.part(1)
        fits[name] = fit_plan(plans[name], sampling, replace(work, progress=False))
        count(1, 1)
    return fits
