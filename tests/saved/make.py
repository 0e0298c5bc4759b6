"""Make the saved fits that answers are held to, and what is answered from them today.

A rebuild is a change of what users were told, so run it only when a change of an answer is meant::

    python tests/saved/make.py            # fits and answers (a minute)
    python tests/saved/make.py --answers  # the answers alone, from the fits as they are
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import bayeslaw as bl

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.saved.answers import FOLDER, answers, write


def gadre() -> bl.Runs:
    """The shipped table, called by its name alone, without the path where it stood when it was fitted."""
    path = Path(bl.__file__).parent / "data" / "gadre_overtraining.csv"
    return replace(bl.read_runs(path).where("fit_role == 'loss_fit'"), source=path.name)


def tasks() -> bl.Runs:
    """Correct answers of 40 models on a task that appears at 1e22 FLOPs, drawn from the law itself."""
    rng = np.random.default_rng(20)
    flops = np.geomspace(1e19, 1e23, 40)
    chance = 0.02 + 0.8 / (1.0 + np.exp(-1.4 * (np.log(flops) - np.log(1e22))))
    return bl.read_runs({"flops": flops, "n_correct": rng.binomial(200, chance), "n_trials": np.full(40, 200.0)})


def fits() -> None:
    short = {"draws": 300, "warmup": 300}
    pool = dict.fromkeys(("A", "B", "beta"), "complete")
    bl.fit("chinchilla", gadre(), family="family", pool=pool, **short).save(FOLDER / "chinchilla.nc")
    bl.fit("coupled", gadre(), **short).save(FOLDER / "coupled.nc")
    bl.fit("chinchilla", gadre(), **short).save(FOLDER / "pooled.nc")
    bl.fit("emergence_logistic", tasks(), **short).save(FOLDER / "emergence.nc")


if __name__ == "__main__":
    if "--answers" not in sys.argv:
        fits()
    write(answers())
