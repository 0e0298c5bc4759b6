"""Numbers, labels and tables as words, the same in messages, answers and pictures; and strict JSON.

Sizes of models and data are written as the field writes them: ``70B`` and ``1.4T``.  Quantities that span many powers
of ten, such as FLOPs, are written as ``5.76e23``.  An interval gets as many decimals as its width can justify:
``1.900 [1.737, 2.076]``.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

# Units of quantities that are counted in thousands, millions, billions and trillions.
COUNTED = ("parameter", "token", "example", "sequence", "step")
# Sizes that differ by more than this factor are written with a fixed number of digits, not of decimals.  So are numbers
# that would need more decimals than `MOST_DECIMALS`.
WIDE, MOST_DECIMALS = 10.0, 6
# Who reads a message: a person at a terminal, who wrote `--at`, or a caller in Python, who wrote `at`.
_AT_A_TERMINAL: ContextVar[bool] = ContextVar("at a terminal", default=False)
# Letters that follow a number of parameters or tokens; in upper case, as a small m is as often a thousandth.
SIZES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


def with_units(name: str, units: str) -> str:
    """A label with its units: ``n params (parameter)``."""
    words = name.replace("_", " ")
    return f"{words} (dimensionless)" if units in ("", "1") else f"{words} ({units})"


def short(value: float, digits: int = 3) -> str:
    """A number of a few digits: ``20``, ``0.05``, ``20000``, ``1.5e10``, ``1e5``."""
    text = f"{value:.{digits - 1}e}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    if -5 < int(exponent) < 5:
        return f"{float(text):.15g}"
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def exact(value: float) -> str:
    """A number with all of its digits, so that it can be typed again: ``1e9``, ``16384``."""
    return short(value, 12)


def size(value: float, units: str = COUNTED[0], digits: int = 3) -> str:
    """A quantity in common notation: a count as ``70B`` or ``1.4T``, anything else as :func:`short` writes it."""
    rounded = float(f"{value:.{digits}g}")
    letter, power = _power(abs(rounded)) if units in COUNTED else ("", 1.0)
    return f"{float(f'{rounded / power:.{digits}g}'):.15g}{letter}" if letter else short(value, digits)


def multiple(value: float) -> str:
    """A factor: ``1.11x``, ``2,170x``."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.10g}x" if 1e-3 <= abs(rounded) < 1e9 else f"{short(value)}x"


def chance(probability: float) -> str:
    """A probability in whole percent: ``14 %``; draws cannot resolve one below 1 % or above 99 %."""
    if probability <= 0.005:
        return "less than 1 %"
    return "more than 99 %" if probability >= 0.995 else f"{100.0 * probability:.0f} %"


def a_chance(probability: float) -> str:
    """A chance with its article: ``a 14 % chance``, ``an 8 % chance``, ``less than a 1 % chance``."""
    words = chance(probability)
    *bound, number, sign = words.split()
    article = "an" if number in ("8", "11", "18") or 80 <= int(number) < 90 else "a"
    return " ".join([*bound, article, number, sign, "chance"])


def decimals(width: float, digits: int = 3) -> int:
    """The number of decimals at which a width has `digits` significant digits."""
    return max(0, digits - 1 - math.floor(math.log10(width))) if 0.0 < width < math.inf else digits


def numbers(values: Sequence[float], units: str = "") -> list[str]:
    """Numbers that are read together, such as a median and the ends of its interval.

    All have the number of decimals that gives the difference of the largest and the smallest three digits.  Where one
    size is many times another, each has three digits.
    """
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    largest = max(abs(low), abs(high))
    letter, power = _power(largest) if units in COUNTED else ("", 1.0)
    places = decimals((high - low) / power)
    spread_out = largest >= 1e6 and high > WIDE * low
    if low == high or places > MOST_DECIMALS or spread_out or largest / power >= 1e6:
        return [size(value, units) for value in values]
    return [f"{value / power:,.{places}f}{letter}" if math.isfinite(value) else short(value) for value in values]


def _power(value: float) -> tuple[str, float]:
    """The letter of the largest power of a thousand in a number, and the power."""
    known = 1e3 <= value < 1e15
    return next((each for each in reversed(SIZES.items()) if value >= each[1]), ("", 1.0)) if known else ("", 1.0)


@contextlib.contextmanager
def at_a_terminal() -> Iterator[None]:
    """Word messages for somebody at a terminal within this context."""
    token = _AT_A_TERMINAL.set(True)
    try:
        yield
    finally:
        _AT_A_TERMINAL.reset(token)


def worded(python: str, terminal: str) -> str:
    """The wording for whoever reads a message: a caller in Python, or a person at a terminal."""
    return terminal if _AT_A_TERMINAL.get() else python


def argument(name: str, value: str = "") -> str:
    """The reader's name of an argument: ``at`` in Python, ``--at`` at a terminal; with a value, how to give it."""
    option = f"--{name.replace('_', '-')}"
    return worded(f"{name}={value}", f"{option} {value}") if value else worded(name, option)


def number_in(text: str) -> float | None:
    """The number in a text such as ``7e10``, ``70B`` or ``1.4T``; None if the text is not a finite number."""
    found = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([KMBT]?)", text.strip())
    value = math.nan if found is None else float(found[1]) * SIZES.get(found[2], 1.0)
    return value if math.isfinite(value) else None


def first_sentence(text: str) -> str:
    """The first sentence of a text that may have line breaks."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0]


def cut(text: str, limit: int = 60) -> str:
    """A text cut to `limit` characters, ending in three dots if it was longer."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def sentence(text: str) -> str:
    """Words as a sentence: a capital at the start, a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def in_columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows of text in aligned columns: words to the left, numbers to the right.

    Parameters
    ----------
    rows
        The first row is the header.
    """
    columns = zip(zip(*rows, strict=True), numeric(rows), strict=True)
    filled = [_filled(column, to_the_right) for column, to_the_right in columns]
    return "\n".join((indent + "  ".join(row)).rstrip() for row in zip(*filled, strict=True))


def _filled(column: Sequence[str], to_the_right: bool) -> list[str]:
    width = max(map(len, column))
    return [cell.rjust(width) if to_the_right else cell.ljust(width) for cell in column]


def numeric(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns hold numbers; the first row is the header."""
    return [all(_is_number(cell) for cell in column[1:]) and any(column[1:]) for column in zip(*rows, strict=True)]


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("+-−[")[:1].isdigit()


def plain(value: Any) -> Any:
    """A value as strict JSON: numbers that JSON does not have (NaN, infinity) become None, keys become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def strict_json(answer: Any) -> str:
    """Plain values as strict JSON."""
    return json.dumps(plain(answer), indent=2, allow_nan=False, ensure_ascii=False)
