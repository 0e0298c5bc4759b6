"""A plain robust regression on logs, to find outlying rows before any law is fitted.

Polynomials of the logs by least absolute deviations.  This is not a model: it only has to follow a smooth surface
closely enough that a diverged run stands out.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

# At the corners of a design (such as the largest run) the regression extrapolates and cannot judge.
HIGHEST_LEVERAGE = 0.3


def residuals(logs: np.ndarray, y: np.ndarray, index: np.ndarray) -> np.ndarray | None:
    """Residuals of a plain regression, separately for each large group; None where there are too few rows.

    Parameters
    ----------
    logs
        Logs of the axes, shape ``(axes, rows)``.
    y
        The response, shape ``(rows,)``.
    index
        The group of each row, integers of shape ``(rows,)``.

    Returns
    -------
    Shape ``(rows,)``; NaN for rows that the regression cannot judge.
    """
    counts = np.bincount(index, minlength=1)
    smallest = 3 * _terms(2, len(logs))
    blocks = [index == g for g in np.unique(index) if counts[g] >= smallest]
    rest = counts[index] < smallest
    residual = np.full(len(y), np.nan)
    for rows in [*blocks, rest]:
        varying = [x[rows] for x in logs if rows.any() and np.ptp(x[rows]) > 1e-9]
        degree = next((d for d in (3, 2, 1) if rows.sum() >= 3 * _terms(d, len(varying))), 0)
        if varying and degree:
            residual[rows] = _fit(_polynomial(varying, degree), y[rows])
    return None if np.isnan(residual).all() else residual


def _terms(degree: int, axes: int) -> int:
    return math.comb(axes + degree, degree)


def _polynomial(axes: list[np.ndarray], degree: int) -> np.ndarray:
    """All products of at most `degree` standardised axes, the constant first; shape ``(rows, terms)``."""
    centred = [(x - x.mean()) / x.std() for x in axes]
    terms = [c for d in range(1, degree + 1) for c in combinations_with_replacement(centred, d)]
    return np.stack([np.ones_like(centred[0]), *(np.prod(np.stack(t), axis=0) for t in terms)], axis=1)


def _fit(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Residuals of least absolute deviations by reweighting, which tolerates a tenth of arbitrary rows."""
    weight, residual = np.ones(len(y)), y
    for _ in range(30):
        root = np.sqrt(weight)
        solution = np.linalg.lstsq(features * root[:, None], y * root, rcond=None)[0]
        residual = y - features @ solution
        weight = 1 / np.maximum(np.abs(residual), 1e-6 * max(float(np.abs(y).max()), 1e-300))
    leverage = (np.linalg.qr(features)[0] ** 2).sum(axis=1)
    return np.where(leverage > HIGHEST_LEVERAGE, np.nan, residual)
