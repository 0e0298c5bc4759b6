"""How often to repeat data, and which learning rate and batch to take: two published optima as posteriors.

    python case_studies/best_settings/study.py FOLDER

with datablations.csv, steplaw_dense.csv and published_fits.csv in the folder; writes settings.png and table.md beside
itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

import bayeslaw as bl
from bayeslaw.ask.optimum.optimum import Optimum

HERE = Path(__file__).parent
SETTINGS = {"draws": 1000, "warmup": 500, "chains": 4}

# --- repeated data ------------------------------------------------------------------------------------------------

REPEATED = bl.law("repeated_data")
GAUSSIAN = REPEATED.with_likelihood("LogNormal(mean, sigma)")
LOSS_LAW = ("E", "A", "B", "alpha", "beta")
# Two ways in which the paper spends 9.3e21 FLOP on 25 billion different tokens: its own law's and Chinchilla's.
UNIQUE, OURS, CHINCHILLA = 25e9, (6.34e9, 242e9), (8.67e9, 178e9)
# Cell "Custom data loading with outliers removed" of the paper's notebook: it has one run of each setting, and lacks
# these of them.
LEFT_OUT = """
14m7b5100m 14m300b100m 619m3b9100m 619m5b9100m 619m7b5100m 619m22b100m 1b12b7100m 1b13b9100m 1b15b9100m 1b17b5100m
1b112b100m 1b58b8100m 1b566b100m 2b246b100m 2b8100m100m 2b84b8100m 2b836b100m 8b712b100m 221m91b400m 221m174b400m
221m600b400m 1b191b400m 2b246b400m 2b836b400m 8b712b400m 2b855b1b25 421m300b1b5 1b191b1b5 1b1250b1b5 1b566b1b5
1b5174b1b5 2b291b1b5 2b2174b1b5 2b836b1b5 2b877b1b5 3b926b1b5 8b712b1b5 8b720b1b5 4b284b1b9 2b84b4b 2b88b4b 2b812b4b
2b816b4b 2b824b4b 4b284b6b 4b284b12bc4opt2 4b212b12b 4b224b12b 8b712b12b
"""
# A loss that is this much above that of a smaller or shorter run on the same tokens has risen by more than its noise,
# and the law knows of no rise.
RISEN = 1.01


def c4_runs(folder: Path) -> bl.Runs:
    return bl.read_runs(folder / "datablations.csv").where("family == 'c4'")


def their_runs(folder: Path) -> bl.Runs:
    """The 182 runs that the published values were fitted to."""
    runs, left_out = c4_runs(folder), set(LEFT_OUT.split())
    names = runs.data["run"].tolist()
    return without_ids(runs.take(np.array([name not in left_out and "seed" not in name for name in names])))


def falling_runs(folder: Path) -> bl.Runs:
    """All runs, with their seeds, but those whose loss has risen above that of a smaller or shorter one."""
    runs = c4_runs(folder)
    size, tokens, unique, loss = (runs.column(n) for n in ("n_params", "n_tokens", "unique_tokens", "loss"))
    least = [
        loss[(unique == unique[i]) & (size <= size[i]) & (tokens <= tokens[i])].min() for i in range(len(runs))
    ]  # fmt: skip
    return without_ids(runs.take(loss <= RISEN * np.array(least)))


def without_ids(runs: bl.Runs) -> bl.Runs:
    """The columns of the law alone: names of runs are of settings, which seeds share."""
    return bl.read_runs({name: runs.column(name) for name in ("n_params", "n_tokens", "unique_tokens", "loss")})


def published_loss_law() -> bl.Law:
    """The law with all but its two constants of decay at their published values."""
    at = REPEATED.published_parameters("muennighoff2023scaling")
    return REPEATED.with_priors(**{name: f"Constant({float(at[name])!r})" for name in LOSS_LAW})


def repeated_fits(folder: Path) -> dict[str, bl.Posterior]:
    """By what was fitted to what."""
    theirs, falling = their_runs(folder), falling_runs(folder)
    return {
        "their 182 runs, their E, A, B, alpha, beta": bl.fit(published_loss_law(), theirs, **SETTINGS),
        "their 182 runs": bl.fit(REPEATED, theirs, **SETTINGS),
        "their 182 runs, Gaussian noise": bl.fit(GAUSSIAN, theirs, **SETTINGS),
        f"{len(falling)} runs whose loss has not risen, Gaussian noise": bl.fit(GAUSSIAN, falling, **SETTINGS),
    }


def huber(runs: bl.Runs, decay: np.ndarray) -> float:
    """The published objective at R_D and R_N: Huber's loss of log loss with 0.001, summed over runs."""
    at = REPEATED.published_parameters("muennighoff2023scaling") | {"R_D": decay[0], "R_N": decay[1]}
    off = np.abs(np.log(runs.column("loss") / REPEATED.mean(inputs_of(runs), at)))
    return float(np.where(off < 1e-3, off**2 / 2, 1e-3 * (off - 5e-4)).sum())


