"""A disk that is full costs a sentence, and leaves nothing that is half written."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.cli.pictures import ENDINGS
from bayeslaw.errors import FileError
from bayeslaw.inference.base import atomic_files
from bayeslaw.inference.shards import Shards
from tests.saved.answers import FOLDER

FIT = FOLDER / "chinchilla.nc"
FORECAST = ("forecast", FIT, "--at", "N=7e9,D=1.4e11")


MOUNT, UNMOUNT = shutil.which("mount"), shutil.which("umount")


def mounted(folder: Path) -> bool:
    """Whether a disk of 16 KB is mounted on a folder now."""
    asked = [MOUNT or "", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    return bool(MOUNT and UNMOUNT) and not subprocess.run(asked, capture_output=True).returncode  # noqa: S603


def unmount(folder: Path) -> None:
    """Take the disk away again."""
    subprocess.run([UNMOUNT or "", str(folder)], check=True)  # noqa: S603


def may_mount() -> bool:
    """Whether this user of this machine may mount a disk; found by trying, as containers differ."""
    with tempfile.TemporaryDirectory() as folder:
        if not mounted(Path(folder)):
            return False
        unmount(Path(folder))
        return True


needs_a_disk = pytest.mark.skipif(not may_mount(), reason="no disk may be mounted here")


@pytest.fixture
def disk(tmp_path) -> Path:
    """A disk of 16 KB."""
    assert mounted(tmp_path)
    yield tmp_path
    unmount(tmp_path)


@pytest.fixture
def full(tmp_path, monkeypatch) -> Path:
    """A folder in which a file of more than a kilobyte fails on the way, as on a full disk."""

    def half(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    return tmp_path


def run(*asked: object) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in asked])


@needs_a_disk
def test_a_fit_that_has_no_room_is_one_sentence(disk):
    with pytest.raises(FileError) as caught:
        bl.load(FIT).save(disk / "fit.nc")
    assert str(caught.value) == (
        f"{disk}/fit.nc: cannot write here (no space left on device); make room there, or choose another path."
    )
    assert list(disk.iterdir()) == []


@needs_a_disk
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_picture_that_has_no_room_is_one_sentence(disk, ending):
    done = run(*FORECAST, "--plot", disk / f"forecast.{ending}")
    assert done.exit_code == 2
    assert done.stderr == (
        f"Error: {disk}/forecast.{ending}: cannot write here (no space left on device); make room there, or choose "
        "another --plot.\n"
    )
    assert list(disk.iterdir()) == []


@needs_a_disk
def test_a_finished_fit_of_many_that_has_no_room_is_one_sentence(disk):
    shards = Shards(disk)
    with pytest.raises(FileError, match=r"cannot write here \(no space left on device\); make room there, or choose"):
        shards.put(disk / "fit.npz", SimpleNamespace(flat=np.zeros((4, 1000, 5)), stats={}, crawl=None))
    assert list(disk.iterdir()) == []


def test_what_stood_there_stays(full):
    path = full / "fit.nc"
    path.write_text("the last fit")
    with pytest.raises(FileError, match="make room there, or choose another path"):
        bl.load(FIT).save(path)
    assert path.read_text() == "the last fit"
    assert [each.name for each in full.iterdir()] == ["fit.nc"]


def test_other_faults_ask_for_no_room(tmp_path):
    with pytest.raises(FileError) as caught:
        atomic_files.write(tmp_path / "none" / "fit.nc", b"")
    assert re.search(r"cannot write here \(no such file or directory\); choose another path", str(caught.value))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_answer_that_has_no_room_is_one_sentence(options):
    with Path("/dev/full").open("w") as nowhere:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "bayeslaw", "laws", *options], stdout=nowhere, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == (
        "Error: standard output: the answer cannot be written (no space left on device); send it to a place that has "
        "room.\n"
    )


def test_an_answer_that_nobody_reads_on_is_no_error():
    """As by ``bayeslaw laws | head``."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "bayeslaw", "laws"], stdout=nobody, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
    assert done.stderr == ""
