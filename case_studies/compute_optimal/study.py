"""The best split of a budget: Chinchilla's runs read off its figure, and fifteen isoFLOP settings of Porian et al.

    python case_studies/compute_optimal/study.py DATA_FOLDER

writes optimum.png and table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.interpolate import Akima1DInterpolator

import bayeslaw as bl
from bayeslaw.ask.optimum.optimum import Optimum
from bayeslaw.ask.optimum.regret import Solved
from bayeslaw.ask.optimum.trade import make_trade
from bayeslaw.inference.base.diagnostics import rhat as split_rhat

HERE = Path(__file__).parent
GOPHER = 5.76e23  # FLOP: the budget of Gopher, and of Chinchilla
# The bowl holds near its bottom: runs within so many e-folds of the best size of their budget.
WINDOW = 1.5
# Each budget has a level of its own, so that nothing of the floor curve matters and its constants may be any.  Bottoms
# lie beside the line, with shapes of their own: best size, curvature and both sides are partially pooled over budgets.
# One shape for all would move bottoms, because sides differ from budget to budget with the share of training that is
# warm-up.
POOL = {"r": "none:budget"} | dict.fromkeys(("N_best", "q", "small", "large"), "partial:budget")
# Runs of the smallest budgets scatter up to ten times as much as those of the largest.  Tails as heavy as they like
# would call the misfits of a shape outliers, and the rest exact.
ISOFLOP = (
    bl.law("isoflop")
    .with_likelihood("LogNormal(mean, sigma)")
    .with_noise_growth("C")
    .with_priors(E="Constant(1.5)", eta="Constant(0.15)")
)
SETTINGS = {"draws": 1000, "warmup": 500, "patience": False}
IMAGINED = 400  # tables drawn from a fit, for the published way to be tried on
# Several budgets come from one training run, which its size tells, where the schedule is not called chinchilla.
RELATED = ("rw|tuned|short|const|standard|val", "rw|base|short|kaplan|attention|train")
PUBLISHED = {"Hoffmann et al.": "hoffmann2022training", "Besiroglu et al.": "besiroglu2024chinchilla"}
MENU = [{"N": (GOPHER / 6 / ratio) ** 0.5} for ratio in (5, 10, 20, 40, 80)]  # tokens per parameter


def near_the_bottom(table: Path, setting: str) -> bl.Runs:
    """The runs of one setting about the best size of each budget; budgets in words, to be groups."""
    runs = bl.read_runs(table).where(f"family == '{setting}'")
    size, budget, loss = (runs.column(name) for name in ("n_params", "flops", "loss"))
    keep = np.zeros(len(runs), dtype=bool)
    for one in np.unique(budget):
        here = budget == one
        best = size[here][loss[here].argmin()]
        keep |= here & (np.abs(np.log(size / best)) < WINDOW)
    columns = {"n_params": size[keep], "n_tokens": runs.column("n_tokens")[keep], "loss": loss[keep]}
    texts = {"budget": [f"{one:.3g}" for one in budget[keep]], "training": [f"{one:.0f}" for one in size[keep]]}
    return bl.read_runs({**columns, "flops": budget[keep], **texts})


def isoflop(runs: bl.Runs, law: bl.Law = ISOFLOP) -> bl.Posterior:
    """The isoFLOP law, its bottoms free to lie beside the line."""
    return bl.fit(law, runs, pool=POOL, **SETTINGS)


def published_exponents(table: Path) -> dict[str, tuple[float, float, float]]:
    """By setting: the published exponent of the best size and its bootstrap interval."""
    runs = bl.read_runs(table).where("file == 'porian_isoflop' and parameter == 'n_exponent'")
    settings, index = runs.levels("family")
    columns = np.array([runs.column(name) for name in ("value", "ci95_low", "ci95_high")]).T
    return {settings[i]: tuple(columns[row]) for row, i in enumerate(index)}


def interpolated(runs: bl.Runs, loss: np.ndarray) -> float:
    """The exponent as the paper has it: of the lowest points of curves through all sizes of each budget.

    Budgets whose curve is lowest at its end are left out, as their bottom may lie beyond.
    """
    size, budget = runs.column("n_params"), runs.column("flops")
    bottoms = {}
    for one in np.unique(budget):
        at = np.flatnonzero(budget == one)
        at = at[np.argsort(size[at])]
        fine = np.linspace(*np.log(size[at[[0, -1]]]), 25 * (len(at) - 1))
        lowest = np.argmin(Akima1DInterpolator(np.log(size[at]), np.log(loss[at]))(fine))
        if 0 < lowest < len(fine) - 1:
            bottoms[np.log(one)] = fine[lowest]
    return float(np.polyfit(list(bottoms), list(bottoms.values()), 1)[0])


def their_way(runs: bl.Runs, posterior: bl.Posterior) -> np.ndarray:
    """What the paper's way would find on tables of the same sizes that the fitted law draws, noise included."""
    draws = bl.forecast(posterior, runs, drift=False, allow_unconverged=True).draws
    return np.array([interpolated(runs, draws[i]) for i in np.linspace(0, len(draws) - 1, IMAGINED).astype(int)])


def interval(draws: np.ndarray) -> tuple[float, float, float]:
    """Median and the central 95 %."""
    return tuple(float(each) for each in np.quantile(draws, [0.5, 0.025, 0.975]))


def split_table(found: dict[str, Optimum]) -> list[str]:
    lines = ["| law | parameters | tokens | loss there |", "|---|---|---|---|"]
    for name, one in found.items():
        cells = (one.inputs["N"], one.inputs["D"], one.value)
        shown = [f"{c.median:.3g} [{c.lower:.3g}, {c.upper:.3g}]" for c in cells]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return lines


