"""A small sweep, far below the runs that are asked about, whose posterior was not sampled."""

import numpy as np

import bayeslaw as bl
from tests.posteriors import about

TRUTH = {"E": 1.8, "A": 0.4, "B": 0.4, "alpha": 0.34, "beta": 0.3, "sigma": 0.005, "nu": 20.0}


def small_sweep() -> bl.Posterior:
    """Thirty runs of 30M to 1B parameters at 5 to 100 tokens per parameter, about the law ``chinchilla``."""
    law, rng = bl.law("chinchilla"), np.random.default_rng(0)
    sizes, ratios = np.meshgrid(np.geomspace(3e7, 1e9, 6), np.geomspace(5.0, 100.0, 5))
    inputs = {"N": sizes.ravel(), "D": (sizes * ratios).ravel()}
    loss = law.mean(inputs, TRUTH) * np.exp(TRUTH["sigma"] * rng.standard_normal(sizes.size))
    return about(law, bl.read_runs({**inputs, "loss": loss}), TRUTH, noise=TRUTH["sigma"])
