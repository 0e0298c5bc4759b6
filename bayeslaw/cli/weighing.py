"""``bayeslaw evidence``: how probable a law makes its runs."""

from __future__ import annotations

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.questions import load_fit


@click.command()
@click.argument("fit", metavar="FIT.nc")
@click.option("--nested", is_flag=True, help="Ask nested sampling too (a minute or more; up to a dozen parameters).")
@click.option("--seed", type=int, help="Of the random numbers that draws are compared with; the fit's unless given.")
@click.option("--allow-unconverged", is_flag=True, help="Answer even if the chains have not converged.")
@answers
def evidence(fit: str, nested: bool, seed: int | None, allow_unconverged: bool, as_json: bool) -> None:
    """Find the log evidence of a law (its log marginal likelihood), with its error."""
    posterior = load_fit(fit)

    from bayeslaw.ask.evidence import log_evidence

    found = log_evidence(posterior, nested=nested, seed=seed, allow_unconverged=allow_unconverged)
    give(found.as_dict(), lambda: found, as_json)
