"""Where the uncertainty of a forecast comes from: what each source adds to the variance.

Variances are on the scale of the noise, and are squares of robust widths, which heavy tails do not affect.  Sources
add, so the variances of several laws can be averaged, and one more source is one more entry.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayeslaw.language.formula.functions import LINKS

# All parts that a forecast may have, in the order in which they are shown.
PARTS = ("parameters", "family", "input", "noise", "law", "drift")
# The normal quantiles at one standard deviation either side.
CENTRAL_68 = (0.158655, 0.841345)

Variances = Mapping[str, np.ndarray]


def added(link: str, layers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What each layer of draws adds to the variance of the one before, by name; each of shape ``(points,)``.

    Parameters
    ----------
    link
        The scale of the noise.
    layers
        Draws with one more source of uncertainty in each layer, by that source; each of shape ``(size, points)``.
    """
    # A source adds nothing or more; less is the Monte-Carlo error of the widths.
    whole = np.maximum.accumulate([_widths(link, layer) ** 2 for layer in layers.values()], axis=0)
    return dict(zip(layers, np.diff(whole, axis=0, prepend=0.0), strict=True))


def shares(variances: Variances, point: int) -> dict[str, float | None]:
    """The share of each part in the variance at one point; None for a part that was not computed."""
    total = sum(float(v[point]) for v in variances.values()) or 1.0
    return {part: float(variances[part][point]) / total if part in variances else None for part in PARTS}


def _widths(link: str, draws: np.ndarray) -> np.ndarray:
    """Half the central 68 % at each point, a standard deviation for bell curves."""
    with np.errstate(all="ignore"):
        scaled = LINKS[link](draws)
    return np.array([_width(column[np.isfinite(column)]) for column in scaled.T])


def _width(draws: np.ndarray) -> float:
    if not len(draws):
        return 0.0
    low, high = np.quantile(draws, CENTRAL_68)
    return float(high - low) / 2.0
