"""Numbers as people write them: ``2,048``, ``3,91``, ``1.3B``, ``33.7 %``, ``**3.36**``, ``1.4×10^21``.

Whether a comma separates thousands or decimals is never guessed from one cell: ``3,912`` can be either.  The cells of a
column decide, where they can; then those of the other columns of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bayeslaw.words import SIZES

# Spellings of a missing number; in a column of text these are ordinary words.
MISSING = frozenset({"", "na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "<na>", "-", "--", "–", "—"})
# The decimal mark of a table; UNKNOWN if its cells do not tell, so that "3,912" is not read.
POINT, COMMA, UNKNOWN = ".", ",", ""
# Patterns are tried on short cells only: nobody decorates a number of so many signs.
LONGEST = 64
WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
LETTERS = {**{letter.lower(): power for letter, power in SIZES.items()}, "bn": 1e9, "mn": 1e6, "tn": 1e12}

# Emphasis, code and "about", which say nothing of the number itself.
_DRESS = "*`~≈ \t\u00a0\u202f"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE | re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([,_ '’\u00a0\u202f])\d{3}(?:\1\d{3})*(\.\d+)?", re.ASCII)
_POWER = re.compile(r"(?:([+-]?\d+(?:\.\d+)?)\s*[×x*·⋅]\s*)?10\s*(?:\^|\*\*)\s*([+-]?\d+)", re.ASCII)
_SIZED = re.compile(
    rf"(.*?\d\.?)\s*({'|'.join([*WORDS, *LETTERS])})?s?\s*(?:tokens?|params?|parameters?)?", re.IGNORECASE | re.ASCII
)

# What only a comma, or only a point, between whole and decimal part explains.
_ONLY = r"\d+{mark}(?!\d{{3}}$)\d+|0*{mark}\d+|0\d*{mark}\d+|\d{{4,}}{mark}\d+|\d{{1,3}}(?:{other}\d{{3}})+{mark}\d+"
_COMMA_ONLY = re.compile(rf"{_ONLY.format(mark=',', other=r'\.')}|\d{{1,3}}(\.\d{{3}}){{2,}}", re.ASCII)
_POINT_ONLY = re.compile(rf"{_ONLY.format(mark=r'\.', other=',')}|\d{{1,3}}(,\d{{3}}){{2,}}", re.ASCII)
_MARKED = re.compile(r"[+-]?([\d.,]*\d[\d.,]*)(?:[eE][+-]?\d+)?\s*[%A-Za-z]*", re.ASCII)
_SWAPPED = str.maketrans(",.", ".,")


def undressed(cell: str) -> str:
    """A cell without emphasis, with the minus sign that files have."""
    return cell.strip(_DRESS).replace("−", "-")


def number(cell: str, mark: str = POINT, *, sizes: bool = False) -> float | None:
    """The number that a cell says; None if it says none.

    Parameters
    ----------
    mark
        The decimal mark: ``POINT``, ``COMMA`` or ``UNKNOWN``.
    sizes
        Whether ``1.3B`` is a number; it is a label otherwise.
    """
    if _PLAIN.fullmatch(cell) and mark != COMMA:  # not float() alone, which accepts the label "2024_01"
        return float(cell)
    text = undressed(cell)
    if len(text) > LONGEST:
        return None
    if text.endswith("%"):
        share = number(text[:-1].rstrip(), mark)
        return None if share is None else share / 100.0
    if sizes and (sized := _SIZED.fullmatch(text)) is not None and (sized[2] or sized[1] != text):
        count = number(sized[1], mark)
        word = (sized[2] or "").lower()
        return None if count is None else count * (WORDS.get(word) or LETTERS.get(word, 1.0))
    if mark == COMMA:
        text = text.translate(_SWAPPED)
    elif mark == UNKNOWN and "," in text:
        return None
    if _PLAIN.fullmatch(text):
        return float(text)
    if (grouped := _GROUPED.fullmatch(text)) is not None:
        return float(text.replace(grouped[1], ""))
    if (power := _POWER.fullmatch(text)) is not None:
        return float(f"{power[1] or 1}e{power[2]}")
    return None


def decimal_mark(cells: Iterable[str]) -> str | None:
    """The decimal mark that the cells of a column prove; UNKNOWN if they prove none, None if they are not numbers."""
    proven = set()
    for cell in cells:
        if cell.lower() in MISSING or (_PLAIN.fullmatch(cell) and "." not in cell):
            continue
        if len(cell) > 2 * LONGEST:
            return None
        marked = _MARKED.fullmatch(undressed(cell))
        if marked is None:
            if number(cell) is None:
                return None
            continue
        if _COMMA_ONLY.fullmatch(marked[1]):
            proven.add(COMMA)
        if _POINT_ONLY.fullmatch(marked[1]):
            proven.add(POINT)
    return proven.pop() if len(proven) == 1 else UNKNOWN


def common_mark(proven: Sequence[str | None], usual: str) -> str:
    """The decimal mark of a table from those of its columns; the usual one if they prove none or differ."""
    marks = {mark for mark in proven if mark}
    return marks.pop() if len(marks) == 1 else usual
