"""Where a value stands in a TOML text: ``tomllib`` gives values without positions.

A short scan of the text for the value's key; it is used for positions in messages only.
"""

from __future__ import annotations

import re

from bayeslaw.language.formula.expression import Place


def place_of(text: str, source: str, section: str | None, key: str | None = None, field: str | None = None) -> Place:
    """Where a value stands: the column of the first character after its quote."""
    lines = text.split("\n")
    current, within, found = None, False, None
    for number, line in enumerate(lines, start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header and not re.match(r"\s*[\w.\"-]+\s*=", line):
            current = header[1].strip().strip('"')
            within = key is not None and current == f"{section}.{key}"
            # The header is the position until a key below it is found; without a section, the key itself may be a
            # table.
            if current == (section or key) or within:
                found = found or Place(source, number, 1)
            continue
        wanted = (field if within else key) if section is not None or key is not None else None
        if wanted is None or not (within or current == section):
            continue
        # A dotted key (values.hoffmann2022training = ...) stands for its first part too.
        at = re.match(rf"\s*\"?{re.escape(wanted)}\"?(?:\s*\.[\w.\"\s-]+)?\s*=\s*", line)
        if at is None:
            continue
        found = Place(source, number, at.end() + 1)
        if field is not None and not within:
            inner = re.compile(rf"[{{,]\s*\"?{re.escape(field)}\"?\s*=\s*").search(line, at.end())
            found = Place(source, number, inner.end() + 1) if inner else found
            at = inner or at
        if line[at.end() : at.end() + 1] in ("'", '"'):
            quotes = 3 if line[at.end() : at.end() + 3] in ("'''", '"""') else 1
            found = Place(source, found.line, found.column + quotes)
        return found
    return found or Place(source, 1, 1)


def offset_of_name(call: str, name: str) -> int:
    """The position of a name among the arguments of a call; the call's own word may contain the name."""
    found = re.compile(rf"\b{re.escape(name)}\b").search(call, call.index("("))
    return found.start() if found else 0
