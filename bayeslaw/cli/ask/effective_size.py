"""``bayeslaw effective-size``: the size of a reference network with a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.fits import laws_of, load_fit
from bayeslaw.cli.options import (
    drift_options,
    level_option,
    read_drift,
    read_family,
    read_held,
    read_number,
    read_table,
    reading_options,
    together,
    whose_options,
)
from bayeslaw.errors import InputError
from bayeslaw.paths import runs_file

if TYPE_CHECKING:
    from bayeslaw.ask.threshold.effective_size import EffectiveSizes


# The options of :func:`read_sizes`.
sizes_options = together(
    click.argument("fit", metavar="REFERENCE.nc"),
    click.argument("networks", metavar="NETWORKS"),
    click.option("--along", metavar="INPUT", help="The size: an input of the law (default: its first)."),
    click.option(
        "--at", metavar="D=1e12,...", help="The other inputs (default: the middle of the runs of the reference)."
    ),
    click.option(
        "--within", metavar="LOW,HIGH", help="Sizes between which the reference is trusted (default: all sizes)."
    ),
    whose_options, level_option, drift_options, reading_options,
)  # fmt: skip


def read_sizes(
    fit: str, networks: str, along: str | None, at: str | None, within: str | None, family: str | None,
    levels: tuple[float, ...],
    drift: str | None, no_drift: bool, allow_unconverged: bool, **reading: Any,
) -> EffectiveSizes:  # fmt: skip
    """The effective sizes of a table of networks, as the options say."""
    held, drifting, between = read_held(at), read_drift(drift, no_drift), _between(within)
    runs_file(networks)
    laws = laws_of([fit])

    from bayeslaw.ask.where.points import read_columns

    read_columns(laws, held)  # refused before the fit is loaded, if the law has no such input
    table, posterior = read_table(networks, **reading), load_fit(fit)
    whose = read_family(family, posterior)

    from bayeslaw.ask.threshold.effective_size import effective_size as ask

    return ask(
        posterior, table, along, held, whose, levels, within=between, drift=drifting,
        allow_unconverged=allow_unconverged,
    )  # fmt: skip


def _between(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    words = text.split(",")
    if len(words) != 2:
        raise InputError(f"--within {text}: is not two sizes; write --within 1e7,1e12.")
    low, high = (read_number(word, "size", f"--within {text}") for word in words)
    return low, high


@click.command("effective-size")
@sizes_options
@answers
def effective_size(fit: str, networks: str, as_json: bool, **asked: Any) -> None:
    """Size a reference network by its score.

    Finds how large a network of the reference family would have to be for the scores of others.

    NETWORKS is a table with the outcome of the law (counts with their trials) and the size of each network.
    """
    found = read_sizes(fit, networks, **asked)
    give(found.as_dict(), lambda: found, as_json)
