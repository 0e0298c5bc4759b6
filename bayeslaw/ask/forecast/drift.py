"""Drift: how far a law is wrong beyond the runs, which no posterior of its parameters contains.

A posterior takes its law for certain.  On larger runs, fits of laws with a floor predict too high a loss, as if the
floor were learned too high; those without a floor predict too low a loss; and both errors exceed the stated
uncertainty.  The log of the outcome (the logit where it is a share) therefore drifts from the law: by nothing among the
runs, and by a slope times the log of the ratio of compute beyond them.  The slope is unknown.  Its distribution is a
Student-t, since few sweeps inform it, with the direction and scale that each law had on them (``data/drift.toml``).
One slope holds for all points of a draw, as the errors of a law along its path are alike.

Laws of a loss that are averaged drift less than each alone, since what they disagree on is a part of it already, and
their average errs little more than its posterior near the runs and more than in proportion far from them.  So each
drifts by parts of its own direction and scale, the latter with a power of the distance (``data/average_drift.toml``).

A law that reads a score off a loss drifts along the loss, downwards.  Where the loss is itself forecast, both drift,
and the score drifts by how far each draw of the loss falls.

A point may lie beyond the runs although its compute does not: a small network on very many tokens.  Its distance is the
largest of those in compute, in parameters, in tokens and in tokens per parameter (:func:`distance`), and the slope
widens with all of it.  The direction was learned along compute and applies to that part only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from bayeslaw.ask.forecast.disagreement import slopes_ahead, spread
from bayeslaw.ask.where.extrapolation import COMPUTE, RATIO, ahead, flops, measured_ahead, of_a_loss, params_and_tokens
from bayeslaw.errors import FileError, QuestionError
from bayeslaw.inference.base.streams import DRIFT, generator
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.formula.functions import LINKS, UNLINKS
from bayeslaw.language.law import Law
from bayeslaw.note import Note
from bayeslaw.words import argument, worded

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average

LEARNED = Path(__file__).parents[2] / "data" / "drift.toml"
AVERAGES = LEARNED.with_name("average_drift.toml")
# The entries for laws that drift was not learned for, by their kind (:func:`kind_of`): of losses, of shares, and of
# shares that are read off a loss.  Of other laws nothing is known.
OTHERS = {"log": "other", "logit": "other_share", "logit by loss": "other_share_by_loss"}
# Degrees of freedom of a slope: with seven sweeps its scale is uncertain.  With a normal slope that is wide enough at
# 95 %, intervals of 50 % are too wide.
TAILS = 3
# At this many e-folds a drift that grows as a power of the distance is what it would be in proportion: a factor of
# twenty, in the middle of the distances that drift was learned at.
MIDDLE = 3.0
# How many e-folds of compute an e-fold of tokens per parameter counts for, by the scale of the noise.  Where runs of
# the public sweeps were hidden by that ratio and not by compute, least-squares fits of chinchilla, coupled and
# over_training erred twice as much per e-fold (with the drift of compute, 95 % intervals would have covered 62 to 92 %
# of outcomes, and with twice that drift 84 to 98 %, by law and side); on 46 tasks of Gadre et al. they erred less than
# along compute.
OFF_RATIO = {"log": 2.0, "logit": 1.0}


def without_drift() -> Note:
    """The note of an answer that was asked for without drift."""
    leave, give = worded("drift=False", "--no-drift"), worded("a Drift", "--drift")
    return Note(
        "no-drift", "warning",
        "Without drift, the law is taken to hold beyond the runs as it does among them, so intervals far beyond them "
        "are too narrow.",
        f"Leave out {leave}; where nothing is known of how such an outcome drifts, give {give}.",
    )  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """How a law drifts, in nats of log outcome (logits for shares) per e-fold of compute beyond the largest fitted run.

    For laws of one input other than compute, such as the examples of a learning curve, per e-fold of that input; where
    it is a loss, below the lowest that was fitted.

    Attributes
    ----------
    direction, scale
        Middle and scale of the slope.
    df
        Degrees of freedom of its Student-t distribution; a large number for a normal one.
    power
        How its spread grows with the distance: in proportion (1), or as this power of it and with the same value at
        :data:`MIDDLE` e-folds.  The direction is along compute, in proportion.

    Raises
    ------
    QuestionError
        When the numbers do not define a distribution.
    """

    direction: float
    scale: float
    df: float = TAILS
    power: float = 1.0

    def __post_init__(self) -> None:
        finite = np.isfinite([self.direction, self.scale, self.df, self.power]).all()
        if not (finite and self.scale >= 0.0 and self.df > 0.0 and self.power > 0.0):
            raise QuestionError(
                f"drift: invalid slope distribution {self}; direction, scale, df and power must be finite, with "
                f"scale >= 0, df > 0 and power > 0."
            )

    @staticmethod
    def of(slopes: np.ndarray, believed: float) -> Drift:
        """The drift whose 95 % interval covers 95 % of some slopes.

        Parameters
        ----------
        believed
            The part of their median that becomes the direction; the rest widens the drift.
        """
        direction = believed * float(np.median(slopes))
        end = float(np.quantile(np.abs(slopes - direction), 0.95))
        return Drift(round(direction, 5) + 0.0, round(end / float(stdtrit(TAILS, 0.975)), 5))

    @property
    def reach(self) -> float:
        """The standard deviation, per scale, of a normal slope with the same 95 % interval."""
        return float(stdtrit(self.df, 0.975) / ndtri(0.975))

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)

    def averaged(self, parts: Mapping[str, float]) -> Drift:
        """The drift of this law within an average, by parts as :func:`parts_in_averages` gives them.

        The part of the scale is that of the reach of a 95 % interval, whatever its tails.
        """
        tails = float(stdtrit(self.df, 0.975) / stdtrit(parts["df"], 0.975))
        scale = parts["scale"] * tails * self.scale
        return Drift(parts["direction"] * self.direction, scale, parts["df"], parts["power"])

    def _grown(self, far: np.ndarray) -> np.ndarray:
        """What a slope is multiplied by at some distances in e-folds, of their shape."""
        return far if self.power == 1.0 else np.asarray(MIDDLE * (far / MIDDLE) ** self.power)

    def slopes(self, posterior: Posterior) -> np.ndarray:
        """One slope per draw, the same on every call; shape ``(size,)``.

        A stratified sample, in random order: all points of a draw share a slope, so Monte-Carlo error in it would move
        the medians of all points together.
        """
        return np.asarray(self.direction + self.scale * _standard_slopes(posterior.seed, posterior.size, self.df))

    def apply(
        self,
        posterior: Posterior,
        inputs: Mapping[str, np.ndarray],
        mean: np.ndarray,
        slopes: np.ndarray | None = None,
    ) -> np.ndarray:
        """The law with its drift; shape ``(size, points)``.

        Parameters
        ----------
        inputs
            Inputs of the points, each of shape ``(points,)`` or, where draws differ in it, ``(size, points)``.
        mean
            The law without it; shape ``(size, points)``.
        slopes
            Slopes of each point, where points differ in them; shape ``(size, points)``.
        """
        slopes, link = self.slopes(posterior)[:, None] if slopes is None else slopes, posterior.law.output.link
        along, whole = distance_along(posterior, inputs), self._grown(distance(posterior, inputs))
        shift = slopes * along + (slopes - self.direction) * (whole - along)
        with np.errstate(all="ignore"):
            return np.asarray(UNLINKS[link](LINKS[link](mean) + shift))


@lru_cache(maxsize=16)
def _standard_slopes(seed: int, count: int, df: float) -> np.ndarray:
    """Slopes of scale 1 about 0; kept, since a question asks for them at every step of a search."""
    rng = generator(seed, DRIFT)
    parts = (rng.permutation(count) + rng.random(count)) / count
    return np.asarray(stdtrit(df, parts))


def drifted(
    drift: Drift | None, posterior: Posterior, inputs: Mapping[str, np.ndarray], mean: np.ndarray
) -> np.ndarray:
    """The law with its drift, if it has one; see :meth:`Drift.apply`."""
    return mean if drift is None else drift.apply(posterior, inputs, mean)


def distance(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The distance beyond the runs, in e-folds of compute or of a law's one input; 0 within them and where unknown.

    Where parameters and tokens are known, this is the largest of four distances: of compute, parameters and tokens
    beyond the largest fitted values, and of tokens per parameter outside the fitted range, on either side, times
    :data:`OFF_RATIO`.  Where runs grow at fitted ratios, compute is soon the largest, along which drift was learned.
    An input below the smallest fitted value counts as that value: drift was learned towards larger runs, and among the
    smallest runs a score is at chance, which is known.
    """
    along = distance_along(posterior, inputs)
    here, there = (params_and_tokens(posterior.law, each) for each in (inputs, posterior.plan.fitted))
    if here is None or there is None:
        return along
    N, D = (np.maximum(own, fitted.min()) for own, fitted in zip(here, there, strict=True))
    most, least = (end(there[1] / there[0]) for end in (np.max, np.min))
    off = OFF_RATIO.get(posterior.law.output.link, 1.0) * np.log(np.maximum(D / N / most, least / (D / N)))
    beyond = np.maximum(np.log(N / there[0].max()), np.log(D / there[1].max()))
    return np.asarray(np.maximum(along, np.maximum(beyond, off)))


