"""Every report of a calibration is about the law file as it is, and says that it passed."""

import json
from pathlib import Path

import pytest

import bayeslaw as bl
from bayeslaw.validation.calibration.ranks import FORECAST, LOG_LIKELIHOOD
from bayeslaw.validation.calibration.subject import digest

FOLDER = Path(__file__).parents[2] / "docs" / "calibration"
REPORTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def test_every_law_has_a_report():
    assert set(REPORTS) == {law.name for law in bl.laws()}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_passed(name):
    assert REPORTS[name]["passed"], REPORTS[name]["verdict"]


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_of_the_law_as_it_is(name):
    law, report = bl.law(name), REPORTS[name]
    again = f"benchmarks/calibration.py {name}"
    assert report["sha256"] == digest(law), f"the law has changed: run {again}"
    assert set(report["quantities"]) == {*law.free_parameters, LOG_LIKELIHOOD, FORECAST}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_says_what_its_numbers_say(name):
    report = REPORTS[name]
    assert report["simulations"] >= 200
    for counts in report["quantities"].values():
        assert sum(counts) == report["simulations"] - report["unconverged"]
    assert report["passed"] is (not report["failed"] and report["unconverged"] <= 0.1 * report["simulations"])
