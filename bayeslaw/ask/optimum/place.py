"""Drift of the place of an optimum: the best size lies elsewhere than a law's posterior has it.

A loss is flat about its minimum, so a law may forecast every loss and still put the best size beside the true one:
among the runs, where its bowl is not theirs, and further off the further a budget lies beyond them.  The offset of the
log of the best size from the law's is taken as ``level + slope * far + turn * max(far, 0)``, with ``far`` the e-folds
of compute from the largest fitted run (below it negative), each of the three with mean 0 and a scale that public sweeps
taught (``data/place_drift.toml``).  Where the fitted runs themselves show the best sizes of their budgets, these are
conditioned on, with their errors and a level that may be anything: the optimum moves to where the runs have it, and the
interval widens as the runs contradict the law.  The offset is a Student-t process (Shah, Wilson & Ghahramani 2014).

The whole bowl moves with its bottom, so the regret of a choice and the chance that it is best drift with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from bayeslaw.ask.optimum.trade import Trade
from bayeslaw.ask.where.extrapolation import flops
from bayeslaw.inference.base.streams import PLACE, generator
from bayeslaw.inference.posterior.best_sizes import BestSize
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note

LEARNED = Path(__file__).parents[2] / "data" / "place_drift.toml"
# The entry for laws of a loss that it was not learned for.
OTHER = "other"
# The scale of a level that may be anything: a factor of twenty.
ANYTHING = 3.0


@dataclass(frozen=True)
class PlaceDrift:
    """How the place of an optimum drifts, in e-folds of size along a budget; see the module.

    Attributes
    ----------
    level
        The scale of its level where the runs do not show it.
    slope, turn
        The scales of its slope per e-fold of compute, and of what is added to that beyond the runs.
    df
        Degrees of freedom of its Student-t distribution.
    """

    level: float
    slope: float
    turn: float
    df: float

    def offset(
        self, far: np.ndarray, seen: np.ndarray, offsets: np.ndarray, errors: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """The middle, the scale and the degrees of freedom of the offset at some distances.

        Parameters
        ----------
        far
            Distances from the largest fitted run, in e-folds of compute.
        seen, offsets, errors
            The distance of each budget whose best size its runs show, by how many e-folds of size they have it above
            the law, and the standard error of that; empty where no budget shows it.

        Returns
        -------
        tuple
            Two arrays of the shape of `far`, and a number.
        """
        level = ANYTHING if len(seen) else self.level
        scales = np.array([level, self.slope, self.turn]) ** 2

        def parts(at: np.ndarray) -> np.ndarray:
            return np.stack([np.ones_like(at), at, np.maximum(at, 0.0)])

        there, here = parts(np.ravel(far)), parts(seen)
        across = (there.T * scales) @ here
        gain = np.linalg.solve((here.T * scales) @ here + np.diag(errors**2), np.column_stack([offsets, across.T]))
        middle, left = across @ gain[:, 0], np.einsum("in,i,in->n", there, scales, there)
        variance = np.maximum(left - np.einsum("nk,kn->n", across, gain[:, 1:]), 0.0)
        df = self.df + len(seen)
        surprise = (self.df + offsets @ gain[:, 0]) / df
        return middle.reshape(np.shape(far)), np.sqrt(surprise * variance).reshape(np.shape(far)), df


STILL = PlaceDrift(0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Moving:
    """A drift of the place, as the draws of a posterior have it.

    Attributes
    ----------
    shown
        The best sizes that fitted budgets of the family show.
    """

    drift: PlaceDrift
    posterior: Posterior
    shown: Sequence[BestSize]

    def shifts(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """E-folds of size for each draw, the same on every call; shape ``(size,)``.

        A stratified sample in random order, as for the drift of an outcome.

        Parameters
        ----------
        inputs
            Inputs at the law's own optimum; each of shape ``(size,)``.
        """
        rng, count = generator(self.posterior.seed, PLACE), self.posterior.size
        parts = (rng.permutation(count) + rng.random(count)) / count
        seen, offsets, errors = self._seen
        middle, scale, df = self.drift.offset(self._far(inputs), seen, offsets, errors)
        return np.asarray(middle + scale * stdtrit(df, parts))

    def _far(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """The distance of a budget from the largest fitted run; 0 where compute is not known."""
        here = flops(self.posterior.law, inputs)
        return np.zeros(()) if here is None or self._most is None else np.log(here / self._most)

    @cached_property
    def _most(self) -> float | None:
        """The compute of the largest fitted run."""
        there = flops(self.posterior.law, self.posterior.plan.fitted)
        return None if there is None else float(there.max())

    @cached_property
    def _seen(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance, offset and error of each budget whose best size its runs show."""
        return (
            np.log([each.bottom.compute for each in self.shown]) - np.log(self._most or 1.0),
            np.array([each.offset for each in self.shown]), np.array([each.bottom.error for each in self.shown]),
        )  # fmt: skip


def place_drift_of(posterior: Posterior, trade: Trade) -> PlaceDrift | None:
    """The drift of the place under a law; None where nothing is known of it.

    Known is how the size with the lowest loss drifts along a budget of training compute.
    """
    output = posterior.law.output
    if output.column != "loss" or trade.along_size is None or posterior.published_by is not None:
        return None
    return learned().get(posterior.law.name, learned()[OTHER])


def without_place_drift() -> Note:
    """The note of an optimum of whose drift nothing is known."""
    return Note(
        "no-place-drift", "warning",
        "The intervals of the best inputs are those of the fitted laws alone: how such an optimum drifts beyond the "
        "runs was not learned from any public sweep, so they may be too narrow.",
        "Test them on the dearest runs of your own: hide these, fit the others, and ask for the optimum there.",
    )  # fmt: skip


@cache
def learned() -> Mapping[str, PlaceDrift]:
    """The drift that was learned from public sweeps, by law."""
    table = tomllib.loads(LEARNED.read_text(encoding="utf-8"))["law"]
    return {name: PlaceDrift(**values) for name, values in table.items()}