def distance_along(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The distance in compute alone, or in a law's one input."""
    return np.asarray(np.log(np.fmax(ahead(posterior, inputs), 1.0)))


def drifting_in(posterior: Posterior) -> set[str]:
    """The quantities along which a law drifts, by the names that ``extrapolation`` uses; see :func:`distance`."""
    law, fitted = posterior.law, posterior.plan.fitted
    if params_and_tokens(law, fitted) is not None:
        sizes = {one.name for one in law.inputs.values() if one.column in ("n_params", "n_tokens")}
        return {COMPUTE, RATIO, *sizes}
    if flops(law, fitted) is not None:
        return {COMPUTE}
    return set(law.free_inputs) if measured_ahead(posterior) else set()


# True for the learned drift, False for none, one for all laws, or one per law by name.
Drifting = bool | Drift | Mapping[str, Drift]


def drift_of(law: Law, wanted: Drifting = True) -> Drift | None:
    """The drift of a law: as learned, as given, or none.

    Returns
    -------
    Drift or None
        None also where nothing is known about drift: for outcomes that are neither positive nor shares or counts, and
        for losses that are read off another loss.
    """
    if wanted is False or kind_of(law) not in OTHERS:
        return None
    known = {law.name: wanted} if isinstance(wanted, Drift) else learned_drifts() if wanted is True else wanted
    return known.get(law.name, known.get(OTHERS[kind_of(law)]))


def kind_of(law: Law) -> str:
    """What the slopes of a law's drift are of: the scale of its noise, and ``by loss`` where it takes only a loss."""
    return f"{law.output.link} by loss" if of_a_loss(law) else law.output.link


def drifts_of(asked: Average, wanted: Drifting) -> dict[str, Drift]:
    """The drift of each law of an average, by name; laws without drift are left out.

    Of several laws of a loss, each drifts by the parts of its own drift that :func:`parts_in_averages` gives.  These
    were learned on tables of one family.  For hierarchies, for laws of other outcomes, and for a drift of the caller's
    own, see :func:`less_disagreement`.  With the parts, four of six public runs at twenty times the compute of six
    corpora that were fitted together are missed, by a hundredth of a nat; without them all lie inside.
    """
    alone = {name: _drift_of(posterior, wanted) for name, posterior in asked.posteriors.items()}
    found = {name: each for name, each in alone.items() if each is not None}
    averaged = {asked.posteriors[name].law.name for name in found if asked.weights[name] > 0}
    pooled = any(each.plan.structure.effects for each in asked.posteriors.values())
    if asked.link != "log" or pooled or isinstance(wanted, Drift):
        return less_disagreement(asked, found)
    if len(averaged) < 2:
        return found
    return {name: each.averaged(parts_in_averages()) for name, each in found.items()}


def less_disagreement(asked: Average, alone: Mapping[str, Drift]) -> dict[str, Drift]:
    """The drifts of laws in an average, each as alone but for what the laws disagree on.

    Part of the drift of averaged laws shows up as disagreement between them, and would otherwise be counted twice.  The
    scale of each law's drift is therefore reduced by the spread of their slopes beyond the runs.
    """
    if len(alone) < 2:
        return dict(alone)
    slopes = slopes_ahead(asked)
    apart = spread({name: slopes[name] + each.direction for name, each in alone.items()}, asked.weights)
    return {name: replace(each, scale=max(each.scale - apart / each.reach, 0.0)) for name, each in alone.items()}


def _drift_of(posterior: Posterior, wanted: Drifting) -> Drift | None:
    """The drift of a posterior's law; published values have none, since they have no runs to drift from."""
    if posterior.published_by is None:
        return drift_of(posterior.law, wanted)
    if not isinstance(wanted, bool):
        raise QuestionError(
            f"{argument('drift')}: grows with the distance from the fitted runs, and the published values of "
            f"'{posterior.published_by}' come without runs; leave it out, or fit the law to runs."
        )
    return None


def undrifted(asked: Average, drifts: Mapping[str, Drift]) -> tuple[Note, ...]:
    """The note of an answer without drift; published values say so in a note of their own."""
    published = all(each.published_by is not None for each in asked.posteriors.values())
    return () if drifts or published else (without_drift(),)


def as_records(drifts: Mapping[str, Drift]) -> dict[str, dict[str, float]]:
    """For JSON, by law."""
    return {name: each.as_dict() for name, each in drifts.items()}


@cache
def parts_in_averages() -> Mapping[str, float]:
    """How a law drifts within an average of laws of a loss: the parts of its direction and scale, df and power."""
    return {name: _number(value) for name, value in tomllib.loads(AVERAGES.read_text(encoding="utf-8")).items()}


@cache
def learned_drifts() -> Mapping[str, Drift]:
    """The drift that was learned from public sweeps, by law."""
    return read_drifts(LEARNED)


def read_drifts(path: str | Path) -> dict[str, Drift]:
    """Read the drift of each law from a TOML file, as :func:`drifts_as_toml` writes it.

    Raises
    ------
    FileError
        When it cannot be read, or is not such a file.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return {
            name: Drift(**{key: _number(value) for key, value in law.items()}) for name, law in table["law"].items()
        }
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError, QuestionError) as error:
        raise FileError(
            f"{path}: does not say how laws drift ({error}); `bayeslaw drift` writes a table [law.NAME] with direction "
            f"and scale for each law."
        ) from None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def drifts_as_toml(drifts: Mapping[str, Drift], note: str) -> str:
    """The text of a file that :func:`read_drifts` reads.

    Parameters
    ----------
    note
        A comment about their origin.
    """
    import tomli_w

    return f"# {note}\n{tomli_w.dumps({'law': as_records(drifts)})}"
