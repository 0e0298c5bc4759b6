"""``bayeslaw fit``: from a table of runs to a file with the posterior."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bayeslaw.cli.answer import answers, check_writable, give, quick_imports, say
from bayeslaw.cli.options import (
    family_column_option,
    fields_of,
    find_law,
    fitting_options,
    priors_options,
    read_pooling,
    read_table,
    reading_options,
)
from bayeslaw.errors import ConvergenceError, FileError
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.inference.base.diagnostics import Diagnostics
    from bayeslaw.inference.base.work import Fields
    from bayeslaw.inference.model.plan import Plan
    from bayeslaw.inference.posterior.posterior import Posterior


@click.command()
@click.argument("table", metavar="RUNS")
@click.option(
    "--law", "name", required=True, metavar="NAME|FILE", help="The law, by name or file; `bayeslaw laws` lists them."
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

    Saves the posterior for the other commands. Exits with 1 when the chains have not converged; the fit is then saved
    too, and marked as unconverged.
    """
    runs_file(table)
    law = find_law(name, priors, prior)
    path, fields = _place(out, (table, name)), fields_of(rest)

    from bayeslaw.inference.model.plan import make_plan

    if noise_growth is not None:
        law = law.with_noise_growth(noise_growth)
    if group_effect is not None:
        law = law.with_group_effect(group_effect)
    # What cannot be fitted is refused before anything slow is imported.
    plan = make_plan(law, read_table(table, **rest), family, read_pooling(pool))
    for note in plan.notes:
        say(note)
    posterior, took = sample(plan, **fields)
    posterior.save(path)
    for note in posterior.notes:
        if note not in plan.notes:
            say(note)
    answer = {
        "law": law.name, "runs": len(plan.runs), "family": family, "families": list(posterior.families),
        "pool": dict(plan.pool),
        "seed": posterior.seed, "seconds": round(took, 3), "out": str(path),
        "notes": [note.as_dict() for note in (*posterior.diagnostics.notes, *posterior.notes)],
        "diagnostics": posterior.diagnostics.as_dict(), "converged": posterior.diagnostics.converged,
    }  # fmt: skip
    give(answer, lambda: _in_words(posterior, str(path), took), as_json)
    if not posterior.diagnostics.converged:
        raise ConvergenceError(f"{posterior.diagnostics.verdict}.")


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


def _in_words(posterior: Posterior, path: str, seconds: float) -> str:
    families = f" in {len(posterior.families)} families" if posterior.families else ""
    needed = ",".join(f"{name}=..." for name in posterior.law.free_inputs)
    converged = posterior.diagnostics.converged
    lines = [
        f"Law {posterior.law.name} is fitted to {len(posterior.runs)} runs{families} in {seconds:.1f} s.",
        f"The chains have {'' if converged else 'NOT '}converged: {diagnosis(posterior.diagnostics)}.",
        f"The fit is saved in {path}.",
        f"  next: bayeslaw summary {path}",
    ]
    if converged:  # or the next command would be refused
        lines.append(f"        bayeslaw forecast {path} --at {needed}")
    return "\n".join(lines)
