"""How far a point lies beyond the runs that were fitted: in compute, in each input, and in tokens per parameter.

What grows with a run is compared with the largest fitted value, as a factor.  A loss falls as runs grow, so a lower one
than the lowest that was fitted is further.  Where zero means nothing, as of a date, ranges are compared.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.note import Note
from bayeslaw.runs.columns import FLOPS
from bayeslaw.words import multiple

# The ending of columns that fall as runs grow.
LOSS = "loss"
COMPUTE, RATIO = "compute", "tokens per parameter"
Measure = Literal["factor", "loss", "range"]
# Factors beyond which a point outside the runs is worth a warning, and a serious one.  For compute, along which drift
# was learned and laws are meant to extrapolate, a warning is enough.
FAR, VERY_FAR = 10.0, 100.0
# The same by measure; the square of each is serious.  Losses fall by a tenth where compute grows about tenfold: on the
# 46 tasks of Gadre et al., from 3 to 2.5 nats while it grew by a factor of a hundred.  A date is far where as much time
# again has passed as the runs span.
FAR_IN: Mapping[Measure, float] = {"factor": FAR, "loss": 1.1, "range": 2.0}
# So that the rounding of a computed value does not matter.
SLACK = 1e-9


@dataclass(frozen=True)
class Outside:
    """The quantity in which a point lies farthest outside the fitted runs.

    Attributes
    ----------
    name
        ``"compute"``, ``"tokens per parameter"``, or the input's name in the law.
    times
        The factor, above 1; by ``range``, the distance from the other end of the fitted range as a multiple of it.
    side
        Whether it is ``"above"`` the largest fitted value or ``"below"`` the smallest.
    limit
        That largest or smallest value, in units of the quantity.
    measure
        ``"factor"`` for what grows with a run, ``"loss"`` for a factor of a loss, ``"range"`` where zero means nothing.
    """

    name: str
    times: float
    side: str
    limit: float
    measure: Measure = "factor"

    @property
    def steps(self) -> float:
        """The distance in units of what is far in this quantity: above 1 worth a warning, above 2 a serious one."""
        return float(np.log(self.times) / np.log(FAR_IN[self.measure]))

    @property
    def ahead(self) -> bool:
        """Whether it lies on the side that runs grow to."""
        return self.side == ("below" if self.measure == "loss" else "above")

    def __str__(self) -> str:
        end = "largest" if self.side == "above" else "smallest"
        if self.measure == "range":
            where = "beyond" if self.side == "above" else "below"
            return f"{multiple(self.times - 1)} the fitted range of {self.name} {where} its {end}"
        what = f"compute of the {end} fitted run" if self.name == COMPUTE else f"{end} fitted {self.name}"
        return f"{self._factor}{'' if self.side == 'above' else ' of'} the {what}"

    @property
    def in_short(self) -> str:
        """For a table."""
        if self.measure == "range":
            return (
                f"{multiple(self.times - 1)} the range of {self.name} {'beyond' if self.side == 'above' else 'below'}"
            )
        return f"{self._factor} {'' if self.side == 'above' else 'of the smallest '}{self.name}"

    @property
    def _factor(self) -> str:
        """``281x`` above; below ``1/50``, or in percent where a whole number is too coarse."""
        if self.side == "above":
            return multiple(self.times)
        return f"1/{round(self.times):,}" if self.times >= FAR else f"{100.0 / self.times:.3g} %"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Fitted:
    """The range of a quantity among the fitted runs, and how a value is compared with it."""

    low: float
    high: float
    measure: Measure

    def above(self, value: np.ndarray) -> np.ndarray:
        """Above 1 beyond the largest."""
        return np.asarray((value - self.low) / (self.high - self.low) if self.measure == "range" else value / self.high)

    def below(self, value: np.ndarray) -> np.ndarray:
        """Above 1 below the smallest."""
        if self.measure == "range":
            return np.asarray((self.high - value) / (self.high - self.low))
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(value > 0, self.low / value, np.nan))

    def ahead(self, value: np.ndarray) -> np.ndarray:
        """Above 1 beyond the runs on the side that they grow to."""
        return self.below(value) if self.measure == "loss" else self.above(value)


def _ranges(law: Law, fitted: Mapping[str, np.ndarray]) -> dict[str, _Fitted]:
    """The fitted range of every quantity that can be compared, by name."""
    found = {}
    for name, values in _compared(law, fitted).items():
        low, high = float(values.min()), float(values.max())
        limits = law.inputs[name].range if name in law.inputs else None
        if limits is not None and limits[0] < 0:
            if high > low:
                found[name] = _Fitted(low, high, "range")
        elif low > 0:
            falls = name in law.inputs and law.inputs[name].column.endswith(LOSS)
            found[name] = _Fitted(low, high, "loss" if falls else "factor")
    return found


def outside(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> list[Outside | None]:
    """The quantity in which each point lies farthest outside the fitted runs; None for a point within them.

    It compares compute, the inputs of the law and tokens per parameter, each by what is far in it.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(points,)``.
    """
    here, ranges = _compared(posterior.law, inputs), _ranges(posterior.law, posterior.plan.fitted)
    return [
        furthest_outside(_outside(name, here[name][i], ranges[name]) for name in here if name in ranges)
        for i in range(len(next(iter(inputs.values()))))
    ]


@dataclass(frozen=True)
class Span:
    """A quantity of a point beside its range among the fitted runs.

    Attributes
    ----------
    value, low, high
        In units of the quantity.
    outside
        How far outside the point lies in this quantity; None within.
    """

    name: str
    value: float
    low: float
    high: float
    measure: Measure
    outside: Outside | None


def spans(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> tuple[Span, ...]:
    """Every quantity of one point that can be compared with the fitted runs, such as compute, beside their range.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(1,)``.
    """
    here, ranges = _compared(posterior.law, inputs), _ranges(posterior.law, posterior.plan.fitted)
    return tuple(
        Span(name, float(values[0]), ranges[name].low, ranges[name].high, ranges[name].measure,
             _outside(name, values[0], ranges[name]))
        for name, values in here.items() if name in ranges
    )  # fmt: skip


def _outside(name: str, value: np.ndarray, fitted: _Fitted) -> Outside | None:
    above, below = float(fitted.above(value)), float(fitted.below(value))
    if above > 1 + SLACK:
        return Outside(name, above, "above", fitted.high, fitted.measure)
    return Outside(name, below, "below", fitted.low, fitted.measure) if below > 1 + SLACK else None


def furthest_outside(found: Iterable[Outside | None]) -> Outside | None:
    """The quantity that is farthest outside, by what is far in each, if any; the first of equals."""
    return max((each for each in found if each is not None), key=lambda each: each.steps, default=None)


def _compared(law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    compute, pair = flops(law, inputs), params_and_tokens(law, inputs)
    found = {} if compute is None else {COMPUTE: compute}
    for name in law.free_inputs:
        if name in inputs and law.inputs[name].column != "flops":
            found[name] = inputs[name]
    return found if pair is None else {**found, RATIO: pair[1] / pair[0]}


def far_off(places: Mapping[str, Outside | None], drifting: Container[str]) -> tuple[Note, ...]:
    """A warning when a point lies farther outside the fitted runs than is far in that quantity (:data:`FAR_IN`).

    Parameters
    ----------
    places
        The quantity in which each point lies farthest outside, by the name of the point.
    drifting
        The quantities along which the answer drifts, on the side that runs grow to; for tokens per parameter, on both.
    """
    far = {place: each for place, each in places.items() if each is not None and each.steps > 1.0}
    if not far:
        return ()
    place, worst = max(far.items(), key=lambda item: item[1].steps)
    others = "" if len(far) == 1 else f", the farthest of {len(far)} such points"
    covered = worst.name in drifting and (worst.ahead or worst.name == RATIO)
    widens = (
        "The interval grows with this distance, by the errors that laws had at shorter distances"
        if covered
        else "The interval does not grow with this distance, so it may be too narrow"
    )
    return (Note(
        "far-off", "serious" if worst.steps > 2.0 and not (covered and worst.name == COMPUTE) else "warning",
        f"{place} is at {worst}{others}.",
        f"{widens}; fit runs that are closer to the point.",
    ),)  # fmt: skip


def extrapolation(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Ratios to the largest fitted values, in compute (``flops_ratio``) and by input, each of shape ``(points,)``.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(points,)`` or, where draws differ in it, ``(size, points)``.

    Returns
    -------
    dict
        NaN where compute is not known.  Of a loss, the lowest fitted one over it; of an input whose zero means nothing,
        the distance from its smallest fitted value as a multiple of the fitted range.  So above 1 is beyond the runs.
    """
    law, fitted = posterior.law, posterior.plan.fitted
    here, there = flops(law, inputs), flops(law, fitted)
    unknown = np.full_like(next(iter(inputs.values())), np.nan)
    found = {"flops_ratio": unknown if here is None or there is None else here / there.max()}
    ranges = _ranges(law, fitted)
    for name in law.free_inputs:
        one = ranges.get(COMPUTE if law.inputs[name].column == "flops" else name)
        if name in inputs and one is not None:
            found[f"{name}_ratio"] = one.ahead(inputs[name])
    return found


