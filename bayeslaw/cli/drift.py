"""``bayeslaw drift``: what a user's own earlier sweeps tell of how laws go astray."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bayeslaw.cli.answer import answers, check_writable, give, in_columns, quick_imports, say, write_text
from bayeslaw.cli.fitting import FEWEST_DRAWS, executor_option, shards_option
from bayeslaw.cli.questions import read_number
from bayeslaw.cli.tables import find_laws, laws_options, read_pooling, read_table, reading_options
from bayeslaw.errors import InputError

UNITS = "nats of log outcome, of shares logits, per e-fold of compute"


@click.command()
@laws_options("One or more of `bayeslaw laws`.", several=True)
@click.option("--origins", metavar="SHARE,...", help="Shares of the runs that are seen; 0.4,0.5,0.65,0.8 unless given.")
@click.option("--alone", is_flag=True, help="Leave out the public sweeps.")
@reading_options
@click.option("--draws", type=click.IntRange(FEWEST_DRAWS), help="Draws a chain.")
@shards_option
@executor_option
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the sampler.")
@click.option("--out", metavar="DRIFT.toml", help="Where to write it, for `--drift DRIFT.toml`.")
@answers
def drift(
    tables: Sequence[str],
    names: str,
    priors: str | None,
    family: str | None,
    pool: Sequence[str],
    origins: str | None,
    alone: bool,
    draws: int | None,
    shards: str | None,
    executor: str | None,
    seed: int,
    out: str | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Learn from your own earlier sweeps how far laws go astray beyond the runs.

    Each table is a sweep: laws are fitted to its cheaper runs and held against its dearer ones.
    """
    if len(set(tables)) < len(tables):
        raise InputError("a table is given twice, and would count as two sweeps; give each once.")
    path = None if out is None else check_writable(out, tables)
    laws = find_laws(names, priors)
    sweeps = {table: read_table(table, **reading) for table in tables}
    pooling = read_pooling(pool)

    with quick_imports():
        from bayeslaw.ask.forecast.drift import drifts_as_toml
        from bayeslaw.validation.backtest.origins import SEEN
        from bayeslaw.validation.drift.learning import learn_drift
    seen = SEEN if origins is None else [read_number(word, "origins", "--origins") for word in origins.split(",")]
    found = learn_drift(
        sweeps, laws, family, pooling, origins=seen, public=not alone, draws=draws, seed=seed, shards=shards,
        executor=executor, told=say,
    )  # fmt: skip
    if path is not None:
        note = f"{UNITS[0].upper()}{UNITS[1:]}; learned from {', '.join(Path(t).name for t in tables)}"
        write_text(path, drifts_as_toml(found, note + ("." if alone else " and public sweeps.")))
        say(f"written to {path}")
    answer = {"law": {name: each.as_dict() for name, each in found.items()}}
    rows = [["law", "direction", "scale"]]
    rows += [[name, f"{each.direction:+.4f}", f"{each.scale:.4f}"] for name, each in found.items()]
    give(answer, lambda: f"{UNITS} beyond the runs\n{in_columns(rows)}", as_json)
