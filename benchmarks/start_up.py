"""Start-up: `import bayeslaw`, `bayeslaw --help`, and the imports of a fit of 8 runs from the command line."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def seconds(*command: str, times: int = 5) -> float:
    """The fastest of several runs of a whole process."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - begin)
    return min(found)


def main() -> None:
    bare = seconds(sys.executable, "-c", "pass")
    print(f"python alone: {bare:.2f} s")
    print(f"import bayeslaw: {seconds(sys.executable, '-c', 'import bayeslaw'):.2f} s")
    print(f"bayeslaw --help: {seconds(sys.executable, '-m', 'bayeslaw', '--help'):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        n = np.geomspace(1e18, 1e21, 8)
        loss = 1.8 + 0.6 * (n / 1e20) ** -0.15
        table = Path(folder) / "runs.csv"
        table.write_text("flops,loss\n" + "".join(f"{a:.6g},{b:.6g}\n" for a, b in zip(n, loss, strict=True)))
        command = [sys.executable, "-X", "importtime", "-m", "bayeslaw", "fit", str(table), "--law", "power_law",
                   "--out", f"{folder}/fit.nc"]  # fmt: skip
        subprocess.run(command, check=False, capture_output=True)
        begin = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 2:
            raise SystemExit(done.stderr.strip().splitlines()[-1])
        whole = time.perf_counter() - begin
        own = [int(m[1]) for m in re.finditer(r"import time:\s+(\d+) \|", done.stderr)]
        heavy = [
            m for m in ("pymc", "matplotlib", "arviz_stats", "pandas") if re.search(rf"\|\s+{m}$", done.stderr, re.M)
        ]
        print(f"fit of 8 runs, warm: {whole:.2f} s in all, of which imports {sum(own) / 1e6:.2f} s (timed one by one)")
        print(f"heavy modules imported: {', '.join(heavy) or 'none'}")


if __name__ == "__main__":
    main()
