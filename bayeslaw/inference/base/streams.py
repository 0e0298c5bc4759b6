"""The streams of random numbers besides the sampler's own, one per purpose.

A question repeats to the bit because its random numbers follow from the seed of the fit and the number of a stream; two
purposes that shared a stream would be dependent.  Every answer depends on these numbers, so do not change them.
"""

from __future__ import annotations

import numpy as np

# A family that is drawn anew, and the noise of a new run: the same in every question, so that all speak of one family.
NEW_FAMILY = 1
# The order in which draws of another fit meet those of this one.
CARRIED = 2
# The slope of each draw's drift.
DRIFT = 3
# Where an outcome falls among draws that equal it.
TIES = 4
# The noise that residuals are compared with when a fit ends.
RESIDUALS = 5
# The errors of published values.
PUBLISHED = 6
# Draws of the priors, and of runs under them.
PRIOR, PRIOR_RUNS = 7, 8
# The fitted runs once more, for comparison with what was observed.
REPLICATED = 9
# How far each draw's optimum has moved.
PLACE = 10
# The error of the place of a hidden optimum, as its own runs show it.
MEASURED = 11
# The noise of runs that are considered, the slopes of drift off the path of compute, and the part of the noise of a run
# in progress that its checkpoints share.
CONSIDERED, OFF_PATH, SHARED = 12, 13, 14
# Proposals of bridge sampling: with the random numbers of the draws, they would repeat the draws.
PROPOSALS = 19_960_101


def generator(seed: int, stream: int) -> np.random.Generator:
    """The random numbers of one purpose."""
    return np.random.default_rng([seed, stream])
