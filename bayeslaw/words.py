"""Numbers and labels as words, the same in messages, tables and pictures."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from contextvars import ContextVar

# Who reads what is said: a person at a terminal, who wrote `--at`, or a caller in Python, who wrote `at`.
_AT_A_TERMINAL: ContextVar[bool] = ContextVar("at a terminal", default=False)
# Letters that follow a number of parameters or tokens; in upper case, as a small m is as often a thousandth.
SIZES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


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


@contextlib.contextmanager
def at_a_terminal() -> Iterator[None]:
    """What is said within is said to somebody at a terminal."""
    token = _AT_A_TERMINAL.set(True)
    try:
        yield
    finally:
        _AT_A_TERMINAL.reset(token)


def argument(name: str) -> str:
    """What the reader calls an argument: ``--at`` at a terminal, ``at`` in Python."""
    return f"--{name.replace('_', '-')}" if _AT_A_TERMINAL.get() else name


def number_in(text: str) -> float | None:
    """The number that a text is, such as ``7e10``, ``70B`` or ``1.4T``; None where it is none, or not finite."""
    found = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([KMBT]?)", text.strip())
    value = math.nan if found is None else float(found[1]) * SIZES.get(found[2], 1.0)
    return value if math.isfinite(value) else None


def first_sentence(text: str) -> str:
    """Of a text that may have line breaks: up to the first stop that ends a sentence."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0]
