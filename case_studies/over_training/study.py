"""Exponents and forecasts of the over-training runs of Gadre et al. (2024): separate, pooled and partially pooled.

    python case_studies/over_training/study.py [RUNS.csv]

writes forecast.png and table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path

import numpy as np

import bayeslaw as bl

HERE = Path(__file__).parent
RUNS = Path(bl.__file__).parent / "data" / "gadre_overtraining.csv"
SEED = 0
DEAR = "flops > 2e19"  # everything beyond the dearest run that the authors fitted
# Intervals end in the tails: twice the usual draws, for outcomes that lie near an end.
DRAWS = 2000
LEVELS = (0.5, 0.8, 0.9, 0.95)
PARAMETERS = ("E", "A", "B", "alpha", "beta")
NAMES = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}
# Exponents published for all runs of a corpus, with standard errors: alpha, beta.
PUBLISHED = {
    "common": ((0.245, 0.027), (0.270, 0.029)),
    "c4_original": ((0.253, 0.046), (0.262, 0.056)),
    "rpj": ((0.243, 0.027), (0.273, 0.042)),
    "rw_original": ((0.223, 0.035), (0.290, 0.038)),
}
# Priors that say next to nothing, to see what the usual ones do.
WIDE = {
    "E": "LogNormal(log(1.8), 1)", "A": "LogNormal(log(0.35), 2)", "B": "LogNormal(log(0.35), 2)",
    "alpha": "LogNormal(log(0.3), 1)", "beta": "LogNormal(log(0.3), 1)", "sigma": "HalfNormal(0.1)",
}  # fmt: skip


def separate_pool() -> dict[str, str]:
    """Every corpus by itself; only the noise is shared."""
    return dict.fromkeys(PARAMETERS, "none")


def common_pool() -> dict[str, str]:
    """One pair of exponents, with a floor and amplitudes for each corpus."""
    return {**separate_pool(), "alpha": "complete", "beta": "complete"}


def exponents(posterior: bl.Posterior) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draws of both exponents by corpus, or under ``common`` where there is one pair."""
    if posterior.pool.get("alpha") == "complete":
        return {"common": (posterior.draws("alpha"), posterior.draws("beta"))}
    alpha, beta = posterior.by_family("alpha"), posterior.by_family("beta")
    return {family: (alpha[family], beta[family]) for family in posterior.families}


def distances(posterior: bl.Posterior) -> dict[str, tuple[float, float]]:
    """Posterior means less the published values, in published standard errors, of alpha and beta."""
    return {
        who: tuple(
            (float(draws.mean()) - value) / error for draws, (value, error) in zip(both, PUBLISHED[who], strict=True)
        )
        for who, both in exponents(posterior).items()
    }


def coverage(posterior: bl.Posterior, held_out: bl.Runs, level: float) -> tuple[int, float]:
    """How many outcomes fall inside their intervals, and the mean width of those over the median."""
    # Drift was learned from these very runs among others, and would flatter.
    answer = bl.forecast(posterior, held_out, level=level, drift=False)
    seen = held_out.column(posterior.law.output.column)
    runs = [point.new_run for point in answer.points]
    hits = sum(run.lower <= value <= run.upper for run, value in zip(runs, seen, strict=True))
    return hits, float(np.mean([(run.upper - run.lower) / run.median for run in runs]))


def exponent_table(fits: dict[str, bl.Posterior]) -> list[str]:
    lines = [
        "| fit | corpus | alpha | published | z | beta | published | z |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, posterior in fits.items():
        z = distances(posterior)
        for who, (alpha, beta) in exponents(posterior).items():
            (a, a_error), (b, b_error) = PUBLISHED[who]
            lines.append(
                f"| {name} | {NAMES.get(who, who)} | {alpha.mean():.3f} ({alpha.std():.3f}) | {a:.3f} ({a_error:.3f}) "
                f"| {z[who][0]:+.2f} | {beta.mean():.3f} ({beta.std():.3f}) | {b:.3f} ({b_error:.3f}) "
                f"| {z[who][1]:+.2f} |"
            )
    return lines


def coverage_table(fits: dict[str, bl.Posterior], held_out: bl.Runs) -> list[str]:
    head = " | ".join(f"{level:.0%}" for level in LEVELS)
    lines = [f"| exponents | {head} | mean width of 90 % |", "|---|" + "---|" * (len(LEVELS) + 1)]
    for name, posterior in fits.items():
        found = [coverage(posterior, held_out, level) for level in LEVELS]
        hits = " | ".join(f"{count} / {len(held_out)}" for count, _ in found)
        lines.append(f"| {name} | {hits} | {found[LEVELS.index(0.9)][1]:.1%} of the loss |")
    return lines


def misses_table(posterior: bl.Posterior, held_out: bl.Runs) -> list[str]:
    """The outcomes farthest from their forecasts, in widths of the interval's half."""
    answer = bl.forecast(posterior, held_out, level=0.9, drift=False)
    seen = held_out.column(posterior.law.output.column)
    lines = ["| corpus | parameters | tokens | forecast, 90 % | observed | error |", "|---|---|---|---|---|---|"]
    rows = []
    for point, value in zip(answer.points, seen, strict=True):
        run = point.new_run
        side = run.upper - run.median if value > run.median else run.median - run.lower
        text = (
            f"| {NAMES[str(point.family)]} | {point.at['N']:.2g} | {point.at['D']:.2g} "
            f"| {run.median:.3f} [{run.lower:.3f}, {run.upper:.3f}] | {value:.3f} | {value / run.median - 1:+.1%} |"
        )
        rows.append((abs(value - run.median) / side, text))
    return lines + [text for _, text in sorted(rows, reverse=True)[:6]]


def main(source: Path) -> None:
    runs = bl.read_runs(source)
    cheap, dear = runs.where("fit_role == 'loss_fit'"), runs.where(DEAR)
    law, wide = bl.law("chinchilla"), bl.law("chinchilla").with_priors(**WIDE)

    whole = {
        "separate": bl.fit(law, runs, "family", separate_pool(), draws=DRAWS, seed=SEED, patience=False),
        "common": bl.fit(law, runs, "family", common_pool(), draws=DRAWS, seed=SEED, patience=False),
        "partial": bl.fit(law, runs, "family", seed=SEED),
        "separate, wide priors": bl.fit(wide, runs, "family", separate_pool(), draws=DRAWS, seed=SEED, patience=False),
    }
    few = {
        "partially pooled": bl.fit(law, cheap, "family", draws=DRAWS, seed=SEED, patience=False),
        "common": bl.fit(law, cheap, "family", {"alpha": "complete", "beta": "complete"}, seed=SEED),
        "separate": bl.fit(law, cheap, "family", separate_pool(), draws=DRAWS, seed=SEED, patience=False),
    }
    for name, posterior in [*whole.items(), *few.items()]:
        print(f"{name}: {posterior} {'; '.join(posterior.diagnostics.complaints)}", file=sys.stderr)
    tables = [
        "Exponents from all runs", exponent_table(whole),
        f"Forecasts of {len(dear)} runs from {len(cheap)}: outcomes inside their intervals", coverage_table(few, dear),
        "Worst misses, partially pooled", misses_table(few["partially pooled"], dear),
    ]  # fmt: skip
    text = "\n\n".join("\n".join(t) if isinstance(t, list) else f"## {t}" for t in tables) + "\n"
    (HERE / "table.md").write_text(text, encoding="utf-8")
    print(text)
    bl.plot_forecast(few["partially pooled"], dear, drift=False).savefig(HERE / "forecast.png", dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
