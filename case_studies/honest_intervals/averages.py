"""How far do laws drift within an average?

    python case_studies/honest_intervals/averages.py DATA FITS

forecasts every sweep in the folder DATA without drift, with the fits in the folder FITS (made where they are not there
yet), and tries ways to drift on these forecasts.  What each way gives goes into averages.csv and averages_without.csv
(a table that is there is not made again), what follows into averages.md, and the way that is chosen into
bayeslaw/data/average_drift.toml.

First all four numbers are free: parts of the direction and scale that each law has from the *other* sweeps
(left_out.json), powers of the distance, and tails.  Six sweeps do not determine four numbers for a seventh.  So three
of them are fixed, and one is learned, with every sweep left out in turn, of its own drift and of the choice.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from bayeslaw.ask.forecast.drift import AVERAGES, learned_drifts, less_disagreement
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.shards import Shards
from bayeslaw.inference.workplace import Workplace
from bayeslaw.runs.observations import inputs
from bayeslaw.validation.backtest.ahead import Look, looks
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along
from bayeslaw.validation.backtest.scores import Scores

HERE = Path(__file__).parent
FOUND, WITHOUT = HERE / "averages.csv", HERE / "averages_without.csv"
SAMPLING = bl.Sampling(draws=500, patience=False)
# Parts of the direction, parts of the scale, powers of the distance, degrees of freedom.
WAYS = tuple(product((0.0, 0.5, 0.75), (0.6, 0.65, 0.7, 0.75), (1.0, 1.5, 1.75, 2.0), (3.0, 30.0)))
NAMES = ("direction", "scale", "power", "df")
# The fixed numbers.  Half of a direction, as half of it was believed of single laws.  The square of the distance, since
# a posterior knows a curve and its slope at the largest runs, and not how it bends beyond them.  Nearly normal, since
# with the ends of 95 % intervals given, heavy tails only narrow those of 50 %.
FIXED = {"direction": 0.5, "power": 2.0, "df": 30.0}
# The number that is learned, to one digit.
SCALES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
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


def ways(
    look: Look, alone: dict[str, bl.Drift], which: Iterable[tuple[float, ...]]
) -> Iterator[tuple[tuple[float, ...], np.ndarray]]:
    """New runs by the average in each way: in logs, a drift is linear in its direction and in its scale."""
    ones = replace(look, drawn={name: replace(each, run=np.ones_like(each.run)) for name, each in look.drawn.items()})

    def logs(*way: float) -> np.ndarray:
        parts = dict(zip(NAMES, way, strict=True))
        return np.log(drifting(ones, {name: alone[name].averaged(parts) for name in AVERAGED}))

    still = look.fits.mixed({name: each.run for name, each in look.drawn.items()})
    shapes: dict[tuple[float, ...], tuple[np.ndarray, np.ndarray]] = {}
    for direction, scale, *shape in which:
        if (key := tuple(shape)) not in shapes:
            shapes[key] = logs(1.0, 0.0, *shape), logs(0.0, 1.0, *shape)
        towards, around = shapes[key]
        yield (direction, scale, *shape), still * np.exp(direction * towards + scale * around)


def left_out() -> dict[str, dict[str, bl.Drift]]:
    """By sweep, the drifts of laws as learned from all others."""
    every = json.loads((HERE / "left_out.json").read_text(encoding="utf-8"))
    return {sweep: {name: bl.Drift(**each) for name, each in of.items()} for sweep, of in every.items()}


def without_both(one: str, other: str) -> dict[str, bl.Drift]:
    """Drifts that know neither of two sweeps, to first order.

    What leaving out each changes adds up: in directions, and in the logs of scales.
    """
    every, whole = left_out(), learned_drifts()
    if one == other:
        return every[one]
    pairs = {name: (every[one][name], every[other][name], whole[name]) for name in AVERAGED}
    return {
        name: replace(all_, direction=a.direction + b.direction - all_.direction, scale=a.scale * b.scale / all_.scale)
        for name, (a, b, all_) in pairs.items()
    }


type Rows = Iterator[dict[str, Any]]


def rows(of: Callable[[str, Look], Rows], data: Path, fits: str) -> Rows:
    """The rows of every look at every sweep."""
    for sweep in SWEEPS:
        for table, runs in tables(data, sweep):
            print(table, file=sys.stderr, flush=True)
            for look in looks_at(runs, fits):
                yield from of(sweep, look)


def of_all_ways(sweep: str, look: Look) -> Rows:
    """A row a way, with the drifts of the other sweeps."""
    for way, draws in ways(look, left_out()[sweep], WAYS):
        yield {**dict(zip(NAMES, way, strict=True)), "sweep": sweep, **measured(look, draws)}


def of_scales(sweep: str, look: Look) -> Rows:
    """A row a scale and another sweep, with drifts that do not know this other one either."""
    few = [(FIXED["direction"], scale, FIXED["power"], FIXED["df"]) for scale in SCALES]
    for without in SWEEPS:
        for (_, scale, *_), draws in ways(look, without_both(sweep, without), few):
            yield {"without": without, "scale": scale, "sweep": sweep, **measured(look, draws)}


def kept(path: Path, new: Rows, by: Sequence[str]) -> pd.DataFrame:
    """Rows summed over the looks at a sweep, from a file if it is there."""
    if not path.exists():
        found = pd.DataFrame(new).groupby([*by, "sweep"], sort=False).sum().reset_index()
        found.to_csv(path, index=False, float_format="%.6g")
    return pd.read_csv(path)


def figures(found: pd.DataFrame, by: Sequence[str] = NAMES) -> pd.DataFrame:
    """A row a way: what the project holds itself to, over the sweeps that there are."""
    part = (found["0.95"] / found["n"]).groupby([found[name] for name in by])
    least = (found["0.95"] / found["n"]).where(found["n"] >= ENOUGH).groupby([found[name] for name in by])
    total = found.groupby(list(by))[["n", "0.5", "0.95", "score", "n_far", "far"]].sum()
    return pd.DataFrame({
        "0.95": total["0.95"] / total["n"], "0.5": total["0.5"] / total["n"], "least": least.min(),
        "far": total["far"] / total["n_far"], "score": total["score"] / total["n"], "of sweeps": part.mean(),
    })  # fmt: skip


def best(each: pd.DataFrame) -> Any:
    """The way of the least interval score, of those that hold what they say if there are any."""
    good = each[[holds(row) for _, row in each.iterrows()]]
    return (each if good.empty else good)["score"].idxmin()


def least_of(column: str) -> Callable[[pd.DataFrame], Any]:
    """The least scale with which 95 % of something is covered."""

    def rule(each: pd.DataFrame) -> Any:
        enough = each[each[column] >= 0.95]
        return each.index[-1] if enough.empty else enough.index[0]

    return rule


# How the scale might be chosen.  The first is what is asked of the intervals, and is what is done.
RULES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "the least score of those that hold": best,
    "the least score": lambda each: each["score"].idxmin(),
    "95 % of outcomes covered": least_of("0.95"),
    "95 % covered, sweeps counted alike": least_of("of sweeps"),
    "95 % covered beyond 30 times": least_of("far"),
}


def chosen(without: pd.DataFrame) -> dict[str, float]:
    """What all sweeps choose together, each with the drift of the others."""
    own = without[without["without"] == without["sweep"]]
    return {**FIXED, "scale": float(best(figures(own, ["scale"])))}


def as_chosen_without(without: pd.DataFrame, rule: Callable[[pd.DataFrame], Any]) -> tuple[list[float], pd.Series]:
    """The scale of each sweep that a rule chooses on the others, and the figures of all sweeps so forecast."""
    scales, rows = [], []
    for sweep in SWEEPS:
        part = without[without["without"] == sweep]
        scales.append(float(rule(figures(part[part["sweep"] != sweep], ["scale"]))))
        rows.append(part[(part["sweep"] == sweep) & (part["scale"] == scales[-1])])
    return scales, figures(pd.concat(rows).assign(scale=0.0), ["scale"]).iloc[0]


def page(found: pd.DataFrame, without: pd.DataFrame) -> str:
    """The best scale for each direction and power; and, as chosen without the sweep, four numbers and one."""
    head = (*NAMES, "95 %", "50 %", "worst sweep", "beyond 30 times", "score", "")
    lines = [head, ("---",) * len(head)]
    each, now = figures(found), chosen(without)
    for _, part in each.groupby(["direction", "power", "df"]):
        way = best(part)
        said = "chosen" if dict(zip(NAMES, way, strict=True)) == now else "" if holds(part.loc[way]) else "fails"
        lines.append((*(f"{number:g}" for number in way), *cells(part.loc[way]), said))
    last = [found[(found["sweep"] == sweep)].set_index(list(NAMES)).loc[[best(figures(found[found["sweep"] != sweep]))]]
            for sweep in SWEEPS]  # fmt: skip
    of_all = figures(pd.concat(last).reset_index().assign(**dict.fromkeys(NAMES, 0.0))).iloc[0]
    lines.append(("all four as chosen without the sweep", "", "", "", *cells(of_all), ""))
    for name, rule in reversed(RULES.items()):
        scales, of_all = as_chosen_without(without, rule)
        spread = f"{min(scales):g} to {max(scales):g}"
        fixed = {**{name: f"{number:g}" for name, number in FIXED.items()}, "scale": spread}
        lines.append((*(fixed[name] for name in NAMES), *cells(of_all), f"scale as chosen without the sweep: {name}"))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cells(row: pd.Series) -> tuple[str, ...]:
    return (*(f"{100 * row[name]:.1f} %" for name in ("0.95", "0.5", "least", "far")), f"{row['score']:.4f}")


def main(data: Path, fits: str) -> None:
    found = kept(FOUND, rows(of_all_ways, data, fits), NAMES)
    without = kept(WITHOUT, rows(of_scales, data, fits), ("without", "scale"))
    text = page(found, without)
    (HERE / "averages.md").write_text(text, encoding="utf-8")
    now = chosen(without)
    parts = tomli_w.dumps({name: now[name] for name in NAMES})
    AVERAGES.write_text(f"# {NOTE}\n{parts}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]), sys.argv[2])
