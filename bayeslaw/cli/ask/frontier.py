"""``bayeslaw frontier``: how fast the densest networks improve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, give, quick_imports
from bayeslaw.cli.ask.effective_size import read_sizes, sizes_options
from bayeslaw.cli.options import fields_of, find_law, fitting_options, priors_options
from bayeslaw.inference.sampler.settings import DRAWS_OF_MANY


@click.command()
@sizes_options
@click.option("--law", metavar="NAME|FILE", default="densing", show_default=True, help="The law of the frontier.")
@click.option(
    "--imagined", type=click.IntRange(2), help="Draws of the reference for which the frontier is fitted (default 40)."
)
@priors_options
@fitting_options(DRAWS_OF_MANY)
@answers
def frontier(
    fit: str, networks: str, law: str, priors: str | None, prior: Sequence[str], imagined: int | None,
    levels: tuple[float, ...], allow_unconverged: bool, as_json: bool, **rest: Any,
) -> None:  # fmt: skip
    """Find the time in which density doubles.

    Density is effective size over real size; its frontier is set by the densest networks.

    NETWORKS also needs a column day: the release date, in days from 24 February 2023.
    """
    fields, chosen = fields_of(rest), find_law(law, priors, prior)
    sizes = read_sizes(fit, networks, levels=levels, allow_unconverged=allow_unconverged, **rest)

    with quick_imports():
        from bayeslaw.ask.threshold.frontier import IMAGINED
        from bayeslaw.ask.threshold.frontier import frontier as ask
    found = ask(
        sizes, chosen, levels, imagined=imagined or IMAGINED, allow_unconverged=allow_unconverged, **fields
    )  # fmt: skip
    give(found.as_dict(), lambda: found, as_json)
