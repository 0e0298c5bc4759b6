"""What the study of honest intervals found, as it is kept: the bounds that the project holds itself to."""

import importlib
import json
from pathlib import Path

import pandas as pd
import pytest

from bayeslaw.ask.forecast.drift import learned_drifts, parts_in_averages

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
    """The file in the package, and the page, follow from what was tried."""
    averages = study("averages")
    found, without = (pd.read_csv(each) for each in (averages.FOUND, averages.WITHOUT))
    assert averages.chosen(without) == parts_in_averages()
    assert averages.page(found, without) == (STUDY / "averages.md").read_text(encoding="utf-8")


def test_a_scale_is_chosen_without_the_sweep_that_it_forecasts(study):
    """However that sweep had turned out, its scale is the same; those of others are not."""
    averages = study("averages")
    without = pd.read_csv(averages.WITHOUT)
    wider = without.assign(score=without["score"].where(without["sweep"] != "Porian", 1e6 / without["scale"]))
    scales, other = (dict(zip(averages.SWEEPS, averages.as_chosen_without(each, averages.best)[0], strict=True))
                     for each in (without, wider))  # fmt: skip
    assert scales.pop("Porian") == other.pop("Porian")
    assert all(other[sweep] >= scale for sweep, scale in scales.items())
    assert scales != other


def test_drifts_without_two_sweeps_add_what_leaving_out_each_changes(study):
    """Known answers: with one sweep twice, that without it; and of two, in either order."""
    averages = study("averages")
    alone = averages.left_out()
    assert averages.without_both("Gadre", "Gadre") == alone["Gadre"]
    both, turned = averages.without_both("Gadre", "Porian"), averages.without_both("Porian", "Gadre")
    whole = learned_drifts()["coupled"]
    shift = sum(alone[sweep]["coupled"].direction - whole.direction for sweep in ("Gadre", "Porian"))
    assert both["coupled"].direction == pytest.approx(whole.direction + shift)
    assert both["coupled"].scale == pytest.approx(turned["coupled"].scale)
