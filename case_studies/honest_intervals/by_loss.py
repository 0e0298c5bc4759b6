"""Scores of larger models: through the loss, or by parameters and tokens?

    python case_studies/honest_intervals/by_loss.py DATA FITS

fits laws of scores to the cheaper models of 150 tables, from two origins, and asks for the scores of the dearer ones,
whose losses are hidden too.  Fits are kept in the folder FITS.  How laws that read a score off a loss err below the
losses that they were fitted to goes into bayeslaw/data/loss_slopes.csv, from which learn.py makes their drift.  How the
ways did goes into by_loss.json and by_loss.md: each task with drift, and priors, learned from the other tasks.  There
too are the priors that all tasks teach the law of parameters and tokens, which field.py takes into field.toml.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scores
from particles import SIZE, Population, particles, population, values, with_population
from scipy.optimize import least_squares, minimize_scalar
from scipy.special import expit as sigmoid
from scipy.stats import t as student_t

import bayeslaw as bl
from bayeslaw.ask.forecast.drift import TAILS, learned_drifts
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.validation.backtest.origins import COMPUTE, origins_along
from bayeslaw.validation.drift.slopes import NEAREST, OF_LOSS_SCORES, as_table

HERE = Path(__file__).parent
ORIGINS = (0.5, 0.8)
LOSS, BY_SIZE = "chinchilla", "task_chain"
THROUGH = ("score_by_loss", "loss_threshold")
NEEDED = ["family", "flops", "n_params", "n_tokens", "loss", "n_trials", "n_correct", "chance"]
# Shares of right answers are counted from them.
QUESTIONS = {"hellaswag": 10042, "arc_easy": 2376}


def over_training(data: Path) -> pd.DataFrame:
    """The 46 tasks of Gadre et al. (2024), of models trained on three corpora; their loss on C4."""
    return scores.over_training(data).assign(loss=lambda rows: rows["loss_c4_val"])


def loss_to_loss(data: Path) -> pd.DataFrame:
    """Two tasks of Brandfonbrener et al. (2024), of models trained on six corpora; their loss on C4."""
    table = pd.read_csv(data / "loss_to_loss.csv")
    return pd.concat(
        table.assign(
            task=task, n_trials=n, chance=0.25, loss=table["loss_c4"], n_correct=(table[f"{task}_acc"] * n).round()
        )
        for task, n in QUESTIONS.items()
    )


COLLECTIONS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "Over-training": over_training,
    "Loss to loss": loss_to_loss,
}


@dataclass
class Asked:
    """One task from one origin: what is hidden, and draws by law without drift.

    Draws are shares of shape ``(SIZE, hidden models)``; distances are in e-folds of what a law drifts along.
    """

    collection: str
    task: str
    corpus: str
    origin: int
    right: np.ndarray
    questions: np.ndarray
    chance: float
    seen: bl.Runs
    hidden: bl.Runs
    losses: np.ndarray  # draws of the hidden losses, with the drift of their law
    distance: np.ndarray  # of compute
    fits: dict[str, np.ndarray]


def law_of(name: str, chance: float) -> bl.Law:
    """A law of scores, with chance known, also one that waits for its calibration."""
    waiting = HERE.parents[1] / "benchmarks" / "waiting" / f"{name}.toml"
    law = bl.read_law(waiting) if waiting.exists() else bl.law(name)
    return law.with_priors(chance=f"Constant({chance:g})")


def asked(data: Path, fits: Path) -> Iterator[Asked]:
    """Every task from every origin, with its fits, which are made where they are not there."""
    for collection, read in COLLECTIONS.items():
        whole = read(data).dropna(subset=NEEDED)
        for (task, corpus), rows in whole.groupby(["task", "family"]):
            runs, chance = bl.read_runs(rows[NEEDED].reset_index(drop=True)), float(rows["chance"].iloc[0])
            for i, origin in enumerate(origins_along(runs, COMPUTE, ORIGINS)):
                seen, hidden = runs.hiding(origin.hidden), runs.take(origin.hidden)
                found = {
                    name: _kept(fits, f"{collection}|{task}|{corpus}|{i}|{name}", law_of(name, chance), seen)
                    for name in (*THROUGH, BY_SIZE)
                }
                loss = _kept(fits, f"{collection}|loss|{corpus}|{i}|{LOSS}", bl.law(LOSS), seen)
                compute = np.log(hidden.column("flops") / runs.column("flops")[~origin.hidden].max())
                yield Asked(
                    collection, str(task), str(corpus), i, hidden.column("n_correct"), hidden.column("n_trials"),
                    chance, runs.take(~origin.hidden), hidden, _losses(loss, hidden, compute), compute, found,
                )  # fmt: skip


def _kept(folder: Path, name: str, law: bl.Law, seen: bl.Runs) -> np.ndarray:
    """The particles of a fit."""
    path = folder / f"{hashlib.sha256(f'{name}{law.text}'.encode()).hexdigest()[:24]}.npy"
    if not path.exists():
        print(name, file=sys.stderr, flush=True)
        np.save(path, particles(make_plan(law, seen), len(name)))
    return np.asarray(np.load(path))


def _losses(u: np.ndarray, hidden: bl.Runs, compute: np.ndarray) -> np.ndarray:
    """Draws of the losses of new runs, with the drift of their law; shape ``(SIZE, hidden models)``."""
    law, rng, drift = bl.law(LOSS), np.random.default_rng(1), learned_drifts()[LOSS]
    at = {name: each[:, None] for name, each in values(law, u).items()}
    mean = law.mean({"N": hidden.column("n_params"), "D": hidden.column("n_tokens")}, at)
    slope = drift.direction + drift.scale * _slopes(SIZE, rng)
    return np.asarray(mean * np.exp(slope * compute + at["sigma"] * rng.standard_t(at["nu"], mean.shape)))


def _slopes(count: int, rng: np.random.Generator) -> np.ndarray:
    """A stratified sample of slopes of scale 1, in random order; shape ``(count, 1)``."""
    return np.asarray(student_t.ppf((rng.permutation(count) + 0.5) / count, TAILS))[:, None]


def logit(share: np.ndarray) -> np.ndarray:
    kept = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))


def means(task: Asked, name: str, u: np.ndarray, losses: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A law without drift, and how far each draw lies from its runs; each of shape ``(SIZE, hidden models)``.

    Parameters
    ----------
    losses
        Those of the hidden models (default: as forecast).
    """
    law = law_of(name, task.chance)
    at = {key: each[:, None] for key, each in values(law, u).items()}
    if name == BY_SIZE:
        found = law.mean({"N": task.hidden.column("n_params"), "D": task.hidden.column("n_tokens")}, at)
        return found, np.broadcast_to(task.distance, found.shape)
    L = np.clip(task.losses if losses is None else losses, 0.5, 20.0)
    found = np.broadcast_to(law.mean({"L": L}, at), (len(u), len(task.right)))
    far = np.log(np.fmax(task.seen.column("loss").min() / L, 1.0))
    return found, np.broadcast_to(far, found.shape)


