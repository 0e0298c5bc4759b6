"""A small file that declares more than it holds is refused before anything of it is read."""

import shutil
from pathlib import Path

import h5py
import pytest

import bayeslaw as bl
from bayeslaw.errors import FileError

SAVED = Path(__file__).parents[1] / "saved" / "coupled.nc"


@pytest.mark.parametrize("group", ["posterior", "sample_stats", "constant_data"])
def test_a_file_that_declares_a_hundred_billion_draws_is_one_sentence(group, tmp_path):
    path = tmp_path / "fit.nc"
    shutil.copy(SAVED, path)
    with h5py.File(path, "r+") as file:
        file[group].create_dataset("giant", shape=(4, 10**11), dtype="f8", chunks=(1, 1000))
    with pytest.raises(FileError, match="not a fit of this package, or damaged"):
        bl.load(path)
