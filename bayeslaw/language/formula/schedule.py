"""Inputs that sum over a learning-rate schedule: a column computed along each run, in the order of its steps.

An input of a law file may say ``formula = "lr_annealing(learning_rate, step, 0.999)"``.  These words see a whole
run at a time, so they are allowed in inputs only, where they are computed once, before anything is fitted.

Records may skip steps.  Between two records the rate is taken to change linearly, and the sums over the skipped
steps are done in closed form.

A warm-up counts as the peak rate, as in Tissue et al. (2024): from step 0 until its first fall, the rate is taken to be
the peak.  Otherwise a warm-up would be negative annealing, which later annealing would first have to cancel.  A rise
after a fall, as in a restart, does count as negative annealing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np


def _after_warmup(rate: np.ndarray) -> np.ndarray:
    """The rate, with the warm-up (everything before its first fall) set to the peak."""
    falls = np.flatnonzero(np.diff(rate) < 0.0)
    peak = int(falls[0]) if len(falls) else len(rate) - 1
    return np.concatenate([np.full(peak, rate[peak]), rate[peak:]])


def lr_sum(rate: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the sum of the learning rate over all steps so far; shapes ``(records,)`` of one run."""
    rate = _after_warmup(rate)
    # The steps after one record up to and including the next: a trapezium, with half a step at the earlier rate
    # replaced by half a step at the later one.
    between = np.diff(step) * 0.5 * (rate[1:] + rate[:-1]) + 0.5 * np.diff(rate)
    return np.concatenate([[rate[0] * step[0]], rate[0] * step[0] + np.cumsum(between)])


def lr_annealing(rate: np.ndarray, step: np.ndarray, decay: float) -> np.ndarray:
    """Return the sum over all steps so far of the momentum of the drops in learning rate.

    The momentum is ``m[i] = decay * m[i-1] + (rate[i-1] - rate[i])`` (Tissue et al. 2024, section 3).
    """
    rate = _after_warmup(rate)
    momentum, total, sums = 0.0, 0.0, [0.0]
    keep = 1.0 - decay
    for gap, drop in zip(np.diff(step), -np.diff(rate), strict=True):
        faded = decay**gap
        share = drop / gap  # the drop of one skipped step
        carried = decay * (1.0 - faded) / keep
        total += momentum * carried + share * (gap - carried) / keep
        momentum = momentum * faded + share * (1.0 - faded) / keep
        sums.append(total)
    return np.array(sums)


SCHEDULES: Mapping[str, tuple[Callable[..., np.ndarray], int]] = {
    "lr_sum": (lr_sum, 2),
    "lr_annealing": (lr_annealing, 3),
}
