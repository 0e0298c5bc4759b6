"""Evidence on public sweeps: estimates that share nothing agree, and the field's question has its answer."""

from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.ask.evidence.evidence import Evidence
from bayeslaw.ask.evidence.nested import nested
from bayeslaw.inference.model.plan import make_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def epoch(shared_data: Path) -> bl.Runs:
    return bl.read_runs(shared_data / "chinchilla_epoch.csv").where("excluded_in_source_fit == 0")


@pytest.fixture(scope="module")
def student(epoch, kept_fits) -> dict[str, Evidence]:
    """Three laws with their own noise, a Student-t on the log."""
    return {
        name: bl.log_evidence(bl.fit(name, epoch, shards=kept_fits)) for name in ("chinchilla", "coupled", "kaplan")
    }


def assert_agree(found: Evidence, other: tuple[float, float]) -> None:
    value, se = other
    assert abs(found.log_evidence - value) < 3 * np.hypot(found.se, se), f"{found}\nagainst {value} ± {se}"


@pytest.mark.parametrize("name", ["chinchilla", "coupled", "kaplan"])
def test_bridges_with_and_without_warping_agree(student, name):
    found = student[name]
    assert found.notes == ()
    assert found.se < 0.02
    for opinion in found.opinions.values():
        assert_agree(found, opinion)


def test_nested_sampling_agrees(student, epoch):
    """Of the law with the fewest parameters, on all of whose evidences the bridges agree above."""
    pytest.importorskip("dynesty", reason="nested sampling needs dynesty: install bayeslaw[evidence]")
    assert_agree(student["kaplan"], nested(make_plan(bl.law("kaplan"), epoch), live=100))


# --- three corpora, every parameter partially pooled: 27 coordinates -------------------------------------------------


def test_a_hierarchy_has_the_same_evidence_from_every_seed(shared_data, kept_fits):
    runs = bl.read_runs(shared_data / "gadre_overtraining.csv").where("flops <= 2.0e19")
    found = [bl.log_evidence(bl.fit("chinchilla", runs, "family", seed=seed, shards=kept_fits)) for seed in range(3)]
    values, errors = np.array([(each.log_evidence, each.se) for each in found]).T
    assert errors.max() < 0.03
    # The sum of the squares of two independent errors of known size exceeds 13.8 one time in a thousand.
    best = np.average(values, weights=errors**-2)
    assert (((values - best) / errors) ** 2).sum() < 13.8
