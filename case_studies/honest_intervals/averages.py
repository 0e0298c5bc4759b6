"""How far do laws drift within an average?

    python case_studies/honest_intervals/averages.py DATA FITS

forecasts every sweep in the folder DATA without drift, with the fits in the folder FITS (made where they are not there
yet), and tries ways to drift on these forecasts: parts of the direction and scale that each law has from the *other*
sweeps (left_out.json), powers of the distance, and tails.  What each way gives goes into averages.csv, the best of them
into averages.md, and the one that is chosen into bayeslaw/data/average_drift.toml.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
from pooling import ENOUGH, FAR, holds
from sweeps import AVERAGED, SWEEPS, origins, tables

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import AVERAGES, less_disagreement
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.shards import Shards
from bayeslaw.inference.workplace import Workplace
from bayeslaw.runs.observations import inputs
from bayeslaw.validation.backtest.ahead import Look, looks
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along
from bayeslaw.validation.backtest.scores import Scores

HERE = Path(__file__).parent
FOUND = HERE / "averages.csv"
SAMPLING = bl.Sampling(draws=500, patience=False)
# Parts of the direction, parts of the scale, powers of the distance, degrees of freedom.
WAYS = tuple(product((0.0, 0.5, 0.75), (0.6, 0.65, 0.7, 0.75), (1.0, 1.5, 1.75, 2.0), (3.0, 30.0)))
NAMES = ("direction", "scale", "power", "df")
NOTE = (
    "How a law drifts within an average of laws of a loss: the parts of its own direction and scale, the power of the\n"
    "# distance, and the degrees of freedom; made by case_studies/honest_intervals/averages.py."
)


def looks_at(runs: bl.Runs, fits: str) -> Iterator[Look]:
    """The forecasts of a table from all of its origins, without drift."""
    plans = {name: make_plan(bl.law(name), runs) for name in AVERAGED}
    place = Workplace(shards=Shards(Path(fits)))
    return looks(plans, origins_along(runs, COMPUTE, origins(runs)), drift=False, sampling=SAMPLING, place=place)


def drifting(look: Look, drifts: dict[str, bl.Drift]) -> np.ndarray:
    """New runs by the average with some drifts: the noise of a loss is relative, so runs drift as their law does."""
    hidden = look.fits.lead.plan.runs.take(look.origin.hidden)
    every = look.fits.posteriors.items()
    return look.fits.mixed(
        {name: drifts[name].apply(each, inputs(hidden, each.law), look.drawn[name].run) for name, each in every}
    )


def scored(look: Look, draws: np.ndarray) -> Scores:
    return Scores.of(draws, look.observed, look.ratio, np.zeros(len(look.observed)))


def before(runs: bl.Runs, alone: dict[str, bl.Drift], fits: str) -> Scores:
    """The average whose laws drift as alone, but for what they disagree on."""
    every = looks_at(runs, fits)
    return Scores.joined(
        [scored(look, drifting(look, less_disagreement(look.fits, {n: alone[n] for n in AVERAGED}))) for look in every]
    )


def measured(look: Look, draws: np.ndarray) -> dict[str, float]:
    """Sums over the outcomes, so that those of several origins and sweeps add up."""
    low, lower, upper, high = np.quantile(draws, (0.025, 0.25, 0.75, 0.975), axis=0)
    seen, far = look.observed, look.ratio >= FAR
    inside = (low <= seen) & (seen <= high)
    missed = np.maximum(low - seen, 0.0) + np.maximum(seen - high, 0.0)
    return {
        "n": len(seen), "0.5": float(((lower <= seen) & (seen <= upper)).sum()), "0.95": float(inside.sum()),
        "score": float((high - low + missed / 0.025).sum()),
        "n_far": float(far.sum()), "far": float(inside[far].sum()),
    }  # fmt: skip


def ways(look: Look, alone: dict[str, bl.Drift]) -> Iterator[tuple[tuple[float, ...], np.ndarray]]:
    """New runs by the average in each way: in logs, a drift is linear in its direction and in its scale."""
    ones = replace(look, drawn={name: replace(each, run=np.ones_like(each.run)) for name, each in look.drawn.items()})

    def logs(*way: float) -> np.ndarray:
        parts = dict(zip(NAMES, way, strict=True))
        return np.log(drifting(ones, {name: alone[name].averaged(parts) for name in AVERAGED}))

    still = look.fits.mixed({name: each.run for name, each in look.drawn.items()})
    for shape in dict.fromkeys(way[2:] for way in WAYS):
        towards, around = logs(1.0, 0.0, *shape), logs(0.0, 1.0, *shape)
        for direction, scale, *_ in (way for way in WAYS if way[2:] == shape):
            yield (direction, scale, *shape), still * np.exp(direction * towards + scale * around)


def tried(data: Path, fits: str) -> pd.DataFrame:
    """A row a way and sweep."""
    left_out = json.loads((HERE / "left_out.json").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = []
    for sweep in SWEEPS:
        alone = {name: bl.Drift(**each) for name, each in left_out[sweep].items()}
        for table, runs in tables(data, sweep):
            print(table, file=sys.stderr, flush=True)
            for look in looks_at(runs, fits):
                for way, draws in ways(look, alone):
                    rows.append({**dict(zip(NAMES, way, strict=True)), "sweep": sweep, **measured(look, draws)})
    found = pd.DataFrame(rows).groupby([*NAMES, "sweep"], sort=False).sum().reset_index()
    found.to_csv(FOUND, index=False, float_format="%.6g")
    return found


def figures(found: pd.DataFrame) -> pd.DataFrame:
    """A row a way: what the project holds itself to, over the sweeps that there are."""
    least = (found["0.95"] / found["n"]).where(found["n"] >= ENOUGH).groupby([found[name] for name in NAMES])
    total = found.groupby(list(NAMES))[["n", "0.5", "0.95", "score", "n_far", "far"]].sum()
    return pd.DataFrame({
        "0.95": total["0.95"] / total["n"], "0.5": total["0.5"] / total["n"], "least": least.min(),
        "far": total["far"] / total["n_far"], "score": total["score"] / total["n"],
    })  # fmt: skip


def chosen(found: pd.DataFrame) -> tuple[float, ...]:
    """The way of the least interval score, of those that hold what they say if there are any."""
    each = figures(found)
    good = each[[holds(row) for _, row in each.iterrows()]]
    return tuple((each if good.empty else good)["score"].idxmin())


def page(found: pd.DataFrame) -> str:
    """The best scale for each direction and power, and each sweep with the way that is chosen without it."""
    head = (*NAMES, "95 %", "50 %", "worst sweep", "beyond 30 times", "score", "")
    lines = [head, ("---",) * len(head)]
    each, best = figures(found), chosen(found)
    for _, part in each.groupby(["direction", "power", "df"]):
        good = part[[holds(row) for _, row in part.iterrows()]]
        way = (part if good.empty else good)["score"].idxmin()
        said = "chosen" if way == best else "" if len(good) else "fails"
        lines.append((*(f"{each:g}" for each in way), *cells(part.loc[way]), said))
    without = pd.concat(
        [part.set_index(list(NAMES)).loc[[chosen(found[found.sweep != sweep])]].reset_index()
         for sweep, part in found.groupby("sweep", sort=False)]
    )  # fmt: skip
    of_all = figures(without.assign(**dict.fromkeys(NAMES, 0.0))).iloc[0]
    lines.append(("each sweep as chosen without it", "", "", "", *cells(of_all), ""))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cells(row: pd.Series) -> tuple[str, ...]:
    return (*(f"{100 * row[name]:.1f} %" for name in ("0.95", "0.5", "least", "far")), f"{row['score']:.4f}")


def main(data: Path, fits: str) -> None:
    found = tried(data, fits)
    text = page(found)
    (HERE / "averages.md").write_text(text, encoding="utf-8")
    parts = tomli_w.dumps(dict(zip(NAMES, chosen(found), strict=True)))
    AVERAGES.write_text(f"# {NOTE}\n{parts}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]), sys.argv[2])
