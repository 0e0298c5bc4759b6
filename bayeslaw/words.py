"""Numbers and labels as words, the same in messages, tables and pictures."""

from __future__ import annotations

import re


def with_units(name: str, units: str) -> str:
    """A label with its units: ``n params (parameter)``."""
    words = name.replace("_", " ")
    return f"{words} (dimensionless)" if units in ("", "1") else f"{words} ({units})"


def short(value: float) -> str:
    """Three digits, and powers of ten without padding: ``20``, ``1.5e10``."""
    text = f"{value:.3g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def first_sentence(text: str) -> str:
    """Of a text that may have line breaks: up to the first stop that ends a sentence."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0]
