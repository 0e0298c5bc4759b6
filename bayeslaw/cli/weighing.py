"""``bayeslaw compare`` and ``evidence``: which of several laws runs support, and how probable one makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bayeslaw.cli.answer import answers, check_picture, give, quick_imports, say, write_picture
from bayeslaw.cli.fitting import FEWEST_DRAWS, edited, executor_option, shards_option, target_accept_option
from bayeslaw.cli.questions import load_fit
from bayeslaw.cli.tables import find_laws, laws_options, read_pooling, read_table, reading_options
from bayeslaw.errors import InputError


@click.command()
@laws_options("Two or more of `bayeslaw laws`.")
@click.option("--group-effect", metavar="COLUMN", help="Let runs of one group err together, under every law.")
@reading_options
@click.option("--draws", type=click.IntRange(FEWEST_DRAWS), help="Draws a chain.")
@target_accept_option
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the sampler.")
@click.option("--by-family/--not-by-family", default=True, help="Leave each family out too: a fit a family and law.")
@click.option("--allow-unconverged", is_flag=True, help="Compare even if chains have not converged.")
@click.option("--plot", "picture", metavar="FILE.png", help="Draw the comparison too.")
@shards_option
@executor_option
@answers
def compare(
    table: str,
    names: str,
    priors: str | None,
    family: str | None,
    pool: Sequence[str],
    group_effect: str | None,
    draws: int | None,
    target_accept: float | None,
    seed: int,
    by_family: bool,
    allow_unconverged: bool,
    picture: str | None,
    shards: str | None,
    executor: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Compare laws on the same runs: by evidence, and by what they predict of runs that were left out.

    The verdict says which law the runs support, how strongly, and when they cannot tell.
    """
    path = None if picture is None else check_picture(picture, "--plot", (table, *names.split(",")))
    laws = [edited(law, {}, group_effect, None) for law in find_laws(names, priors)]
    if len(laws) < 2:
        raise InputError(f"--laws {names}: give two or more to compare, such as --laws chinchilla,kaplan.")
    runs = read_table(table, **reading)
    pooling = read_pooling(pool)

    with quick_imports():
        from bayeslaw.ask.compare.compare import compare as ask
    found = ask(
        laws, runs, family, pooling, draws=draws, target_accept=target_accept, seed=seed, by_family=by_family,
        allow_unconverged=allow_unconverged, shards=shards, executor=executor, told=say,
    )  # fmt: skip
    if path is not None:
        from bayeslaw.ask.plot.comparison import plot_comparison

        write_picture(path, plot_comparison(found))
        say(f"drawn in {path}")
    give(found.as_dict(), lambda: found, as_json)


@click.command()
@click.argument("fit", metavar="FIT.nc")
@click.option("--nested", is_flag=True, help="Ask nested sampling too (a minute or more; up to a dozen parameters).")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    help="Of the random numbers that draws are compared with; the fit's unless given.",
)
@click.option("--allow-unconverged", is_flag=True, help="Answer even if the chains have not converged.")
@answers
def evidence(fit: str, nested: bool, seed: int | None, allow_unconverged: bool, as_json: bool) -> None:
    """Find the log evidence of a law (its log marginal likelihood), with its error."""
    posterior = load_fit(fit)

    from bayeslaw.ask.evidence.evidence import log_evidence

    found = log_evidence(posterior, nested=nested, seed=seed, allow_unconverged=allow_unconverged)
    give(found.as_dict(), lambda: found, as_json)
