"""How far laws put the best size of a budget beside that of its own runs, on public isoFLOP sweeps.

    python case_studies/honest_intervals/optima.py DATA FITS

fits each law to the cheapest budgets of each sweep (finished fits are kept in the folder FITS), and compares the best
sizes at all budgets with the lowest points of their runs.  It writes optima.csv, optima.md and the scales of
``bayeslaw/data/place_drift.toml``.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import t as student

import bayeslaw as bl
from bayeslaw.ask.optimum.place import LEARNED, PlaceDrift
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.best_sizes import best_sizes_at
from bayeslaw.inference.shards import Shards
from bayeslaw.runs.bottoms import Bottom, bottoms_of
from bayeslaw.runs.budgets import budgets_of

HERE = Path(__file__).parent
LAWS = ("isoflop", "coupled")
# By name of the study: file, rows, and the column whose values are sweeps.
STUDIES = {
    "Porian": ("porian_isoflop", "n_params > 0", "family"),
    "Loss to loss": ("loss_to_loss", "split == 'sweep'", "family"),
    "Protein": ("protein_isoflop", "finished == 1 and other_corpus == 0 and budget <= 1e21", "family"),
    "Chinchilla": ("chinchilla_epoch", "excluded_in_source_fit == 0", None),
}
SHARES = (0.4, 0.6)  # of the budgets that are seen
SETTINGS = {"draws": 300, "warmup": 300, "chains": 2}
NEAR = 1.05  # budgets closer than this are the same
TEN = np.log(13.0)  # about ten times the compute


def sweeps(data: Path) -> Iterator[tuple[str, str, bl.Runs]]:
    """The study, the sweep and its runs, with tokens as the budget has them where they were not recorded."""
    for study, (file, rows, family) in STUDIES.items():
        runs = bl.read_runs(data / f"{file}.csv").where(rows)
        for name in [study] if family is None else runs.levels(family)[0]:
            part = runs if family is None else runs.where(f"{family} == '{name}'")
            # The planned budget where there is one: runs of one budget end at slightly different compute.
            compute = part.column("budget" if part.has("budget") else "flops")
            size, loss = part.column("n_params"), part.column("loss")
            tokens = compute / (6.0 * size)
            yield study, name, bl.read_runs({"n_params": size, "n_tokens": tokens, "flops": compute, "loss": loss})


def lowest_points(runs: bl.Runs) -> list[Bottom]:
    return bottoms_of(*(runs.column(name) for name in ("flops", "n_params", "loss")))


def compute_of_budgets(runs: bl.Runs) -> list[float]:
    """The compute of each budget, rising."""
    compute = runs.column("flops")
    budget = budgets_of(compute, runs.column("n_params"))
    return [float(np.median(compute[budget == i])) for i in range(budget.max() + 1)]


def offsets(data: Path, fits: Path) -> pd.DataFrame:
    """One row for each law, sweep, share of seen budgets, and budget with its lowest loss among its runs."""
    rows = []
    for name in LAWS:
        plans, about = [], []
        for study, sweep, runs in sweeps(data):
            bottoms, budgets = lowest_points(runs), compute_of_budgets(runs)
            for share in SHARES:
                most = budgets[max(3, round(share * len(budgets))) - 1]
                plans.append(make_plan(bl.law(name), runs.where(f"flops <= {most * NEAR:.6g}"), None, {}))
                about.append((study, sweep, share, most, bottoms))
        for posterior, (study, sweep, share, most, bottoms) in zip(
            fit_many(plans, shards=Shards(fits / name), **SETTINGS), about, strict=True
        ):
            for found in best_sizes_at(posterior, {}, bottoms):
                rows.append({
                    "law": name, "study": study, "sweep": sweep, "seen": share,
                    "far": round(float(np.log(found.bottom.compute / most)), 4), "offset": round(found.offset, 4),
                    "error": round(found.bottom.error, 4), "law_sd": round(float(found.log_sizes.std()), 4),
                })  # fmt: skip
            print(name, study, sweep, share, f"{posterior.diagnostics.rhat:.3f}", flush=True)
    return pd.DataFrame(rows)


def tables(found: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each sweep and share that hide a budget."""
    each = (part for _, part in found.groupby(["law", "sweep", "seen"]))
    return [part for part in each if (part.far > 0.3).any()]


def scored(part: pd.DataFrame, drift: PlaceDrift, shown: bool) -> pd.DataFrame:
    """The hidden budgets with the standardised error of their best size, and the scale of it."""
    seen = part[part.far < 0.05] if shown else part[:0]
    hidden = part[part.far > 0.3]
    middle, scale, df = drift.offset(*(x.to_numpy() for x in (hidden.far, seen.far, seen.offset, seen.error)))
    scale = np.sqrt(scale**2 + hidden.law_sd**2 + hidden.error**2)
    return hidden.assign(miss=hidden.offset - middle, scale=scale, z=(hidden.offset - middle) / scale, df=df)


