"""Densities as the case study takes them, and the doubling time that it finds beside the published one."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "densing" / "study.py"))


def test_networks_as_good_as_others_of_a_size_are_as_dense_as_that_size_over_their_own():
    """And are at least or at most as dense where their score is at its ceiling or its floor."""
    law = bl.law("task_chain")
    at = {name: one.prior.median() for name, one in law.parameters.items()} | {"chance": 0.25, "kappa": 1e4}
    sizes = np.array([1e9, 7e10])
    score = np.append(law.mean({"N": sizes, "D": STUDY["TOKENS"]}, at), [0.251, 0.97])
    bench = STUDY["Benchmark"]("a", 10_000, 0.25, np.arange(4.0), np.array([1e9, 7e9, 1e9, 1e9]), score, None)
    runs = STUDY["densities"](bench, law, at)
    np.testing.assert_allclose(runs.column("density")[:2], [1.0, 10.0], rtol=1e-5)
    np.testing.assert_array_equal(runs.column("bound"), [0, 0, -1, 1])
    assert runs.column("density")[2] < 1 < runs.column("density")[3]


def test_record_setters_are_those_above_all_before_them():
    """A doubling in 100 days, with networks between that are worse and one that is only known to be better."""
    day, density = np.array([0.0, 50, 100, 200, 210, 220]), np.array([1.0, 0.3, 2.0, 4.0, 3.0, 50.0])
    runs = bl.read_runs({"day": day, "density": density, "bound": np.array([0.0, 0, 0, 0, 0, 1])})
    assert STUDY["record_setters"](runs) == pytest.approx(100)
    assert np.isnan(STUDY["record_setters"](runs.where("day < 150")))


@pytest.mark.slow
def test_the_published_doubling_time_lies_in_the_interval_of_mmlu(shared_data):
    """95 days, in an interval that is less than a factor of 2.5 wide."""
    found = STUDY["frontier"](STUDY["dated_by_epoch"](shared_data, "mmlu", 14042, 0.25))
    low, high = np.quantile(found.doubling, [0.05, 0.95])
    assert low < 95 < high < 2.5 * low
