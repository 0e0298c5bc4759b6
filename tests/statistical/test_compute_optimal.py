"""Exponents of the best size from isoFLOP runs, against those that were published for fifteen settings."""

import runpy
from pathlib import Path

import pytest

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "compute_optimal" / "study.py"))


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["rw|tuned|short|const|standard|val", "rw|base|short|kaplan|standard|val"])
def test_exponents_agree_with_those_published(shared_data, setting):
    """Two of the fifteen settings; `case_studies/compute_optimal` takes all of them, for a quarter of an hour."""
    value, least, most = STUDY["published_exponents"](shared_data / "published_fits.csv")[setting]
    _, low, high = STUDY["interval"](
        STUDY["isoflop"](STUDY["near_the_bottom"](shared_data / "porian_isoflop.csv", setting)).draws("a")
    )
    # An interval that covers by being wide would say nothing: settings differ by up to 0.37.
    assert high - low < 0.08
    assert low <= value <= high
    assert low <= most
    assert least <= high
