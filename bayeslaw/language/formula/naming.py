"""Names that are no single words, as tables have them: ``val/loss``, ``lr schedule``, ``FLOPs (1E21)``.

Such a name is written as it is, ``val/loss < 5``, or in square brackets, ``[1e18] < 5``, which any name may be.
Brackets are what a shell leaves alone within double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Collection

# Letters of no language that columns are likely to be named in; each stands for one name.
_FIRST_LETTER = 0xA000
_MOST_NAMES = 1000


def masked(text: str, words: Collection[str]) -> tuple[str, dict[str, str]]:
    """A formula in which every name is one word, and the names by these words.

    A word is as long as what it stands for, so that positions in the formula stay the same.  Quoted text is left alone.
    """
    there = [name for name in words if name and name in text][:_MOST_NAMES]
    if not there:
        return text, {}
    longest = sorted(there, key=len, reverse=True)
    bracketed = "|".join(re.escape(f"[{name}]") for name in longest)
    bare = [name for name in longest if not name.isidentifier() and not _is_number(name)]
    plain = "|".join(f"{_edge(name[0], '<!')}{re.escape(name)}{_edge(name[-1], '!')}" for name in bare)
    signs = re.compile(rf"(?<!\w)(?:{bracketed})" + (f"|{plain}" if plain else "") + r"|'[^'\n]*'|\"[^\"\n]*\"")
    named: dict[str, str] = {}

    def one_word(found: re.Match[str]) -> str:
        name = found[0] if found[0] in bare else found[0][1:-1]
        if found[0] not in bare and found[0][0] != "[":
            return found[0]
        word = chr(_FIRST_LETTER + there.index(name)).ljust(len(found[0]), "_")
        named[word] = name
        return word

    return signs.sub(one_word, text), named


def _edge(letter: str, kind: str) -> str:
    """Nothing that would make the name part of a longer word."""
    return rf"(?{kind}[\w.])" if letter.isalnum() or letter == "_" else ""


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