def ahead(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The distance beyond the runs that a law's drift grows with, as a ratio; of the shape of the inputs.

    In compute; where that is not known, in the only input of a law, unless its zero means nothing; else NaN.
    """
    found = furthest(extrapolation(posterior, inputs))
    return found if measured_ahead(posterior) else np.full_like(found, np.nan)


def measured_ahead(posterior: Posterior) -> Measure | None:
    """How that distance is measured: ``"loss"`` where a loss is the only input; None where there is no distance."""
    law, fitted = posterior.law, posterior.plan.fitted
    if flops(law, fitted) is not None:
        return "factor"
    known = [each.measure for each in _ranges(law, fitted).values()]
    return known[0] if len(law.free_inputs) == 1 and known in (["factor"], ["loss"]) else None


def of_a_loss(law: Law) -> bool:
    """Whether the only input of a law is a loss."""
    return [law.inputs[name].column.endswith(LOSS) for name in law.free_inputs] == [True]


def furthest(ratios: Mapping[str, np.ndarray]) -> np.ndarray:
    """The distance beyond the runs in compute; where that is not known, in the only input of a law; else NaN."""
    by_compute, *others = ratios.values()
    return np.where(np.isnan(by_compute), others[0], by_compute) if len(others) == 1 else by_compute


def flops(law: Law, inputs: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Training compute, shape ``(points,)``, in FLOP; None where the law's inputs do not determine it."""
    columns = _by_column(law, inputs)
    if {"n_params", "n_tokens"} <= columns.keys():
        return np.asarray(FLOPS * columns["n_params"] * columns["n_tokens"])
    return columns.get("flops")


def params_and_tokens(law: Law, inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """Parameters and tokens, one of them from compute if necessary; None where the inputs do not determine them."""
    columns = _by_column(law, inputs)
    N, D, C = (columns.get(name) for name in ("n_params", "n_tokens", "flops"))
    if N is not None and D is not None:
        return N, D
    if C is not None and N is not None:
        return N, C / (FLOPS * N)
    return None if C is None or D is None else (C / (FLOPS * D), D)


def _by_column(law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {one.column: inputs[one.name] for one in law.inputs.values() if one.name in inputs}
