"""``bayeslaw drift``: how far laws drifted on a user's own earlier sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bayeslaw.cli.answer import answers, check_writable, give, quick_imports, say, write_text
from bayeslaw.cli.options import (
    fields_of,
    find_laws,
    fitting_options,
    laws_options,
    origins_option,
    read_origins,
    read_pooling,
    read_table,
    reading_options,
)
from bayeslaw.errors import InputError
from bayeslaw.words import in_columns, sentence

UNITS = "nats of log outcome (logits for shares) per e-fold of compute"


@click.command()
@laws_options("One law or more, by name or file; `bayeslaw laws` lists them.", several=True)
@origins_option
@click.option("--alone", is_flag=True, help="Learn from your sweeps alone, without the public ones.")
@reading_options
@fitting_options()
@click.option(
    "--out",
    metavar="DRIFT.toml",
    help="The file to write, for --drift of other commands (default: the drift is only printed).",
)
@answers
def drift(
    tables: Sequence[str],
    names: str,
    priors: str | None,
    prior: Sequence[str],
    family: str | None,
    pool: Sequence[str],
    origins: str | None,
    alone: bool,
    out: str | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Learn how far laws drift beyond their runs.

    Learns from your own earlier sweeps, one per table: laws are fitted to the cheaper runs and compared with the more
    expensive ones.
    """
    if len(set(tables)) < len(tables):
        raise InputError("a table is given twice, and would count as two sweeps; give each once.")
    path = None if out is None else check_writable(out, tables)
    fields, laws = fields_of(rest), find_laws(names.split(","), priors, prior)
    sweeps = {table: read_table(table, **rest) for table in tables}
    pooling = read_pooling(pool)

    with quick_imports():
        from bayeslaw.ask.forecast.drift import drifts_as_toml
        from bayeslaw.validation.drift.learning import learn_drift
    found = learn_drift(
        sweeps, laws, family, pooling, origins=read_origins(origins), public=not alone, **fields,
    )  # fmt: skip
    if path is not None:
        note = f"{UNITS}; learned from {', '.join(Path(t).name for t in tables)}{'' if alone else ' and public sweeps'}"
        write_text(path, drifts_as_toml(found, sentence(note)))
        say(f"written to {path}")
    answer = {"law": {name: each.as_dict() for name, each in found.items()}}
    rows = [["law", "direction", "scale"]]
    rows += [[name, f"{each.direction:+.4f}", f"{each.scale:.4f}"] for name, each in found.items()]
    give(answer, lambda: f"Slopes in {UNITS} beyond the runs:\n{in_columns(rows)}", as_json)
