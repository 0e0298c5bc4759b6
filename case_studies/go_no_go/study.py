"""Gadre et al.'s runs of 6.9 billion parameters, decided from the runs below 2e19 FLOPs alone.

    python case_studies/go_no_go/study.py [RUNS.csv]

writes next_runs.png and table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import bayeslaw as bl

HERE = Path(__file__).parent
RUNS = Path(bl.__file__).parent / "data" / "gadre_overtraining.csv"
SEED = 0
NAMES = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}
SMALL = "fit_role == 'loss_fit'"  # the 15 runs that the authors fitted, all below 2e19 FLOPs
# The largest runs, of 6.9 billion parameters: one on each corpus.
TARGET = "n_params > 6e9"
# The loss that a run should reach, in nats per token: what a signed plan might say.
GOAL = 2.45
# What may be spent on the next run: a twentieth of the target's own compute.
PART = 0.05


def candidates(runs: bl.Runs, corpus: str) -> bl.Runs:
    """The runs of a corpus that were made, and that the fit has not seen, but for the target."""
    return runs.where(f"family == '{corpus}' and fit_role == 'held_out' and not ({TARGET})")


def made(possible: bl.Runs, at: Mapping[str, float]) -> bl.Runs:
    """The run of a candidate, with its loss."""
    return possible.where(f"n_params == {at['N']!r} and n_tokens == {at['D']!r}")


def decided(posterior: bl.Posterior, runs: bl.Runs, corpus: str) -> str:
    """The line of one corpus: the chance before, the run that is chosen, and the chance once its loss is known."""
    target = runs.where(f"family == '{corpus}' and {TARGET}")
    at = {"N": target.column("n_params"), "D": target.column("n_tokens")}
    seen, compute = float(target.column("loss")[0]), float(target.column("flops")[0])
    possible = candidates(runs, corpus)
    found = bl.next_runs(posterior, possible, at, PART * compute, family=corpus)
    best = found.best
    after = bl.update(posterior, made(possible, best.at), at, above=GOAL, family=corpus)
    before, now = after.point.new_run, after.after
    missed = (0.0, 0.0) if after.missed is None else after.missed
    if corpus == "rpj":
        bl.plot_next_runs(found).savefig(HERE / "next_runs.png", dpi=150)
    return (
        f"| {NAMES[corpus]} | {1 - missed[0]:.0%} | {before.median:.3f} [{before.lower:.3f}, {before.upper:.3f}] "
        f"| {best.place} | {best.cost / compute:.1%} | {best.narrower:.0%} | {1 - missed[1]:.0%} "
        f"| {now.median:.3f} [{now.lower:.3f}, {now.upper:.3f}] | {after.khat:.2f} | {seen:.3f} |"
    )


def main(source: Path) -> None:
    runs = bl.read_runs(source)
    posterior = bl.fit("chinchilla", runs.where(SMALL), "family", seed=SEED)
    print(posterior, file=sys.stderr)
    lines = [
        f"| corpus | P(loss <= {GOAL}) | forecast, 90 % | next run | its compute | narrows by | P after "
        "| forecast after | Pareto k | observed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [decided(posterior, runs, corpus) for corpus in posterior.families]
    text = "\n".join(lines)
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
