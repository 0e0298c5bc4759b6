"""``bayeslaw fit``: from a table of runs to a file with the posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bayeslaw.cli.answer import answers, check_writable, give, say
from bayeslaw.cli.interrupted import resumable, resume_option
from bayeslaw.cli.options import (
    AUTO,
    along_option,
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
from bayeslaw.cli.sampling import diagnosis, notes_of, notes_of_plans, sample_each
from bayeslaw.errors import ConvergenceError, FileError, InputError, listed
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
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
@along_option
@priors_options
@click.option(
    "--group-effect", metavar="COLUMN", help="Let runs of one group, such as a budget or a training run, err together."
)
@click.option("--noise-growth", metavar="INPUT", help="Let runs scatter more where this input, such as N, is small.")
@fitting_options()
@resume_option
@answers
def fit(
    table: str,
    name: str,
    outcome: str | None,
    out: str,
    family: str | None,
    pool: Sequence[str],
    along: str | None,
    priors: str | None,
    prior: Sequence[str],
    group_effect: str | None,
    noise_growth: str | None,
    resume: bool,
    as_json: bool,
    **rest: Any,
) -> None:
    """Fit a law to a table of runs.

    Without --law, the laws that suit the columns are fitted and averaged. Saves the posterior for the other commands.
    Exits with 1 when the chains have not converged; the fit is then saved too, and marked as unconverged. After Ctrl-C
    the same command with --resume goes on where it was.
    """
    if outcome is not None and name != AUTO:
        raise InputError(f"--outcome {outcome}: the law '{name}' has its own outcome; leave one of the two out.")
    if along is not None and name == AUTO:
        raise InputError(f"--along {along}: which law is to run along it? Name it, as --law power_law.")
    runs_file(table)
    # A law that is named is looked for before the table is read, which may be large.
    named = None if name == AUTO else find_law(name, priors, prior, along)
    path, fields = _place(out, (table, name)), fields_of(rest)
    runs = read_table(table, **rest)

    from bayeslaw.ask.auto.choice import choose
    from bayeslaw.ask.auto.fit import together
    from bayeslaw.inference.model.plan import make_plan
    from bayeslaw.inference.model.pooling import pools_of

    chosen = choose(runs, outcome) if named is None else None
    laws = [cast("Law", named)] if chosen is None else find_laws(chosen.laws, priors or chosen.priors, prior)
    if noise_growth is not None:
        laws = [law.with_noise_growth(noise_growth) for law in laws]
    if group_effect is not None:
        laws = [law.with_group_effect(group_effect) for law in laws]
    pooled = read_pooling(pool)
    pools = pools_of({law.name: law for law in laws}, pooled) if len(laws) > 1 else {laws[0].name: pooled}
    # What cannot be fitted is refused before anything slow is imported.
    plans = {law.name: make_plan(law, runs, family, pools[law.name]) for law in laws}
    said = notes_of_plans(plans)
    for note in said:
        say(note)
    with resumable(path, plans, fields, resume):
        fits, took = sample_each(plans, **fields)
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