def inputs_of(runs: bl.Runs) -> dict[str, np.ndarray]:
    return {n: runs.column(c) for n, c in (("N", "n_params"), ("D", "n_tokens"), ("U", "unique_tokens"))}


def objective_lines(folder: Path) -> list[str]:
    """How sharply the published objective tells its own minimum, and where its law has runs of a single epoch."""
    runs, at = their_runs(folder), REPEATED.published_parameters("muennighoff2023scaling")
    here = huber(runs, np.array([at["R_D"], at["R_N"]]))
    data, sizes = np.geomspace(2, 500, 80), np.geomspace(0.5, 30, 80)
    grid = np.array([[huber(runs, np.array([d, n])) for n in sizes] for d in data])
    i, j = np.unravel_index(grid.argmin(), grid.shape)
    near = data[grid.min(axis=1) < 1.01 * grid.min()]
    once = runs.take(runs.column("n_tokens") == runs.column("unique_tokens"))
    above = once.column("loss") / REPEATED.mean(inputs_of(once), at) - 1
    return [
        f"The published objective is {here:.6f} at the published R*_D of {at['R_D']:.2f} and R*_N of {at['R_N']:.2f}, "
        f"and {grid.min():.6f} at {data[i]:.0f} and {sizes[j]:.1f}; with the best R*_N it is within 1 % of that for "
        f"any R*_D from {near[0]:.2g} to at least {near[-1]:.0f}.",
        f"The {len(once)} runs of a single epoch lie {above.min():.0%} to {above.max():.0%} above the published law.",
    ]


def repeated_table(fits: dict[str, bl.Posterior]) -> list[str]:
    lines = ["| fit | R*_D | R*_N | epoch that adds half | sigma | nu | R-hat |", "|---|---|---|---|---|---|---|",
             "| published | 15.4 | 5.31 | 11.7 | | | |"]  # fmt: skip
    for name, one in fits.items():
        half = 1 + one.draws("R_D") * np.log(2)
        cells = [interval(each) for each in (one.draws("R_D"), one.draws("R_N"), half, one.draws("sigma"))]
        cells.append(interval(one.draws("nu")) if "nu" in one.values else "")
        lines.append(f"| {name} | {' | '.join(cells)} | {one.diagnostics.rhat:.3f} |")
    return lines


def epochs(one: bl.Posterior) -> Optimum:
    """How the paper's budget is best spent on its tokens."""
    menu = [{"N": OURS[0]}, {"N": CHINCHILLA[0]}]
    budget = 6 * CHINCHILLA[0] * CHINCHILLA[1]
    return bl.optimum(one, budget={"C": budget}, at={"U": UNIQUE}, menu=menu, level=0.95, drift=False)


def epochs_table(asked: dict[str, Optimum]) -> list[str]:
    lines = ["| fit | best parameters | best epochs | given up by 6.34 billion and 9.7 epochs "
             "| by 8.67 billion and 7.1 |", "|---|---|---|---|---|"]  # fmt: skip
    for name, found in asked.items():
        costs = [f"{o.regret.median:.4f} [{o.regret.lower:.4f}, {o.regret.upper:.4f}]" for o in found.menu]
        best = (found.draws["N"], found.draws["D"] / UNIQUE)
        lines.append(f"| {name} | {' | '.join(map(interval, best))} | {' | '.join(costs)} |")
    return lines


# --- learning rate and batch --------------------------------------------------------------------------------------

DIVERGED = 4.0  # nats: the last of the data's losses below it is 3.9, and the source leaves these out as well
# The bowl holds near its bottom: rates and batches within so many e-folds of the best run of their cell.
WINDOW = 1.5
# A cell is a pair of parameters and tokens.  Each has a level of its own, so that nothing of the law of the loss
# matters and its other parameters may be any constants; bottoms lie beside the law, with shapes of their own.
FLAT = {"E": "Constant(1.3)", "B": "Constant(0.27)", "alpha": "Constant(0.3)", "beta": "Constant(0.3)"}
BOWL = ("lr_best", "batch_best", "q_lr", "q_batch", "tilt")
POOL = {"A": "none:cell"} | dict.fromkeys(BOWL, "partial:cell")
LONG = 150  # tokens per parameter: the two cells with more stand out in the figure
STEP = bl.law("step_law").with_priors(**FLAT)
COEFFICIENTS = {"lr_N": "lr_coefN", "lr_D": "lr_coefD", "batch_D": "bs_coefD", "batch_N": None}


