"""Capacity gaps: intervals of the best teacher hold the truth as often as they say."""

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan

LAW = bl.law("capacity_gap")
SIMULATIONS, STUDENT = 200, 3e9
# Six students, each with teachers from half to forty times its size: runs enough for coordinates that cost little.
SIZES = np.repeat(np.geomspace(1e8, 5e9, 6), 16)
TEACHERS = SIZES * np.tile(np.geomspace(0.5, 40, 16), 6)


def simulated(rng: np.random.Generator) -> tuple[bl.Runs, float]:
    """Runs of a law drawn from the prior whose losses a table may hold, and the best teacher."""
    low, high = LAW.output.range
    while True:
        truth = {name: float(values[0]) for name, values in LAW.draw_prior(rng, 1).items()}
        mean = LAW.mean({"S": SIZES, "T": TEACHERS}, truth)
        with np.errstate(over="ignore"):  # the heaviest tails reach beyond any number, and are drawn again
            loss = mean * np.exp(truth["sigma"] * rng.standard_t(truth["nu"], len(mean)))
        if ((loss > low) & (loss < high)).all():
            break
    runs = bl.read_runs({"student_params": SIZES, "teacher_params": TEACHERS, "loss": loss})
    return runs, truth["kappa"] * 1e9 * (STUDENT / 1e9) ** truth["eta"]


@pytest.mark.slow
def test_intervals_of_the_best_teacher_cover_the_truth():
    """Of a student between those that were trained."""
    rng = np.random.default_rng(5)
    tables, truths = zip(*(simulated(rng) for _ in range(SIMULATIONS)), strict=True)
    plans = [make_plan(LAW, runs) for runs in tables]
    hits = 0
    for truth, posterior in zip(
        truths, fit_many(plans, draws=800, warmup=300, chains=1, target_accept=0.8), strict=True
    ):
        found = bl.optimum(posterior, at={"S": STUDENT}, level=0.9, allow_unconverged=True).inputs["T"]
        hits += found.lower <= truth <= found.upper
    # Within 2.4 standard errors of a share of 0.9.
    assert 0.85 <= hits / SIMULATIONS <= 0.95, hits


@pytest.mark.slow
def test_how_much_families_differ_in_their_best_teacher_is_found():
    """The spread of kappa over six families, and kappa itself: ranks among draws as uniform as those of right ones."""
    families, each = 6, np.repeat(np.geomspace(2e8, 4e9, 2), 10)
    table = {
        "student_params": np.tile(each, families), "family": np.repeat([f"f{i}" for i in range(families)], len(each)),
        "teacher_params": np.tile(each * np.tile(np.geomspace(0.7, 30, 10), 2), families),
        "loss": np.full(families * len(each), 2.5),
    }  # fmt: skip
    # What students alone say is known here, so that each fit takes a second.
    law = LAW.with_priors(E="Constant(1.9)", r="Constant(0.6)", a="Constant(0.25)", eta="Constant(1)", nu="Constant(5)")
    pool = dict.fromkeys(law.parameters, "complete") | {"kappa": "partial:family"}
    found = bl.sbc(law, bl.read_runs(table), "family", pool, simulations=40, draws=800, chains=2)
    assert {"kappa", "kappa_spread_family"} <= set(found.ranks)
    assert not found.outside
    assert found.unconverged <= 2
