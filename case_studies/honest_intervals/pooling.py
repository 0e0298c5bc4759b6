"""What results.json says of several tables together: study.py prints it, and the documentation quotes it."""

from collections.abc import Iterable
from typing import Any

Scores = dict[str, Any]
# The forecasts by what the study calls them, in its order.
FORECASTS = ("average with drift", "average, no drift", "coupled, fixed drift", "bootstrap, averaged")
AVERAGE, PLAIN, FIXED, BOOTSTRAP = FORECASTS
# Sweeps with fewer outcomes say too little of coverage to be judged by themselves.
ENOUGH = 20


def pooled(parts: Iterable[Scores]) -> dict[str, float]:
    """Number of outcomes, coverage of 50 and 95 % intervals and interval score of the latter, all parts together."""
    parts = list(parts)
    n = sum(each["n"] for each in parts)

    def mean(score: str, level: str) -> float:
        return sum(each["n"] * each[score][level] for each in parts) / n

    coverage = {level: mean("coverage", level) for level in ("0.5", "0.95")}
    return {"n": n, **coverage, "score": mean("interval_score", "0.95")}


def tables(found: dict[str, dict[str, Scores]]) -> list[Scores]:
    """The tables of all sweeps."""
    return [table for sweep in found.values() for table in sweep.values()]


def whole(found: dict[str, dict[str, Scores]], forecast: str) -> dict[str, float]:
    return pooled(table[forecast] for table in tables(found))


def by_sweep(found: dict[str, dict[str, Scores]], forecast: str) -> dict[str, dict[str, float]]:
    return {sweep: pooled(table[forecast] for table in known.values()) for sweep, known in found.items()}


def least(found: dict[str, dict[str, Scores]], forecast: str) -> float:
    """The least coverage of 95 % intervals, over sweeps with enough outcomes."""
    return min(each["0.95"] for each in by_sweep(found, forecast).values() if each["n"] >= ENOUGH)


def by_distance(found: dict[str, dict[str, Scores]], forecast: str) -> dict[float, dict[str, float]]:
    """By the least compute of a bin, in multiples of the largest run that was seen."""
    parts = [part for table in tables(found) for part in table[forecast]["by_ratio"]]
    return {start: pooled(p for p in parts if p["from"] == start) for start in sorted({p["from"] for p in parts})}
