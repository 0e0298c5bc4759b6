"""What public recipes are worth: corpora, filters and architectures as factors of compute, beside what was claimed.

    python case_studies/recipes/study.py FOLDER

reads loss_to_loss.csv, published_fits.csv, dclm_core.csv and laion_clip_mammut.csv from FOLDER and writes recipes.png
and table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path

import numpy as np

import bayeslaw as bl
from bayeslaw.decisions.multiplier.answer import Multiplier

HERE = Path(__file__).parent
SEED = 0
# A loss on C4 of corpora that were trained on other text; against a mixture that many have used.
CORPORA = ("fineweb-100b", "fineweb-edu-100b", "smollm-corpus", "proof-pile-2", "starcoder")
AGAINST = "slimpajama-chunk1"
# Recipes of DCLM with runs at three budgets or more.
DCLM = "rw_v2_cc_v3_f0.15_resiliparse_fasttext_openhermes_reddit_eli5_vs_rw_v2_bigram_200k_train"
POOLS = {"c4_original": "C4", "dolma_v1_no_resample": "Dolma", "rpj_original": "RedPajama", "rw_original": "RefinedWeb"}
LARGEST_DCLM = 6e21
# Errors of zero-shot ImageNet from here on follow a power law; below they leave chance.
FIRST_CLIP = 10**17.75
ERROR = {"E": "LogNormal(log(0.1), 0.7)", "A": "LogNormal(log(0.25), 0.6)", "alpha": "LogNormal(log(0.2), 0.5)"}
SCORE = {"E": "LogNormal(log(0.3), 0.5)", "A": "LogNormal(log(0.5), 0.5)", "alpha": "LogNormal(log(0.13), 0.5)"}


def frontier(runs: bl.Runs, family: str, outcome: str, step: float) -> dict[str, list]:
    """The best run of each family within each step of log10 compute: the lower envelope."""
    names, index = runs.levels(family)
    budget = np.round(np.log10(runs.column("flops")) / step)
    table: dict[str, list] = {"family": [], "flops": [], "loss": []}
    for each, name in enumerate(names):
        for one in np.unique(budget[index == each]):
            rows = np.flatnonzero((index == each) & (budget == one))
            best = rows[runs.column(outcome)[rows].argmin()]
            table["family"].append(name)
            table["flops"].append(float(runs.column("flops")[best]))
            table["loss"].append(float(runs.column(outcome)[best]))
    return table


def corpora(folder: Path) -> bl.Posterior:
    runs = bl.read_runs(folder / "loss_to_loss.csv").where("split == 'sweep'")
    return bl.fit("power_law", bl.read_runs(frontier(runs, "family", "loss_c4", 0.05)), family="family", seed=SEED)


def filters(folder: Path) -> bl.Posterior:
    runs = bl.read_runs(folder / "dclm_core.csv").where(f"flops < {LARGEST_DCLM:g} and core_centered_acc is known")
    names = {**POOLS, **{name: "DCLM" for name in runs.levels("family")[0] if name.startswith(DCLM)}}
    keep = np.array([name in names for name in runs.column("family")])
    runs = runs.take(keep)
    called = np.array([names[name] for name in runs.column("family")], dtype=object)
    runs = runs.with_columns({"family": called, "error": 1.0 - runs.column("core_centered_acc")})
    law = bl.law("power_law").with_priors(**SCORE)
    return bl.fit(law, bl.read_runs(frontier(runs, "family", "error", 0.1)), family="family", seed=SEED)


def architectures(folder: Path) -> bl.Posterior:
    runs = bl.read_runs(folder / "laion_clip_mammut.csv").where(f"flops > {FIRST_CLIP:g}")
    law = bl.law("power_law").with_priors(**ERROR)
    return bl.fit(law, bl.read_runs(frontier(runs, "family", "imagenet_error", 0.25)), family="family", seed=SEED)


def published_factor(folder: Path, new: str, old: str, compute: float) -> float:
    """The factor that published fits of both corpora imply on their own frontiers, at the loss of the new one."""
    runs = bl.read_runs(folder / "published_fits.csv")
    family, name = runs.column("family"), runs.column("parameter")

    def best(corpus: str, logs: np.ndarray) -> np.ndarray:
        rows = family == f"{corpus} -> c4_val"
        own = dict(zip(name[rows], np.asarray(runs.column("value")[rows], dtype=float), strict=True))
        N = np.geomspace(1e6, 1e13, 4000)[:, None]
        D = np.exp(logs) / (6.0 * N)
        return (own["E"] + own["A"] / N ** own["alpha"] + own["B"] / D ** own["beta"]).min(axis=0)

    grid = np.linspace(np.log(compute) - 12.0, np.log(compute) + 30.0, 2000)
    reached, along = best(new, np.array([np.log(compute)]))[0], best(old, grid)
    if along.min() > reached:
        return np.inf
    return float(np.exp(np.interp(-reached, -along, grid)) / compute)


def row(found: Multiplier, claim: str, i: int = 0) -> str:
    point = found.points[i]
    low, high = (f"{end:.3g}" if np.isfinite(end) else "no bound" for end in (point.factor.lower, point.factor.upper))
    middle = f"{point.factor.median:.3g}" if np.isfinite(point.factor.median) else "never"
    trend = found.trend
    change = f"grows ({trend.grows:.0%})" if trend.grows > trend.shrinks else f"shrinks ({trend.shrinks:.0%})"
    new, old = found.families
    cells = (
        new,
        old,
        f"{point.scale:.3g}",
        f"{middle} [{low}, {high}]",
        f"{point.probability_better:.0%}",
        change,
        claim,
    )
    return f"| {' | '.join(cells)} |"


def main(folder: Path) -> None:
    head = ["| new | old | FLOP | factor, 90 % | P(better) | with scale | claimed |", "|---|---|---|---|---|---|---|"]
    lines: list[str] = []
    fit = corpora(folder)
    print(fit, flush=True)
    for new in CORPORA:
        found = bl.compute_multiplier(fit, (new, AGAINST), {"C": [1e18, 4e19]})
        lines += [
            row(found, f"{published_factor(folder, new, AGAINST, point.scale):.3g}", i)
            for i, point in enumerate(found.points)
        ]
    fit = filters(folder)
    print(fit, flush=True)
    for old in ("C4", "Dolma", "RedPajama", "RefinedWeb"):
        found = bl.compute_multiplier(fit, ("DCLM", old), {"C": [2.5e20, 5.7e21]})
        lines += [row(found, "better at each size" if i == 0 else "", i) for i, _ in enumerate(found.points)]
    fit = architectures(folder)
    print(fit, flush=True)
    found = bl.compute_multiplier(fit, ("mammut", "clip"), {"C": [1e18, 1e19, 1e20, 1e21]})
    lines += [row(found, claim, i) for i, claim in enumerate(("worse", "", "", "better"))]
    crossing = found.crossing
    start, end = (f"{each:.0e}" for each in crossing.within)
    at = f"{crossing.scale.median:.2g} [{crossing.scale.lower:.2g}, {crossing.scale.upper:.2g}]"
    tail = ["", f"MaMMUT and CLIP cross with a probability of {crossing.probability:.0%} between {start} and {end} "
            f"FLOP, and of {crossing.among_runs:.0%} among the runs; if so, at {at} FLOP."]  # fmt: skip
    bl.plot_multiplier(found).savefig(HERE / "recipes.png", dpi=150)
    (HERE / "table.md").write_text("\n".join([*head, *lines, *tail]) + "\n", encoding="utf-8")
    print((HERE / "table.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
