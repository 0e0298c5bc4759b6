"""What all verbs that fit are asked: one record for sampling, one for the work, and their fields as arguments."""

import dataclasses
import inspect
import io
import threading
from concurrent.futures import Executor
from typing import get_type_hints

import click
import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.cli import commands
from bayeslaw.inference.base import progress
from bayeslaw.inference.base.progress import Watch, watched
from bayeslaw.inference.base.work import Fields, Sampling, Work, asked_for
from tests.linear import linear_law, linear_runs

FITTING = [bl.fit, bl.compare, bl.backtest, bl.learn_drift, bl.sbc, bl.frontier]
FITTING_COMMANDS = ["fit", "compare", "backtest", "drift", "check", "frontier"]
TAKING_PRIORS = [*FITTING, bl.to_pymc, bl.posterior_mode]


def test_the_fields_that_a_verb_takes_are_those_of_the_two_records():
    known = {"Executor": Executor}
    own = {**get_type_hints(Sampling), **get_type_hints(Work, localns=known)}
    assert get_type_hints(Fields, localns=known) == own
    assert list(own) == [each.name for record in (Sampling, Work) for each in dataclasses.fields(record)]


@pytest.mark.parametrize("verb", FITTING, ids=lambda verb: verb.__name__)
def test_every_verb_that_fits_takes_both_records_and_their_fields(verb):
    parameters = inspect.signature(verb).parameters
    assert parameters["sampling"].default == Sampling()
    assert parameters["work"].default == Work()
    assert inspect.get_annotations(verb, eval_str=False)["fields"] == "Unpack[Fields]"
    assert not {*Fields.__annotations__} & set(parameters), "said twice"


@pytest.mark.parametrize("verb", TAKING_PRIORS, ids=lambda verb: verb.__name__)
def test_priors_are_taken_everywhere(verb):
    assert inspect.signature(verb).parameters["priors"].default is None


@pytest.mark.parametrize("name", FITTING_COMMANDS)
def test_a_command_that_fits_takes_what_the_verb_takes(name):
    """But for the progress, which a terminal shows and a pipe does not."""
    options = {option.name for option in commands.commands[name].params if isinstance(option, click.Option)}
    assert {*Fields.__annotations__} - {"progress"} <= options
    assert {"priors", "prior"} <= options


def test_single_fields_change_the_records():
    sampling, work = asked_for(Sampling(draws=10, chains=2), Work(seed=3, progress=True), {"draws": 20, "seed": 4})
    assert sampling == Sampling(draws=20, chains=2)
    assert work == Work(seed=4, progress=True)


@pytest.mark.parametrize("verb", FITTING, ids=lambda verb: verb.__name__)
def test_a_field_that_is_not_there_is_refused_before_anything_is_done(verb):
    with pytest.raises(TypeError, match=r"there is no argument 'drawz'; did you mean 'draws'\."):
        verb(None, None, drawz=10)


LINE = linear_law("line")


@pytest.fixture(scope="module")
def runs():
    return linear_runs()


def test_patience_is_given_and_not_switched_off_by_other_settings(runs):
    """A dozen draws are too few, and four times as many too; with patience they were made again, and longer."""
    how = {"draws": 12, "warmup": 12, "chains": 2}
    impatient, patient = (bl.fit(LINE, runs, sampling=Sampling(**how, patience=p)) for p in (False, True))
    assert impatient.flat.shape[1] == 12
    assert patient.flat.shape[1] > 12
    assert (impatient.patient, patient.patient) == (False, True)