def answered(task: Asked, name: str, u: np.ndarray, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws of right answers."""
    kappa = values(law_of(name, task.chance), u)["kappa"][:, None]
    p = rng.beta(np.fmax(mean * kappa, 1e-6), np.fmax((1 - mean) * kappa, 1e-6))
    return rng.binomial(task.questions.astype(int), p)


def slope_of(task: Asked, name: str, u: np.ndarray) -> tuple[float, float, float] | None:
    """The slope of a law's errors at the models' own losses, as the package takes it; None where all are near."""
    mean, far = means(task, name, u, task.hidden.column("loss"))
    far, n = far[0], task.questions
    kind = "logit" if name == BY_SIZE else "logit by loss"
    if far.max() <= NEAREST[kind]:
        return None
    run = logit((answered(task, name, u, mean, np.random.default_rng(2)) + 0.5) / (n + 1))
    middle = np.median(run, axis=0)
    low, high = np.quantile(run, [0.16, 0.84], axis=0)
    share = sigmoid(middle)
    noise = np.fmax((high - low) / 2, 1 / np.sqrt((n + 1) * share * (1 - share)))
    weight = far / noise**2
    slope = weight @ (logit((task.right + 0.5) / (n + 1)) - middle) / (weight @ far)
    shared = weight @ logit((mean * n + 0.5) / (n + 1)).std(axis=0) / (weight @ far)
    return float(slope), float(np.hypot(shared, 1 / np.sqrt(weight @ far))), float(far.max())


def scale_of(slopes: np.ndarray, errors: np.ndarray) -> float:
    """The scale of a drift without direction that slopes are most likely under, given their standard errors."""

    def surprise(log_scale: float) -> float:
        width = np.hypot(np.exp(log_scale), errors)
        return float(-np.sum(student_t.logpdf(slopes / width, TAILS) - np.log(width)))

    return float(np.exp(minimize_scalar(surprise, bounds=(-8, 3), method="bounded").x))


def two_stages(task: Asked) -> np.ndarray:
    """The published way by least squares: a loss by scale, then an S in it; shape ``(hidden models,)``."""
    N, D, L = (task.seen.column(name) for name in ("n_params", "n_tokens", "loss"))
    share, chance = task.seen.column("n_correct") / task.seen.column("n_trials"), task.chance

    def loss(x: np.ndarray, N: np.ndarray, D: np.ndarray) -> np.ndarray:
        E, A, B, a, b = np.exp(x)
        return np.asarray(E + A * (N / 1e9) ** -a + B * (D / 2e10) ** -b)

    def score(x: np.ndarray, L: np.ndarray) -> np.ndarray:
        return np.asarray(chance + (1 - chance) * sigmoid(x[0]) * sigmoid(np.exp(x[1]) * (x[2] - L)))

    first = least_squares(lambda x: np.log(loss(x, N, D) / L), np.log([1.8, 0.35, 0.35, 0.35, 0.35]), loss="soft_l1",
                          f_scale=0.01).x  # fmt: skip
    starts = ([1.0, 1.0, 2.5], [0.0, 0.5, 1.8], [2.0, 1.5, 3.0])
    second = min((least_squares(lambda x: score(x, L) - share, x0, max_nfev=2000) for x0 in starts),
                 key=lambda fit: fit.cost).x  # fmt: skip
    return score(second, loss(first, task.hidden.column("n_params"), task.hidden.column("n_tokens")))


class Study:
    """Every way to forecast, each task with what the others say."""

    def __init__(self, tasks: list[Asked]) -> None:
        self.tasks = tasks
        self._start: dict[tuple[str, int], Population] = {}

    @cache  # noqa: B019 - one study lives as long as the process
    def prior(self, name: str, origin: int, left_out: str | None) -> Population:
        """The population of a law's parameters over the other tasks."""
        law = law_of(name, 0.0)
        others = [each.fits[name] for each in self.tasks if each.origin == origin and each.task != left_out]
        start = None if left_out is None else self.prior(name, origin, None)
        return population(law, others, start, 40 if start is None else 5)

    @cache  # noqa: B019 - one study lives as long as the process
    def draws(self, i: int, name: str, learned: bool) -> np.ndarray:
        """The particles of a task under the law's priors, or under those of the other tasks."""
        task = self.tasks[i]
        if not learned:
            return task.fits[name]
        return with_population(law_of(name, 0.0), task.fits[name], self.prior(name, task.origin, task.task), i)

    @cache  # noqa: B019 - one study lives as long as the process
    def slopes(self, name: str, learned: bool) -> pd.DataFrame:
        """A row a task and origin."""
        rows = []
        for i, task in enumerate(self.tasks):
            found = slope_of(task, name, self.draws(i, name, learned))
            if found is not None:
                kind = "logit" if name == BY_SIZE else "logit by loss"
                rows.append({
                    "sweep": task.collection, "table": f"{task.collection}: {task.task}, {task.corpus}", "law": name,
                    "link": kind, "origin": f"cheapest {ORIGINS[task.origin]:.0%}", "slope": found[0],
                    "error": found[1], "distance": found[2], "task": task.task,
                })  # fmt: skip
        return pd.DataFrame(rows)

    @cache  # noqa: B019 - one study lives as long as the process
    def scale(self, name: str, learned: bool, left_out: str | None) -> float:
        """The drift that the other tasks say."""
        table = self.slopes(name, learned)
        others = table[table["task"] != left_out]
        return scale_of(others["slope"].to_numpy(), others["error"].to_numpy())

    def shares(self, i: int, name: str, learned: bool, scale: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Draws of the share of right answers by the law itself, on the logit, and of new runs."""
        task, u, rng = self.tasks[i], self.draws(i, name, learned), np.random.default_rng(i)
        mean, far = means(task, name, u)
        wide = self.scale(name, learned, task.task) if scale is None else scale
        drifted = logit(mean) + wide * _slopes(SIZE, rng) * far
        return drifted, answered(task, name, u, sigmoid(drifted), rng) / task.questions

    def way(self, i: int, name: str) -> np.ndarray:
        """Draws of new runs, shape ``(draws, hidden models)``; of a point forecast one."""
        task, drift = self.tasks[i], learned_drifts()[BY_SIZE].scale
        match name.split(": "):
            case ["two stages by least squares"]:
                return two_stages(task)[None]
            case [law, "as it was"]:
                return self.shares(i, law, False, drift if law == BY_SIZE else 0.0)[1]
            case [law, "drift of the other tasks"]:
                return self.shares(i, law, False, None)[1]
            case [law, "drift and priors of the other tasks"]:
                return self.shares(i, law, True, None)[1]
            case [_, "half of the draws each"]:
                return np.concatenate([self.shares(i, law, True, None)[1] for law in (THROUGH[0], BY_SIZE)])
            case [_, "met draw by draw"]:
                logits = [self.shares(i, law, True, None)[0] for law in (THROUGH[0], BY_SIZE)]
                u = self.draws(i, THROUGH[0], True)
                mean = sigmoid(np.mean(logits, axis=0))
                return answered(task, THROUGH[0], u, mean, np.random.default_rng(i)) / task.questions
        raise ValueError(name)


WAYS = (
    "task_chain: as it was", "loss_threshold: as it was", "score_by_loss: as it was", "two stages by least squares",
    "task_chain: drift of the other tasks", "loss_threshold: drift of the other tasks",
    "score_by_loss: drift of the other tasks", "task_chain: drift and priors of the other tasks",
    "score_by_loss: drift and priors of the other tasks", "both: half of the draws each", "both: met draw by draw",
)  # fmt: skip


def judged(study: Study, name: str) -> dict[str, dict[str, float]]:
    """How a way did, over all and by collection."""
    rows = []
    for i, task in enumerate(study.tasks):
        drawn, seen = study.way(i, name), task.right / task.questions
        low, first, middle, third, high = np.quantile(drawn, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0)
        missed = np.fmax(low - seen, 0) + np.fmax(seen - high, 0)
        rows.append(pd.DataFrame({
            "collection": task.collection, "error": np.abs(middle - seen), "0.95": (low <= seen) & (seen <= high),
            "0.5": (first <= seen) & (seen <= third), "width": high - low, "score": high - low + 40 * missed,
        }))  # fmt: skip
    table = pd.concat(rows)
    parts = {"all": table, **dict(list(table.groupby("collection")))}
    measures = ["error"] if len(study.way(0, name)) == 1 else ["error", "0.95", "0.5", "width", "score"]
    return {
        which: {"n": len(part), **{key: float(part[key].mean()) for key in measures}} for which, part in parts.items()
    }


def priors_of(name: str, study: Study) -> dict[str, str]:
    """The population of a law's parameters over all tasks, from the origin that sees most, as priors."""
    law = law_of(name, 0.0)
    rows = zip(law.free_parameters, *study.prior(name, len(ORIGINS) - 1, None), strict=True)
    forms = {
        "log": lambda middle: f"LogNormal(log({np.exp(middle):.4g})",
        "identity": lambda middle: f"Normal({middle:.4g}",
    }
    return {each: f"{forms[law.parameters[each].prior.link](middle)}, {spread:.2g})" for each, middle, spread in rows}


def page(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """A table a collection, a row a way."""
    lines = []
    for which in next(iter(found.values())):
        n = next(iter(found.values()))[which]["n"]
        lines += [f"## {which[0].upper()}{which[1:]}, {n} scores", "", "| | mean error | 95 % | 50 % | width | score |",
                  "|---|" + "---|" * 5]  # fmt: skip
        for name, parts in found.items():
            cell = parts[which]
            rest = (
                f"{cell['0.95']:.1%} | {cell['0.5']:.0%} | {cell['width']:.3f} | {cell['score']:.3f}"
                if "width" in cell else "| | | "
            )  # fmt: skip
            lines.append(f"| {name} | {cell['error']:.4f} | {rest} |")
        lines.append("")
    return "\n".join(lines)


def main(data: Path, fits: Path) -> None:
    fits.mkdir(parents=True, exist_ok=True)
    study = Study(list(asked(data, fits)))
    shipped = {law.name for law in bl.laws()}
    slopes = pd.concat([study.slopes(name, False) for name in THROUGH if name in shipped])
    as_table(slopes.to_dict("records")).to_csv(OF_LOSS_SCORES, index=False, float_format="%.6g")
    found: dict[str, Any] = {name: judged(study, name) for name in WAYS}
    scales = {f"{name}, {'learned' if learned else 'weak'} priors": study.scale(name, learned, None)
              for name in (*THROUGH, BY_SIZE) for learned in (False, True)}  # fmt: skip
    told = {"ways": found, "scales": scales, "priors": {BY_SIZE: priors_of(BY_SIZE, study)}}
    (HERE / "by_loss.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (HERE / "by_loss.md").write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(str(__doc__).strip())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
