"""How checkpoints of one run share their scatter about the law.

A fit takes rows for independent.  Checkpoints of one run are not: a run that lies above the law at one checkpoint lies
above it at the next, by its seed, its data order or what the law leaves out of its recipe.  Taken for independent,
fifty of them would move a forecast as fifty runs do.  So a part of the variance of the scatter, the same in all of a
run's rows, is the run's own:

    row = law + scatter (sqrt(part) run + sqrt(1 - part) rest)

The part is unknown: anything from 0 to 1, as far as the checkpoints leave it open.  Both it and the run's own scatter
are integrated out, the latter in closed form, also with heavy tails (a multivariate Student-t), and carry over to the
end of the run.  That needs noise with a scale, as of a loss; shares and counts are taken for independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import gammaln, logsumexp

from bayeslaw.decisions.joint import Block
from bayeslaw.inference.model.values import Random
from bayeslaw.inference.posterior.densities import DENSITIES
from bayeslaw.language.formula.functions import LINKS, UNLINKS


@dataclass(frozen=True)
class Shown:
    """What the draws of one posterior make of a run that has shown something.

    Attributes
    ----------
    log_density
        Of all that was shown, under each draw; shape ``(draws,)``.
    end
        An outcome of the end of the run that follows from what was shown, for each draw; shape ``(draws,)``.
    """

    log_density: np.ndarray
    end: np.ndarray


@dataclass(frozen=True)
class Progress:
    """What was shown.

    Attributes
    ----------
    rows
        The points that have outcomes; shape ``(shown,)``.
    observed
        Those outcomes; shape ``(shown,)``.
    runs
        Which run each point belongs to; shape ``(points,)``.
    end
        The point that is asked about.
    """

    rows: np.ndarray
    observed: np.ndarray
    runs: np.ndarray
    end: int

    def at(self, rows: np.ndarray) -> Progress:
        """The same with some of the rows; their positions among those shown."""
        return replace(self, rows=self.rows[rows], observed=self.observed[rows])

    @property
    def of_the_end(self) -> bool:
        """Whether the run whose end is asked about has shown something."""
        return bool((self.runs[self.rows] == self.runs[self.end]).any())


def scatter_shared(block: Block) -> bool:
    """Whether the noise has a scale, lies on both sides of the law, and outcomes are known and not only bounded."""
    family = block.family
    return family.scale is not None and not family.one_sided and "bound" not in family.arguments


# The parts of the scatter that are a run's own, equally likely beforehand.
PARTS = (np.arange(40) + 0.5) / 40


def shown_by(block: Block, progress: Progress, rng: Random) -> Shown:
    """What is shown by runs, and the end of one of them."""
    rows, end = progress.rows, progress.end
    if not scatter_shared(block):
        arguments = (each[:, rows] for each in block.arguments)
        with np.errstate(all="ignore"):
            density = DENSITIES[block.likelihood](progress.observed, *arguments)
        return Shown(np.asarray(density).sum(axis=1), block.outcome[:, end])
    link = block.family.link
    scale, df = _noise(block)
    with np.errstate(all="ignore"):
        law = LINKS[link](block.mean)
        off = (LINKS[link](progress.observed) - law[:, rows]) / scale[:, rows]
    density, end_run = np.zeros((len(df), len(PARTS))), None
    for run in np.unique(progress.runs[rows]):
        own = progress.runs[rows] == run
        one = _OneRun(off[:, own], df[:, None])
        density += one.log_density - np.log(scale[:, rows[own]]).sum(axis=1)[:, None]
        if run == progress.runs[end]:
            end_run = one
    scattered = rng.standard_normal(len(df))
    if end_run is None:
        scattered /= _lengths(df, rng)
    else:
        part = _chosen(density, rng)
        expected, left = (np.take_along_axis(each, part, axis=1)[:, 0] for each in (end_run.expected, end_run.left))
        scattered = expected + np.sqrt(left) * scattered / _lengths(df + end_run.count, rng)
    with np.errstate(over="ignore"):
        outcome = np.asarray(UNLINKS[link](law[:, end] + scale[:, end] * scattered))
    # On the scale of the outcome, on which laws of other noise are weighed against this one.
    stretched = sum(_STRETCHED[link](each) for each in progress.observed)
    return Shown(logsumexp(density, axis=1) - np.log(len(PARTS)) + stretched, outcome)


# The log of the slope of each link.
_STRETCHED: Mapping[str, Callable[[float], float]] = {
    "identity": lambda _: 0.0,
    "log": lambda y: -math.log(y),
    "logit": lambda y: -math.log(y) - math.log1p(-y),
}


def _chosen(density: np.ndarray, rng: Random) -> np.ndarray:
    """One of the parts for each draw, by their log densities; positions of shape ``(draws, 1)``."""
    with np.errstate(invalid="ignore"):
        chances = np.cumsum(np.exp(density - density.max(axis=1, keepdims=True)), axis=1)
    found = (chances < rng.random((len(density), 1)) * chances[:, -1:]).sum(axis=1, keepdims=True)
    return np.asarray(np.minimum(found, len(PARTS) - 1))


def another(block: Block, progress: Progress, rng: Random) -> np.ndarray:
    """The outcomes of other runs at the rows that were shown; shape ``(draws, shown)``."""
    rows = progress.rows
    if not scatter_shared(block):
        return block.outcome[:, rows]
    link = block.family.link
    scale, df = _noise(block)
    with np.errstate(all="ignore"):
        found = LINKS[link](block.mean)[:, rows]
    for run in np.unique(progress.runs[rows]):
        own = np.flatnonzero(progress.runs[rows] == run)
        part = rng.choice(PARTS, (len(df), 1))
        shared, rest = rng.standard_normal((len(df), 1)), rng.standard_normal((len(df), len(own)))
        scattered = np.sqrt(part) * shared + np.sqrt(1.0 - part) * rest
        found[:, own] += scale[:, rows[own]] * scattered / _lengths(df, rng)[:, None]
    with np.errstate(over="ignore"):
        return np.asarray(UNLINKS[link](found))


def _noise(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """The scale of the noise, of shape ``(draws, points)``, and its degrees of freedom; infinite for a normal."""
    named = dict(zip(block.family.arguments, block.arguments, strict=True))
    return named[str(block.family.scale)], named["df"][:, 0] if "df" in named else np.full(len(block.mean), np.inf)


def _lengths(df: np.ndarray, rng: Random) -> np.ndarray:
    """What a normal is divided by for a Student-t; ones for infinite degrees of freedom."""
    light = np.isinf(df)
    half = 0.5 * np.where(light, 1.0, df)
    return np.where(light, 1.0, np.sqrt(rng.standard_gamma(half) / half))


@dataclass(frozen=True)
class _OneRun:
    """The scatter of one run, in units of its scale, for every draw and each of the parts: shape ``(draws, parts)``.

    Attributes
    ----------
    off
        Shape ``(draws, rows)``.
    df
        Degrees of freedom of its tails; shape ``(draws, 1)``.
    """

    off: np.ndarray
    df: np.ndarray

    @property
    def count(self) -> int:
        """The number of rows."""
        return int(self.off.shape[1])

    @property
    def _alike(self) -> np.ndarray:
        """The eigenvalue of the correlations along the rows' sum; the others are one less the part."""
        return np.asarray(1.0 + (self.count - 1) * PARTS)

    @cached_property
    def _squared(self) -> np.ndarray:
        """The squared length of the scatter, whitened."""
        middle = self.off.mean(axis=1, keepdims=True)
        around = ((self.off - middle) ** 2).sum(axis=1, keepdims=True)
        return np.asarray(self.count * middle**2 / self._alike + around / (1.0 - PARTS))

    @property
    def log_density(self) -> np.ndarray:
        """Of all rows together."""
        n, squared = self.count, self._squared
        volume = 0.5 * ((n - 1) * np.log1p(-PARTS) + np.log(self._alike))
        light = np.isinf(self.df)
        df = np.where(light, 1.0, self.df)
        height = gammaln(0.5 * (df + n)) - gammaln(0.5 * df) - 0.5 * n * np.log(np.pi * df)
        heavy = height - 0.5 * (df + n) * np.log1p(squared / df)
        return np.asarray(np.where(light, -0.5 * squared - 0.5 * n * np.log(2.0 * np.pi), heavy) - volume)

    @property
    def expected(self) -> np.ndarray:
        """The scatter to expect of one more row of the run."""
        return np.asarray(PARTS * self.off.sum(axis=1, keepdims=True) / self._alike)

    @property
    def left(self) -> np.ndarray:
        """The squared scale that is left about it; heavy tails widen it where what was shown is far out."""
        light = np.isinf(self.df)
        df = np.where(light, 1.0, self.df)
        wider = np.where(light, 1.0, (df + self._squared) / (df + self.count))
        return np.asarray(wider * (1.0 - PARTS**2 * self.count / self._alike))
