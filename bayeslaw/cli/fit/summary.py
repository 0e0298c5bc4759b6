"""``bayeslaw summary``: what was learned about every parameter."""

from __future__ import annotations

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import fit_argument, load_any


@click.command()
@fit_argument
@answers
def summary(fit: str, as_json: bool) -> None:
    """Show every parameter of a fit.

    Shows where it lies, how well it was sampled, and how much was learned from the runs.
    """
    found = load_any(fit)

    from bayeslaw.ask.average import Average

    if not isinstance(found, Average):
        alone = found.summary()
        give(alone.as_dict(), lambda: alone, as_json)
        return
    each = {name: posterior.summary() for name, posterior in found.posteriors.items()}
    answer = {
        "laws": {name: one.as_dict() for name, one in each.items()}, "weights": dict(found.weights),
        "notes": [note.as_dict() for note in found.notes], "converged": found.diagnostics.converged,
    }  # fmt: skip
    shares = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
    text = [f"An average of {len(each)} fits, with weights {shares}.", *each.values(), *found.about]
    give(answer, lambda: "\n\n".join(map(str, text)), as_json)