def near_the_bottom(folder: Path, window: float = WINDOW) -> bl.Runs:
    """Runs that did not diverge, about the best run of their cell."""
    runs = bl.read_runs(folder / "steplaw_dense.csv").where(f"loss < {DIVERGED}")
    size, tokens, rate, batch, loss = (
        runs.column(n) for n in ("n_params", "n_tokens", "learning_rate", "batch_size_tokens", "loss")
    )
    cell = np.array([f"{n / 1e6:.0f}M on {t / 1e9:.3g}B" for n, t in zip(size, tokens, strict=True)])
    keep = np.zeros(len(runs), dtype=bool)
    for one in np.unique(cell):
        here = cell == one
        best = np.flatnonzero(here)[loss[here].argmin()]
        keep |= here & (np.abs(np.log(rate / rate[best])) < window) & (np.abs(np.log(batch / batch[best])) < window)
    return bl.read_runs({
        "n_params": size[keep], "n_tokens": tokens[keep], "learning_rate": rate[keep],
        "batch_size_tokens": batch[keep], "loss": loss[keep], "cell": cell[keep],
    })  # fmt: skip


def step_fit(runs: bl.Runs, law: bl.Law = STEP) -> bl.Posterior:
    return bl.fit(law, runs, pool=POOL, **SETTINGS)


def step_fits(folder: Path) -> dict[str, bl.Posterior]:
    """By what was fitted."""
    return {
        "step_law": step_fit(near_the_bottom(folder)),
        "batch by tokens alone, as published": step_fit(
            near_the_bottom(folder), STEP.with_priors(batch_N="Constant(0)")
        ),
        "within 2 e-folds of the best run": step_fit(near_the_bottom(folder, 2.0)),
    }  # fmt: skip


def published_coefficients(folder: Path) -> dict[str, tuple[float, float, float]]:
    """By the name it has there: a published coefficient with its bootstrap interval."""
    rows = bl.read_runs(folder / "published_fits.csv").where("file == 'steplaw_dense'")
    columns = np.array([rows.column(name) for name in ("value", "ci95_low", "ci95_high")]).T
    return {name: tuple(columns[i]) for i, name in enumerate(rows.data["parameter"])}


def line_through_the_best(folder: Path) -> dict[str, float]:
    """The published procedure: lines by least squares through runs within 0.25 % of the best of their cell."""
    runs = bl.read_runs(folder / "steplaw_dense.csv").where("origin == 'steplaw'")
    size, tokens, loss = (runs.column(name) for name in ("n_params", "n_tokens", "loss"))
    least = np.array([loss[(size == n) & (tokens == t)].min() for n, t in zip(size, tokens, strict=True)])
    near = runs.take(loss < 1.0025 * least)
    far = (np.log(near.column("n_params") / 1e9), np.log(near.column("n_tokens") / 1e11))
    ones = np.ones(len(near))
    rate, by_size, by_tokens = np.linalg.lstsq(
        np.stack([ones, *far], axis=1), np.log(near.column("learning_rate")), rcond=None
    )[0]
    batch, batch_by_tokens = np.linalg.lstsq(
        np.stack([ones, far[1]], axis=1), np.log(near.column("batch_size_tokens")), rcond=None
    )[0]
    return {
        "lr_best": np.exp(rate), "batch_best": np.exp(batch),
        "lr_N": by_size, "lr_D": by_tokens, "batch_D": batch_by_tokens,
    }  # fmt: skip


def step_table(
    fits: dict[str, bl.Posterior], published: dict[str, tuple[float, float, float]], line: dict[str, float]
) -> list[str]:
    at = bl.law("step_law").published_parameters("li2025predictable")
    head = " | ".join(("best rate at 1e9, 1e11", "best batch there, tokens", *COEFFICIENTS))
    known = ["" if each is None else "{:.3f} [{:.3f}, {:.3f}]".format(*published[each])
             for each in COEFFICIENTS.values()]  # fmt: skip
    lines = [f"| fit | {head} | R-hat |", "|---|---|---|---|---|---|---|---|",
             f"| published, and its bootstrap | {at['lr_best']:.3g} | {at['batch_best']:.3g} | {' | '.join(known)} | |",
             ]  # fmt: skip
    names = ("lr_best", "batch_best", *COEFFICIENTS)
    redone = [f"{line[each]:.3g}" if each in line else "0" for each in names]
    lines.append(f"| the published procedure on these runs | {' | '.join(redone)} | |")
    for name, one in fits.items():
        cells = [interval(one.draws(each)) if each in one.values else "0" for each in names]
        lines.append(f"| {name} | {' | '.join(cells)} | {one.diagnostics.rhat:.3f} |")
    return lines


