"""Many fits: 64 of one law on different subsets after one compile, and the whole back-test of a law on one sweep."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
from common import SHARED

import bayeslaw as bl
from bayeslaw.fit.many import fit_many

TABLE = SHARED / "chinchilla_epoch.csv"
SUBSETS, HIDDEN = 64, 0.3
SETTINGS = {"draws": 500, "warmup": 200}


def subsets() -> dict[str, float]:
    """Wall and processor seconds of 64 fits, each to seven tenths of the runs, and how many have not converged."""
    law, runs = bl.law("chinchilla"), bl.read_runs(TABLE).where("excluded_in_source_fit == 0")
    rng = np.random.default_rng(0)
    tables = [runs.hiding(rng.uniform(size=len(runs)) < HIDDEN) for _ in range(SUBSETS + 8)]
    start = bl.fit(law, runs).flat.mean(axis=(0, 1))
    fit_many(law, tables[SUBSETS:], start=start, **SETTINGS)  # compiles
    wall, processor = time.perf_counter(), time.process_time()
    found = fit_many(law, tables[:SUBSETS], start=start, **SETTINGS)
    return {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "unconverged": sum(not each.diagnostics.converged for each in found),
    }


def whole() -> float:
    """Wall seconds of `bayeslaw backtest` on 245 runs with four origins, imports and the bootstrap included."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bayeslaw", "backtest", str(TABLE), "--laws", "chinchilla"]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(f"{SUBSETS} fits: {subsets()}")
    print(f"a whole back-test: {whole():.1f} s")
