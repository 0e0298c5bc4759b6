"""Scores on 58 tasks: how laws of abilities go astray beyond the models they were fitted to.

    python case_studies/honest_intervals/scores.py DATA FITS

fits laws of scores to the cheaper models of every task of three collections, from two origins, and keeps the fits in
the folder FITS.  The slopes of their errors go into bayeslaw/data/score_slopes.csv (from which learn.py makes the drift
that the package has), and how forecasts did, with drift learned from the other two collections and without, into
scores.json and scores.md.
"""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

import bayeslaw as bl
from bayeslaw.inference.base.progress import watched
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.shards import Shards
from bayeslaw.inference.workplace import Workplace
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along
from bayeslaw.validation.drift.learning import drift_from
from bayeslaw.validation.drift.slopes import OF_SCORES, as_table, slopes

HERE = Path(__file__).parent
FOUND = HERE / "scores.json"
BY_COMPUTE, BY_SIZE_AND_TOKENS = "emergence_logistic", "task_chain"
# Shares of the models that are seen, and draws a chain of each fit.
ORIGINS, DRAWS = (0.5, 0.8), 500
LEVELS = (0.5, 0.8, 0.95)


def emergent(data: Path) -> pd.DataFrame:
    """Abilities that small models lack (Ruan, Maddison & Hashimoto 2024), where answers were counted."""
    table = pd.read_csv(data / "obs_emergent.csv")
    return table[table["metric"] != "bleu"]


def benchmarks(data: Path) -> pd.DataFrame:
    """Usual benchmarks of the same models; of one the source has a thousand times its tokens."""
    table = pd.read_csv(data / "obs_base_benchmarks.csv")
    return table[table["model"] != "cerebras/btlm-3b-8k-base"]


def over_training(data: Path) -> pd.DataFrame:
    """The 46 tasks of Gadre et al. (2024), on models of one design trained on three corpora."""
    table = pd.read_csv(data / "gadre_downstream_tasks.csv")
    trials = table["n_items"]
    return table.assign(
        n_trials=trials, n_correct=((1.0 - table["error"]) * trials).round(),
        chance=table["random_accuracy_percent"] / 100.0, flops=6.0 * table["n_params"] * table["n_tokens"],
    )  # fmt: skip


# Who reads them, and the laws they are asked with: a few models a family of the first two tell no law of two inputs.
COLLECTIONS = {
    "Emergent": (emergent, [BY_COMPUTE]),
    "Benchmarks": (benchmarks, [BY_COMPUTE]),
    "Over-training": (over_training, [BY_COMPUTE, BY_SIZE_AND_TOKENS]),
}
NEEDED = ["family", "flops", "n_params", "n_tokens", "n_trials", "n_correct", "chance"]


def tables(data: Path, collection: str) -> Iterator[tuple[str, bl.Runs, dict[str, bl.Law]]]:
    """The tasks of a collection with the laws that are fitted to them, chance being known."""
    read, names = COLLECTIONS[collection]
    whole = read(data).dropna(subset=NEEDED)
    for task, rows in whole.groupby("task"):
        chance = f"Constant({rows['chance'].iloc[0]:g})"
        laws = {name: bl.law(name).with_priors(chance=chance) for name in names}
        yield f"{collection}: {task}", bl.read_runs(rows[NEEDED].reset_index(drop=True)), laws


def fit_all(data: Path, fits: Path) -> None:
    """Fit the laws to what every origin sees of all tasks at once, which is faster than one by one; keep the fits."""
    plans = [
        make_plan(law, runs.hiding(origin.hidden), "family")
        for collection in COLLECTIONS
        for _, runs, laws in tables(data, collection)
        for origin in origins_along(runs, COMPUTE, ORIGINS)
        for law in laws.values()
    ]
    with watched(True, "fit", "all tasks") as watch:
        fit_many(plans, progress=watch.counting("all tasks"), shards=Shards(fits), draws=DRAWS)


def measured(data: Path, fits: Path) -> pd.DataFrame:
    """A row a task, law and origin; fits that are there are taken up."""
    rows: list[dict[str, Any]] = []
    for collection in COLLECTIONS:
        for task, runs, laws in tables(data, collection):
            rows += slopes(
                collection, runs, laws, "family", seen=ORIGINS, sampling=bl.Sampling(draws=DRAWS, patience=False),
                place=Workplace(shards=Shards(fits)), table=task,
            )  # fmt: skip
            as_table(rows).to_csv(OF_SCORES, index=False, float_format="%.6g")
    return as_table(rows)


def foretold(data: Path, fits: Path, collection: str, drift: Any) -> dict[str, pd.DataFrame]:
    """A row a forecast, by law and for their average: whether it lay inside, and scores as shares of the questions."""
    found: dict[str, list[pd.DataFrame]] = {}
    for _, runs, laws in tables(data, collection):
        how = {"origins": ORIGINS, "drift": drift, "draws": DRAWS, "shards": fits, "rivals": False}
        test = bl.backtest(laws.values(), runs, "family", **how)
        for name, scores in test.laws.items():
            inside = {f"{level:g}": scores.inside(level) for level in LEVELS}
            asked = test.at["n"]  # noqa: PD008 - inputs by name, no pandas
            sharp = {"score": scores.interval_score(LEVELS[-1]) / asked, "crps": scores.crps / asked}
            found.setdefault(name, []).append(pd.DataFrame({**inside, **sharp}))
    return {name: pd.concat(each) for name, each in found.items()}


HOW = {"plain": "without drift", "drift": "with the drift of the other two"}


def page(found: dict[str, Any]) -> str:
    """A table a law: a row a collection and way."""
    lines = []
    for name in dict.fromkeys(name for each in found.values() for name in each["plain"]):
        lines += [
            f"## {name}",
            "",
            "| | forecasts | 50 % | 80 % | 95 % | interval score | CRPS |",
            "|---|" + "---|" * 6,
        ]
        for collection, how in product(found, HOW):
            if (cell := found[collection][how].get(name)) is not None:
                held = " | ".join(f"{cell[f'{level:g}']:.0%}" for level in LEVELS)
                scores = f"{cell['score']:.3f} | {cell['crps']:.4f}"
                lines.append(f"| {collection}, {HOW[how]} | {cell['n']} | {held} | {scores} |")
        lines.append("")
    return "\n".join(lines)


def main(data: Path, fits: Path) -> None:
    fit_all(data, fits)
    table = measured(data, fits)
    found: dict[str, Any] = {}
    for collection in COLLECTIONS:
        others = table[table["sweep"] != collection]
        drift = drift_from(others)
        found[collection] = {"learned": {name: each.as_dict() for name, each in drift.items()}}
        for how, wanted in zip(HOW, (False, drift), strict=True):
            every = foretold(data, fits, collection, wanted)
            found[collection][how] = {
                name: {"n": len(each), **{str(key): float(each[key].mean()) for key in each}}
                for name, each in every.items()
            }
        FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (HERE / "scores.md").write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
