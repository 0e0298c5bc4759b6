"""``bayeslaw laws``: what laws there are."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.words import first_sentence

if TYPE_CHECKING:
    from bayeslaw.language.law import Law

# The usual width of terminals.
COLUMNS = 80


@click.command()
@click.option("--topic", help="Only the laws about this topic (default: all).")
@answers
def laws(topic: str | None, as_json: bool) -> None:
    """List the laws.

    Each comes with a line on what it describes. The environment variable BAYESLAW_LAWS names folders of your own law
    files.
    """
    from bayeslaw.language import catalogue

    found = catalogue.laws(topic)
    give({"laws": [in_short(law) for law in found]}, lambda: _page(found), as_json)


def _page(laws: Sequence[Law]) -> str:
    widest = max(len(law.name) for law in laws) + 2
    paragraphs = (
        textwrap.fill(
            first_sentence(law.summary), COLUMNS, initial_indent=law.name.ljust(widest), subsequent_indent=" " * widest
        )
        for law in laws
    )
    topics = sorted({topic for law in laws for topic in law.topics})
    end = f"Topics: {', '.join(topics)}. `bayeslaw show NAME` shows all of one law."
    return "\n".join([*paragraphs, "", textwrap.fill(end, COLUMNS, break_on_hyphens=False)])


def in_short(law: Law) -> dict[str, Any]:
    """What identifies a law, as plain values."""
    from bayeslaw.language.formula.expression import to_text

    return {
        "name": law.name, "title": law.title, "formula": to_text(law.formula), "topics": list(law.topics),
        "reference": law.reference, "summary": law.summary,
    }  # fmt: skip
