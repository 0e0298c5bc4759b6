"""How large a teacher is best: language models of three settings, and networks that classify images.

    python case_studies/capacity_gap/study.py FOLDER

with distill_llm_teacher_size.csv and distill_capacity_gap_vision.csv in the folder; writes regret.png and table.md
beside itself.  Every figure of README.md comes from here.
"""

import sys
from pathlib import Path

import numpy as np

import bayeslaw as bl
from bayeslaw.ask.optimum.optimum import Optimum

HERE = Path(__file__).parent
LAW = bl.law("capacity_gap_error")
SETTINGS = {"pd_teacher_size": "pre-training", "cot_teacher_size": "chains of thought"}
# Over data sets of images, the ratio alone may differ: they tell too little of the rest.
IMAGES = {"q_small": "complete", "q_large": "complete"}
LANGUAGE_MENU, STUDENTS = (3e9, 7e9, 14e9, 32e9, 72e9), (1e9, 3e9, 7e9)
RESNETS = {"ResNet-34": 21_797_672, "ResNet-50": 25_557_032, "ResNet-101": 44_549_160, "ResNet-152": 60_192_808}
RESNET18 = 11_689_512
# How far from 1 a power may be and still count as in proportion.
PROPORTION = 0.1


def language(folder: Path) -> bl.Runs:
    """Students with each of two teachers, by their average error; a setting and a series of models is a family."""
    runs = bl.read_runs(folder / "distill_llm_teacher_size.csv").where("task == 'average' and teacher_params > 0")
    known = np.isin(runs.data["experiment"], list(SETTINGS))
    runs = runs.take(known)
    return bl.read_runs({
        "family": [f"{SETTINGS[e]}, {f}" for e, f in zip(runs.data["experiment"], runs.data["family"], strict=True)],
        "student": runs.data["student"], "student_params": runs.column("student_params"),
        "teacher_params": runs.column("teacher_params"), "error": 1 - runs.column("score"),
    })  # fmt: skip


def images(folder: Path) -> bl.Runs:
    """Students with two teachers or more, averaged over seeds; a student trained by another method is another one."""
    runs = bl.read_runs(folder / "distill_capacity_gap_vision.csv").where("teacher_params > 0")
    seen: dict[tuple[str, ...], list[tuple[float, ...]]] = {}
    for i in range(len(runs)):
        key = tuple(str(runs.data[name][i]) for name in ("dataset", "student", "method", "teacher"))
        seen.setdefault(key, []).append(
            tuple(runs.column(name)[i] for name in ("student_params", "teacher_params", "error"))
        )
    students = [key[:3] for key in seen]
    kept = {key: np.mean(rows, axis=0) for key, rows in seen.items() if students.count(key[:3]) > 1}
    student_params, teacher_params, error = np.array(list(kept.values())).T
    return bl.read_runs({
        "dataset": [key[0] for key in kept], "student": [":".join(key[:3]) for key in kept],
        "student_params": student_params, "teacher_params": teacher_params, "error": error,
    })  # fmt: skip


def proportional(draws: np.ndarray) -> float:
    """The probability that the best teacher grows in proportion to the student, nearly."""
    return float(np.mean(np.abs(draws - 1) < PROPORTION))


def interval(draws: np.ndarray) -> str:
    median, low, high = np.quantile(draws, [0.5, 0.05, 0.95])
    return f"{median:.3g} [{low:.3g}, {high:.3g}]"


def law_table(fits: dict[str, bl.Posterior]) -> list[str]:
    prior = LAW.draw_prior(np.random.default_rng(0), 100_000)
    spread = LAW.parameters["kappa"].spread.draw(np.random.default_rng(1), 100_000)
    rows = {"the prior": (prior["kappa"], spread, prior["eta"])}
    for name, one in fits.items():
        rows[name] = (one.draws("kappa"), one.draws(f"kappa_spread_{one.family}"), one.draws("eta"))
    lines = [
        "| | best teacher of 100 million, in times the student | its spread over families, e-folds | eta "
        "| P(abs(eta - 1) < 0.1) |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {' | '.join(map(interval, each))} | {proportional(each[2]):.2f} |"
              for name, each in rows.items()]  # fmt: skip
    return lines


def menu_table(found: Optimum, names: list[str]) -> list[str]:
    lines = ["| teacher | percentage points given up | best with |", "|---|---|---|"]
    for name, option in zip(names, found.menu, strict=True):
        cost = (100 * each for each in (option.regret.median, option.regret.lower, option.regret.upper))
        lines.append("| {} | {:.2f} [{:.2f}, {:.2f}] | {:.0%} |".format(name, *cost, option.probability_best))
    return lines


def draw(asked: dict[float, Optimum]) -> None:
    """Regret against the teacher's size, for students of several sizes in a new family."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.6), dpi=120, layout="constrained")
    for axes, (student, found) in zip(figure.subplots(1, len(asked), sharey=True), asked.items(), strict=True):
        curve = found.curves[0]
        median, lower, upper, _ = 100 * curve.regret
        ratio = curve.inputs["T"] / student
        axes.fill_between(ratio, lower, upper, color="#0072B2", alpha=0.2, lw=0)
        axes.plot(ratio, median, color="#0072B2")
        for at, style in ((2.5, "--"), (10, ":")):
            axes.axvline(at, color="#222222", lw=0.9, ls=style)
        axes.set(xscale="log", xlim=(0.5, 100), ylim=(0, 3), xlabel="teacher, in times the student")
        axes.set_title(f"student of {student:.0e} parameters".replace("e+09", " billion"), fontsize=10)
    figure.axes[0].set_ylabel("percentage points given up")
    figure.savefig(HERE / "regret.png")


def main(folder: Path) -> None:
    fits = {
        "language models": bl.fit(LAW, language(folder), "family"),
        "images": bl.fit(LAW, images(folder), "dataset", IMAGES, target_accept=0.95, patience=False),
    }
    for name, one in fits.items():
        print(name, one, one.diagnostics.complaints, file=sys.stderr, flush=True)
    menu = [{"T": size} for size in LANGUAGE_MENU]
    asked = {size: bl.optimum(fits["language models"], at={"S": size}, menu=menu) for size in STUDENTS}
    draw(asked)
    lines = ["## The law", "", *law_table(fits), "", "## Language models: a new family", ""]
    for size, found in asked.items():
        best = found.draws["T"] / size
        lines += [
            f"A student of {size / 1e9:g} billion: best teacher {interval(best)} times as large; "
            f"P(at least 5 times) = {np.mean(best >= 5):.2f}. "
            f"{found.flatness()[0]}", "",
            *menu_table(found, [f"{each / 1e9:g} billion" for each in LANGUAGE_MENU]), "",
        ]  # fmt: skip
    lines += ["## Images: ResNet-18 on ImageNet, plain distillation", ""]
    found = bl.optimum(
        fits["images"], at={"S": RESNET18}, menu=[{"T": size} for size in RESNETS.values()],
        family={"dataset": "imagenet", "student": "imagenet:resnet18:KD"},
    )  # fmt: skip
    lines += menu_table(found, list(RESNETS))
    text = "\n".join(lines)
    (HERE / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
