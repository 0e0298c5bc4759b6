"""``bayeslaw laws``: what laws there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give, in_columns

if TYPE_CHECKING:
    from bayeslaw.language.law import Law

LONGEST_FORMULA = 60


@click.command()
@click.option("--topic", help="Only the laws about this topic (default: all).")
@answers
def laws(topic: str | None, as_json: bool) -> None:
    """List the laws.

    Shows name, title, formula, topics and reference of each.

    Folders of your own law files are named by the environment variable BAYESLAW_LAWS.
    """
    from bayeslaw.language import catalogue

    found = catalogue.laws(topic)
    rows = [in_short(law) for law in found]

    def text() -> str:
        head = ("law", "title", "formula", "topics", "reference")
        cells = [(r["name"], r["title"], _cut(r["formula"]), ", ".join(r["topics"]), r["reference"]) for r in rows]
        return f"{in_columns([head, *cells], '')}\n\n`bayeslaw show NAME` says all about one."

    give({"laws": rows}, text, as_json)


def in_short(law: Law) -> dict[str, Any]:
    """What identifies a law, as plain values."""
    from bayeslaw.language.formula.expression import to_text

    return {
        "name": law.name, "title": law.title, "formula": to_text(law.formula), "topics": list(law.topics),
        "reference": law.reference,
    }  # fmt: skip


def _cut(formula: str) -> str:
    return formula if len(formula) <= LONGEST_FORMULA else formula[: LONGEST_FORMULA - 3] + "..."
