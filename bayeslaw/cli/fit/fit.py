"""``bayeslaw fit``: from a table of runs to a file with the posterior."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bayeslaw.cli.answer import answers, check_writable, give, quick_imports, say
from bayeslaw.cli.options import (
    family_column_option,
    fields_of,
    find_law,
    find_laws,
    fitting_options,
    priors_options,
    read_pooling,
    read_table,
    reading_options,
)
from bayeslaw.errors import ConvergenceError, FileError, InputError, listed
from bayeslaw.note import Note, by_name
from bayeslaw.paths import runs_file

AUTO = "auto"

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.inference.base.diagnostics import Diagnostics
    from bayeslaw.inference.base.work import Fields
    from bayeslaw.inference.model.plan import Plan
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law


@click.command()
@click.argument("table", metavar="RUNS")
@click.option(
    "--law", "name", default=AUTO, show_default=True, metavar="NAME|FILE",
    help="The law, by name or file; `bayeslaw laws` lists them. auto takes those that suit the table, averaged.",
)  # fmt: skip
@click.option(
    "--outcome", metavar="COLUMN", help="With --law auto, what is predicted (default: the one outcome that there is)."
)
@click.option(
    "--out", default="fit.nc", show_default=True, metavar="FIT.nc",
    help="The file in which the posterior is saved; an earlier fit there is replaced.",
)  # fmt: skip
@family_column_option
@click.option(
    "--pool", multiple=True, metavar="P=KIND",
    help="How groups share a parameter: complete, partial:COLUMN, none:COLUMN, a/b (nested), a+b (crossed). "
         "May be repeated (default: as the law's file says).",
)  # fmt: skip
@reading_options
@priors_options
@click.option(
    "--group-effect", metavar="COLUMN", help="Let runs of one group, such as a budget or a training run, err together."
)
@click.option("--noise-growth", metavar="INPUT", help="Let runs scatter more where this input, such as N, is small.")
@fitting_options()
@answers
def fit(
    table: str,
    name: str,
    outcome: str | None,
    out: str,
    family: str | None,
    pool: Sequence[str],
    priors: str | None,
    prior: Sequence[str],
    group_effect: str | None,
    noise_growth: str | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Fit a law to a table of runs.

    Without --law, the laws that suit the columns are fitted and averaged. Saves the posterior for the other commands.
    Exits with 1 when the chains have not converged; the fit is then saved too, and marked as unconverged.
    """
    if outcome is not None and name != AUTO:
        raise InputError(f"--outcome {outcome}: the law '{name}' has its own outcome; leave one of the two out.")
    runs_file(table)
    # A law that is named is looked for before the table is read, which may be large.
    named = None if name == AUTO else find_law(name, priors, prior)
    path, fields = _place(out, (table, name)), fields_of(rest)
    runs = read_table(table, **rest)

    from bayeslaw.ask.auto.choice import choose
    from bayeslaw.ask.auto.fit import together
    from bayeslaw.inference.model.plan import make_plan
    from bayeslaw.inference.model.pooling import pools_of

    chosen = choose(runs, outcome) if named is None else None
    laws = [cast("Law", named)] if chosen is None else find_laws(chosen.laws, priors, prior)
    if noise_growth is not None:
        laws = [law.with_noise_growth(noise_growth) for law in laws]
    if group_effect is not None:
        laws = [law.with_group_effect(group_effect) for law in laws]
    pooled = read_pooling(pool)
    pools = pools_of({law.name: law for law in laws}, pooled) if len(laws) > 1 else {laws[0].name: pooled}
    # What cannot be fitted is refused before anything slow is imported.
    plans = {law.name: make_plan(law, runs, family, pools[law.name]) for law in laws}
    said = (
        by_name({called: plan.notes for called, plan in plans.items()}) if len(plans) > 1 else plans[laws[0].name].notes
    )
    for note in said:
        say(note)
    fits, took = {}, 0.0
    for called, plan in plans.items():
        if len(plans) > 1:
            say(f"Fitting law '{called}' ...")
        fits[called], seconds = sample(plan, **fields)
        took += seconds
    found = next(iter(fits.values())) if chosen is None else together(fits, chosen.note(runs))
    found.save(path)
    notes = notes_of(found)
    for note in notes:
        if note not in said:
            say(note)
    answer = {
        "law": " + ".join(fits), "laws": list(fits), "runs": len(runs), "family": family,
        "families": list(found.families), "pool": {k: v for plan in plans.values() for k, v in plan.pool.items()},
        "seed": next(iter(fits.values())).seed, "seconds": round(took, 3), "out": str(path),
        "notes": [note.as_dict() for note in (*found.diagnostics.notes, *notes)],
        "diagnostics": found.diagnostics.as_dict(), "converged": found.diagnostics.converged,
    }  # fmt: skip
    give(answer, lambda: _in_words(found, fits, str(path), took), as_json)
    if not found.diagnostics.converged:
        raise ConvergenceError(f"{found.diagnostics.verdict}.")


