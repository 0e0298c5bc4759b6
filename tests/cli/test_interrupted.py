"""Ctrl-C in ``bayeslaw fit`` loses nothing: ``--resume`` goes on, and refuses what is another fit."""

import numpy as np
import pytest
from click.testing import CliRunner

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.inference.sampler.pace import Pace
from tests.linear import linear_law, linear_runs


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The arguments of a fit, in a folder with its law and its runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.toml").write_text(linear_law("line").text)
    runs = linear_runs()
    rows = np.column_stack([runs.column("x"), runs.column("y")])
    np.savetxt("runs.csv", rows, "%.17g", ",", header="x,y", comments="")
    return ["fit", "runs.csv", "--law", "line.toml", "--draws", "800", "--warmup", "100", "--chains", "2"]


def ctrl_c_after(monkeypatch, blocks: int) -> None:
    counted, crawling = [], Pace.crawling

    def interrupted(self, *given):
        counted.append(None)
        if len(counted) > blocks:
            raise KeyboardInterrupt
        return crawling(self, *given)

    monkeypatch.setattr(Pace, "crawling", interrupted)


def test_a_fit_goes_on_where_it_was_interrupted(asked, tmp_path):
    run = CliRunner().invoke
    with pytest.MonkeyPatch.context() as patch:
        ctrl_c_after(patch, 2)
        stopped = run(commands, asked)
    assert stopped.exit_code == 130
    assert "What was done is kept in fit.nc.part; the same command with --resume goes on from there." in stopped.stderr
    assert not (tmp_path / "fit.nc").exists()
    for other, named in (
        (["--seed", "3"], "another seed"),
        (["--draws", "900"], "other settings of the sampler"),
        (["--where", "x > 1"], "other runs"),
        (["--prior", "b0=Normal(0, 3)"], "another law or"),
    ):
        refused = run(commands, [*asked, *other, "--resume"])
        assert refused.exit_code == 2
        assert f"fit.nc.part: holds a fit of {named}" in refused.stderr
    done = run(commands, [*asked, "--resume"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.nc", "line.toml", "runs.csv"]
    assert run(commands, [*asked, "--out", "whole.nc"]).exit_code == 0
    ours, whole = bl.load("fit.nc"), bl.load("whole.nc")
    np.testing.assert_array_equal(ours.flat, whole.flat)


def test_what_cannot_be_resumed_says_so(asked, tmp_path):
    run = CliRunner().invoke
    nothing = run(commands, [*asked, "--resume"])
    assert (nothing.exit_code, "fit.nc.part: is not there" in nothing.stderr) == (2, True)
    (tmp_path / "fit.nc.part").mkdir()
    (tmp_path / "fit.nc.part" / "about.json").write_text("[1]")
    foreign = run(commands, [*asked, "--resume"])
    assert (foreign.exit_code, "does not hold an interrupted fit" in foreign.stderr) == (2, True)
    (tmp_path / "fit.nc.part" / "about.json").rename(tmp_path / "fit.nc.part" / "mine.json")
    mine = run(commands, asked)
    assert (mine.exit_code, "is not an interrupted fit, so it is not replaced" in mine.stderr) == (2, True)
    assert (tmp_path / "fit.nc.part" / "mine.json").exists()
    kept = run(commands, [*asked, "--resume", "--shards", "fits"])
    assert (kept.exit_code, "leave --resume out" in kept.stderr) == (2, True)


def test_nothing_is_left_of_a_fit_that_was_interrupted_before_its_first_draw(asked, tmp_path, monkeypatch):
    ctrl_c_after(monkeypatch, 0)
    stopped = CliRunner().invoke(commands, asked)
    assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (130, "Interrupted.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.toml", "runs.csv"]
