"""Six laws on six sweeps: which one the runs support, and which would have predicted the larger ones.

    python case_studies/which_law/study.py DATA

reads the sweeps in the folder DATA and writes table.md and laws.png beside itself.  What is found of a sweep goes into
results.json at once, and a sweep that is there is not compared again.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import bayeslaw as bl
from bayeslaw.ask.evidence.evidence import Evidence

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
SEED = 0
LAWS = ("chinchilla", "coupled", "over_training", "kaplan", "power_law", "broken")
FIELD = ("coupled", "chinchilla", "kaplan")
# With 35 runs the chains of the broken law do not agree on where the break is.
FEWEST_FOR_BROKEN = 80
# By what the page calls it: the file and its runs.  Porian's runs with a decay of their own are independent of each
# other; below a billion tokens those of the repeated-data study had no more than a few hundred steps.
SWEEPS = {
    "Chinchilla": ("chinchilla_epoch", "excluded_in_source_fit == 0"),
    "Gadre, C4": ("gadre_overtraining", "family == 'c4_original'"),
    "Gadre, RedPajama": ("gadre_overtraining", "family == 'rpj'"),
    "Gadre, RefinedWeb": ("gadre_overtraining", "family == 'rw_original'"),
    "Porian": ("porian_isoflop", "family == 'rw|base|short|chinchilla|standard|val'"),
    "Single epoch": ("datablations", "epochs == 1 and n_tokens > 1e9"),
}
# The budgets of the isoFLOP sweep of Hoffmann et al. (2022), figure 3.
BUDGETS = np.array([6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21])
SCORES = {
    "log_evidence": "log evidence",
    "elpd_loo": "each run from the others",
    "elpd_forward": "larger runs from smaller",
}
WEIGHTS = ("evidence", "stacking", "forward")


def sweep(data: Path, name: str) -> bl.Runs:
    """The runs of a sweep."""
    file, rows = SWEEPS[name]
    return bl.read_runs(data / f"{file}.csv").where(rows)


def law(name: str) -> bl.Law:
    """A law of the catalogue, or the one beside this file."""
    return bl.read_law(HERE / "broken.toml") if name == "broken" else bl.law(name)


def laws_for(runs: bl.Runs) -> list[bl.Law]:
    """The laws that so many runs can tell something of."""
    return [law(name) for name in LAWS if name != "broken" or len(runs) >= FEWEST_FOR_BROKEN]


def gaussian(name: str) -> bl.Law:
    """A law with Gaussian noise on the log of the loss."""
    return law(name).with_likelihood("LogNormal(mean, sigma)")


def by_budget(runs: bl.Runs) -> bl.Runs:
    """Chinchilla's runs with the budget that each was meant for."""
    nearest = np.abs(np.log(runs.column("flops")[:, None] / BUDGETS)).argmin(axis=1)
    return bl.read_runs({**runs.data, "budget": BUDGETS[nearest]})


def with_budget_effect(runs: bl.Runs, name: str) -> Evidence:
    """The evidence of a law with Gaussian noise under which runs of one budget err together."""
    # With a shift a budget the floor is held by all shifts together: a funnel that is walked in small steps.
    effect = gaussian(name).with_group_effect("budget")
    return bl.log_evidence(bl.fit(effect, by_budget(runs), draws=2000, target_accept=0.98, seed=SEED, patience=False))


def from_half(runs: bl.Runs, name: str) -> dict[str, Any]:
    """What the cheapest half of the runs says of the floor, of the coupling and of the larger half."""
    limit = np.quantile(runs.column("flops"), 0.5, method="lower")
    cheap, dear = runs.where(f"flops <= {limit}"), runs.where(f"flops > {limit}")
    half, _ = both = [bl.fit(law(name), each, seed=SEED) for each in (cheap, runs)]
    points = [point.new_run for point in bl.forecast(half, dear, level=0.9, drift=False).points]
    seen = dear.column(half.law.output.column)
    return {
        "error": float(np.mean([point.median / value - 1 for point, value in zip(points, seen, strict=True)])),
        "width": float(np.mean([(point.upper - point.lower) / point.median for point in points])),
        "inside": sum(bool(point.lower <= value <= point.upper) for point, value in zip(points, seen, strict=True)),
        "dear": len(dear),
        "draws": {
            parameter: [[float(fit.draws(parameter).mean()), float(fit.draws(parameter).std())] for fit in both]
            for parameter in ("E", "gamma") if parameter in half.law.parameters
        },
    }  # fmt: skip


def compared(runs: bl.Runs, laws: list[bl.Law]) -> dict[str, Any]:
    """The answer of a comparison."""
    return bl.compare(laws, runs, seed=SEED, allow_unconverged=True).as_dict()


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def questions(data: Path) -> dict[str, Any]:
    """By what the page calls it, a function that finds the answer."""
    sweeps = {name: sweep(data, name) for name in SWEEPS}
    chinchilla = sweeps["Chinchilla"]
    asked = {name: lambda runs=runs: compared(runs, laws_for(runs)) for name, runs in sweeps.items()}
    asked["Chinchilla, Gaussian noise"] = lambda: compared(chinchilla, [gaussian(one) for one in FIELD])
    asked["Chinchilla, Gaussian noise, budgets"] = lambda: {
        name: {"log_evidence": found.log_evidence, "se": found.se, "notes": [note.code for note in found.notes]}
        for name in ("coupled", "chinchilla")
        for found in [with_budget_effect(chinchilla, name)]
    }
    asked["Chinchilla, from half"] = lambda: {name: from_half(chinchilla, name) for name in LAWS[:3]}
    return asked


