"""``bayeslaw fit``: from a table of runs to a file with the posterior."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, assignments, check_writable, give, quick_imports, say
from bayeslaw.cli.options import (
    FEWEST_DRAWS,
    draws_option,
    edited,
    family_column_option,
    find_law,
    priors_option,
    read_pooling,
    read_table,
    reading_options,
    seed_option,
    target_accept_option,
)
from bayeslaw.errors import ConvergenceError

if TYPE_CHECKING:
    from bayeslaw.inference.base.diagnostics import Diagnostics
    from bayeslaw.inference.model.plan import Plan
    from bayeslaw.inference.posterior.posterior import Posterior

PRIOR = 'alpha="LogNormal(log(0.4), 0.1)"'


@click.command()
@click.argument("table", metavar="RUNS")
@click.option(
    "--law", "name", required=True, metavar="NAME|FILE", help="The law, by name or file; `bayeslaw laws` lists them."
)
@click.option("--out", required=True, metavar="FIT.nc", help="The file in which the posterior is saved.")
@family_column_option
@click.option(
    "--pool", multiple=True, metavar="P=KIND",
    help="How groups share a parameter: complete, partial:COLUMN, none:COLUMN, a/b (nested), a+b (crossed). "
         "May be repeated (default: as the law's file says).",
)  # fmt: skip
@reading_options
@priors_option
@click.option(
    "--prior",
    multiple=True,
    metavar="P=PRIOR",
    help=f"Another prior of one parameter, such as {PRIOR}. May be repeated.",
)
@click.option(
    "--group-effect", metavar="COLUMN", help="Let runs of one group, such as a budget or a training run, err together."
)
@click.option("--noise-growth", metavar="INPUT", help="Let runs scatter more where this input, such as N, is small.")
@draws_option
@click.option(
    "--warmup",
    type=click.IntRange(FEWEST_DRAWS),
    help="Warm-up draws per chain (default 149; 500 without families).",
)
@click.option("--chains", type=click.IntRange(1, 64), help="Chains (default 4).")  # fmt: skip
@target_accept_option
@click.option(
    "--seconds",
    type=click.FloatRange(0.0, min_open=True),
    default=120.0,
    show_default=True,
    help="The most that sampling may take where it crawls; inf for no limit.",
)
@seed_option
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
    draws: int | None,
    warmup: int | None,
    chains: int | None,
    target_accept: float | None,
    seconds: float,
    seed: int,
    as_json: bool,
    **reading: Any,
) -> None:
    """Fit a law to a table of runs.

    Saves the posterior, of which the other commands ask. Exits with 1 when the chains have not converged; the fit is
    saved all the same, marked as such.
    """
    from bayeslaw.inference.model.plan import make_plan

    path = check_writable(out, (table, name))
    law = edited(find_law(name, priors), assignments(prior, "--prior", PRIOR), group_effect, noise_growth)
    # What cannot be fitted is refused before anything slow is imported.
    plan = make_plan(law, read_table(table, **reading), family, read_pooling(pool))
    for note in plan.notes:
        say(note)
    posterior, took = sample(
        plan, draws=draws, warmup=warmup, chains=chains, target_accept=target_accept, seconds=seconds, seed=seed
    )
    posterior.save(path)
    for note in posterior.notes:
        if note not in plan.notes:
            say(note)
    answer = {
        "law": law.name, "runs": len(plan.runs), "family": family, "families": list(posterior.families),
        "pool": dict(plan.pool),
        "seed": seed, "seconds": round(took, 3), "out": str(path),
        "notes": [note.as_dict() for note in posterior.notes],
        "diagnostics": posterior.diagnostics.as_dict(),
    }  # fmt: skip
    give(answer, lambda: _in_words(posterior, str(path), took), as_json)
    if not posterior.diagnostics.converged:
        raise ConvergenceError(f"{posterior.diagnostics.verdict}.")


def sample(plan: Plan, **how: Any) -> tuple[Posterior, float]:
    """Fit, with a progress bar where a person is watching; returns the posterior and the seconds without imports."""
    from bayeslaw.inference.fit import fit_plan

    with quick_imports():
        import bayeslaw.inference.infer  # noqa: F401 - what `fit_plan` would import, slower
    started = time.perf_counter()
    posterior = fit_plan(plan, progress=sys.stderr.isatty(), **how)
    return posterior, time.perf_counter() - started


def diagnosis(found: Diagnostics) -> str:
    """Say in one line what the chains say of themselves."""
    return (
        f"{found.chains} x {found.draws} draws, R-hat {found.rhat:.3f} ({found.rhat_of}), "
        f"smallest ESS {found.ess:.0f} ({found.ess_of}), divergences {found.divergences}"
    )


def _in_words(posterior: Posterior, path: str, seconds: float) -> str:
    families = f" in {len(posterior.families)} families" if posterior.families else ""
    needed = ",".join(f"{name}=..." for name in posterior.law.free_inputs)
    converged = posterior.diagnostics.converged
    lines = [
        f"{posterior.law.name} fitted to {len(posterior.runs)} runs{families} in {seconds:.1f} s",
        f"  {'converged' if converged else 'NOT CONVERGED'}: {diagnosis(posterior.diagnostics)}",
        f"  saved {path}",
        f"  next: bayeslaw summary {path}",
    ]
    if converged:  # or the next command would be refused
        lines.append(f"        bayeslaw forecast {path} --at {needed}")
    return "\n".join(lines)
