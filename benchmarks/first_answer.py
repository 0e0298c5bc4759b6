"""First answers: whole processes of `bayeslaw fit` and its like, as multiples of importing JAX and NumPyro.

Each row is a command with programs at hand, or from an empty cache, beside the yardstick in turn.  Prints medians of
wall times and their ratio, and exits with 1 when a ratio is above its target.  It takes some ten minutes.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import SHARED
from start_up import ENVIRONMENT, once

import bayeslaw as bl
from bayeslaw.validation.calibration.simulation import simulated_plan

YARDSTICK = ("-c", "import jax, numpyro")
TIMES = 5
# Lengths of other tables, fitted once each after that of 240 runs.
OTHERS = (17, 40, 100, 220)
LENGTHS = range(60, 160, 10)


def fit(table: Path, law: str, *words: str) -> tuple[str, ...]:
    """The command that fits a table."""
    return "-m", "bayeslaw", "fit", str(table), "--law", law, "--out", str(table.with_suffix(".nc")), *words


def simulated(folder: Path, rows: int, seed: int = 0) -> Path:
    """A table of runs of Chinchilla's law."""
    path = folder / f"runs{rows}.csv"
    runs = simulated_plan(bl.law("chinchilla"), rows, seed=seed).runs
    runs.frame().drop(columns="weight", errors="ignore").to_csv(path, index=False)
    return path


def cached(folder: Path) -> None:
    """Let processes keep their programs in this folder."""
    folder.mkdir(mode=0o700)
    ENVIRONMENT["BAYESLAW_CACHE"] = str(folder)


def measured(times: int, prepare: Callable[[int], object], *command: str) -> tuple[float, float]:
    """Median wall times of a command and of the yardstick, in turn."""
    pairs = []
    for i in range(times):
        prepare(i)
        pairs.append((once(*YARDSTICK)[0], once(*command)[0]))
    theirs, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    return own, theirs


def row(name: str, own: float, against: float, most: float) -> bool:
    """Print a row; returns whether its target is met."""
    print(f"{name:58}{own:7.1f} s{own / against:9.2f} x{most:9.2f}", flush=True)
    return own / against <= most


def main() -> None:
    """Print the table."""
    met = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = bl.read_runs(Path(bl.__file__).parent / "data" / "gadre_overtraining.csv").where(
            "fit_role == 'loss_fit'"
        )
        few = folder / "few.csv"
        small.frame().to_csv(few, index=False)
        commands = {
            "15 runs in 3 corpora": (fit(few, "chinchilla", "--family", "family"), 7.0, 2.5),
            "240 runs without families": (fit(simulated(folder, 240), "chinchilla"), 3.0, 1.6),
        }
        at_hand = {}
        for title, (command, cold, warm) in commands.items():
            own, theirs = measured(3, lambda i, t=title: cached(folder / f"{t} {i}"), *command)
            met.append(row(f"fit, {title}, empty cache", own, theirs, cold))
            own, theirs = measured(TIMES, lambda _: None, *command)
            met.append(row(f"fit, {title}, programs at hand", own, theirs, warm))
            at_hand[title] = own
        for rows in OTHERS:
            table = simulated(folder, rows, 1)
            first = once(*fit(table, "chinchilla"))[0]
            again = statistics.median(once(*fit(table, "chinchilla"))[0] for _ in range(3))
            met.append(row(f"fit, {rows} other runs, first against again", first, again, 1.15))
        demo = "-m", "bayeslaw", "demo", "--out", str(folder / "demo")
        once(*demo)
        met.append(row("demo, second time", *measured(TIMES, lambda _: None, *demo), 3.0))
        ten = [simulated(folder, rows, 2) for rows in LENGTHS]
        test = [("-m", "bayeslaw", "backtest", str(t), "--laws", "chinchilla", "--no-rivals", "--origins",
                 "0.5,0.6,0.7,0.8") for t in ten]  # fmt: skip
        all_of_them = sum(once(*command)[0] for command in test)
        warm = statistics.median(once(*test[0])[0] for _ in range(3))
        met.append(row("back-test of ten tables of ten lengths, against ten warm", all_of_them, 10 * warm, 1.5))
        protein = SHARED / "protein_isoflop.csv"
        if protein.is_file():
            wall = once(
                *fit(
                    _here(protein, folder),
                    "isoflop",
                    "--family",
                    "family",
                    "--where",
                    "finished == 1 and other_corpus == 0 and budget <= 1e21",
                )
            )[0]
            met.append(row("isoflop, real runs in 2 families, first time, at most 60 s", wall, 1.0, 60.0))
    if not all(met):
        raise SystemExit("a ratio of wall times is above its target")


def _here(table: Path, folder: Path) -> Path:
    copy = folder / table.name
    copy.write_bytes(table.read_bytes())
    return copy


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
