"""92 learning curves: what is foretold of their last part, and what is learned of how laws drift along them.

    python case_studies/honest_intervals/curves.py DATA FITS

fits the broken power law to the first part of every curve, as its source splits it, and keeps the fits in the folder
FITS.  The slopes of their errors go into curves.csv (from which learn.py makes the drift that the package has), and how
forecasts did, with drift learned from the other data sets and beside least squares, into curves.json and curves.md.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from scipy.optimize import least_squares

import bayeslaw as bl
from bayeslaw.inference.base.progress import watched
from bayeslaw.inference.infer import sample
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.shards import Shards
from bayeslaw.inference.workplace import Workplace
from bayeslaw.validation.backtest.ahead import Look, looks
from bayeslaw.validation.backtest.origins import origin_where
from bayeslaw.validation.drift.learning import BELIEVED, SETTINGS
from bayeslaw.validation.drift.slopes import as_table, slope_of

HERE = Path(__file__).parent
SLOPES, FOUND = HERE / "curves.csv", HERE / "curves.json"
LAWS = ("bnsl",)
# Slopes along a learning curve, in nats of log loss per e-fold of examples, and over how many they are measured.
USUAL, NEAREST = 0.05, 0.3
ASKED = LAWS[0] if len(LAWS) == 1 else "average"
# What is hidden, and how each fit is sampled.
HIDDEN, SAMPLING = "split == 'test'", bl.Sampling(draws=500, patience=False)
LEVELS = (0.5, 0.8, 0.9, 0.95)


def sweep(curve: str) -> str:
    """The data set that a curve is of: shots and networks differ, what is hard about it does not."""
    domain, task, _ = curve.split("|")
    return task.split("_")[0] if domain == "IC" else domain


def look(runs: bl.Runs, fits: Path, drift: Any) -> Look:
    """The last part of a curve, foretold from the first."""
    plans = {name: make_plan(bl.law(name), runs) for name in LAWS}
    place = Workplace(shards=Shards(fits))
    (found,) = looks(plans, [origin_where(runs, HIDDEN)], drift=drift, sampling=SAMPLING, place=place)
    return found


def fit_all(curves: dict[str, bl.Runs], fits: Path) -> None:
    """Fit every law to the first parts of all curves at once, which is faster than one by one, and keep the fits."""
    for name in LAWS:
        plans = [make_plan(bl.law(name), runs.hiding(origin_where(runs, HIDDEN).hidden)) for runs in curves.values()]
        with watched(True, "fit", name) as watch:
            fit_many(plans, progress=watch.counting(name), shards=Shards(fits), draws=SAMPLING.draws)


def slopes(curves: dict[str, bl.Runs], fits: Path) -> pd.DataFrame:
    """A row a curve and law; fits that are there are taken up."""
    rows = []
    for curve, runs in curves.items():
        found = look(runs, fits, False)
        rows += [
            {
                "sweep": sweep(curve),
                "table": curve,
                "law": name,
                "link": "log",
                "origin": "first part",
                **slope_of(found, name),
            }
            for name in LAWS
        ]
        as_table(rows).to_csv(SLOPES, index=False, float_format="%.6g")
    return as_table(rows)


def learned(measured: pd.DataFrame) -> dict[str, bl.Drift]:
    """The drift on a curve of a data set that is not among those measured.

    Data sets differ in how much laws drift along their curves, by more than curves of one do: one scale for all would
    be sure of the next data set because of many curves of a few.
    """
    found = {}
    for name, table in measured[measured.distance > NEAREST].groupby("law"):
        which, sets = pd.factorize(table.sweep)

        def model(slope: Any, error: Any, which: Any = which, count: int = len(sets)) -> None:
            normal = dist.Normal(0.0, 1.0).expand([count])
            middle = numpyro.sample("middle", dist.Normal(0.0, 2 * USUAL))
            between = numpyro.sample("between", dist.HalfNormal(USUAL))
            log_scale = numpyro.sample("log_scale", dist.Normal(np.log(USUAL), 0.7))
            unlike = numpyro.sample("unlike", dist.HalfNormal(0.7))
            direction = middle + between * numpyro.sample("set", normal)
            scale = math.e ** (log_scale + unlike * numpyro.sample("set_scale", normal))
            numpyro.sample("slope", dist.Normal(direction[which], (scale[which] ** 2 + error**2) ** 0.5), obs=slope)

        drawn = sample(model, (table.slope.to_numpy(), table.error.to_numpy()), SETTINGS)
        drawn.diagnostics.require()
        middle, between, log_scale, unlike = (
            drawn.values[site].ravel() for site in ("middle", "between", "log_scale", "unlike")
        )
        rng = np.random.default_rng(0)
        own, size, slope = rng.standard_normal((3, len(middle)))
        # Unlike data sets make tails that are heavier than a normal's; the 95 % interval is to be theirs.
        slopes = middle + between * own + np.exp(log_scale + unlike * size) * slope
        found[str(name)] = bl.Drift.of(slopes, BELIEVED)
    return found


# --- least squares -----------------------------------------------------------------------------------------------
# Each gives the log of the loss at logs of scale that are centred, from unbounded parameters.


def m1(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A power law."""
    return p[0] - p[1] * x


