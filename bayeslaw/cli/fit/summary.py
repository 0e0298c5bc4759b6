"""``bayeslaw summary``: what was learned about every parameter."""

from __future__ import annotations

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.options import fit_argument, load_fit


@click.command()
@fit_argument
@answers
def summary(fit: str, as_json: bool) -> None:
    """Show every parameter of a fit.

    Shows where it lies, how well it was sampled, and how much was learned from the runs.
    """
    found = load_fit(fit).summary()
    give(found.as_dict(), lambda: found, as_json)