def likelihood(parts: list[pd.DataFrame], drift: PlaceDrift, shown: bool) -> float:
    """Log density of the hidden offsets; a study counts as the root of its budgets, since its sweeps are related."""
    every = pd.concat([scored(part, drift, shown) for part in parts])
    density = student.logpdf(every.z, every.df) - np.log(every.scale)
    by_study = density.groupby(every.study)
    return float((by_study.sum() / np.sqrt(by_study.count())).sum())


def learned(found: pd.DataFrame) -> dict[str, PlaceDrift]:
    """The scales: slope, turn and tails for all laws together, from sweeps that show best sizes; the level by law."""
    parts = tables(found)

    def shared(logs: np.ndarray) -> PlaceDrift:
        slope, turn, tails = np.exp(logs)
        return PlaceDrift(1.0, slope, turn, 2.0 + tails)

    best = minimize(lambda x: -likelihood(parts, shared(x), True), np.log([0.05, 0.05, 8.0]), method="Nelder-Mead",
                    options={"xatol": 0.02, "fatol": 0.02})  # fmt: skip
    common = shared(best.x)

    def of(law: str) -> PlaceDrift:
        own = [part for part in parts if part.law.iloc[0] == law]
        levels = np.geomspace(0.05, 1.5, 30)
        level = max(levels, key=lambda x: likelihood(own, PlaceDrift(x, common.slope, common.turn, common.df), False))
        return PlaceDrift(float(level), common.slope, common.turn, common.df)

    return {law: of(law) for law in found.law.unique()}


def left_out(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """Every hidden budget, by scales learned without its sweep or study, with and without the best sizes shown."""
    rows = []
    for one in found[by].unique():
        drifts = learned(found[found[by] != one])
        for part in tables(found[found[by] == one]):
            drift = drifts[part.law.iloc[0]]
            rows += [scored(part, drift, shown).assign(shown=shown, without=by) for shown in (True, False)]
    return pd.concat(rows)


def summary(every: pd.DataFrame) -> dict[str, str]:
    """Coverage, widths and errors of some hidden budgets."""
    inside = {level: np.abs(every.z) < student.ppf(0.5 + level / 2, every.df) for level in (0.95, 0.5)}
    width = 2 * student.ppf(0.975, every.df) * every.scale
    return {
        "budgets": str(len(every)), "95 %": f"{inside[0.95].mean():.3f}", "50 %": f"{inside[0.5].mean():.3f}",
        "narrower than 3x to ten times": f"{(width[every.far < TEN] < np.log(3)).mean():.2f}",
        "error (rms of log)": f"{np.sqrt((every.miss**2).mean()):.3f}",
        "of the law itself": f"{np.sqrt((every.offset**2).mean()):.3f}",
    }  # fmt: skip


def markdown(found: pd.DataFrame) -> list[str]:
    lines: list[str] = []
    every = pd.concat([left_out(found, "sweep"), left_out(found, "study")])
    for (without, shown), part in every.groupby(["without", "shown"], sort=False):
        how = "the fitted budgets show their best sizes" if shown else "as if no fitted budget showed its best size"
        head = ["law", "of", *summary(part)]
        lines += ["", f"Scales learned without the {without}; {how}.", ""]
        lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        for law, own in part.groupby("law", sort=False):
            kinds = [("all", own), *((f"{seen:.0%} of budgets seen", x) for seen, x in own.groupby("seen"))]
            for kind, x in [*kinds, *own.groupby("study", sort=False)]:
                lines.append(f"| {' | '.join([law, kind, *summary(x).values()])} |")
    return lines


def main(data: Path, fits: Path) -> None:
    found = offsets(data, fits)
    found.to_csv(HERE / "optima.csv", index=False)
    drifts = learned(found)
    widest = max(drifts.values(), key=lambda each: each.level)
    lines = [
        "# How the log of the best size at a budget of training compute drifts from a law's: scales of the level where",
        "# the runs do not show it, of the slope per e-fold of compute, and of its turn beyond the runs; made by",
        "# case_studies/honest_intervals/optima.py.",
    ]
    for name, each in {**drifts, "other": widest}.items():
        lines += [f"[law.{name}]", *(f"{key} = {value:.3g}" for key, value in vars(each).items()), ""]
    LEARNED.write_text("\n".join(lines), encoding="utf-8")
    (HERE / "optima.md").write_text("\n".join(markdown(found)).strip() + "\n", encoding="utf-8")
    print((HERE / "optima.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
