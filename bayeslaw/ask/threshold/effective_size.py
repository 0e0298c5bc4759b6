"""Effective size: how large a network of a reference family would have to be for the score of another network.

A fit to the reference, from scale to score, is inverted.  Each of its draws is a curve, so a network has one effective
size per draw.  Towards the ends of a curve a score does not determine a size, only an upper or lower bound.  Bounds are
kept as such, and the law of the next stage treats them as censored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayeslaw.ask.average import Average
from bayeslaw.ask.forecast.drift import Drift, Drifting, as_records, drifts_of, without_drift
from bayeslaw.ask.interval import Interval, Level, levels_of, percent
from bayeslaw.ask.threshold.crossing import POINTS
from bayeslaw.ask.threshold.curve import Track, make_track
from bayeslaw.ask.where.scale import COMPUTE, read_at, trials
from bayeslaw.errors import QuestionError
from bayeslaw.inference.base.diagnostics import Diagnostics
from bayeslaw.inference.posterior.noise import spread
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.note import Note, in_order
from bayeslaw.page import Page, as_html, as_text
from bayeslaw.runs import observations
from bayeslaw.runs.table import Runs, RunsLike, read_runs
from bayeslaw.words import chance, plain, short, size

# A score within this many standard errors of an end of the curve is at that end.
ERRORS = 2.0
# Where the curve is flat, the standard error of the log of a size is unbounded; beyond this it is uninformative anyway.
MOST = 5.0
# A ratio changes with size, or does not, over as many sizes, of which no more than this share are bounds.
LEAST_SIZES, MOST_BOUNDS = 3, 0.05
# Columns that name the networks, if a table has one.
NAMES = ("model", "name", "run")


@dataclass(frozen=True, eq=False)
class EffectiveSizes:
    """The sizes at which a reference family has the scores of some networks.

    Attributes
    ----------
    law, outcome, column
        The law of the reference, the score, and the column of the size.
    held
        The other inputs of the reference, in words.
    units
        Units of the sizes.
    levels
        Probabilities of the intervals, the headline's first.
    within
        The sizes between which the reference is trusted.
    models
        The networks, with all of their columns.
    own
        The real sizes; shape ``(models,)``.
    log_size
        The log of the effective size by draw of the reference, or of the bound; shape ``(size, models)``.
    bound
        -1 where the size is an upper bound, 1 where it is a lower bound, else 0; shape ``(size, models)``.
    drift
        The drift of the reference, by its name; empty where it was switched off or is not known.
    log_se
        Standard error of the log of the size, from the noise of the score; 0 for a bound; shape ``(size, models)``.
    fit_notes
        The serious notes of the fit of the reference.
    """

    law: str
    outcome: str
    column: str
    held: str
    units: str
    levels: tuple[float, ...]
    within: tuple[float, float]
    models: Runs
    own: np.ndarray
    log_size: np.ndarray
    bound: np.ndarray
    log_se: np.ndarray
    drift: Mapping[str, Drift]
    diagnostics: Diagnostics
    fit_notes: tuple[Note, ...]

    def __len__(self) -> int:
        return len(self.models)

    @property
    def level(self) -> float:
        """The probability of the headline's intervals."""
        return self.levels[0]

    @property
    def converged(self) -> bool:
        """Whether the chains of the reference have converged; if not, the caller asked anyway."""
        return self.diagnostics.converged

    @property
    def notes(self) -> tuple[Note, ...]:
        """What limits the answer."""
        floor, ceiling = (int(np.sum(share > 0.5)) for share in (self.at_floor, self.at_ceiling))
        bounds = Note(
            "bounds", "info",
            f"Of {len(self)} scores {floor} are at the floor of the reference and {ceiling} at its ceiling, so their "
            f"sizes are bounds.",
            "Score these networks on a harder or easier task, of which the reference has a curve.",
        )  # fmt: skip
        return in_order(
            (*self.fit_notes, *([] if self.drift else [without_drift()]), *([bounds] if floor or ceiling else []))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the networks in the table, or its row numbers."""
        column = next((each for each in NAMES if self.models.has(each) and self.models.is_text(each)), None)
        if column is None:
            return tuple(f"row {row}" for row in self.models.rows)
        return tuple(str(each) for each in self.models.column(column))

    @property
    def at_floor(self) -> np.ndarray:
        """The probability that a score is at the lower end of the reference's curve; shape ``(models,)``."""
        return np.asarray((self.bound < 0).mean(axis=0))

    @property
    def at_ceiling(self) -> np.ndarray:
        """The probability that a score is at its upper end; shape ``(models,)``."""
        return np.asarray((self.bound > 0).mean(axis=0))

    @cached_property
    def _drawn(self) -> np.ndarray:
        """Draws of the sizes, with the noise of the scores; those that are bounds are the ends of the range."""
        rng = np.random.default_rng(0)
        drawn = self.log_size + self.log_se * rng.standard_normal(self.log_size.shape)
        low, high = np.log(self.within)
        drawn = np.select([self.bound < 0, self.bound > 0], [low, high], np.clip(drawn, low, high))
        return np.asarray(np.exp(drawn))

    @cached_property
    def sizes(self) -> tuple[Interval, ...]:
        """The interval of each network, with the noise of its score; ends that are bounds are those of the range."""
        return tuple(Interval.each(self._drawn, self.levels))

    @cached_property
    def ratios(self) -> tuple[Interval, ...]:
        """The interval of each effective size over the network's own, such as how much compute a recipe saves."""
        return tuple(Interval.each(self._drawn / self.own, self.levels))

    @cached_property
    def mean_ratio(self) -> Interval:
        """The interval of the geometric mean of the ratios."""
        return Interval.of(np.exp(np.log(self._drawn / self.own).mean(axis=1)), self.levels)

    @property
    def _bounded(self) -> bool:
        """Whether sizes are bounds, of whose ratios nothing more can be said."""
        return bool((self.bound != 0).mean() > MOST_BOUNDS)

    @cached_property
    def ratio_falls(self) -> float | None:
        """The probability that larger networks have smaller ratios; None of fewer than three sizes, or with bounds.

        By the slope of the log of the ratio along the log of the size, a straight line in each draw.
        """
        if len(np.unique(self.own)) < LEAST_SIZES or self._bounded:
            return None
        along = np.log(self.own) - np.log(self.own).mean()
        return float(np.mean(np.log(self._drawn / self.own) @ along < 0))

    def densities(self, draws: int) -> list[Runs]:
        """Densities (effective over real size), one table per draw of the reference: the data of the law ``densing``.

        Parameters
        ----------
        draws
            The number of draws of the reference to use, evenly spread.

        Returns
        -------
        list of Runs
            The columns of the networks, with ``density``, ``log_density_se`` and ``bound``.
        """
        rows = np.linspace(0, len(self.log_size) - 1, draws).astype(int)
        return [self._densities(self.log_size[i], self.bound[i], self.log_se[i]) for i in rows]

    @cached_property
    def middle(self) -> Runs:
        """The same at the median of the draws, for a picture."""
        log_size, bound, log_se = (np.median(each, axis=0) for each in (self.log_size, self.bound, self.log_se))
        return self._densities(log_size, np.rint(bound), log_se)

    def _densities(self, log_size: np.ndarray, bound: np.ndarray, log_se: np.ndarray) -> Runs:
        found = {"density": np.exp(log_size) / self.own, "log_density_se": log_se, "bound": bound.astype(float)}
        return Runs.from_arrays({**self.models.data, **found}, self.models.source)

    @property
    def _rows(self) -> list[tuple[str, float, Interval, float, float]]:
        """One row per network: its name, its own size, its effective size, and whether that is a bound."""
        return list(zip(self.names, self.own, self.sizes, self.at_floor, self.at_ceiling, strict=True))

    def _page(self) -> Page:
        name, at = self.column.replace("_", " "), f", with {self.held}" if self.held else ""
        head = ("network", "own", "effective", "ratio", "")
        rows = [
            (model, size(own, self.units), one.words(self.units), ratio.words(),
             "at the floor" if floor > 0.5 else "at the ceiling" if ceiling > 0.5 else "")
            for (model, own, one, floor, ceiling), ratio in zip(self._rows, self.ratios, strict=True)
        ]  # fmt: skip
        falls = self.ratio_falls
        trend = "" if falls is None else f"; it falls with size with a probability of {chance(falls)}"
        mean = [f"The ratio is {self.mean_ratio.words()} in the geometric mean{trend}."]
        return [
            f"The {name} that a network of the reference needs for the same {self.outcome.replace('_', ' ')} "
            f"(law {self.law}{at}, {percent(self.level)} intervals):",
            [head, *rows], *(mean if len(self) > 1 and not self._bounded else []), *map(str, self.notes),
        ]  # fmt: skip

    def __str__(self) -> str:
        return as_text(self._page())

    def _repr_html_(self) -> str:
        return as_html(self._page())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        points = [
            {"model": name, "own": float(own), "size": one.as_dict(), "ratio": ratio.as_dict(),
             "probability_at_floor": float(floor), "probability_at_ceiling": float(ceiling)}
            for (name, own, one, floor, ceiling), ratio in zip(self._rows, self.ratios, strict=True)
        ]  # fmt: skip
        found: dict[str, Any] = plain({
            "law": self.law, "outcome": self.outcome, "size": self.column, "held": self.held, "level": self.level,
            "within": list(self.within), "models": points, "mean_ratio": self.mean_ratio.as_dict(),
            "probability_ratio_falls": self.ratio_falls, "drift": as_records(self.drift),
            "diagnostics": self.diagnostics.as_dict(), "notes": [note.as_dict() for note in self.notes],
            "converged": self.converged,
        })  # fmt: skip
        return found


def effective_size(
    posterior: Posterior,
    models: RunsLike,
    along: str | None = None,
    at: Mapping[str, float] | None = None,
    family: str | Mapping[str, str] | None = None,
    level: Level = 0.9,
    *,
    within: tuple[float, float] | None = None,
    drift: Drifting = True,
    allow_unconverged: bool = False,
) -> EffectiveSizes:
    """Find how large a network of a reference family would have to be for the scores of some networks.

    Parameters
    ----------
    posterior
        A fit to the reference, of a law from size to score, such as ``task_chain``.
    models
        The networks: runs, or anything :func:`bayeslaw.read_runs` reads, with the outcome of the law (for counts the
        trials too) and their own sizes.  Other columns, such as ``day``, are kept.
    along
        The size: an input of the law, by name or column, or ``"compute"`` (default: the first input).
    at
        Fixed values of the other inputs of the reference, such as ``{"D": 1e12}`` (default: the middle of its runs).
    family
        As for :func:`bayeslaw.forecast`.
    level
        Probability of the central intervals; of several, such as ``[0.9, 0.5]``, the first is the headline.
    within
        Sizes between which the reference is trusted (default: the range of the law).
    drift, allow_unconverged
        As :func:`bayeslaw.forecast` takes them.

    Returns
    -------
    EffectiveSizes
        A size by draw and network, with a mark on those that are bounds.

    Raises
    ------
    QuestionError
        When the law has no such input, or the range is invalid.
    RunsError
        When the table lacks a score or a size, or has one that is impossible under the law.
    ConvergenceError
        When the chains have not converged.

    Notes
    -----
    Effective size is an idea of Xiao et al. (2024), arXiv:2412.04315.  A score within two standard errors of either end
    of the curve gives a bound.
    """
    levels, whole = levels_of(level), Average.of(posterior)
    posterior.require_runs("an effective size")
    whole.require(allow_unconverged)
    law, table = posterior.law, read_runs(models)
    drifts = drifts_of(whole, drift)
    track = make_track(
        posterior, along or law.free_inputs[0], read_at(law, at), posterior.groups_of(family), drifts.get(law.name)
    )
    moved = track.axis.scale or (track.axis.name,)
    low, high = _believed(track, within)
    grid = np.geomspace(low, high, POINTS)
    heights = track.heights(grid[None, :])
    held = {name: float(values[0]) for name, values in track.inputs(grid[:1]).items() if name not in moved}
    columns = {law.inputs[name].column: np.full(len(table), held[name]) for name in law.free_inputs if name in held}
    asked = Runs.from_arrays({**table.data, **columns}, table.source)
    inputs, outcome = observations.inputs(asked, law), observations.outcome(asked, law)
    count = trials(posterior.law, inputs)
    # The score of a network is taken as its mean, with the noise of the reference.
    score = outcome if count is None else outcome / count
    one = np.broadcast_to(score, (posterior.size, len(score)))
    error = spread(law, inputs, track.parameters, one) / (1.0 if count is None else count)
    sizes, bounds, errors = _backwards(np.log(grid), heights, one, error)
    return EffectiveSizes(
        law=law.name, outcome=law.output.quantity,
        column=COMPUTE if track.axis.scale else law.inputs[track.axis.name].column, held=track.held,
        units=track.axis.units, levels=levels, within=(low, high), models=table, own=track.axis.values(inputs),
        log_size=sizes, bound=bounds, log_se=errors, drift=drifts, diagnostics=posterior.diagnostics,
        fit_notes=whole.notes,
    )  # fmt: skip


def _believed(track: Track, within: tuple[float, float] | None) -> tuple[float, float]:
    """The range of sizes."""
    low, high = track.within
    if low <= 0:
        raise QuestionError(f"along: '{track.axis.name}' is not a size, as it may be 0 or less; choose another input.")
    if within is None:
        return low, high
    if not (len(within) == 2 and 0 < within[0] < within[1] < np.inf):
        raise QuestionError(f"within: {within} are not two sizes, the smaller first; such as (1e7, 1e12).")
    if within[0] < low * (1 - 1e-9) or within[1] > high * (1 + 1e-9):
        raise QuestionError(
            f"within: law '{track.posterior.law.name}' is meant for {track.axis.name} from {short(low)} to "
            f"{short(high)}; choose sizes between, not {short(within[0])} to {short(within[1])}."
        )
    return float(within[0]), float(within[1])


def _backwards(
    log_grid: np.ndarray, heights: np.ndarray, score: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The log of a size, whether it is a bound, and its standard error; each of shape ``(size, models)``.

    Parameters
    ----------
    log_grid
        Increasing, shape ``(points,)``.
    heights
        The law there; shape ``(size, points)``.
    score, error
        Shape ``(size, models)``.
    """
    # Losses fall with size, scores rise; on a curve that turns back, the size is where it first reaches the score.
    sign = 1.0 if np.median(heights[:, -1] - heights[:, 0]) >= 0 else -1.0
    curves, score = np.maximum.accumulate(sign * heights, axis=1), sign * score
    low = curves[:, :1] + ERRORS * error
    high = np.maximum(curves[:, -1:] - ERRORS * error, low)
    bound = np.select([score < low, score > high], [-1, 1], 0)
    wanted = np.clip(score, low, high)
    log_size, steep = np.empty(wanted.shape), np.empty(wanted.shape)
    for i, curve in enumerate(curves):
        log_size[i] = np.interp(wanted[i], curve, log_grid)
        steep[i] = np.interp(log_size[i], log_grid, np.gradient(curve, log_grid))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_se = np.where(bound == 0, np.minimum(error / steep, MOST), 0.0)
    return log_size, bound, log_se
