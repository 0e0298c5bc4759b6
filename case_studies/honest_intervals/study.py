"""Do intervals hold what they say, on sweeps that the drift was not learned from?

    python case_studies/honest_intervals/study.py DATA [FITS]

back-tests every sweep in the folder DATA with the drift that was learned from the others (left_out.json, made by
learn.py), beside the same average with the drift of its laws alone, Huber fits with a bootstrap, and the coupled law
with a fixed drift, and writes table.md and intervals.png beside itself. What is found of a table of runs goes into
results.json at once, and a table that is there is asked again only with another drift, and then without its
bootstraps, which take most of the time and know none. Fits are kept in the folder FITS if one is given, where
averages.py finds them.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
import numpy as np
from averages import SAMPLING, before
from pooling import (
    AVERAGE,
    BEFORE,
    BOOTSTRAP,
    BOUNDS,
    FIXED,
    FORECASTS,
    PLAIN,
    by_distance,
    by_sweep,
    figures,
    holds,
    whole,
)
from sweeps import AVERAGED, SWEEPS, origins, tables

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import parts_in_averages

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
HUES = dict(zip(FORECASTS, ("#0072B2", "#009E73", "#56B4E9", "#E69F00", "#7f7f7f"), strict=True))
# A fixed drift of this many nats of log loss per e-fold of compute is what a simpler package could do.
SIMPLE = bl.Drift(0.0, 0.005, df=1e6)


def asked(runs: bl.Runs, drift: dict[str, bl.Drift], fits: str, known: dict[str, Any]) -> dict[str, Any]:
    """Scores of the five forecasts of one table; bootstraps, which know no drift, are kept where they are known."""
    how = {"origins": origins(runs), "sampling": SAMPLING, "shards": fits}
    ours = bl.backtest(AVERAGED, runs, drift=drift, rivals="rivals" not in known, **how)
    found = {
        AVERAGE: ours.laws["average"],
        BEFORE: before(runs, drift, fits),
        PLAIN: bl.backtest(AVERAGED, runs, drift=False, rivals=False, **how).laws["average"],
        FIXED: bl.backtest("coupled", runs, drift=SIMPLE, rivals=False, **how).laws["coupled"],
    }
    rivals = {name: scores.as_dict() for name, scores in (ours.rivals or {}).items()} or known["rivals"]
    return {name: scores.as_dict() for name, scores in found.items()} | {
        BOOTSTRAP: rivals.get("average", known.get(BOOTSTRAP)),
        "laws": {name: ours.laws[name].as_dict() for name in AVERAGED},
        "rivals": {name: rivals[name] for name in AVERAGED},
    }


def results(data: Path, fits: str) -> dict[str, dict[str, Any]]:
    """By sweep and table, what was found; asked now where it is not known, or was asked with another drift."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    left_out = json.loads((HERE / "left_out.json").read_text(encoding="utf-8"))
    for sweep in SWEEPS:
        drift = {name: bl.Drift(**each) for name, each in left_out[sweep].items()}
        for table, runs in tables(data, sweep):
            earlier = known.setdefault(sweep, {}).get(table, {})
            with_what = {"drift": left_out[sweep], "parts": dict(parts_in_averages())}
            if any(earlier.get(name) != each for name, each in with_what.items()):
                print(table, file=sys.stderr, flush=True)
                known[sweep][table] = asked(runs, drift, fits, earlier) | with_what
                RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known


def table(found: dict[str, dict[str, Any]]) -> str:
    """The answer as a table in Markdown: a row a sweep, and all together."""
    head = "| sweep | forecasts | " + " | ".join(f"{name}: 50 % / 95 % / score" for name in FORECASTS) + " |"
    rows = [head, "|" + "---|" * (2 + len(FORECASTS))]
    every = {name: by_sweep(found, name) | {"**all**": whole(found, name)} for name in FORECASTS}
    for sweep in [*found, "**all**"]:
        cells = [every[name][sweep] for name in FORECASTS]
        shown = " | ".join(f"{c['0.5']:.0%} / {c['0.95']:.0%} / {c['score']:.3f}" for c in cells)
        rows.append(f"| {sweep} | {cells[0]['n']} | {shown} |")
    return "\n".join(rows) + "\n"


def bars(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The figures that the project holds itself to."""
    ours, score = figures(found), {name: whole(found, name)["score"] for name in FORECASTS}
    return {
        "95 % coverage": ours["0.95"], "50 % coverage": ours["0.5"],
        "least 95 % coverage of a sweep": ours["least"],
        "95 % coverage beyond 30 times the compute": ours["far"],
        "interval score": ours["score"],
        "interval score over that with the drift of single laws": ours["of before"],
        "interval score over the bootstrap's": ours["score"] / score[BOOTSTRAP],
        "interval score over the fixed drift's": ours["score"] / score[FIXED],
    }  # fmt: skip


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Coverage by distance, and by sweep."""
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9.5, 3.8), layout="constrained")
        near, sweeps = figure.subplots(1, 2, width_ratios=[1, 1.3])
        for name in FORECASTS:
            far = by_distance(found, name)
            near.plot(list(far), [each["0.95"] for each in far.values()], "o-", ms=4, color=HUES[name], label=name)
        near.axhline(0.95, color="#222222", lw=0.7)
        near.set(xscale="log", ylim=(0, 1.03), xlabel="compute beyond the largest run seen, at least",
                 ylabel="outcomes inside 95 % intervals")  # fmt: skip
        near.legend(frameon=False, loc="lower left")
        for i, name in enumerate(FORECASTS):
            at = np.arange(len(found)) + 0.16 * (i - 2)
            sweeps.bar(at, [each["0.95"] for each in by_sweep(found, name).values()], 0.15, color=HUES[name])
        sweeps.axhline(0.95, color="#222222", lw=0.7)
        sweeps.set_xticks(np.arange(len(found)), list(found), rotation=25, ha="right")
        sweeps.set(ylim=(0, 1.03))
        figure.savefig(path, dpi=130)


def main() -> None:
    with TemporaryDirectory() as passing:  # the same fits are asked with drift and without
        found = results(Path(sys.argv[1]), *(sys.argv[2:] or [passing]))
    rows = "".join(f"| {name} | {value:.3f} |\n" for name, value in bars(found).items())
    text = f"{table(found)}\n| of the average with drift | |\n|---|---|\n{rows}"
    (HERE / "table.md").write_text(text, encoding="utf-8")
    draw(found, HERE / "intervals.png")
    print(text)
    if not holds(figures(found)):
        sys.exit(f"does not hold: {figures(found)} against {BOUNDS}")


if __name__ == "__main__":
    main()
