"""How far laws put the best size of a budget beside that of its own runs, on public isoFLOP sweeps.

    python case_studies/honest_intervals/optima.py DATA FITS

fits each law to the cheapest budgets of each sweep (finished fits are kept in the folder FITS), and compares the best
sizes at all budgets with the lowest points of their runs.  It writes optima.csv, optima.md and the scales of
``bayeslaw/data/place_drift.toml``.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import t as student

import bayeslaw as bl
from bayeslaw.ask.average import Average
from bayeslaw.ask.optimum.place import LEARNED, PlaceDrift
from bayeslaw.ask.optimum.place import learned as learned_drifts
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.best_sizes import best_sizes_at
from bayeslaw.inference.shards import Shards
from bayeslaw.runs.bottoms import Bottom, bottoms_of
from bayeslaw.runs.budgets import budgets_of
from bayeslaw.validation.backtest.best_sizes import Asked, regret_scores, size_scores, stated

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
FAR = 0.3  # e-folds beyond the largest seen from which a budget is hidden
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


@dataclass(frozen=True)
class Origin:
    """The cheapest budgets of a sweep, and a law fitted to them.

    Attributes
    ----------
    share, most
        The share of the budgets that is seen, and the largest of them.
    bottoms
        All budgets with their lowest loss among their runs.
    """

    law: str
    study: str
    sweep: str
    share: float
    most: float
    bottoms: list[Bottom]
    posterior: bl.Posterior


def origins(data: Path, fits: Path) -> Iterator[Origin]:
    """Every law, fitted to the cheapest budgets of every sweep."""
    for law in LAWS:
        plans, about = [], []
        for study, sweep, runs in sweeps(data):
            bottoms, budgets = lowest_points(runs), compute_of_budgets(runs)
            for share in SHARES:
                most = budgets[max(3, round(share * len(budgets))) - 1]
                plans.append(make_plan(bl.law(law), runs.where(f"flops <= {most * NEAR:.6g}"), None, {}))
                about.append((study, sweep, share, most, bottoms))
        for posterior, each in zip(fit_many(plans, shards=Shards(fits / law), **SETTINGS), about, strict=True):
            yield Origin(law, *each, posterior)


def offsets(every: Iterable[Origin]) -> pd.DataFrame:
    """One row for each law, sweep, share of seen budgets, and budget with its lowest loss among its runs."""
    return pd.DataFrame([
        {
            "law": each.law, "study": each.study, "sweep": each.sweep, "seen": each.share,
            "far": round(float(np.log(found.bottom.compute / each.most)), 4), "offset": round(found.offset, 4),
            "error": round(found.bottom.error, 4), "law_sd": round(float(found.log_sizes.std()), 4),
        }
        for each in every for found in best_sizes_at(each.posterior, {}, each.bottoms)
    ])  # fmt: skip


def answers(every: Sequence[Origin]) -> list[str]:
    """What the package says of the hidden budgets, and what choosing the stated size would have given up."""
    lines = [
        "| law | budgets | 95 % of the best size | 50 % | 90 % of the regret | given up, median | most |",
        "|" + "---|" * 7,
    ]
    for law in LAWS:
        found, asked = [], []
        for each in (one for one in every if one.law == law):
            for bottom in each.bottoms:
                if np.log(bottom.compute / each.most) > FAR:
                    asked.append(Asked("", bottom, bottom.compute / each.most))
                    found.append(stated(Average.of(each.posterior), asked[-1], drift=True))
        size, regret = size_scores(found, asked), regret_scores(found, asked)
        inside = [size.inside(0.95), size.inside(0.5), regret.inside(0.9)]
        cells = [law, str(len(size)), *(f"{x.mean():.3f}" for x in inside)]
        cells += [f"{np.median(regret.observed):.4f}", f"{regret.observed.max():.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


@dataclass(frozen=True)
class Table:
    """The budgets of one sweep under one law, from one origin: those seen, and those hidden.

    Attributes
    ----------
    seen, hidden
        By column: ``far``, ``offset`` and the errors; each of shape ``(budgets,)``.
    """

    law: str
    study: str
    seen: dict[str, np.ndarray]
    hidden: dict[str, np.ndarray]

    def scored(self, drift: PlaceDrift, shown: bool) -> tuple[np.ndarray, np.ndarray, float]:
        """By how much each hidden budget's best size is missed, the scale of that, and the degrees of freedom."""
        known = [self.seen[name] if shown else np.zeros(0) for name in ("far", "offset", "error")]
        middle, scale, df = drift.offset(self.hidden["far"], *known)
        whole = np.sqrt(scale**2 + self.hidden["law_sd"] ** 2 + self.hidden["error"] ** 2)
        return self.hidden["offset"] - middle, whole, df

    def log_density(self, drift: PlaceDrift, shown: bool) -> float:
        """Of all hidden budgets."""
        miss, scale, df = self.scored(drift, shown)
        return float((student.logpdf(miss / scale, df) - np.log(scale)).sum())


def tables(found: pd.DataFrame) -> list[Table]:
    """The tables that hide a budget."""

    def columns(part: pd.DataFrame) -> dict[str, np.ndarray]:
        return {name: part[name].to_numpy() for name in ("far", "offset", "error", "law_sd")}

    return [
        Table(law, study, columns(part[part.far < 0.05]), columns(part[part.far > FAR]))
        for (law, study, _, _), part in found.groupby(["law", "study", "sweep", "seen"])
        if (part.far > FAR).any()
    ]


def likelihood(parts: list[Table], drift: PlaceDrift, shown: bool) -> float:
    """Log density of the hidden offsets; a study counts as the root of its budgets, since its sweeps are related."""
    total, count = Counter[str](), Counter[str]()
    for part in parts:
        total[part.study] += part.log_density(drift, shown)
        count[part.study] += len(part.hidden["far"])
    return float(sum(total[study] / np.sqrt(count[study]) for study in total))


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
        own = [part for part in parts if part.law == law]
        levels = np.geomspace(0.05, 1.5, 30)
        level = max(levels, key=lambda x: likelihood(own, replace(common, level=float(x)), False))
        return replace(common, level=float(level))

    return {law: of(law) for law in found.law.unique()}


def left_out(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """Every hidden budget, by scales learned without its sweep or study, with and without the best sizes shown."""
    rows = []
    for one in found[by].unique():
        drifts = learned(found[found[by] != one])
        for (_, _, seen), part in found[found[by] == one].groupby(["law", "sweep", "seen"]):
            for table, shown in product(tables(part), (True, False)):
                miss, scale, df = table.scored(drifts[table.law], shown)
                rows.append(pd.DataFrame({
                    "law": table.law, "study": table.study, "seen": seen, "shown": shown, "without": by,
                    "miss": miss, "scale": scale, "df": df, "z": miss / scale, **table.hidden,
                }))  # fmt: skip
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
    every = list(origins(data, fits))
    found = offsets(every)
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
    learned_drifts.cache_clear()
    lines = [
        *markdown(found),
        "",
        "The package's own answers, by the scales learned from all sweeps.",
        "",
        *answers(every),
    ]
    (HERE / "optima.md").write_text("\n".join(lines).strip() + "\n", encoding="utf-8")
    print((HERE / "optima.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
