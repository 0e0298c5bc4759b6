"""How fast the density of open models grows: a frontier fitted to all of them, beside a regression on record-setters.

    python case_studies/densing/study.py FOLDER

with epoch_dated_benchmarks.csv, openllm_v2_dated.csv and obs_base_benchmarks.csv in the folder; writes frontier.png and
table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

import bayeslaw as bl

HERE = Path(__file__).parent
DAY_0 = date(2023, 2, 24)  # of LLaMA, where the paper begins
TOKENS = 1e12  # of the reference models that networks are measured in, as in the paper
SIZES = np.geomspace(1e7, 1e12, 2001)  # no reference model is larger than this
# Draws of the reference, for each of which the frontier is fitted: its doubt is common to all networks.
IMAGINED = 40
ERRORS = 2.0  # a score within so many standard errors of its floor or ceiling is at it
SETTINGS = {"draws": 1500, "warmup": 500, "chains": 2, "target_accept": 0.95}


@dataclass(frozen=True)
class Benchmark:
    """Scores of one benchmark; `reference` says which of them tell what score a size and its tokens make."""

    name: str
    questions: int
    chance: float
    day: np.ndarray
    size: np.ndarray
    score: np.ndarray
    reference: bl.Runs


def days(texts: np.ndarray) -> np.ndarray:
    """Days since day 0; of a month, since its middle."""
    return np.array([(date.fromisoformat(t if len(t) > 7 else f"{t}-15") - DAY_0).days for t in texts], dtype=float)


def reference(size: np.ndarray, tokens: np.ndarray, score: np.ndarray, questions: int) -> bl.Runs:
    return bl.read_runs({
        "n_params": size, "n_tokens": tokens, "n_trials": np.full(len(size), questions),
        "n_correct": np.round(score * questions),
    })  # fmt: skip


def dated_by_epoch(folder: Path, name: str, questions: int, chance: float) -> Benchmark:
    """Open base models since LLaMA by active parameters; LLaMA 1 and 2 are the reference."""
    runs = bl.read_runs(folder / "epoch_dated_benchmarks.csv").where(
        f"open_weights == 1 and n_params_active > 0 and {name} > 0"
    )
    names = runs.data["model"]
    base = np.array([not any(word in each for word in ("Instruct", "Command")) for each in names])
    runs = runs.take(base & (days(runs.data["release_date"]) >= 0))
    llama = runs.take(np.isin(runs.data["family"], ["LLaMa-1", "LLaMa-2"]))
    return Benchmark(
        name, questions, chance, days(runs.data["release_date"]), runs.column("n_params_active"), runs.column(name),
        reference(llama.column("n_params_active"), llama.column("n_tokens"), llama.column(name), questions),
    )  # fmt: skip


def leaderboard(folder: Path, name: str, questions: int, chance: float) -> Benchmark:
    """Dense pretrained models by day of upload; those of early families whose tokens are known are the reference."""
    runs = bl.read_runs(folder / "openllm_v2_dated.csv").where(f"type == 'pretrained' and moe == 0 and {name} > 0")
    _, first = np.unique(runs.data["model"], return_index=True)
    runs = runs.take(np.sort(first))
    known = bl.read_runs(folder / "obs_base_benchmarks.csv").where("n_tokens > 0")
    early = np.isin(known.data["family"], ["Llama", "Llama-2", "Pythia", "Falcon", "OPT", "GPT-Neo/J"])
    tokens = dict(zip(known.data["model"][early], known.column("n_tokens")[early], strict=True))
    told = runs.take(np.array([each in tokens for each in runs.data["model"]]))
    recent = runs.take(days(runs.data["upload_date"]) >= 0)
    return Benchmark(
        name, questions, chance, days(recent.data["upload_date"]), recent.column("n_params"), recent.column(name),
        reference(told.column("n_params"), np.array([tokens[each] for each in told.data["model"]]), told.column(name),
                  questions),
    )  # fmt: skip


def densities(bench: Benchmark, law: bl.Law, at: dict[str, float]) -> bl.Runs:
    """Effective over real size under one draw of the reference, with what is at floor or ceiling as bounds."""
    curve = law.mean({"N": SIZES, "D": TOKENS}, at)
    # A BetaBinomial share of n questions: as much scatter as 1 + 1/n + 1/kappa more makes.
    worth = (at["kappa"] + 1) / (1 + at["kappa"] / bench.questions)
    error = np.sqrt(bench.score * (1 - bench.score) / worth)
    low = np.maximum(bench.chance + ERRORS * error, curve[0])
    high = np.maximum(curve[-1] - ERRORS * error, low)
    bound = np.select([bench.score < low, bench.score > high], [-1.0, 1.0], 0.0)
    log_size = np.interp(np.clip(bench.score, low, high), curve, np.log(SIZES))
    steep = np.interp(log_size, np.log(SIZES), np.gradient(curve, np.log(SIZES)))
    return bl.read_runs({
        "day": bench.day, "density": np.exp(log_size) / bench.size, "bound": bound,
        "log_density_se": np.where(bound == 0, np.minimum(error / steep, 5.0), 0.0),
    })  # fmt: skip


def record_setters(runs: bl.Runs) -> float:
    """Doubling time by the paper's way: a regression of the log density on the day, of those denser than all before.

    Not a number where they are fewer than three.
    """
    known = runs.take(runs.column("bound") == 0)
    day, log_density = known.column("day"), np.log(known.column("density"))
    order = np.argsort(day, kind="stable")
    best = np.maximum.accumulate(log_density[order])
    records = order[np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)]
    if len(records) < 3:
        return np.nan
    return float(np.log(2) / np.polyfit(day[records], log_density[records], 1)[0])


@dataclass(frozen=True)
class Frontier:
    """Draws over the doubt of the reference and of the frontier; densities under the middle of the reference."""

    bench: Benchmark
    doubling: np.ndarray
    rho: np.ndarray
    shortfall: np.ndarray
    records: np.ndarray
    middle: bl.Runs


def frontier(bench: Benchmark) -> Frontier:
    law = bl.law("task_chain").with_priors(chance=f"Constant({bench.chance})")
    fitted = bl.fit(law, bench.reference, target_accept=0.99)
    print(bench.name, fitted, fitted.diagnostics.complaints, file=sys.stderr, flush=True)
    draws = fitted.parameters()
    found = {name: [] for name in ("doubling", "rho", "shortfall")}
    records, complaints = [], 0
    for i in np.linspace(0, fitted.size - 1, IMAGINED).astype(int):
        runs = densities(bench, law, {name: float(values[i]) for name, values in draws.items()})
        posterior = bl.fit("densing", runs, seed=int(i), **SETTINGS)
        complaints += not posterior.diagnostics.converged
        for name, kept in found.items():
            kept.append(posterior.draws(name))
        records.append(record_setters(runs))
    print(f"{complaints} of {IMAGINED} frontiers with complaints", file=sys.stderr, flush=True)
    middle = densities(bench, law, {name: float(np.median(values)) for name, values in draws.items()})
    return Frontier(bench, *(np.concatenate(each) for each in found.values()), np.array(records), middle)


def interval(draws: np.ndarray) -> str:
    median, low, high = np.nanquantile(draws, [0.5, 0.05, 0.95])
    return f"{median:.3g} [{low:.3g}, {high:.3g}]"


def draw(shown: dict[str, Frontier]) -> None:
    """Densities by date with the frontier and its doubt."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.2), dpi=120, layout="constrained")
    for axes, (name, one) in zip(figure.subplots(1, len(shown), sharey=True), shown.items(), strict=True):
        day, density, bound = (one.middle.column(column) for column in ("day", "density", "bound"))
        for value, marker, label in ((0, "o", "known"), (1, "^", "at least"), (-1, "v", "at most")):
            here = bound == value
            axes.plot(day[here], density[here], marker, ms=4, color="#222222", alpha=0.7, ls="", label=label)
        line = np.linspace(0, day.max(), 50)[:, None]
        low, median, high = np.quantile(one.rho * 2 ** (line / one.doubling), [0.05, 0.5, 0.95], axis=1)
        axes.fill_between(line[:, 0], low, high, color="#0072B2", alpha=0.2, lw=0)
        axes.plot(line[:, 0], median, color="#0072B2", label="frontier, 90 %")
        axes.set(yscale="log", xlabel="days from 24 February 2023")
        axes.set_title(name, fontsize=10)
    figure.axes[0].set_ylabel("effective over real size")
    figure.axes[0].legend(fontsize=7.5, frameon=False)
    figure.savefig(HERE / "frontier.png")


def main(folder: Path) -> None:
    found = {
        "MMLU, dated by Epoch": frontier(dated_by_epoch(folder, "mmlu", 14042, 0.25)),
        "MMLU-Pro, leaderboard": frontier(leaderboard(folder, "mmlu_pro", 12032, 0.1)),
        "BBH, leaderboard": frontier(leaderboard(folder, "bbh", 5761, 0.29)),
    }
    draw({name: found[name] for name in ("MMLU, dated by Epoch", "MMLU-Pro, leaderboard")})
    lines = [
        "| benchmark | models | reference | at floor | at ceiling | doubling time, days | record-setters alone, days "
        "| mean shortfall, e-folds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        bound = one.middle.column("bound")
        lines.append(
            f"| {name} | {len(bound)} | {len(one.bench.reference)} | {np.sum(bound < 0)} | {np.sum(bound > 0)} "
            f"| {interval(one.doubling)} | {interval(one.records)} | {interval(one.shortfall)} |"
        )
    text = "\n".join(lines)
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
