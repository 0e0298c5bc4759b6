"""Simulation-based calibration of the laws of the catalogue: one report a law, in docs/calibration.

    uv run python benchmarks/calibration.py            # laws whose file has changed since their report, or without one
    uv run python benchmarks/calibration.py kaplan m4  # these
    uv run python benchmarks/calibration.py --shards FOLDER distillation  # finished fits are kept there, and taken up

A report carries the hash of what it is about, the law file without its words; a test holds the two together.

New laws wait in benchmarks/waiting, where they pass all checks but this one.  A file whose laws have all passed is
moved to models, and their reports to docs/calibration.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
from pathlib import Path

import bayeslaw as bl
from bayeslaw.inference.base.versions import VERSIONED
from bayeslaw.language.files import USER_FOLDERS, entries
from bayeslaw.validation.calibration.subject import digest

WAITING = Path(__file__).parent / "waiting"
MODELS = Path(__file__).parents[1] / "models"
REPORTS = Path(__file__).parents[1] / "docs" / "calibration"
SIMULATIONS = 200


def report_of(name: str) -> Path:
    """Where the report of a law is: beside its file as long as that waits."""
    return (WAITING if entries()[name].path.parent == WAITING else REPORTS) / f"{name}.json"


def stale(law: bl.Law) -> bool:
    path = report_of(law.name)
    return not path.exists() or json.loads(path.read_text(encoding="utf-8"))["sha256"] != digest(law)


def move_those_that_passed() -> None:
    """Files that wait, and all of whose laws have a report that passed, become part of the catalogue."""
    for path in sorted(WAITING.glob("*.toml")):
        reports = [report_of(name) for name, entry in entries().items() if entry.path == path]
        if all(each.exists() and json.loads(each.read_text(encoding="utf-8"))["passed"] for each in reports):
            for each in reports:
                each.rename(REPORTS / each.name)
            path.rename(MODELS / path.name)
            print(f"{path.name} is now in {MODELS.name}.", flush=True)


def main() -> None:
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("laws", nargs="*")
    reading.add_argument("--shards")
    given = reading.parse_args()
    if WAITING.is_dir():
        os.environ[USER_FOLDERS] = str(WAITING)
    chosen = [bl.law(name) for name in given.laws] or [law for law in bl.laws() if stale(law)]
    for law in chosen:
        found = bl.sbc(law, simulations=SIMULATIONS, shards=given.shards)
        versions = {name: importlib.metadata.version(name) for name in VERSIONED}
        report = {"sha256": digest(law), "versions": {"bayeslaw": bl.__version__, **versions}, **found.as_dict()}
        report_of(law.name).write_text(json.dumps(report) + "\n", encoding="utf-8")
        print(found, flush=True)
        move_those_that_passed()


if __name__ == "__main__":
    main()
