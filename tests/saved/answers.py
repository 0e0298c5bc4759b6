"""What saved fits answer: the numbers of every kind of question, to be held to the bit from one version to the next."""

import json
from pathlib import Path
from typing import Any

import numpy as np

import bayeslaw as bl

FOLDER = Path(__file__).parent
FILE = FOLDER / "answers.json"
NEAR = {"N": 6.9e9, "D": 1.38e11}
FAR = {"N": [6.9e9, 1e8], "D": [1.38e11, 1e12]}


def _numbers(array: Any) -> list[float]:
    """A few draws that stand for all of them, and their exact sum."""
    flat = np.asarray(array, dtype=float).ravel()
    return [*flat[:: max(1, flat.size // 16)].tolist(), float(np.sum(np.sort(flat[np.isfinite(flat)])))]


def answers() -> dict[str, list[float]]:
    """The numbers of every question, by its name."""
    families, coupled, pooled, task = (
        bl.load(FOLDER / f"{name}.nc") for name in ("chinchilla", "coupled", "pooled", "emergence")
    )
    average = bl.average({"coupled": coupled, "chinchilla": pooled})
    found: dict[str, Any] = {}
    for drift in (True, False):
        for name, asked in {"families": families, "coupled": coupled, "average": average}.items():
            found[f"forecast {name} drift={drift}"] = bl.forecast(asked, FAR, drift=drift).draws
    found["forecast of a family"] = bl.forecast(
        families, {"N": 6.9e9, "D": 1.38e11}, family="rpj", drift=False
    ).mean_draws
    found["forecast of a new family"] = bl.forecast(
        families, {"N": 6.9e9, "D": 1.38e11}, family="new", drift=False
    ).draws
    found["forecast of a task"] = bl.forecast(task, {"C": 1e24, "n": 100}, drift=False).draws
    found["threshold of a loss"] = bl.threshold(coupled, 2.5, "N", at={"D": 1e12}, drift=False).draws
    found["threshold of a task"] = bl.threshold(task, 0.5, drift=False).draws
    found["optimum"] = bl.optimum(coupled, budget={"C": 1e23}, drift=False).draws["N"]
    found["optimum of a family"] = bl.optimum(families, budget={"C": 1e23}, family="rpj", drift=False).draws["N"]
    found["evidence"] = bl.log_evidence(coupled).log_evidence
    found["evidence of families"] = bl.log_evidence(families).log_evidence
    return {name: _numbers(value) for name, value in found.items()}


def arithmetic() -> list[float]:
    """What this machine makes of a few functions: their last bits differ between processors."""
    grid = np.geomspace(1e-3, 1e3, 997)
    return [float(np.sum(each)) for each in (np.exp(-grid), np.log(grid), grid**-0.34, np.log1p(grid), np.tanh(grid))]


def write(found: dict[str, list[float]]) -> None:
    """Keep answers, with what the machine that gave them makes of arithmetic."""
    FILE.write_text(json.dumps({"arithmetic": arithmetic(), "answers": found}, indent=1) + "\n", encoding="utf-8")


def read() -> tuple[list[float], dict[str, list[float]]]:
    """The arithmetic of the machine that answered, and its answers."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return kept["arithmetic"], kept["answers"]