def answers(data: Path) -> dict[str, Any]:
    """All answers, those that are in the file as they are."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name, ask in questions(data).items():
        if name not in found:
            say(f"-- {name}")
            found[name] = ask()
            RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def table(name: str, found: dict[str, Any]) -> list[str]:
    """A row a law: the log evidence less that of the best law, scores, weights and notes."""
    best = next(iter(found["laws"]))
    lines = [
        f"## {name}, {found['runs']} runs", "",
        f"| law | log evidence, less that of {best} | priors halved to doubled | each run from the others "
        "| larger from smaller | evidence | stacking | forward | notes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one, row in found["laws"].items():
        factor = found["log_bayes_factors"][one][best] if one != best else None
        behind = "0" if factor is None else f"{factor['log']:.1f} ({factor['se']:.2f})"
        widths = "" if factor is None else f"{factor['low']:.1f} to {factor['high']:.1f}"
        weights = " | ".join(f"{row['weights'][how]:.2f}" for how in WEIGHTS)
        codes = dict.fromkeys(note["code"] for note in row["notes"])
        lines.append(
            f"| {one} | {behind} | {widths} | {row['elpd_loo']:.1f} ({row['elpd_loo_se']:.1f}) "
            f"| {row['elpd_forward']:.1f} | {weights} | {', '.join(codes)} |"
        )
    return [*lines, "", found["verdict"], ""]


def field_table(found: dict[str, Any]) -> list[str]:
    """Coupled against separable on Chinchilla's runs, by the noise that is assumed."""
    lines = ["## Coupled against Chinchilla, by noise", "", "| noise on log loss | log Bayes factor |", "|---|---|"]
    for words, name in (("Student-t", "Chinchilla"), ("Gaussian", "Chinchilla, Gaussian noise")):
        factor = found[name]["log_bayes_factors"]["coupled"]["chinchilla"]
        lines.append(f"| {words} | {factor['log']:.1f} ({factor['se']:.2f}) |")
    one, other = (found["Chinchilla, Gaussian noise, budgets"][name] for name in ("coupled", "chinchilla"))
    apart, error = one["log_evidence"] - other["log_evidence"], np.hypot(one["se"], other["se"])
    return [*lines, f"| Gaussian, and a shift a budget | {apart:.1f} ({error:.2f}) |", ""]


def half_table(found: dict[str, Any]) -> list[str]:
    """What three laws fitted to Chinchilla's cheapest half say, beside what they say fitted to all."""
    lines = [
        "## Chinchilla's larger half from its smaller one", "",
        "| law | mean error | inside 90 % | mean width | floor E from half | from all | gamma from half | from all |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, row in found["Chinchilla, from half"].items():
        drawn = [f"{mean:.3f} ({sd:.3f})" for both in row["draws"].values() for mean, sd in both]
        cells = " | ".join(drawn + [""] * (4 - len(drawn)))
        lines.append(
            f"| {name} | {row['error']:+.2%} | {row['inside']} / {row['dear']} | {row['width']:.1%} | {cells} |"
        )
    return [*lines, ""]


def draw(found: dict[str, Any]) -> None:
    """A panel a sweep: how many nats each law is behind the best, by each score."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import ScalarFormatter

    names = [name for name in SWEEPS if name in found]
    figure, panels = plt.subplots(2, -(-len(names) // 2), figsize=(10, 5.6), sharey=True, layout="constrained")
    places = np.arange(len(LAWS))
    for panel, name in zip(panels.flat, names, strict=False):
        for i, (score, words) in enumerate(SCORES.items()):
            nats = np.array([found[name]["laws"].get(one, {}).get(score, np.nan) for one in LAWS])
            panel.plot(nats - np.nanmax(nats), places + 0.22 * (i - 1), "os^"[i], ms=5, label=words)
        panel.set_xscale("symlog", linthresh=3)
        panel.set_xticks([tick for tick in (-300, -100, -30, -10, -3, 0) if tick > panel.get_xlim()[0]])
        panel.set_xticks([], minor=True)
        panel.xaxis.set_major_formatter(ScalarFormatter())
        panel.axvline(0, color="0.6", lw=0.7, zorder=0)
        panel.set_title(f"{name}, {found[name]['runs']} runs", fontsize=10)
        panel.set_yticks(places, LAWS)
    panels[0, 0].invert_yaxis()
    figure.supxlabel("score less that of the best law (nat)", fontsize=10)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(HERE / "laws.png", dpi=150)


def main(data: Path) -> None:
    found = answers(data)
    tables = [table(name, found[name]) for name in (*SWEEPS, "Chinchilla, Gaussian noise")]
    text = "\n".join(line for one in [*tables, field_table(found), half_table(found)] for line in one)
    (HERE / "table.md").write_text(text, encoding="utf-8")
    print(text)
    draw(found)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]))
