"""The limits of a hierarchy on the over-training runs: published exponents, from runs few and many."""

import runpy
from pathlib import Path

import pytest

import bayeslaw as bl
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import make_plan

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "over_training" / "study.py"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs() -> bl.Runs:
    return bl.read_runs(STUDY["RUNS"])


@pytest.mark.parametrize("pool", ["separate_pool", "common_pool"])
def test_exponents_are_within_one_published_standard_error(runs, pool):
    posterior = bl.fit("chinchilla", runs, "family", STUDY[pool](), draws=1000, seed=STUDY["SEED"], patience=False)
    posterior.diagnostics.require()
    for corpus, distance in STUDY["distances"](posterior).items():
        assert max(map(abs, distance)) < 1.0, corpus


def test_few_runs_with_their_own_amplitudes_are_drawn_well_enough(runs):
    """At the usual step a chain stays in a thin corner for hundreds of draws: R-hat 1.06, 59 effective draws."""
    whole = make_plan(bl.law("chinchilla"), runs, "family", STUDY["common_pool"]())
    # The others are hidden, which takes the program of the fit to all of them.
    few = whole.hiding(runs.column("fit_role") != "loss_fit")
    (posterior,) = fit_many([few], seed=1, patient=True)
    posterior.diagnostics.require()


def test_ninety_per_cent_intervals_from_fifteen_runs_cover_33_of_38_larger_ones(runs, kept_fits):
    few = runs.where("fit_role == 'loss_fit'")
    posterior = bl.fit("chinchilla", few, "family", seed=STUDY["SEED"], shards=kept_fits)
    posterior.diagnostics.require()
    dear = runs.where(STUDY["DEAR"])
    assert len(dear) == 38
    assert STUDY["coverage"](posterior, dear, 0.9)[0] >= 33
