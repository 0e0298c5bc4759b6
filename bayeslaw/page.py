"""An answer for a reader: sentences and tables, as text for a terminal and as HTML for a notebook.

Both are made of the same blocks, so they cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bayeslaw.words import in_columns, numeric

# A paragraph, or the rows of a table, of which the first is the header.
Block = str | Sequence[Sequence[str]]
Page = Sequence[Block]


def as_text(page: Page) -> str:
    """A page as lines."""
    return "\n".join(block if isinstance(block, str) else in_columns(block) for block in page)


def as_html(page: Page) -> str:
    """A page as HTML; names from files and users are escaped."""
    return "<div>" + "".join(_paragraph(each) if isinstance(each, str) else _table(each) for each in page) + "</div>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text.strip())}</p>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    align = ["right" if to else "left" for to in numeric(rows)]
    lines = [
        "".join(f'<{tag} style="text-align: {to}">{escape(cell)}</{tag}>' for cell, to in zip(row, align, strict=True))
        for tag, row in zip(["th"] + ["td"] * (len(rows) - 1), rows, strict=True)
    ]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