def interval(draws: np.ndarray) -> str:
    """Median and the central 95 %."""
    return "{:.3g} [{:.3g}, {:.3g}]".format(*np.quantile(draws, [0.5, 0.025, 0.975]))


def draw(asked: dict[str, Optimum], step: bl.Posterior, runs: bl.Runs) -> None:
    """Loss given up against epochs, and bottoms of cells beside the two laws."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 4), dpi=120, layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for (name, found), hue in zip(asked.items(), ("#999999", "#0072B2", "#009E73", "#D55E00"), strict=True):
        curve = found.curves[0]
        median, lower, upper, _ = curve.regret
        at = curve.inputs["D"] / UNIQUE
        left.fill_between(at, lower, upper, color=hue, alpha=0.12, lw=0)
        left.plot(at, median, color=hue, label=name)
    for (_, tokens), style in ((OURS, "--"), (CHINCHILLA, ":")):
        left.axvline(tokens / UNIQUE, color="#222222", lw=0.9, ls=style)
    left.set(xscale="log", xlim=(2, 60), ylim=(0, 0.06), xlabel="epochs of 25 billion tokens, at 9.3e21 FLOP")
    left.set_ylabel("loss given up (nat/token)")
    left.legend(fontsize=6.5, framealpha=1, edgecolor="none", loc="upper center")
    ticks(left.xaxis, (2, 5, 10, 20, 50))
    size, tokens, cell = runs.column("n_params"), runs.column("n_tokens"), runs.data["cell"]
    scale = bl.law("step_law").references
    at = bl.law("step_law").published_parameters("li2025predictable")
    panels = (
        (middle, "lr_best", ("lr_N", "lr_D"), "best learning rate", (1e-3, 2e-3, 5e-3)),
        (right, "batch_best", ("batch_N", "batch_D"), "best batch, tokens", (2e5, 5e5, 1e6)),
    )
    for axes, name, (by_size, by_tokens), label, marks in panels:
        bottoms = step.parameters()
        for one in np.unique(cell):
            i = np.flatnonzero(cell == one)[0]
            far = np.log(size[i] / scale["N0"]), np.log(tokens[i] / scale["D0"])
            here = step.parameters({"cell": str(one)})[name]
            here = here * np.exp(bottoms[by_size] * far[0] + bottoms[by_tokens] * far[1])
            there = at[name] * np.exp(at[by_size] * far[0] + at[by_tokens] * far[1])
            low, median, high = np.quantile(here, [0.025, 0.5, 0.975])
            hue = "#0072B2" if tokens[i] / size[i] < LONG else "#D55E00"
            axes.vlines(there, low, high, color=hue, lw=1.3)
            axes.plot(there, median, "o", color=hue, ms=4)
        ends = np.array(axes.get_xlim())
        axes.plot(ends, ends, color="#222222", lw=0.9, ls="--")
        axes.set(xscale="log", yscale="log", xlabel=f"{label}, published law", ylabel=f"{label} of a cell, 95 %")
        ticks(axes.xaxis, marks)
        ticks(axes.yaxis, marks)
    figure.savefig(HERE / "settings.png")


def ticks(axis: Any, at: tuple[float, ...]) -> None:
    """Mark a logarithmic axis here and nowhere else."""
    axis.set_ticks(at, [f"{each:g}" for each in at])
    axis.set_ticks([], minor=True)


def main(folder: Path) -> None:
    repeated, step = repeated_fits(folder), step_fits(folder)
    for name, one in (repeated | step).items():
        print(name, one, one.diagnostics.complaints, file=sys.stderr, flush=True)
    asked = {name: epochs(one) for name, one in repeated.items()}
    draw(asked, step["step_law"], near_the_bottom(folder))
    at = REPEATED.published_parameters("muennighoff2023scaling")
    losses = [REPEATED.mean({"N": n, "D": d, "U": UNIQUE}, at) for n, d in (OURS, CHINCHILLA)]
    spreads = [f"{each} {interval(step['step_law'].draws(f'{each}_spread_cell'))}" for each in BOWL]
    lines = [
        "Medians and 95 % intervals throughout.", "", "## Repeated data", "", *repeated_table(repeated), "",
        "At published values L(6.34e9, 242e9, 25e9) = {:.5f} and L(8.67e9, 178e9, 25e9) = {:.5f}.".format(*losses), "",
        *(f"- {line}" for line in objective_lines(folder)), "", *epochs_table(asked), "",
        "## Learning rate and batch", "",
        *step_table(step, published_coefficients(folder), line_through_the_best(folder)), "",
        f"Runs: {len(step['step_law'].runs)}; spreads over cells, e-folds: {', '.join(spreads)}.",
    ]  # fmt: skip
    text = "\n".join(lines)
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
