"""Capacity gaps: intervals of the best teacher hold the truth as often as they say."""

import numpy as np
import pytest

import bayeslaw as bl

LAW = bl.law("capacity_gap").with_likelihood("LogNormal(mean, sigma)")
SIMULATIONS, STUDENT, FAMILIES = 200, 3e9, 3
# Two students of each family, with teachers from half to forty times their size.
SIZES = np.tile(np.repeat([3e8, 2e9], 6), FAMILIES)
TEACHERS = SIZES * np.tile(np.geomspace(0.5, 40, 6), 2 * FAMILIES)
FAMILY = np.repeat(np.arange(FAMILIES), 12)
# The ratio is what families are said to share, so it alone may differ between them here.
POOL = dict.fromkeys(("E", "r", "a", "eta", "q_small", "q_large"), "complete")


def simulated(rng: np.random.Generator) -> tuple[bl.Runs, np.ndarray]:
    """Runs of families drawn from the prior, and the best teacher of the first and of one that has no runs."""
    low, high = LAW.output.range
    while True:
        truth = {name: float(values[0]) for name, values in LAW.draw_prior(rng, 1).items()}
        spread = LAW.parameters["kappa"].spread.draw(rng, 1)
        ratios = truth["kappa"] * np.exp(spread * rng.standard_normal(FAMILIES + 1))
        mean = LAW.mean({"S": SIZES, "T": TEACHERS}, {**truth, "kappa": ratios[FAMILY]})
        loss = mean * np.exp(truth["sigma"] * rng.standard_normal(len(mean)))
        if ((loss > low) & (loss < high)).all():
            break
    runs = bl.read_runs({
        "family": [f"family {i}" for i in FAMILY], "student_params": SIZES, "teacher_params": TEACHERS, "loss": loss
    })  # fmt: skip
    return runs, ratios[[0, -1]] * 1e9 * (STUDENT / 1e9) ** truth["eta"]


@pytest.mark.slow
def test_intervals_of_the_best_teacher_cover_the_truth():
    """In a family that was fitted, and in a new one."""
    rng = np.random.default_rng(5)
    hits = np.zeros(2)
    for seed in range(SIMULATIONS):
        runs, truth = simulated(rng)
        posterior = bl.fit(LAW, runs, "family", POOL, draws=200, warmup=150, chains=1, seed=seed)
        for i, family in enumerate(("family 0", "new")):
            found = bl.optimum(
                posterior, subject_to={"S": STUDENT}, family=family, level=0.9, allow_unconverged=True
            ).inputs["T"]
            hits[i] += found.lower <= truth[i] <= found.upper
    # Within 2.4 standard errors of a share of 0.9.
    assert np.all((hits / SIMULATIONS >= 0.85) & (hits / SIMULATIONS <= 0.95)), hits
