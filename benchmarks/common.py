"""What the benchmarks share: where data are, contenders in processes of their own, and effective sample sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
CACHES = ("BAYESLAW_CACHE", "JAX_COMPILATION_CACHE_DIR", "NUMBA_CACHE_DIR", "PYTENSOR_BASE")


def contend(script: str, names: list[str], seeds: int = 1) -> dict[str, dict[str, list[dict]]]:
    """Run each contender cold and then warm, ``seeds`` times warm, and collect the records that they print."""
    results: dict[str, dict[str, list[dict]]] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as caches:
            cold = run(script, name, caches)
            warm = [run(script, name, caches) for _ in range(seeds)]
        results[name] = {"cold": [cold], "warm": warm}
        print(f"  {name}: cold {json.dumps(cold)}\n  {' ' * len(name)}  warm {json.dumps(warm[-1])}", flush=True)
    return results


def run(script: str, name: str, caches: str) -> dict:
    """One contender in one process: the last line it prints is its record."""
    environment = {
        **os.environ, "BAYESLAW_CACHE": f"{caches}/bayeslaw", "NUMBA_CACHE_DIR": f"{caches}/numba",
        "PYTENSOR_FLAGS": f"base_compiledir={caches}/pytensor",
    }  # fmt: skip
    if name != "bayeslaw":
        environment |= {
            "JAX_COMPILATION_CACHE_DIR": f"{caches}/jax", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1", "JAX_ENABLE_X64": "1",
        }  # fmt: skip
    done = subprocess.run(
        [sys.executable, script, name], env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200] if done.stderr.strip() else "?"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def least_ess(tree) -> float:
    """The smallest bulk effective sample size over all sampled quantities, by ArviZ."""
    import arviz_stats  # noqa: F401 - registers what `ess` needs
    from arviz_stats import ess

    sizes = ess(tree, method="bulk")
    sizes = sizes.posterior if hasattr(sizes, "posterior") else sizes
    return float(min(float(sizes[v].min()) for v in sizes.data_vars))


def until(ess: float, fixed: float, sampling: float, target: float) -> float:
    """Seconds until a target ESS: what is done once, and sampling in proportion."""
    return fixed + sampling * max(1.0, target / ess)