def test_a_fit_is_kept_in_shards_and_taken_up(runs, tmp_path):
    how = {"draws": 50, "warmup": 50, "chains": 2, "patience": False}
    first = bl.fit(LINE, runs, **how, shards=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    again = bl.fit(LINE, runs, **how, work=Work(shards=tmp_path))
    np.testing.assert_array_equal(first.flat, again.flat)
    assert len(list(tmp_path.iterdir())) == 1
    assert first.seed == again.seed == 0


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_fit_that_was_interrupted_goes_on_to_the_same_draws(runs, tmp_path, after):
    """In its warm-up, after it, or where draws that are enough are looked for."""
    how = {"warmup": 60, "chains": 2, "patience": False}
    told, again = [], []

    def impatient(done: int, total: int) -> None:
        told.append(done)
        if len(told) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bl.fit(LINE, runs, **how, shards=tmp_path, progress=impatient)
    # A block whose end was not seen is walked again; of none there is nothing to keep.
    assert len(list(tmp_path.glob("*.paused"))) == (after > 1)
    resumed = bl.fit(LINE, runs, **how, shards=tmp_path, progress=lambda done, _: again.append(done))
    whole = bl.fit(LINE, runs, **how)
    np.testing.assert_array_equal(resumed.flat, whole.flat)
    for name, values in whole.stats.items():
        np.testing.assert_array_equal(resumed.stats[name], values)
    assert again[0] >= told[-1] - 100
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_an_interrupted_fit_that_cannot_be_read_says_so(runs, tmp_path):
    def impatient(done: int, total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bl.fit(LINE, runs, draws=50, warmup=50, chains=2, shards=tmp_path, progress=impatient)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(bl.errors.FileError, match=r"is not an interrupted fit .*delete it to begin anew"):
        bl.fit(LINE, runs, draws=50, warmup=50, chains=2, shards=tmp_path)


def test_progress_is_a_function_of_what_is_done_and_what_there_is(runs):
    told = []
    bl.fit(LINE, runs, draws=50, warmup=50, chains=2, patience=False, progress=lambda *counts: told.append(counts))
    assert told == sorted(told)
    assert told[-1] == (200, 200)


def test_the_progress_of_a_comparison_ends_with_all_fits_done(runs):
    told = []
    bl.compare(
        [LINE, linear_law("curve")], runs, draws=100, patience=False, allow_unconverged=True,
        progress=lambda *counts: told.append(counts),
    )  # fmt: skip
    done, total = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert list(total) == sorted(total)
    assert done[-1] == total[-1] > 2


def test_parts_are_counted_together_and_work_that_was_not_announced_too():
    told = []
    watch = Watch(lambda *counts: told.append(counts))
    watch.expect(3)
    first, second = watch.part(2), None
    first(1, 2)
    first(2, 2)
    second = watch.part(2)
    second(2, 2)
    assert told == [(0, 3), (1, 3), (2, 3), (4, 4)]


class Terminal(io.StringIO):
    """Standard error of a terminal, which tells when the clock of a bar went on."""

    def __init__(self, watching: bool = True) -> None:
        super().__init__()
        self.watching, self.later = watching, threading.Event()

    def isatty(self) -> bool:
        return self.watching

    def write(self, text: str) -> int:
        if "00:01" in text:
            self.later.set()
        return super().write(text)


@pytest.mark.parametrize(
    ("asked", "watching", "shown"),
    [(None, True, True), (None, False, False), (False, True, False), (True, False, True)],
)
def test_a_bar_is_there_where_somebody_watches_unless_it_is_asked_for_or_turned_off(
    monkeypatch, asked, watching, shown
):
    terminal = Terminal(watching)
    monkeypatch.setattr("sys.stderr", terminal)
    with watched(asked, "fit", "calibrating") as watch:
        watch.expect(2)
        watch.part(2)(2, 2)
    assert ("calibrating" in terminal.getvalue()) == shown


def test_a_notebook_is_watched(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal(watching=False))
    assert not progress.somebody_watches()
    monkeypatch.setitem(progress.sys.modules, "ipykernel", progress)
    assert progress.somebody_watches()


def test_the_clock_goes_on_while_nothing_can_be_counted(monkeypatch):
    """As while a program is compiled, in another thread or in a library: nobody calls the bar."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with watched(None, "draw", progress.COMPILING) as watch:
        assert terminal.later.wait(30)
        watch.counting("sampling")(5, 10)
    shown = terminal.getvalue()
    assert f"{progress.COMPILING} [00:01]" in shown
    assert "sampling:   0%" in shown
