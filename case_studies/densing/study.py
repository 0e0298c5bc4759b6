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
from bayeslaw.ask.threshold.frontier import Frontier

HERE = Path(__file__).parent
DAY_0 = date(2023, 2, 24)  # of LLaMA, where the paper begins
TOKENS = 1e12  # of the reference models that networks are measured in, as in the paper
SIZES = (1e7, 1e12)  # no reference model is larger than this


@dataclass(frozen=True)
class Benchmark:
    """Scores of one benchmark; `reference` says which of them tell what score a size and its tokens make."""

    name: str
    chance: float
    models: bl.Runs
    reference: bl.Runs


def days(texts: np.ndarray) -> np.ndarray:
    """Days since day 0; of a month, since its middle."""
    return np.array([(date.fromisoformat(t if len(t) > 7 else f"{t}-15") - DAY_0).days for t in texts], dtype=float)


def scored(names: np.ndarray, size: np.ndarray, score: np.ndarray, questions: int, **more: np.ndarray) -> bl.Runs:
    """Networks with their scores as counts, and the day or the tokens of each."""
    counts = {"n_trials": np.full(len(size), questions), "n_correct": np.round(score * questions)}
    return bl.read_runs({"model": names, "n_params": size, **counts, **more})


def dated_by_epoch(folder: Path, name: str, questions: int, chance: float) -> Benchmark:
    """Open base models since LLaMA by active parameters; LLaMA 1 and 2 are the reference."""
    runs = bl.read_runs(folder / "epoch_dated_benchmarks.csv").where(
        f"open_weights == 1 and n_params_active > 0 and {name} > 0"
    )
    names = runs.data["model"]
    base = np.array([not any(word in each for word in ("Instruct", "Command")) for each in names])
    runs = runs.take(base & (days(runs.data["release_date"]) >= 0))
    llama = runs.take(np.isin(runs.data["family"], ["LLaMa-1", "LLaMa-2"]))
    every, known = (
        scored(each.data["model"], each.column("n_params_active"), each.column(name), questions, **more)
        for each, more in (
            (runs, {"day": days(runs.data["release_date"])}),
            (llama, {"n_tokens": llama.column("n_tokens")}),
        )
    )
    return Benchmark(name, chance, every, known)


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
    with_tokens = np.array([tokens[each] for each in told.data["model"]])
    every, early_ones = (
        scored(each.data["model"], each.column("n_params"), each.column(name), questions, **more)
        for each, more in ((recent, {"day": days(recent.data["upload_date"])}), (told, {"n_tokens": with_tokens}))
    )
    return Benchmark(name, chance, every, early_ones)


def frontier(bench: Benchmark, **how: int) -> Frontier:
    """The reference, the effective sizes of all networks in it, and the frontier of their densities."""
    law = bl.law("task_chain").with_priors(chance=f"Constant({bench.chance})")
    reference = bl.fit(law, bench.reference, target_accept=0.99, patience=False)
    sizes = bl.effective_size(reference, bench.models, at={"D": TOKENS}, within=SIZES)
    found = bl.frontier(sizes, progress=True, **how)
    print(bench.name, reference, found, sep="\n", flush=True)
    return found


def interval(one: Frontier, name: str) -> str:
    found = one.record_setters if name == "record_setters" else one.intervals[name]
    return f"{found.median:.3g} [{found.lower:.3g}, {found.upper:.3g}]"


def draw(shown: dict[str, Frontier]) -> None:
    """Densities by date with the frontier and its doubt."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.2), dpi=120, layout="constrained")
    for axes, (name, one) in zip(figure.subplots(1, len(shown), sharey=True), shown.items(), strict=True):
        day, density, bound = (one.sizes.middle.column(column) for column in ("day", "density", "bound"))
        for value, marker, label in ((0, "o", "known"), (1, "^", "at least"), (-1, "v", "at most")):
            here = bound == value
            axes.plot(day[here], density[here], marker, ms=4, color="#222222", alpha=0.7, ls="", label=label)
        line = np.linspace(0, day.max(), 50)[:, None]
        low, median, high = np.quantile(
            one.draws["rho"] * 2 ** (line / one.draws["doubling"]), [0.05, 0.5, 0.95], axis=1
        )
        axes.fill_between(line[:, 0], low, high, color="#0072B2", alpha=0.2, lw=0)
        axes.plot(line[:, 0], median, color="#0072B2", label="frontier, 90 %")
        axes.set(yscale="log", xlabel="days from 24 February 2023")
        axes.set_title(name, fontsize=10)
    figure.axes[0].set_ylabel("effective over real size")
    figure.axes[0].legend(fontsize=7.5, frameon=False)
    figure.savefig(HERE / "frontier.png")


def main(folder: Path) -> None:
    benchmarks = {
        "MMLU, dated by Epoch": dated_by_epoch(folder, "mmlu", 14042, 0.25),
        "MMLU-Pro, leaderboard": leaderboard(folder, "mmlu_pro", 12032, 0.1),
        "BBH, leaderboard": leaderboard(folder, "bbh", 5761, 0.29),
    }
    found = {name: frontier(bench) for name, bench in benchmarks.items()}
    draw({name: found[name] for name in ("MMLU, dated by Epoch", "MMLU-Pro, leaderboard")})
    lines = [
        "| benchmark | models | reference | at floor | at ceiling | doubling time, days | record-setters alone, days "
        "| mean shortfall, e-folds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        bound = one.sizes.middle.column("bound")
        lines.append(
            f"| {name} | {len(bound)} | {len(benchmarks[name].reference)} | {np.sum(bound < 0)} | {np.sum(bound > 0)} "
            f"| {interval(one, 'doubling')} | {interval(one, 'record_setters')} | {interval(one, 'shortfall')} |"
        )
    text = "\n".join(lines)
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
