"""Programs that are kept: found again without tracing, made again when they are damaged, and in a private folder."""

import logging
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from bayeslaw.cli import commands
from bayeslaw.errors import FileError
from bayeslaw.inference.base import executables
from bayeslaw.inference.base.cache_folder import CACHE_VARIABLE, private_folder
from bayeslaw.inference.base.executables import Entry, kept

# Fits a table of some runs, where nothing may be compiled if "never" is said, and prints a digest of the draws.
FIT = """
import sys, hashlib
import numpy as np
import bayeslaw as bl
from bayeslaw.inference.base.executables import Entry

def never(*_):
    raise AssertionError("compiled again")

if "never" in sys.argv:
    Entry.compiled = never
C = np.geomspace(1e18, 1e21, int(sys.argv[1]))
runs = {"flops": C, "loss": 1.8 + 0.6 * (C / 1e21) ** -0.1 + 0.01 * np.sin(C)}
fit = bl.fit("power_law", runs, draws=100, patience=False, progress=False)
print(hashlib.sha256(fit.flat.tobytes()).hexdigest())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(path))
    return path


def lowered():
    """A program that JAX's own cache, which other tests may have started, has never seen."""
    nothing = 1e-21 * (time.time_ns() % 1_000_003)
    return jax.jit(lambda x: 2.0 * jnp.sin(x) + nothing).lower(jax.ShapeDtypeStruct((3,), jnp.float32))


def never():
    raise AssertionError("lowered again")


X = np.array([0.1, 0.2, 0.3], dtype=np.float32)


def test_a_program_is_found_again_by_its_description(folder):
    first = kept(lowered, "sine", 3)
    (file,) = (folder / "programs").iterdir()
    np.testing.assert_array_equal(kept(never, "sine", 3)(X), first(X))
    with pytest.raises(AssertionError, match="lowered again"):
        kept(never, "sine", 4)
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_cannot_be_described_is_not_kept(folder):
    assert Entry.of("sine", None).path is None
    kept(lowered, "sine", None)
    assert not (folder / "programs").exists()


@pytest.mark.parametrize("damage", [
    lambda whole: b"", lambda whole: whole[:-1], lambda whole: whole[:40] + b"\x00" + whole[41:],
    lambda whole: b"other" * 100,
])  # fmt: skip
def test_a_damaged_program_is_made_again(folder, damage):
    right = kept(lowered, "sine")(X)
    (file,) = (folder / "programs").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert Entry.of("sine").found() is None
    np.testing.assert_array_equal(kept(lowered, "sine")(X), right)
    assert Entry.of("sine").found() is not None


def test_other_versions_and_other_code_are_other_programs(folder, monkeypatch):
    own = Entry.of("sine").path
    executables._surroundings.cache_clear()
    monkeypatch.setattr(executables, "source", lambda: "other code")
    assert Entry.of("sine").path != own
    monkeypatch.undo()
    executables._surroundings.cache_clear()


def test_what_jax_found_in_its_own_cache_is_run_and_not_kept(folder, monkeypatch):
    """Stored again it has lost its functions."""

    class Found:
        def compile(self, compiler_options=None):
            jax.monitoring.record_event("/jax/compilation_cache/cache_hits")
            return lowered().compile(compiler_options=compiler_options)

    np.testing.assert_allclose(kept(Found, "sine")(X), 2.0 * np.sin(X), rtol=1e-6)
    assert Entry.of("sine").found() is None
    kept(lowered, "sine")
    assert Entry.of("sine").found() is not None


def test_a_full_disk_is_said_once_and_the_program_runs(folder, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(executables, "_put", full)
    executables._say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for name in ("sine", "other"):
            np.testing.assert_allclose(kept(lowered, name)(X), 2.0 * np.sin(X), rtol=1e-6)
    assert [record.message.count("cannot be kept here (No space left on device)") for record in caplog.records] == [1]


@pytest.mark.skipif(os.name != "posix", reason="folders have other permissions here")
@pytest.mark.parametrize(("own", "above", "words"), [
    (0o755, 0o755, "is open to others, and what is in it is run; run `chmod 700"),
    (0o770, 0o755, "is open to others"),
    (0o700, 0o777, "can be replaced by others, who may write to"),
])  # fmt: skip
def test_a_folder_that_others_may_write_to_is_refused(tmp_path, monkeypatch, own, above, words):
    place = tmp_path / "place"
    folder = place / "cache"
    folder.mkdir(parents=True)
    folder.chmod(own)
    place.chmod(above)
    monkeypatch.setenv(CACHE_VARIABLE, str(folder))
    with pytest.raises(FileError, match=words):
        private_folder()
    told = CliRunner().invoke(commands, ["cache"])
    assert told.exit_code == 2
    assert words.split("/")[0] in told.stderr
    place.chmod(0o1777 if above == 0o777 else above)  # the sticky bit: others may write, and not replace
    folder.chmod(0o700)
    assert private_folder() == folder


def test_the_command_shows_and_clears_what_is_kept_and_nothing_else(folder):
    kept(lowered, "sine")
    other = folder / "letters.txt"
    other.write_text("of mine")
    told = CliRunner().invoke(commands, ["cache"])
    assert f"{folder} holds 1 files" in told.stdout.replace(",", "")
    cleared = CliRunner().invoke(commands, ["cache", "--clear", "--json"])
    assert (cleared.exit_code, '"files": 1' in cleared.stdout) == (0, True)
    assert not list((folder / "programs").iterdir())
    assert other.exists()


def test_without_a_folder_nothing_is_kept(monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, "off")
    assert Entry.of("sine").path is None
    assert "No compiled programs are kept" in CliRunner().invoke(commands, ["cache"]).stdout


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_second_process_compiles_nothing_and_draws_the_same():
    def fitted(*words: str) -> str:
        command = [sys.executable, "-c", FIT, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own

    first = fitted("60")
    assert fitted("60", "never") == first
    assert fitted("50", "never") != first  # another table, of as many rows with those that fill it up
    # Few runs: coordinates that factorise matrices, by functions of LAPACK.
    assert fitted("20") == fitted("20")
