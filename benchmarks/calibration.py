"""Simulation-based calibration of the laws of the catalogue: one report a law, in docs/calibration.

    uv run python benchmarks/calibration.py            # laws whose file has changed since their report, or without one
    uv run python benchmarks/calibration.py kaplan m4  # these
    uv run python benchmarks/calibration.py --shards FOLDER distillation  # finished fits are kept there, and taken up

A report carries the hash of what it is about, the law file without its words; a test holds the two together.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from pathlib import Path

import bayeslaw as bl
from bayeslaw.inference.base.versions import VERSIONED
from bayeslaw.validation.calibration.subject import digest

REPORTS = Path(__file__).parents[1] / "docs" / "calibration"
SIMULATIONS = 200


def stale(law: bl.Law) -> bool:
    path = REPORTS / f"{law.name}.json"
    return not path.exists() or json.loads(path.read_text(encoding="utf-8"))["sha256"] != digest(law)


def main() -> None:
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("laws", nargs="*")
    reading.add_argument("--shards")
    given = reading.parse_args()
    chosen = [bl.law(name) for name in given.laws] or [law for law in bl.laws() if stale(law)]
    for law in chosen:
        found = bl.sbc(law, simulations=SIMULATIONS, shards=given.shards)
        versions = {name: importlib.metadata.version(name) for name in VERSIONED}
        report = {"sha256": digest(law), "versions": {"bayeslaw": bl.__version__, **versions}, **found.as_dict()}
        (REPORTS / f"{law.name}.json").write_text(json.dumps(report) + "\n", encoding="utf-8")
        print(found, flush=True)


if __name__ == "__main__":
    main()
