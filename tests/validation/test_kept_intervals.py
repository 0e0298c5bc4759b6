"""What the study of honest intervals found, as it is kept: the bounds that the project holds itself to."""

import importlib
import json
from pathlib import Path

import pandas as pd
import pytest

from bayeslaw.ask.forecast.drift import parts_in_averages

STUDY = Path(__file__).parents[2] / "case_studies" / "honest_intervals"


@pytest.fixture
def study(monkeypatch):
    """The modules of the study, by name."""
    monkeypatch.syspath_prepend(str(STUDY))
    return importlib.import_module


def test_intervals_of_the_default_hold_on_seven_sweeps(study):
    """Each forecast with what the other six say of drift; study.py makes these results."""
    pooling = study("pooling")
    found = json.loads((STUDY / "results.json").read_text(encoding="utf-8"))
    figures = pooling.figures(found)
    assert set(pooling.BOUNDS) <= set(figures)
    assert pooling.holds(figures), figures
    # Not one of them would do with the drift of single laws.
    assert not pooling.holds({name: pooling.figures(found, pooling.BEFORE)[name] for name in pooling.BOUNDS})


def test_the_drift_of_averages_is_the_best_that_holds(study):
    """The file in the package follows from what was tried."""
    averages = study("averages")
    chosen = averages.chosen(pd.read_csv(averages.FOUND))
    assert dict(zip(averages.NAMES, chosen, strict=True)) == parts_in_averages()
