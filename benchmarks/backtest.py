"""Many fits: 64 of one law on different subsets after one compile, the same by two workers of Dask and by one, and the
whole back-test of a law on one sweep.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
from common import SHARED
from distributed import LocalCluster

import bayeslaw as bl
from bayeslaw.inference.executors import opened
from bayeslaw.inference.many import TOGETHER, fit_many
from bayeslaw.inference.model.plan import Plan, make_plan

TABLE = SHARED / "chinchilla_epoch.csv"
SUBSETS, HIDDEN = 64, 0.3
SETTINGS = {"draws": 500, "warmup": 200}


def asked() -> tuple[list[Plan], np.ndarray]:
    """64 fits, each to seven tenths of the runs, as many again to compile with, and where to start from."""
    law, runs = bl.law("chinchilla"), bl.read_runs(TABLE).where("excluded_in_source_fit == 0")
    rng = np.random.default_rng(0)
    tables = [runs.hiding(rng.uniform(size=len(runs)) < HIDDEN) for _ in range(2 * SUBSETS)]
    return [make_plan(law, table) for table in tables], bl.fit(law, runs).flat.mean(axis=(0, 1))


def subsets(plans: list[Plan], start: np.ndarray) -> dict[str, float]:
    """Wall and processor seconds, and how many have not converged."""
    fit_many(plans[-TOGETHER:], start=start, **SETTINGS)  # compiles
    wall, processor = time.perf_counter(), time.process_time()
    found = fit_many(plans[:SUBSETS], start=start, **SETTINGS)
    return {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "unconverged": sum(not each.diagnostics.converged for each in found),
    }


def workers(plans: list[Plan], start: np.ndarray) -> dict[str, float]:
    """Wall seconds by two workers of Dask and by one, each warmed, in turns, and how many times faster two are."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for count in (1, 2, 1, 2):
        with (
            LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0") as cluster,
            opened(cluster.scheduler_address) as executor,
        ):
            fit_many(plans[SUBSETS:], start=start, executor=executor, **SETTINGS)  # starts JAX and compiles
            wall = time.perf_counter()
            fit_many(plans[:SUBSETS], start=start, executor=executor, **SETTINGS)
            seconds[count].append(time.perf_counter() - wall)
    one, two = min(seconds[1]), min(seconds[2])
    return {"one": one, "two": two, "ratio": one / two}


def whole() -> float:
    """Wall seconds of `bayeslaw backtest` on 245 runs with four origins, imports and the bootstrap included."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bayeslaw", "backtest", str(TABLE), "--laws", "chinchilla"]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    fits = asked()
    print(f"{SUBSETS} fits: {subsets(*fits)}")
    print(f"{SUBSETS} fits by workers of Dask: {workers(*fits)}")
    print(f"a whole back-test: {whole():.1f} s")
