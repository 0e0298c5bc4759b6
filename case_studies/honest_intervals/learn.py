"""How laws drift beyond their runs, learned from public sweeps.

    python case_studies/honest_intervals/learn.py DATA

fits every law to the cheaper runs of every sweep in the folder DATA and asks how its forecasts err.  The slopes of the
errors go into bayeslaw/data/slopes.csv (a table that is there is not fitted again).  The drift that follows from them,
and from what scores.py, by_loss.py and curves.py measured, goes into bayeslaw/data/drift.toml and, with each sweep left
out, into left_out.json, by which study.py judges.
"""

import json
import sys
from pathlib import Path

import curves
import pandas as pd
from sweeps import LAWS, SWEEPS, origins, tables

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import LEARNED, drifts_as_toml
from bayeslaw.validation.drift.learning import drift_from
from bayeslaw.validation.drift.slopes import OF_LOSSES, as_table, public_slopes, slopes

LEFT_OUT = Path(__file__).parent / "left_out.json"
NOTE = (
    "Nats of log outcome per e-fold of compute, of shares logits, of shares that are read off a loss logits per\n"
    "# e-fold of the loss, and of bnsl per e-fold of examples along a learning curve; made by\n"
    "# case_studies/honest_intervals/learn.py from its sweeps, scores and curves."
)


# How each fit is sampled.
SAMPLING = bl.Sampling(draws=500, patience=False)


def measured(data: Path) -> pd.DataFrame:
    """A row a sweep, table, law and origin."""
    rows = pd.read_csv(OF_LOSSES).to_dict("records") if OF_LOSSES.exists() else []
    known = {row["table"] for row in rows}
    laws = {name: bl.law(name) for name in LAWS}
    for sweep in SWEEPS:
        for table, runs in tables(data, sweep):
            if table in known:
                continue
            print(table, file=sys.stderr, flush=True)
            rows += slopes(sweep, runs, laws, None, seen=origins(runs), sampling=SAMPLING, table=table)
            as_table(rows).to_csv(OF_LOSSES, index=False, float_format="%.6g")
    return as_table(rows)


def along_curves() -> dict[str, bl.Drift]:
    """The drift of laws along learning curves, of which curves.py has taken the slopes."""
    found = curves.learned(pd.read_csv(curves.SLOPES))
    return {name: found[name] for name in curves.LAWS}


def main() -> None:
    table = measured(Path(sys.argv[1]))
    LEARNED.write_text(drifts_as_toml({**along_curves(), **drift_from(public_slopes())}, NOTE), encoding="utf-8")
    left_out = {sweep: drift_from(table[table.sweep != sweep]) for sweep in SWEEPS}
    found = {sweep: {name: drift.as_dict() for name, drift in each.items()} for sweep, each in left_out.items()}
    LEFT_OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
