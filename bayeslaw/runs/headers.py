"""What the header of a column says beside its name: a unit, what holds the column, and that it is a logarithm."""

from __future__ import annotations

import re

from bayeslaw.words import SIZES

_BRACKETS = re.compile(r"(.*\S)\s*(?:\(([^()]+)\)|\[([^\[\]]+)\])")
_NUMBER = re.compile(r"(?:10\s*(?:\^|\*\*)\s*(\d+)|(\d+\.?\d*(?:e[+-]?\d+)?))\s*", re.IGNORECASE | re.ASCII)
_PREFIXES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_SECONDS_A_DAY = 86_400.0
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "bn": 1e9, "mn": 1e6, "tn": 1e12}
# Words for the units themselves, which change no number.
_UNITS = ("flop", "parameter", "param", "token", "nat", "nats/token", "nat/token", "step", "layer")
PERPLEXITY = re.compile(r"(?<![a-z])(ppl|perplexity)(?![a-z])")
# Names of counts that end in a unit: ``tokens_B``, ``Params in millions``, ``flops_e21``; and those that hold one.
_JOINTS = " _-/"
_POWER = re.compile(r"(?:10\^|1?e)(\d+)", re.IGNORECASE)
_ENDING = re.compile(
    r"(.*?[a-z]{2})[ _/-](?:in[ _])?([kmbt]|bn|mn|tn|(?:thousand|million|billion|trillion)s?|(?:10\^|1?e)\d+)",
    re.IGNORECASE,
)
_PREFIX = "[kmgtpezy]|kilo|mega|giga|tera|peta|exa|zetta|yotta"
_RATE = re.compile(rf"((?:.*[ _/-])?)({_PREFIX})flops?((?:[ _/-].*)?)", re.IGNORECASE)
_DAYS = re.compile(rf"((?:.*[ _/-])?)({_PREFIX})?f(?:lop)?s?(?:/s)?[ _-]?days?", re.IGNORECASE)
_LOGARITHM = re.compile(r"(?:log|ln)(10|2|)(?:\((.+)\)|[ _-](.+))", re.IGNORECASE)
# What trackers put before the name of a column, separated by a dot or a slash.
_HOLDERS = (
    "args", "attributes", "cfg", "config", "data", "hparams", "hyperparameters", "info", "metrics", "model", "optim",
    "optimizer", "params", "results", "run", "summary", "trainer", "training_args",
)  # fmt: skip


def without_unit(header: str) -> tuple[str, float] | None:
    """The name of a column whose header ends in a unit, and the factor of that unit; None without one.

    ``Model Size (B)`` is ``Model Size`` in units of 1e9, ``FLOPs (1E21)`` is ``FLOPs`` in units of 1e21.
    """
    found = _BRACKETS.fullmatch(header.strip())
    if found is None:
        return None
    factor = _factor((found[2] or found[3]).strip())
    return None if factor is None else (found[1], factor)


def unit_of_count(header: str) -> tuple[str, float] | None:
    """The name of a count that ends in its unit, and the factor of that; None without one.

    ``tokens_B`` is ``tokens`` in units of 1e9, ``n_params_millions`` is ``n_params`` in units of 1e6, ``total_gflops``
    is ``total_flops`` in units of 1e9.
    """
    header = header.strip()
    days, rate, ending = _DAYS.fullmatch(header), _RATE.fullmatch(header), _ENDING.fullmatch(header)
    if days is not None:
        return days[1].rstrip(_JOINTS) or "compute", _PREFIXES.get((days[2] or "")[:1].lower(), 1.0) * _SECONDS_A_DAY
    if rate is not None:
        return f"{rate[1]}flops{rate[3]}", _PREFIXES[rate[2][0].lower()]
    if ending is None:
        return None
    power = _POWER.fullmatch(ending[2])
    factor = float(f"1e{power[1]}") if power is not None else _factor(ending[2].lower()) or _factor(ending[2].upper())
    return None if factor is None or factor == 1.0 else (ending[1].rstrip(_JOINTS), factor)


def is_rate(header: str) -> bool:
    """Whether a header may be of a rate, or of one pass: ``TFLOPs``, of which nothing says that it is a total."""
    found = _RATE.fullmatch(header.strip())
    return found is not None and not (found[1] or found[3]).strip(_JOINTS)


def logarithm(header: str) -> tuple[str, str] | None:
    """What a header is the logarithm of, and its base: ``log10_flops`` is of ``flops`` to ``10``; None otherwise."""
    found = _LOGARITHM.fullmatch(header.strip())
    if found is None:
        return None
    return (found[2] or found[3]).strip(), {"10": "10", "2": "2", "": "e"}[found[1]]


def unit_alone(cell: str) -> bool:
    """Whether a cell is a unit: ``M``, ``billions``, ``nats/token``."""
    return _factor(cell) is not None


def _factor(unit: str) -> float | None:
    if unit in ("%", "percent", "pct"):
        return 0.01
    unit = re.sub(r"^(?:in|x|×)\s+|^[x×](?=\d)|^units of ", "", unit, flags=re.IGNORECASE).strip()
    factor = 1.0
    number = _NUMBER.match(unit)
    if number is not None:
        factor, unit = float(f"1e{number[1]}" if number[1] else number[2]), unit[number.end() :]
    if unit in SIZES or unit == "k":
        return factor * SIZES[unit.upper()]
    first, _, rest = unit.partition(" ")
    if rest and first in SIZES:
        factor, unit = factor * SIZES[first], rest
    first, _, rest = unit.lower().partition(" ")
    for word, size in _WORDS.items():
        if first.removesuffix("s") == word:
            factor, unit = factor * size, rest
    if not unit:
        return factor if 0.0 < factor < 1e300 else None
    rate = re.fullmatch(r"([kmgtpezy]|peta|exa|zetta)?f(lops?)?(/s)?[- ]?(days?)?", unit.lower())
    if rate is not None and (rate[4] or (rate[2] and not rate[3])):
        return factor * _PREFIXES.get((rate[1] or "")[:1], 1.0) * (_SECONDS_A_DAY if rate[4] else 1.0)
    return factor if unit.lower() in _UNITS or unit.lower().removesuffix("s") in _UNITS else None


def without_holder(header: str) -> str:
    """The name of a column without what holds it: ``config.n_params`` is ``n_params``, ``val/loss`` is itself."""
    holder, _, name = min((header.partition(sign) for sign in "./"), key=lambda parts: len(parts[0]))
    return without_holder(name) if name and holder.strip().lower() in _HOLDERS else header
