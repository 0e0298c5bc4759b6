"""How well the chains of one quantity have mixed: ArviZ's R-hat and effective sample sizes, to the bit.

They are written out, since importing ArviZ takes longer than any question of a saved fit.  A test holds them to ArviZ.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), doi:10.1214/20-BA1221.
"""

from __future__ import annotations

import math

import numpy as np

# Fewer draws than this have no R-hat and no effective sample size.
FEWEST_DRAWS = 4
# Below this range of their values, draws count as one value.
RESOLUTION = np.finfo(float).resolution


def split(draws: np.ndarray) -> np.ndarray:
    """Chains cut in halves: shape ``(chains, draws, ...)`` to ``(2 chains, draws // 2, ...)``."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]])


def fast_length(least: int) -> int:
    """The smallest length from `least` on that has no prime factor above 5, which Fourier transforms like."""
    length = max(least, 1)
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1


def autocovariance(draws: np.ndarray, length: int) -> np.ndarray:
    """The autocovariance of each chain at every lag, by Fourier transforms; of the shape of `draws`.

    Parameters
    ----------
    draws
        Shape ``(..., draws)``.
    length
        Of the transforms: twice the number of draws or more.
    """
    count = draws.shape[-1]
    # The order in memory settles in which order later sums are taken, and so their last bits.
    centred = np.ascontiguousarray(draws - draws.mean(axis=-1, keepdims=True))
    spectrum = np.fft.rfft(centred, n=length, axis=-1)
    return np.asarray(np.fft.irfft(spectrum * np.conjugate(spectrum), n=length, axis=-1)[..., :count] / count)


def rhat(draws: np.ndarray) -> float:
    """The larger of bulk and tail rank-normalised split R-hat of one quantity, shape ``(chains, draws)``.

    NaN for one chain alone.
    """
    if len(draws) < 2 or not _can_be_judged(draws):
        return math.nan
    halves = split(draws)
    return max(_split_rhat(_normal_scores(halves)), _split_rhat(_normal_scores(abs(halves - np.median(halves)))))


def ess_bulk(draws: np.ndarray) -> float:
    """The effective sample size for the bulk of one quantity, shape ``(chains, draws)``."""
    return _ess(_normal_scores(split(draws))) if _can_be_judged(draws) else math.nan


def ess_tail(draws: np.ndarray, ends: tuple[float, float] = (0.05, 0.95)) -> float:
    """The smaller of the effective sample sizes for two quantiles of one quantity, shape ``(chains, draws)``."""
    if not _can_be_judged(draws):
        return math.nan
    return min(_ess(split(draws <= np.quantile(draws, end)).astype(float)) for end in ends)


def _can_be_judged(draws: np.ndarray) -> bool:
    return draws.shape[1] >= FEWEST_DRAWS and not np.isnan(draws).any()


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    """Draws as normal scores of their ranks over all chains; equal draws share the mean of their ranks."""
    # SciPy's special functions alone take as long to import as NumPy.
    from scipy.special import ndtri

    _, which, counts = np.unique(draws, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[which].reshape(draws.shape)
    return np.asarray(ndtri((ranks - 0.375) / (draws.size + 0.25)))


def _split_rhat(halves: np.ndarray) -> float:
    count = halves.shape[1]
    between = count * halves.mean(axis=1).var(ddof=1)
    within = halves.var(axis=1, ddof=1).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt((between / within + count - 1) / count))


def _ess(halves: np.ndarray) -> float:
    """The effective sample size for the mean, by Geyer's initial monotone sequence of pairs of lags."""
    if halves.max() - halves.min() < RESOLUTION:
        return float(halves.size)
    count = halves.shape[1]
    # Lags come first in memory, so that chains are summed as ArviZ sums them.
    lags = np.ascontiguousarray(autocovariance(halves, fast_length(2 * count)).T).mean(axis=1)
    within = lags[0] * count / (count - 1.0)
    total = within * (count - 1.0) / count + halves.mean(axis=1).var(ddof=1)
    rho = 1.0 - (within - lags) / total
    rho[0] = 1.0
    pairs = rho[: count - count % 2].reshape(-1, 2).sum(axis=1)
    longest = max((count - 3) // 2, 0)
    ends = np.flatnonzero(~(pairs[:longest] > 0.0))
    end = int(ends[0]) if len(ends) else longest
    # Of the pair at which the sum ends, the even lag counts where it is positive.
    last = rho[2 * end] if rho[2 * end] > 0.0 or pairs[end] >= 0.0 else 0.0
    for pair in range(2, 2 * end, 2):
        before = rho[pair - 2] + rho[pair - 1]
        if rho[pair] + rho[pair + 1] > before:
            rho[pair : pair + 2] = before / 2.0
    time = -1.0 + 2.0 * rho[: 2 * end].sum() + last
    return float(halves.size / max(time, 1.0 / np.log10(halves.size)))
