"""A back-test as a report reads it: from its record, or from the JSON that a command kept."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.errors import FileError
from bayeslaw.paths import why
from bayeslaw.validation.backtest.report import ENOUGH, LEVEL, Backtest, in_words, lead_of
from bayeslaw.validation.backtest.scores import LEVELS


@dataclass(frozen=True)
class HiddenRuns:
    """How often intervals held on runs that were hidden.

    Attributes
    ----------
    whose
        The law, or the average, whose forecasts are counted.
    count
        The number of hidden runs that were forecast.
    inside
        How many outcomes lie inside their interval, by level.
    farthest
        The largest distance, as a multiple of the compute that was seen; None where it is not known.
    reach
        The distance up to which intervals can be trusted; None where that is not known.
    verdict
        What follows, in a sentence.
    """

    whose: str
    count: int
    inside: Mapping[float, int]
    farthest: float | None
    reach: float | None
    verdict: str

    @property
    def held(self) -> int:
        """How many outcomes lie inside their 95 % interval."""
        return self.inside[LEVEL]

    @property
    def enough(self) -> bool:
        """Whether there were enough runs to judge by."""
        return self.count >= ENOUGH

    @staticmethod
    def of(found: Backtest | HiddenRuns | Mapping[str, Any] | str | Path | None) -> HiddenRuns | None:
        """From a back-test, its record, or the file of one.

        Raises
        ------
        FileError
            When the file is none.
        """
        if found is None or isinstance(found, HiddenRuns):
            return found
        if isinstance(found, Backtest):
            return _of_backtest(found)
        record, source = (found, "backtest") if isinstance(found, Mapping) else (_read(found), str(found))
        # What `bayeslaw predict` keeps has the back-test as one of its parts.
        record = record.get("backtest") or record
        try:
            return _of_record(record)
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
            raise FileError(
                f"{source}: is no back-test; `bayeslaw backtest RUNS --json > backtest.json` makes one, and "
                f"`bayeslaw predict` keeps one in forecast.json."
            ) from None


def _of_backtest(found: Backtest) -> HiddenRuns:
    """Not by its record, whose scores import what takes longer than a report."""
    scores = found.laws[found.lead]
    known = scores.ratio[np.isfinite(scores.ratio)]
    return HiddenRuns(
        whose=in_words(found.lead), count=len(scores),
        inside={level: int(scores.inside(level).sum()) for level in LEVELS},
        farthest=float(known.max()) if len(known) else None, reach=found.reach, verdict=found.verdict,
    )  # fmt: skip


def _read(path: str | Path) -> Mapping[str, Any]:
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path}: cannot read this back-test ({why(error)}).") from None
    if not isinstance(record, Mapping):
        raise FileError(f"{path}: is JSON, but not the record of a back-test.")
    return record


def _of_record(record: Mapping[str, Any]) -> HiddenRuns:
    lead = lead_of(record["laws"])
    points = [point for point in record["points"] if point["law"] == lead]
    inside = {level: sum(_holds(point, level) for point in points) for level in LEVELS}
    ratios = [float(point["ratio"]) for point in points if point.get("ratio") is not None]
    reach = record["reach"]
    return HiddenRuns(
        whose=in_words(lead), count=len(points), inside=inside,
        farthest=max(ratios, default=None), reach=None if reach is None else float(reach),
        verdict=str(record["verdict"]),
    )  # fmt: skip


def _holds(point: Mapping[str, Any], level: float) -> bool:
    tail = (1.0 - level) / 2.0
    low, high = (float(point["quantiles"][f"{p:g}"]) for p in (tail, 1.0 - tail))
    observed = float(point["observed"])
    if not math.isfinite(observed):
        raise ValueError(observed)
    return low <= observed <= high
