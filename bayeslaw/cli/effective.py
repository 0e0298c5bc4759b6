"""``bayeslaw effective-size`` and ``frontier``: how large a reference has a score, how fast the densest improve."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give, quick_imports
from bayeslaw.cli.fitting import executor_option, shards_option
from bayeslaw.cli.questions import (
    drift_options,
    level_option,
    load_fit,
    read_drift,
    read_family,
    read_held,
    read_number,
    whose_options,
)
from bayeslaw.cli.tables import find_law, read_table, reading_options
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.ask.threshold.effective_size import EffectiveSizes


def sizes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options of :func:`read_sizes`."""
    fit = click.argument("fit", metavar="REFERENCE.nc")
    networks = click.argument("networks", metavar="NETWORKS")
    along = click.option("--along", metavar="INPUT", help="The size: an input of the law; its first unless given.")
    at = click.option("--at", metavar="D=1e12,...", help="Other inputs; the middle of the reference unless given.")
    within = click.option("--within", metavar="LOW,HIGH", help="Sizes between which the reference is believed.")
    return fit(networks(along(at(within(whose_options(level_option(drift_options(reading_options(command)))))))))


def read_sizes(
    fit: str, networks: str, along: str | None, at: str | None, within: str | None, family: str | None, level: float,
    drift: str | None, no_drift: bool, allow_unconverged: bool, **reading: Any,
) -> EffectiveSizes:  # fmt: skip
    """The effective sizes of a table of networks, as the options say."""
    held, drifting, between = read_held(at), read_drift(drift, no_drift), _between(within)
    table, posterior = read_table(networks, **reading), load_fit(fit)
    whose = read_family(family, posterior)

    from bayeslaw.ask.threshold.effective_size import effective_size as ask

    return ask(
        posterior, table, along, held, whose, level, within=between, drift=drifting, allow_unconverged=allow_unconverged
    )


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
    """Say how large a network of a reference would have to be for the scores of others.

    NETWORKS is a table with the outcome of the law (counts with their trials) and the size of each network.
    """
    found = read_sizes(fit, networks, **asked)
    give(found.as_dict(), lambda: found, as_json)


@click.command()
@sizes_options
@click.option("--law", metavar="NAME|FILE", default="densing", show_default=True, help="Of the frontier.")
@click.option(
    "--imagined", type=click.IntRange(2), help="Draws of the reference that it is fitted for; 40 unless given."
)
@shards_option
@executor_option
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the sampler.")
@answers
def frontier(
    fit: str, networks: str, law: str, imagined: int | None, shards: str | None, executor: str | None, seed: int,
    level: float, allow_unconverged: bool, as_json: bool, **asked: Any,
) -> None:  # fmt: skip
    """Find the time in which the density of the densest networks doubles.

    NETWORKS has a column day too: of the release, in days from 24 February 2023.
    """
    chosen = find_law(law)
    sizes = read_sizes(fit, networks, level=level, allow_unconverged=allow_unconverged, **asked)

    with quick_imports():
        from bayeslaw.ask.threshold.frontier import IMAGINED
        from bayeslaw.ask.threshold.frontier import frontier as ask
    found = ask(
        sizes, chosen, level, imagined=imagined or IMAGINED, seed=seed, progress=sys.stderr.isatty(), shards=shards,
        executor=executor, allow_unconverged=allow_unconverged,
    )  # fmt: skip
    give(found.as_dict(), lambda: found, as_json)
