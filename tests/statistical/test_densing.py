"""The doubling time that the case study finds beside the published one."""

import runpy
from pathlib import Path

import pytest

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "densing" / "study.py"))


@pytest.mark.slow
def test_the_published_doubling_time_lies_in_the_interval_of_mmlu(shared_data):
    """95 days, in an interval that is less than a factor of 2.5 wide."""
    found = STUDY["frontier"](STUDY["dated_by_epoch"](shared_data, "mmlu", 14042, 0.25), imagined=16, chains=2)
    assert found.doubling.lower < 95 < found.doubling.upper < 2.5 * found.doubling.lower
    # The regression on record-setters, which is the paper's way, says so too.
    assert found.record_setters.lower < 95 < found.record_setters.upper
