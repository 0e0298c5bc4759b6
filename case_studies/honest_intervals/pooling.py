"""What results.json says of several tables together: study.py prints it, and the documentation quotes it."""

from collections.abc import Iterable, Mapping
from typing import Any

Scores = dict[str, Any]
# The forecasts by what the study calls them, in its order.
FORECASTS = (
    "average with drift", "average, drift of single laws", "average, no drift", "coupled, fixed drift",
    "bootstrap, averaged",
)  # fmt: skip
AVERAGE, BEFORE, PLAIN, FIXED, BOOTSTRAP = FORECASTS
# Sweeps with fewer outcomes say too little of coverage to be judged by themselves.
ENOUGH = 20
# Times the compute of the largest run seen: where a bin of distances begins.
FAR = 30.0
# What the project holds itself to: coverage of 95 and 50 % intervals, that of 95 % in the worst sweep and far beyond
# the runs, and the interval score as a part of that of the average whose laws drift as alone.
BOUNDS = {"0.95": (0.93, 0.97), "0.5": (0.45, 0.57), "least": (0.85, 1.0), "far": (0.9, 1.0), "of before": (0.0, 0.96)}


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


def far(found: dict[str, dict[str, Scores]], forecast: str) -> dict[str, float]:
    """The outcomes far beyond the runs."""
    return pooled(part for each in tables(found) for part in each[forecast]["by_ratio"] if part["from"] >= FAR)


def figures(found: dict[str, dict[str, Scores]], forecast: str = AVERAGE) -> dict[str, float]:
    """What :data:`BOUNDS` are of, and the interval score itself."""
    every = whole(found, forecast)
    return {
        "0.95": every["0.95"], "0.5": every["0.5"], "least": least(found, forecast),
        "far": far(found, forecast)["0.95"], "of before": every["score"] / whole(found, BEFORE)["score"],
        "score": every["score"],
    }  # fmt: skip


def holds(figures: Mapping[str, float]) -> bool:
    """Whether figures, as many as there are, lie within their bounds."""
    return all(low <= figures[name] <= high for name, (low, high) in BOUNDS.items() if name in figures)
