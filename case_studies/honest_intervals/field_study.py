"""Are forecasts better for priors that were learned from other sweeps?

    python case_studies/honest_intervals/field_study.py DATA

back-tests every sweep in the folder DATA as study.py does, with drift and priors that were learned from the others
(left_out.json, field_left_out.json), and sets it beside what study.py found with the laws' own weak priors
(results.json) in field.md.  What is found of a table of runs goes into field_results.json at once, and a table that is
there is not asked again.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sweeps import AVERAGED, SWEEPS, origins, tables

import bayeslaw as bl

HERE = Path(__file__).parent
RESULTS = HERE / "field_results.json"
WEAK = "average with drift"


def read(name: str) -> dict[str, Any]:
    """One of the files beside this one; empty where it is not there yet."""
    path = HERE / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def results(data: Path) -> dict[str, dict[str, Any]]:
    """By sweep and table, the scores of the average under priors of the field."""
    known, drifts, priors = read(RESULTS.name), read("left_out.json"), read("field_left_out.json")
    for sweep in SWEEPS:
        laws = [bl.law(name).with_priors(**priors[sweep][name]) for name in AVERAGED]
        drift = {name: bl.Drift(**each) for name, each in drifts[sweep].items()}
        for table, runs in tables(data, sweep):
            if table in known.setdefault(sweep, {}):
                continue
            print(table, file=sys.stderr, flush=True)
            found = bl.backtest(laws, runs, drift=drift, rivals=False, origins=origins(runs), draws=500, patience=False)
            known[sweep][table] = found.laws["average"].as_dict()
            RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known


def shown(every: list[dict[str, Any]]) -> str:
    """Coverage, interval score and CRPS of several tables together."""
    n = np.array([each["n"] for each in every])

    def mean(of) -> float:
        return float(n @ [of(each) for each in every] / n.sum())

    half, wide = (mean(lambda each, level=level: each["coverage"][level]) for level in ("0.5", "0.95"))
    score, crps = mean(lambda each: each["interval_score"]["0.95"]), mean(lambda each: each["crps"])
    return f"{half:.0%} / {wide:.0%} / {score:.3f} / {crps:.4f}"


def main() -> None:
    field, weak = results(Path(sys.argv[1])), read("results.json")
    rows = ["| sweep | weak priors: 50 % / 95 % / score / CRPS | priors of the field |", "|---|---|---|"]
    pairs = {
        sweep: [(weak[sweep][table][WEAK], each) for table, each in found.items()] for sweep, found in field.items()
    }
    pairs["**all**"] = [pair for each in list(pairs.values()) for pair in each]
    for sweep, each in pairs.items():
        one, other = zip(*each, strict=True)
        rows.append(f"| {sweep} | {shown(list(one))} | {shown(list(other))} |")
    text = "\n".join(rows) + "\n"
    (HERE / "field.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
