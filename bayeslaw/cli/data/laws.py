"""``bayeslaw laws``: what laws there are."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.errors import RunsError, listed
from bayeslaw.words import first_sentence

if TYPE_CHECKING:
    from bayeslaw.language.law import Law

# The usual width of terminals.
COLUMNS = 80


@click.command()
@click.argument("words", metavar="[WORDS]", nargs=-1)
@click.option("--topic", help="Only the laws about this topic (default: all).")
@click.option(
    "--have", metavar="COLUMNS|RUNS",
    help="Only the laws that can be fitted to these columns (n_params,n_tokens,loss) or to a table of runs.",
)  # fmt: skip
@answers
def laws(words: Sequence[str], topic: str | None, have: str | None, as_json: bool) -> None:
    """List the laws.

    Each comes with a line on what it describes; with WORDS, only those that have all of them in their name, title,
    topics, description or paper. The environment variable BAYESLAW_LAWS names folders of your own law files.
    """
    from bayeslaw.language import catalogue

    found = catalogue.laws(topic, " ".join(words) or None)
    if have is not None:
        found = _fed_by(have, found)
    give({"laws": [in_short(law) for law in found]}, lambda: _page(found, have is not None), as_json)


def _fed_by(have: str, laws: Sequence[Law]) -> tuple[Law, ...]:
    """The laws whose inputs and outcome are among some columns, or those of a table."""
    from bayeslaw.runs.observations import columns_lacking
    from bayeslaw.runs.table import read_runs

    columns = [name.strip() for name in have.split(",") if name.strip()]
    table = read_runs(have) if Path(have).is_file() else read_runs({name: [1.0] for name in columns})
    found = {law.name: columns_lacking(table, law, [law.output.column]) for law in laws}
    fed = tuple(law for law in laws if not found[law.name])
    if not fed and laws:
        near = sorted(laws, key=lambda law: len(found[law.name]))[:3]
        lacks = "; ".join(f"{law.name} lacks {listed(found[law.name])}" for law in near)
        raise RunsError(f"{have}: no law can be fitted to these columns: {lacks}.")
    return fed


def _page(laws: Sequence[Law], fed: bool) -> str:
    widest = max(len(law.name) for law in laws) + 2
    paragraphs = (
        textwrap.fill(_line(law, fed), COLUMNS, initial_indent=law.name.ljust(widest), subsequent_indent=" " * widest)
        for law in laws
    )
    topics = sorted({topic for law in laws for topic in law.topics})
    end = f"Topics: {', '.join(topics)}. `bayeslaw show NAME` shows all of one law."
    return "\n".join([*paragraphs, "", textwrap.fill(end, COLUMNS, break_on_hyphens=False)])


def _line(law: Law, fed: bool) -> str:
    """What a law describes, in a sentence; of one that a table can feed, also what it answers from which columns."""
    status = "" if law.status == "published" else f" ({law.status})"
    answers = ""
    if fed:
        columns = [law.inputs[name].column for name in law.free_inputs]
        answers = f" Answers {law.output.column} from {listed(columns)}."
    return f"{first_sentence(law.summary)}{status}{answers}"


def in_short(law: Law) -> dict[str, Any]:
    """What identifies a law, as plain values."""
    from bayeslaw.language.formula.expression import to_text

    return {
        "name": law.name, "title": law.title, "formula": to_text(law.formula), "topics": list(law.topics),
        "status": law.status, "aliases": list(law.aliases), "reference": law.reference, "summary": law.summary,
        "outcome": law.output.column, "columns": [law.inputs[name].column for name in law.free_inputs],
    }  # fmt: skip
