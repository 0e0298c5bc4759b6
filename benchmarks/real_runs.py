"""Laws of the catalogue fitted once to public runs: the posterior beside the published numbers, and runs held out.

    uv run python benchmarks/real_runs.py ../shared/data               # laws without a result
    uv run python benchmarks/real_runs.py ../shared/data power_scheduler

writes benchmarks/real_runs.json, which keeps what other laws have; `docs/tables.py` makes the table of README.md of it.
The tables are not part of the repository, since the source of some names no licence.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import bayeslaw as bl
from bayeslaw.language.files import USER_FOLDERS

HERE = Path(__file__).parent
RESULTS = HERE / "real_runs.json"
LEVEL = 0.95


@dataclass(frozen=True)
class Study:
    """A law, its table and the runs of it, those that are held out, and published values by family.

    `said` is what a reader should know of how the two compare.
    """

    law: str
    table: str
    where: str
    hidden: str
    family: str | None = None
    published: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[bl.Runs], bl.Runs] = lambda runs: runs
    said: str = ""


def best_rates(runs: bl.Runs) -> bl.Runs:
    """The rate of the lowest loss of each size, number of tokens and batch, where it is inside the grid of rates."""
    cells = np.stack([runs.column(name) for name in ("n_params", "n_tokens", "batch_size_seqs")])
    rate, loss = runs.column("learning_rate"), runs.column("loss")
    found = []
    for cell in np.unique(cells, axis=1).T:
        inside = np.flatnonzero((cells == cell[:, None]).all(axis=0))
        best = inside[np.argmin(loss[inside])]
        if len(inside) >= 5 and rate[inside].min() < rate[best] < rate[inside].max():
            found.append(best)
    chosen = runs.take(np.array(found))
    return chosen.with_columns({"best_lr": chosen.column("learning_rate")})


STUDIES = (
    Study(
        "power_scheduler", "steplaw_dense.csv", "loss < 4", "n_tokens > 5e10", published={"": "shen2024power"},
        prepare=best_rates,
        said="other runs than the paper's: sizes of 0.2 to 1.1 billion in the standard parametrisation, where the best "
        "rate falls with size too, and batches on both sides of the best one; the paper's constants are of maximal "
        "update parametrisation, so they do not carry over",
    ),
    Study(
        "parscale", "parscale.csv", "loss > 0", "n_params_nonembed > 2.5e9", "family",
        {"stack_v2_python": "chen2025parallel_stack", "pile": "chen2025parallel_pile"},
        said="the paper's own runs without the two largest sizes, which its fits have; by the law alone intervals are "
        "too narrow there, and no drift has been learned for it",
    ),
    Study(
        "clark_routed", "routing_moe.csv", "family != 'Dense' and top_k == 1 and routing_frequency == 0.5",
        "active_params > 5e8", "family",
        {"S-Base": "clark2022unified_sbase", "RL-R": "clark2022unified_rl", "Hash": "clark2022unified_hash"},
        said="the paper's own runs without the largest size, which its fits have",
    ),
    Study(
        "rectified_data", "sft_rectified.csv", "dataset == 'wmt19' and model_family == 'GPT2'",
        "n_sft_examples > 5e5", "family", said="five of the 90 curves of the paper",
    ),
)  # fmt: skip


def fitted(folder: Path, study: Study) -> dict[str, Any]:
    """The posterior of a law without the runs that are held out, and how these were predicted."""
    law, runs = bl.law(study.law), study.prepare(bl.read_runs(folder / study.table).where(study.where))
    kept, hidden = runs.where(f"not ({study.hidden})"), runs.where(study.hidden)
    start = time.process_time()
    posterior = bl.fit(law, kept, study.family, seed=0, progress=False)
    seconds = time.process_time() - start
    inside, errors = [], []
    for i, outcome in enumerate(hidden.column(law.output.column)):
        at = {name: float(hidden.column(law.inputs[name].column)[i]) for name in law.free_inputs}
        family = None if study.family is None else str(hidden.data[study.family][i])
        (point,) = bl.forecast(posterior, at, family=family, level=LEVEL, drift=False).points
        low, high = point.new_run.ends[LEVEL]
        inside.append(low <= outcome <= high)
        errors.append(abs(np.log(point.mean.median / outcome)))
    return {
        "runs": len(kept), "hidden": len(hidden), "covered": float(np.mean(inside)), "error": float(np.mean(errors)),
        "converged": posterior.diagnostics.converged, "seconds": round(seconds, 1),
        "posterior": {key: _beside(posterior, family, key) for family, key in study.published.items()},
    }  # fmt: skip


def _beside(posterior: bl.Posterior, family: str, key: str) -> dict[str, list[float]]:
    """Each published value with the median and the ends of the interval of the posterior."""
    law = posterior.law
    assert law.published is not None
    drawn = posterior.parameters(posterior.groups_of(family or None), np.random.default_rng(0))
    drawn = {**drawn, **law.derive(drawn)}
    tails = (0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return {
        name: [value, *map(float, np.quantile(drawn[name], tails))] for name, value in law.published.values[key].items()
    }


def main() -> None:
    folder, *names = sys.argv[1:]
    if (HERE / "waiting").is_dir():
        os.environ[USER_FOLDERS] = str(HERE / "waiting")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for study in STUDIES:
        if study.law in names or (not names and study.law not in results):
            results[study.law] = fitted(Path(folder), study)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            print(study.law, results[study.law], flush=True)


if __name__ == "__main__":
    main()
