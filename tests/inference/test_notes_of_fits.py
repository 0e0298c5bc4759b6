"""What was serious at the fit is said again by every answer, from a file too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import FileError
from bayeslaw.note import Note
from tests.simulate import simulated_runs

SAVED = Path(__file__).parents[1] / "saved"
SERIOUS = Note("collinear", "serious", "Nothing tells one from the other.", "Add runs.")
WARNING = Note("thin-family", "warning", "There are few runs.", "Pool.")


@pytest.fixture(scope="module")
def one_ratio() -> bl.Posterior:
    """A fit to runs of twenty tokens per parameter, whose exponents cannot be separated."""
    law = bl.law("chinchilla")
    runs = simulated_runs(law, np.random.default_rng(6), 80)
    data = {**runs.data, "n_tokens": 20.0 * runs.data["n_params"]}
    return bl.fit(law, bl.Runs.from_arrays(data, "one ratio"), draws=100, warmup=100, chains=2, patience=False)


@pytest.fixture(scope="module")
def noted() -> bl.Posterior:
    return replace(bl.load(SAVED / "coupled.nc"), notes=(SERIOUS, WARNING))


def test_a_fit_keeps_what_its_runs_cannot_tell(one_ratio):
    assert [(note.code, note.severity) for note in one_ratio.notes][:1] == [("collinear", "serious")]


def test_a_saved_fit_is_loaded_with_its_notes(one_ratio, tmp_path):
    again = bl.load(one_ratio.save(tmp_path / "fit.nc"))
    assert again.notes == one_ratio.notes
    found = bl.forecast(again, {"N": 1e9, "D": 1e9}, allow_unconverged=True)
    assert "collinear" in [note.code for note in found.notes]


def test_a_file_of_before_notes_were_kept_has_none():
    assert bl.load(SAVED / "coupled.nc").notes == ()


def test_notes_that_are_none_are_a_damaged_file(noted, tmp_path):
    odd = replace(noted, notes=(replace(SERIOUS, severity="dreadful"),))
    with pytest.raises(FileError, match="damaged"):
        bl.load(odd.save(tmp_path / "fit.nc"))


def test_an_average_says_what_is_serious_about_its_fits_once(noted):
    both = bl.average({"one": noted, "other": noted})
    assert both.notes == (SERIOUS,)


def test_a_dominant_law_does_not_hide_what_is_serious(noted):
    other = bl.load(SAVED / "pooled.nc")
    both = bl.average({"one": noted, "other": other}, {"one": 0.99, "other": 0.01})
    for at in ({"N": 6.9e9, "D": 1.38e11}, {"N": 1e8, "D": 1e15}):
        assert {"collinear", "one-law"} <= {note.code for note in bl.forecast(both, at).notes}
