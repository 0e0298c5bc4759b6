"""Law files that wait for their calibration: they pass every other check, and are no part of the package."""

from pathlib import Path

WAITING = Path(__file__).parents[1] / "benchmarks" / "waiting"
