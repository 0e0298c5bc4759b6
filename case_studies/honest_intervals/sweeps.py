"""The sweeps that drift is learned from and intervals are held against."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import bayeslaw as bl

# By name of the sweep: file, rows, and the column whose values are fitted each by itself.
#
# Of Porian et al. those settings whose learning rate decays for every run by itself: elsewhere the runs of several
# budgets are one run, stopped early.  Of Gemstones the runs that were cooled down.  Of the repeated-data study single
# epochs beyond a billion tokens, below which the runs had no more than a few hundred steps.
SWEEPS = {
    "Chinchilla": ("chinchilla_epoch", "excluded_in_source_fit == 0", None),
    "Single epoch": ("datablations", "epochs == 1 and n_tokens > 1e9", None),
    "Gadre": ("gadre_overtraining", "n_params > 0", "family"),
    "Gemstones": ("gemstones", "schedule == 'cooldown'", None),
    "Loss to loss": ("loss_to_loss", "n_params > 0", "family"),
    "Porian": ("porian_isoflop", "decay == 'chinchilla' and loss_kind == 'val'", "family"),
    "Step law optima": ("steplaw_dense", "loss < 6", None),
}
LAWS = ("chinchilla", "coupled", "over_training", "kaplan")
# Without a floor a law errs the other way, and where runs are plentiful they tell; it is learned from and not averaged.
AVERAGED = LAWS[:3]
ORIGINS = (0.35, 0.5, 0.65, 0.8)
# An origin that sees fewer runs cannot tell a law of seven parameters.
FEWEST = 9


def tables(data: Path, sweep: str) -> Iterator[tuple[str, bl.Runs]]:
    """The tables of a sweep, each fitted by itself, by name."""
    file, rows, family = SWEEPS[sweep]
    runs = bl.read_runs(data / f"{file}.csv").where(rows)
    if sweep == "Step law optima":
        runs = best(runs)
    if family is None:
        yield sweep, runs
    else:
        for name in runs.levels(family)[0]:
            yield f"{sweep}: {name}", runs.where(f"{family} == '{name}'")


def best(runs: bl.Runs) -> bl.Runs:
    """Of the runs of one size and number of tokens the one whose learning rate and batch did best."""
    frame = runs.frame()
    return runs.take(np.sort(frame.groupby(["n_params", "n_tokens"]).loss.idxmin().to_numpy()))


def origins(runs: bl.Runs) -> list[float]:
    """Shares of the runs from which the laws can be told."""
    return [share for share in ORIGINS if share * len(runs) >= FEWEST]
