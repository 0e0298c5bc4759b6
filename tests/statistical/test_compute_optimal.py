"""Exponents of the best size from isoFLOP runs, against those that were published for fifteen settings."""

import runpy
from pathlib import Path

import pytest

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "case_studies" / "compute_optimal" / "study.py"))


@pytest.mark.slow
def test_exponents_of_fifteen_settings_agree_with_those_published(shared_data):
    """Measured: 12 published values and 14 published intervals are met.

    One end of an interval is within Monte-Carlo error of its published value, so 11 are asked for.
    """
    covered = met = 0
    published = STUDY["published_exponents"](shared_data / "published_fits.csv")
    for setting, (value, least, most) in published.items():
        runs = STUDY["near_the_bottom"](shared_data / "porian_isoflop.csv", setting)
        _, low, high = STUDY["interval"](STUDY["isoflop"](runs).draws("a"))
        # An interval that covers by being wide would say nothing: settings differ by up to 0.37.
        assert high - low < 0.08, setting
        covered += low <= value <= high
        met += low <= most and least <= high
    assert len(published) == 15
    assert covered >= 11
    assert met >= 14