def menu_table(one: Optimum) -> list[str]:
    lines = ["| tokens per parameter | parameters | given up | best with |", "|---|---|---|---|"]
    for option in one.menu:
        N, D = option.inputs["N"], option.inputs["D"]
        cost = f"{option.regret.median:.4f} [{option.regret.lower:.4f}, {option.regret.upper:.4f}]"
        lines.append(f"| {D / N:.0f} | {N:.2g} | {cost} | {option.probability_best:.0%} |")
    return lines


def exponent_table(rows: dict[str, tuple], rhat: dict[str, float]) -> list[str]:
    lines = [
        "| setting | published | isoflop | chinchilla | published way on tables of isoflop | R-hat of isoflop's |",
        "|---|---|---|---|---|---|",
    ]
    for setting, each in rows.items():
        cells = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in each]
        lines.append(f"| {setting.replace('|', ' ')} | {' | '.join(cells)} | {rhat[setting]:.3f} |")
    return lines


def related_table(table: Path, rows: dict[str, tuple]) -> list[str]:
    """Exponents of some settings when errors of one training run may have a part in common."""
    lines = ["| setting | without | with | spread over training runs | noise at 1e19 FLOP |", "|---|---|---|---|---|"]
    for setting in RELATED:
        found = isoflop(near_the_bottom(table, setting), ISOFLOP.with_group_effect("training"))
        pair = (rows[setting][1], interval(found.draws("a")))
        cells = ["{:.3f} [{:.3f}, {:.3f}]".format(*each) for each in pair]
        sizes = [f"{np.median(found.draws(name)):.4f}" for name in ("group_effect_spread_training", "sigma")]
        lines.append(f"| {setting.replace('|', ' ')} | {' | '.join([*cells, *sizes])} |")
        print(lines[-1], flush=True)
    return lines


def draw(found: dict[str, Optimum], rows: dict[str, tuple], marks: dict[str, float]) -> None:
    """Regret against size at Gopher's budget, and the exponents of all settings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.6), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    for (name, one), hue in zip(found.items(), ("#0072B2", "#D55E00"), strict=True):
        curve = one.curves[0]
        median, lower, upper, _ = curve.regret
        left.fill_between(curve.inputs["N"], lower, upper, color=hue, alpha=0.18, lw=0)
        left.plot(curve.inputs["N"], median, color=hue, label=name)
    for (name, size), style in zip(marks.items(), (":", "--"), strict=True):
        left.axvline(size, color="#222222", lw=0.9, ls=style, label=f"optimum of {name}")
    left.set(xscale="log", xlim=(7e9, 5e11), ylim=(0, 0.03), xlabel="parameters, at 5.76e23 FLOP")
    left.set_ylabel("loss given up (nat/token)")
    left.legend(fontsize=7.5, framealpha=1, edgecolor="none")
    names = ("published", "isoflop", "chinchilla")
    for offset, hue, name, values in zip(
        (0.22, 0, -0.22),
        ("#222222", "#0072B2", "#D55E00"),
        names,
        zip(*(row[:3] for row in rows.values()), strict=True),
        strict=True,
    ):
        at = np.arange(len(rows)) + offset
        value, low, high = np.array(values).T
        right.hlines(at, low, high, color=hue, lw=1.6)
        right.plot(value, at, "o", color=hue, ms=3.4, label=name)
    right.set_yticks(range(len(rows)), [name.replace("|", " ") for name in rows], fontsize=7)
    right.set_xlabel("exponent of the best size, 95 % intervals")
    right.legend(frameon=False, fontsize=7.5)
    figure.savefig(HERE / "optimum.png")


def main(data: Path) -> None:
    epoch = bl.read_runs(data / "chinchilla_epoch.csv").where("excluded_in_source_fit == 0")
    found = {
        name: bl.optimum(bl.fit(name, epoch), budget={"C": GOPHER}, menu=MENU) for name in ("chinchilla", "coupled")
    }
    law = bl.law("chinchilla")
    trade = make_trade(law, {"C": GOPHER}, None, None)
    marks = {}
    for name, key in PUBLISHED.items():
        best = Solved(trade, law.published_parameters(key)).lowest.at
        marks[name] = float(trade.inputs(best)["N"][0])
    rows, rhat = {}, {}
    for setting, published in published_exponents(data / "published_fits.csv").items():
        runs = near_the_bottom(data / "porian_isoflop.csv", setting)
        bowl, parametric = isoflop(runs), bl.fit("chinchilla", runs)
        rows[setting] = (
            published,
            interval(bowl.draws("a")),
            interval(law.derive(parametric.parameters())["a"]),
            interval(their_way(runs, bowl)),
        )
        rhat[setting] = float(split_rhat(bowl.values["a"]))
        print(setting, rows[setting], bowl.diagnostics, flush=True)
    covered, likely = (sum(row[i][1] <= row[0][0] <= row[i][2] for row in rows.values()) for i in (1, 3))
    draw(found, rows, marks)
    lines = ["## Gopher's budget", "", *split_table(found), "", "The menu under `chinchilla`:", ""]
    lines += [*menu_table(found["chinchilla"]), ""]
    lines += [f"- {name}: {one.flatness()[0]}" for name, one in found.items()]
    lines += ["", "## Exponents", "", *exponent_table(rows, rhat), ""]
    lines += [
        f"The 95 % interval of `isoflop` covers the published value in {covered} of {len(rows)} settings; that of the "
        f"published way on tables which it draws, in {likely}.",
        "",
    ]
    lines += ["## With a part of the error in common to a training run", ""]
    lines += related_table(data / "porian_isoflop.csv", rows)
    (HERE / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
