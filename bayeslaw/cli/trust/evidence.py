"""``bayeslaw evidence``: how probable a law makes the runs."""

from __future__ import annotations

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fit_argument, load_fit
from bayeslaw.cli.options import unconverged_option


@click.command()
@fit_argument
@click.option(
    "--nested",
    is_flag=True,
    help="Also estimate it by nested sampling, which takes a minute or more, for up to a dozen parameters.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    help="Seed of the random numbers that draws are compared with (default: the fit's).",
)
@unconverged_option
@answers
def evidence(fit: str, nested: bool, seed: int | None, allow_unconverged: bool, as_json: bool) -> None:
    """Find the log evidence of a law.

    That is the logarithm of its marginal likelihood, with its standard error.
    """
    posterior = load_fit(fit)

    from bayeslaw.ask.evidence.evidence import log_evidence

    found = log_evidence(posterior, nested=nested, seed=seed, allow_unconverged=allow_unconverged)
    give(found.as_dict(), lambda: found, as_json)
