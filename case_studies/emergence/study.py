"""When abilities appear: seven tasks over families of models, and 128 problems sampled 10,000 times.

    python case_studies/emergence/study.py FOLDER

with obs_emergent.csv (Ruan et al. 2024) and passk_pythia.csv (Schaeffer et al. 2025) in the folder; writes
threshold.png and table.md beside itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import logsumexp
from scipy.stats import betabinom, norm

import bayeslaw as bl
from bayeslaw.ask.threshold.threshold import Threshold
from bayeslaw.runs import observations

HERE = Path(__file__).parent
SEED = 0
TASKS = {
    "arithmetic_2digit_add": "2-digit addition", "arithmetic_2digit_mul": "2-digit multiplication",
    "arithmetic_3digit_add": "3-digit addition", "arithmetic_3digit_sub": "3-digit subtraction",
    "ipa_transliterate": "transliteration", "parsinlu_qa": "Persian questions", "word_unscrambling": "unscrambling",
}  # fmt: skip
SHOWN = "arithmetic_3digit_add"
# Above this the smoothed weights cannot be trusted (Vehtari et al. 2024), and the family is left out by a fit.
LARGEST_KHAT = 0.7
HIDDEN = 1e-12  # the weight of a run that is left out: shapes stay, so nothing is compiled again
# A family's shift in units of the spread: steps well below what eight scores tell of it.
SHIFTS = np.linspace(-6.0, 6.0, 201)


def fitted(runs: bl.Runs, pooled: bool) -> bl.Posterior:
    """The logistic with known chance; one midpoint for all, or one a family."""
    law = bl.law("emergence_logistic").with_priors(chance=f"Constant({runs.column('chance')[0]:g})")
    return bl.fit(law, runs, "family", {"C_half": "complete"} if pooled else None, seed=SEED)


def family_log_density(posterior: bl.Posterior, runs: bl.Runs) -> tuple[np.ndarray, np.ndarray]:
    """The log density of one family's scores given what all families share, its own midpoint unknown.

    Of all its scores together, shape ``(draws,)``, and of each by itself, shape ``(draws, runs)``.
    """
    at = {name: values[:, None, None] for name, values in posterior.parameters({"family": "population"}).items()}
    shared = posterior.pool.get("C_half") == "complete"
    shifts = np.zeros(1) if shared else SHIFTS
    spread = 1.0 if shared else posterior.draws("C_half_spread_family")[:, None, None]
    inputs, passes = observations.inputs(runs, posterior.law), runs.column(posterior.law.output.column)
    mean = posterior.law.mean(inputs, {**at, "C_half": at["C_half"] * np.exp(spread * shifts[:, None])})
    log_density = betabinom.logpmf(passes, inputs["n"], mean * at["kappa"], (1 - mean) * at["kappa"])
    weights = np.zeros(1) if shared else norm.logpdf(shifts) + np.log(shifts[1] - shifts[0])
    return logsumexp(log_density.sum(axis=-1) + weights, axis=1), logsumexp(log_density + weights[:, None], axis=1)


def left_out(runs: bl.Runs, posterior: bl.Posterior, pooled: bool) -> tuple[np.ndarray, int]:
    """Log predictive densities of each family from the others, and how many took a fit of their own.

    Of all scores of a family together and of each by itself, summed; shape ``(2, families)``.
    """
    scores, refits = [], 0
    names = np.array(runs.levels("family")[0])[runs.levels("family")[1]]
    for family in runs.levels("family")[0]:
        own = runs.take(names == family)
        together, apart = family_log_density(posterior, own)
        weights, khat = array_stats.psislw(-together)
        if khat > LARGEST_KHAT:
            columns = {name: runs.data[name] for name in runs.data}
            hidden = bl.read_runs({**columns, "weight": np.where(names == family, HIDDEN, 1.0)})
            together, apart = family_log_density(fitted(hidden, pooled), own)
            weights, refits = np.zeros(len(together)), refits + 1
        weights = weights - logsumexp(weights)
        scores.append((logsumexp(together + weights), logsumexp(apart + weights[:, None], axis=0).sum()))
    return np.array(scores).T, refits


def scale(found: Threshold) -> str:
    """An interval as powers of ten, where it ends."""
    ends = [f"{np.log10(x):.1f}" if np.isfinite(x) else ("beyond" if x > 0 else "before")
            for x in (found.scale.median, found.scale.lower, found.scale.upper)]  # fmt: skip
    return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def by_task(source: Path) -> list[str]:
    lines = [
        "| task | models | families | scores by themselves: gain (se) | all of a family: gain (se) | refits "
        "| 50 % at log10 C | not within reach | spread, e-folds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for task, name in TASKS.items():
        runs = bl.read_runs(source).where(f"task == '{task}' and flops > 0 and n_trials > 0")
        hierarchy, pooled = fitted(runs, pooled=False), fitted(runs, pooled=True)
        for each in (hierarchy, pooled):
            print(task, each, each.diagnostics.complaints, file=sys.stderr, flush=True)
        (ours, first), (theirs, second) = left_out(runs, hierarchy, False), left_out(runs, pooled, True)
        (together, apart), count = ours - theirs, ours.shape[1]
        errors = [gain.std(ddof=1) * np.sqrt(count) for gain in (apart, together)]
        found = bl.threshold(hierarchy, 0.5, family="new")
        spread = hierarchy.draws("C_half_spread_family")
        lines.append(
            f"| {name} | {len(runs)} | {count} | {apart.sum():+.1f} ({errors[0]:.1f}) "
            f"| {together.sum():+.1f} ({errors[1]:.1f}) | {first + second} | {scale(found)} "
            f"| {found.probability_not_within_reach:.2f} | {spread.mean():.2f} ({spread.std():.2f}) |"
        )
        if task == SHOWN:
            bl.plot_threshold(found).savefig(HERE / "threshold.png", dpi=150)
    return lines


def by_problem(source: Path) -> list[str]:
    """Whether the chance to solve a problem accelerates with scale, problem by problem."""
    runs = bl.read_runs(source).where("source == 'large_language_monkeys'")
    posterior = bl.fit("passuntil_curved", runs, "problem", seed=SEED)
    print(posterior, posterior.diagnostics.complaints, file=sys.stderr, flush=True)
    bend, never = posterior.draws("bend"), float(np.mean(runs.column("n_correct") == 0))
    new = bl.threshold(posterior, 0.1, family="new")
    return [
        f"- {len(runs)} counts of {len(posterior.families)} problems, {never:.0%} of them without a pass.",
        f"- Curvature {bend.mean():+.3f} (sd {bend.std():.3f}); P(accelerated) = {np.mean(bend < 0):.3f}.",
        f"- A new problem is passed one time in ten at log10 N = {scale(new)}; not within reach with probability "
        f"{new.probability_not_within_reach:.2f}.",
    ]


def main(folder: Path) -> None:
    text = "\n\n".join([
        "## Leaving one family out", "\n".join(by_task(folder / "obs_emergent.csv")),
        "## Problem by problem", "\n".join(by_problem(folder / "passk_pythia.csv")),
    ])  # fmt: skip
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
