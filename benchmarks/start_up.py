"""Start-up: whole processes of the command line, as multiples of the Python and of the libraries that they need.

Prints for `bayeslaw --help`, for refusals and for questions of a saved fit the median wall time and processor time of
runs that alternate with those of the yardstick, and the ratio of each; then the imports of a fit of 8 runs.  Exits with
1 when a ratio of wall times is above its target.
"""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bayeslaw as bl

TIMES = 15
PYTHON = ("-c", "pass")
LIBRARIES = ("-c", "import numpy, scipy.special, h5netcdf")
# Of the wall times of a command and of its yardstick.
MOST = {PYTHON: 8.0, LIBRARIES: 1.8}
NAMES = {PYTHON: "python -c pass", LIBRARIES: "the libraries alone"}
SAVED = Path(__file__).parents[1] / "tests" / "saved" / "coupled.nc"
# With the caches of bytecode that an installed package has.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def commands(folder: Path) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each command by its name in print, with its yardstick."""
    fit = str(bl.load(SAVED).save(folder / "fit.nc"))  # again, as this version saves it
    point = ("--at", "N=7e9,D=1e12")
    asked = {
        "--help": (("--help",), PYTHON),
        "a refused option": (("fit", "runs.csv", "--law", "chinchilla", "--draws", "3"), PYTHON),
        "no such table": (("fit", "nowhere.csv", "--law", "chinchilla"), PYTHON),
        "no such fit": (("forecast", "nowhere.nc", *point), PYTHON),
        "forecast": (("forecast", fit, *point), LIBRARIES),
        "risk": (("risk", fit, *point, "--above", "2.5"), LIBRARIES),
        "optimum": (("optimum", fit, "--budget", "C=1e23"), LIBRARIES),
        "threshold": (("threshold", fit, "--crosses", "2.5", "--along", "N", "--at", "D=1e12"), LIBRARIES),
        "summary": (("summary", fit), LIBRARIES),
    }
    return {name: (("-m", "bayeslaw", *command), yardstick) for name, (command, yardstick) in asked.items()}


def once(*arguments: str) -> tuple[float, float]:
    """Wall time and processor time of one process of Python, in seconds."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode == 1:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(folder: Path) -> bool:
    """Print the commands with their ratios; returns whether all targets are met."""
    asked = commands(folder)
    every = {**{NAMES[yardstick]: yardstick for yardstick in MOST}, **{name: each[0] for name, each in asked.items()}}
    for arguments in every.values():
        once(*arguments)  # so that all bytecode is there, and all files are in memory
    rounds = [{name: once(*arguments) for name, arguments in every.items()} for _ in range(TIMES)]
    median = {name: [statistics.median(each[name][i] for each in rounds) for i in (0, 1)] for name in every}
    print(f"{'':20}{'wall':>9}{'processor':>11}   {'ratio of wall':>13}{'of processor':>14}{'at most':>9}")
    met = True
    for name, (wall, processor) in median.items():
        row = f"{name:20}{1e3 * wall:6.0f} ms{1e3 * processor:8.0f} ms"
        if name in asked:
            yardstick = asked[name][1]
            own, theirs = wall / median[NAMES[yardstick]][0], processor / median[NAMES[yardstick]][1]
            met &= own <= MOST[yardstick]
            row += f"   {own:13.2f}{theirs:14.2f}{MOST[yardstick]:9.1f} x {NAMES[yardstick]}"
        print(row)
    return met


def imports_of_a_fit(folder: Path) -> None:
    """Print how long the imports of a fit take, and which heavy ones there are."""
    n = np.geomspace(1e18, 1e21, 8)
    loss = 1.8 + 0.6 * (n / 1e20) ** -0.15
    runs = folder / "runs.csv"
    runs.write_text("flops,loss\n" + "".join(f"{a:.6g},{b:.6g}\n" for a, b in zip(n, loss, strict=True)))
    command = [sys.executable, "-X", "importtime", "-m", "bayeslaw", "fit", str(runs), "--law", "power_law",
               "--out", str(folder / "small.nc")]  # fmt: skip
    subprocess.run(command, check=False, capture_output=True)
    begin = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 2:
        raise SystemExit(done.stderr.strip().splitlines()[-1])
    whole = time.perf_counter() - begin
    own = [int(m[1]) for m in re.finditer(r"import time:\s+(\d+) \|", done.stderr)]
    heavy = [m for m in ("pymc", "matplotlib", "arviz_stats", "pandas") if re.search(rf"\|\s+{m}$", done.stderr, re.M)]
    print(f"fit of 8 runs, warm: {whole:.2f} s in all, of which imports {sum(own) / 1e6:.2f} s (timed one by one)")
    print(f"heavy modules imported: {', '.join(heavy) or 'none'}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        met = table(Path(folder))
        imports_of_a_fit(Path(folder))
    if not met:
        raise SystemExit("a ratio of wall times is above its target")


if __name__ == "__main__":
    main()