def _place(out: str, sources: Sequence[str]) -> Path:
    """The file of a fit: a new one, or one that replaces an earlier fit."""
    from bayeslaw.inference.posterior.storage import is_fit

    path = check_writable(out, sources)
    if path.exists() and path.stat().st_size > 0 and not is_fit(path):
        raise FileError(f"{path}: is not a saved fit, so it is not replaced; choose another --out.")
    return path


def sample(plan: Plan, **fields: Any) -> tuple[Posterior, float]:
    """Fit, with a progress bar where a person is watching; returns the posterior and the seconds without imports."""
    from bayeslaw.inference.base.work import Sampling, Work, asked_for
    from bayeslaw.inference.fit import fit_plan

    with quick_imports():
        import bayeslaw.inference.infer  # noqa: F401 - what `fit_plan` would import, slower
    started = time.perf_counter()
    sampling, work = asked_for(Sampling(), Work(), cast("Fields", fields))
    posterior = fit_plan(plan, sampling, work)
    return posterior, time.perf_counter() - started


def diagnosis(found: Diagnostics) -> str:
    """The diagnostics of the chains in one line."""
    return (
        f"{found.chains} x {found.draws} draws, R-hat {found.rhat:.3f} ({found.rhat_of}), "
        f"smallest ESS {found.ess:.0f} ({found.ess_of}), divergences {found.divergences}"
    )


def notes_of(found: Posterior | Average) -> tuple[Note, ...]:
    """All notes of a fit, or of the fits of an average with how it was made; those on convergence apart."""
    from bayeslaw.ask.average import Average

    if not isinstance(found, Average):
        return found.notes
    return (*by_name({name: each.notes for name, each in found.posteriors.items()}), *found.about)


def _in_words(found: Posterior | Average, fits: Mapping[str, Posterior], path: str, seconds: float) -> str:
    lead = max(fits.values(), key=lambda each: len(each.law.free_inputs))
    families = f" in {len(found.families)} families" if found.families else ""
    needed = ",".join(f"{name}=..." for name in lead.law.free_inputs)
    converged = found.diagnostics.converged
    subject = f"Law {lead.law.name} is" if len(fits) == 1 else f"Laws {listed(fits)} are"
    worst = "" if len(fits) == 1 else " of the worst of them"
    lines = [
        f"{subject} fitted to {len(lead.runs)} runs{families} in {seconds:.1f} s.",
        f"The chains{worst} have {'' if converged else 'NOT '}converged: {diagnosis(found.diagnostics)}.",
        f"The {'fit is' if len(fits) == 1 else 'average of the fits is'} saved in {path}.",
        f"  next: bayeslaw summary {path}",
    ]
    if converged:  # or the next command would be refused
        lines.append(f"        bayeslaw forecast {path} --at {needed}")
    return "\n".join(lines)
