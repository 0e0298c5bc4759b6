"""How far a point lies beyond the runs that were fitted: in compute, in each input, and in tokens per parameter."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.language.law import Law
from bayeslaw.note import Note
from bayeslaw.runs.columns import FLOPS
from bayeslaw.words import multiple

# The ending of columns that fall as runs grow: a larger value of them is not further away.
LOSS = "loss"
COMPUTE, RATIO = "compute", "tokens per parameter"
# Factors beyond which a point outside the runs is worth a warning, and a serious one.  For compute, along which drift
# was learned and laws are meant to extrapolate, a warning is enough.
FAR, VERY_FAR = 10.0, 100.0


@dataclass(frozen=True)
class Outside:
    """The quantity in which a point lies farthest outside the fitted runs.

    Attributes
    ----------
    name
        ``"compute"``, ``"tokens per parameter"``, or the input's name in the law.
    times
        The factor, above 1.
    side
        Whether it is ``"above"`` the largest fitted value or ``"below"`` the smallest.
    limit
        That largest or smallest value, in units of the quantity.
    """

    name: str
    times: float
    side: str
    limit: float

    def __str__(self) -> str:
        end = "largest" if self.side == "above" else "smallest"
        what = f"compute of the {end} fitted run" if self.name == COMPUTE else f"{end} fitted {self.name}"
        return f"{self._factor}{'' if self.side == 'above' else ' of'} the {what}"

    @property
    def in_short(self) -> str:
        """For a table."""
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


def outside(posterior: Posterior, inputs: Mapping[str, np.ndarray]) -> list[Outside | None]:
    """The quantity in which each point lies farthest outside the fitted runs; None for a point within them.

    It compares compute, the positive inputs of the law that grow with a run, and tokens per parameter.

    Parameters
    ----------
    inputs
        By input name, each of shape ``(points,)``.
    """
    here, there = (_compared(posterior.law, each) for each in (inputs, posterior.plan.fitted))
    ranges = {name: (float(v.min()), float(v.max())) for name, v in there.items() if name in here and np.all(v > 0)}
    return [
        furthest_outside(_outside(name, float(here[name][i]), *ranges[name]) for name in ranges)
        for i in range(len(next(iter(inputs.values()))))
    ]


def _outside(name: str, value: float, low: float, high: float) -> Outside | None:
    # A slack of 1e-9, so that the rounding of a computed value does not matter.
    if value > high * (1 + 1e-9):
        return Outside(name, value / high, "above", high)
    return Outside(name, low / value, "below", low) if 0 < value < low * (1 - 1e-9) else None


def furthest_outside(found: Iterable[Outside | None]) -> Outside | None:
    """The quantity that is farthest outside, if any; the first of equals."""
    return max((each for each in found if each is not None), key=lambda each: each.times, default=None)


def _compared(law: Law, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    compute, pair = flops(law, inputs), params_and_tokens(law, inputs)
    found = {} if compute is None else {COMPUTE: compute}
    for name in law.free_inputs:
        column = law.inputs[name].column
        if name in inputs and column != "flops" and not column.endswith(LOSS):
            found[name] = inputs[name]
    return found if pair is None else {**found, RATIO: pair[1] / pair[0]}


def far_off(places: Mapping[str, Outside | None], drifting: Container[str]) -> tuple[Note, ...]:
    """A warning when a point lies farther outside the fitted runs than a factor of ten.

    Parameters
    ----------
    places
        The quantity in which each point lies farthest outside, by the name of the point.
    drifting
        The quantities above whose largest fitted value the answer drifts; for tokens per parameter, also below the
        smallest.
    """
    far = {place: each for place, each in places.items() if each is not None and each.times > FAR}
    if not far:
        return ()
    place, worst = max(far.items(), key=lambda item: item[1].times)
    others = "" if len(far) == 1 else f", the farthest of {len(far)} such points"
    covered = worst.name in drifting and (worst.side == "above" or worst.name == RATIO)
    widens = (
        "The interval grows with this distance, by the errors that laws had at shorter distances"
        if covered
        else "The interval does not grow with this distance, so it may be too narrow"
    )
    return (Note(
        "far-off", "serious" if worst.times > VERY_FAR and not (covered and worst.name == COMPUTE) else "warning",
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
        NaN where compute is not known; without inputs that are losses, which fall as runs grow.
    """
    law, fitted = posterior.law, posterior.plan.fitted
    here, there = flops(law, inputs), flops(law, fitted)
    unknown = np.full_like(next(iter(inputs.values())), np.nan)
    found = {"flops_ratio": unknown if here is None or there is None else here / there.max()}
    for name in law.free_inputs:
        loss = law.inputs[name].column.endswith(LOSS)
        if not loss and name in inputs and name in fitted and np.all(fitted[name] > 0):
            found[f"{name}_ratio"] = inputs[name] / fitted[name].max()
    return found


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