def m2(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A power law above a floor."""
    return np.logaddexp(p[0] - np.exp(p[1]) * x, p[2])


def m3(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A power law in a scale that saturates."""
    return p[0] + np.exp(p[1]) * np.logaddexp(-x, p[2])


def m4(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A power law that bends into chance at one end and a floor at the other."""
    top, floor, at, rate, gamma = p[0], p[1], p[2], np.exp(p[3]), np.exp(p[4])
    wanted = at - rate * x
    low, high = np.minimum(wanted, 0) - 1.5 - gamma, np.maximum(wanted / gamma, 0) + 1 / gamma + 1
    for _ in range(40):
        middle = (low + high) / 2
        under = gamma * np.logaddexp(0, middle) - np.logaddexp(0, -middle) < wanted
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return top + np.log(_share(floor) + (1 - _share(floor)) * _share((low + high) / 2))


def bnsl(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A power law with a break, above a floor."""
    floor, top, slope, turn, at, width = *p[:5], np.exp(p[5])
    return np.logaddexp(floor, top - slope * x - turn * width * np.logaddexp(0, (x - at) / width))


def _share(logit: Any) -> Any:
    return 1 / (1 + np.exp(-logit))


def starts(first: float, last: float) -> dict[Callable[..., np.ndarray], list[list[float]]]:
    """Where to start from, by law, for a curve whose log loss goes from `first` to `last`."""
    rates = np.log([0.1, 0.3, 0.8])
    return {
        m1: [[last, 0.1]],
        m2: [[last, rate, last - down] for rate in rates for down in (0.1, 0.7, 3)],
        m3: [[last, rate, -down] for rate in rates for down in (2, 4, 8)],
        m4: [
            [first + up, floor, at, rate, gamma]
            for up in (0.02, 0.3) for floor in (-3, -1) for at in (-1, 1) for rate in rates[1:]
            for gamma in np.log([0.3, 1.0])
        ],
        bnsl: [
            [last - down, last, slope, turn, at, width]
            for down in (0.3, 3) for slope in (0.02, 0.2) for turn in (0.3, -0.1) for at in (-1, 0, 1)
            for width in np.log([0.2, 0.8])
        ],
    }  # fmt: skip


def by_least_squares(runs: bl.Runs) -> Iterator[tuple[str, float]]:
    """Each law with the root mean square of its log errors on the last part of a curve."""
    x, y = np.log(runs.column("n_seen")), np.log(runs.column("loss"))
    hidden = np.array(runs.data["split"] == "test")
    x = x - x[~hidden].mean()
    seen = np.argsort(x[~hidden])
    first, last = y[~hidden][seen[[0, -1]]]
    for law, places in starts(first, last).items():

        def miss(p: np.ndarray, law: Callable[..., np.ndarray] = law) -> np.ndarray:
            return np.nan_to_num(law(p, x[~hidden]) - y[~hidden], nan=1e6, posinf=1e6, neginf=-1e6)

        with np.errstate(all="ignore"):
            places = sorted(places, key=lambda p: float(np.sum(miss(np.array(p)) ** 2)))[:4]
            tried = [least_squares(miss, place, x_scale="jac", max_nfev=200) for place in places]
            best = min(tried, key=lambda one: one.cost).x
            yield law.__name__, rms(law(best, x[hidden]) - y[hidden])


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


# --- what was foretold -------------------------------------------------------------------------------------------


def foretold(runs: bl.Runs, fits: Path, drift: Any) -> dict[str, Any]:
    """Errors of medians by law, and whether what happened lies in intervals, by level."""
    found = look(runs, fits, drift)
    seen = found.observed
    inside = {}
    for level in LEVELS:
        low, high = np.quantile(found.runs[ASKED], [(1 - level) / 2, (1 + level) / 2], axis=0)
        inside[f"{level:g}"] = float(((low <= seen) & (seen <= high)).mean())
    errors = {name: rms(np.log(np.median(run, axis=0) / seen)) for name, run in found.runs.items()}
    return {"points": len(seen), "unconverged": found.unconverged, "errors": errors, "inside": inside}


def page(found: dict[str, Any]) -> str:
    """Tables of errors and coverage."""
    curves = found["curves"]
    weights = np.array([each["drift"]["points"] for each in curves.values()])
    lines = ["## Errors", "", "| forecast | median log-RMSE over 92 curves |", "|---|---|"]
    errors = {f"{name}, least squares": [each["least_squares"][name] for each in curves.values()]
              for name in next(iter(curves.values()))["least_squares"]}  # fmt: skip
    for how, words in (("plain", "without drift"), ("drift", "with the drift of the other data sets")):
        for name in dict.fromkeys((*LAWS, ASKED)):
            errors[f"{name}, {words}"] = [each[how]["errors"][name] for each in curves.values()]
    lines += [f"| {words} | {np.median(values):.4f} |" for words, values in errors.items()]
    names = sorted({sweep(curve) for curve in curves})
    lines += ["", f"## Coverage of {ASKED}", "", f"| | all | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for how, words in (("plain", "without drift"), ("drift", "with drift")):
        for level in LEVELS:
            inside = np.array([each[how]["inside"][f"{level:g}"] for each in curves.values()])
            cells = [np.average(inside, weights=weights)]
            for name in names:
                own = np.array([sweep(curve) == name for curve in curves])
                cells.append(np.average(inside[own], weights=weights[own]))
            lines.append(f"| {level:.0%}, {words} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return "\n".join([*lines, ""])


def main(data: Path, fits: Path) -> None:
    table = bl.read_runs(data / "extrapolation_benchmark.csv")
    curves = {name: table.where(f"family == {name!r}") for name in table.levels("family")[0]}
    fit_all(curves, fits)
    measured = slopes(curves, fits)
    left_out = {name: learned(measured[measured.sweep != name]) for name in sorted(set(measured.sweep))}
    found = {
        "left_out": {name: {law: one.as_dict() for law, one in each.items()} for name, each in left_out.items()},
        "curves": {
            curve: {
                "least_squares": dict(by_least_squares(runs)),
                "plain": foretold(runs, fits, False),
                "drift": foretold(runs, fits, left_out[sweep(curve)]),
            }
            for curve, runs in curves.items()
        },
    }
    FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (HERE / "curves.md").write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
