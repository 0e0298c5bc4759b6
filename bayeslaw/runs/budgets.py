"""Compute budgets: runs of several sizes that cost the same, as in an isoFLOP design."""

from __future__ import annotations

import numpy as np

# Budgets read off a figure or computed as 6 N D with rounded N and D agree to about this, relatively.
SAME_BUDGET = 0.05
# Fewer runs than this have no inside and outside.
FEWEST_RUNS = 3
# Runs of one budget differ in size by at least this factor; else they are one run made several times.
LEAST_SPREAD = 1.5


def budgets_of(compute: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The budget of each run, from 0 for the smallest, and -1 for a run that shares its compute with too few others.

    Parameters
    ----------
    compute, size
        The compute of each run, and the input that varies within a budget; positive, of shape ``(runs,)``.
    """
    logs, sizes = np.log(compute), np.log(size)
    order = np.argsort(logs)
    cluster = np.empty(len(logs), dtype=int)
    cluster[order] = np.concatenate([[0], np.cumsum(np.diff(logs[order]) > SAME_BUDGET)])
    budget, count = np.full(len(logs), -1), 0
    for each in range(cluster.max(initial=-1) + 1):
        rows = cluster == each
        # A cluster many times as wide as the tolerance is a chain of runs at every compute, and no budget.
        narrow = np.ptp(logs[rows]) < 4 * SAME_BUDGET
        if rows.sum() >= FEWEST_RUNS and narrow and np.ptp(sizes[rows]) > np.log(LEAST_SPREAD):
            budget[rows], count = count, count + 1
    return budget


def one_size_each(compute: np.ndarray, size: np.ndarray) -> bool:
    """Whether sizes follow compute, so that there is one size at each, and nothing to learn of others.

    Parameters
    ----------
    compute, size
        As for :func:`budgets_of`.
    """
    logs, sizes = np.log(compute), np.log(size)
    if np.ptp(logs) < SAME_BUDGET:
        return bool(np.ptp(sizes) < np.log(LEAST_SPREAD))
    line = np.polyval(np.polyfit(logs, sizes, 1), logs)
    return bool(np.ptp(sizes - line) < np.log(LEAST_SPREAD))
