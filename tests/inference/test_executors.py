"""Fits by workers are those of this process, whoever dies; what is no executor says so in a sentence."""

import math
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import bayeslaw as bl
from bayeslaw.errors import ExecutorError
from bayeslaw.inference import executors
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.following import Following
from bayeslaw.inference.coordinates.suited import suited
from bayeslaw.inference.executors import done_by, opened
from bayeslaw.inference.many import infer_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.inference.sampler.layout import TOGETHER
from bayeslaw.inference.shards import Shards
from tests.linear import linear_law, linear_runs
from tests.simulate import simulated_runs

POWER = bl.law("power_law").with_likelihood("LogNormal(mean, sigma)")
HOW = {"draws": 50, "warmup": 100, "chains": 2}


def folds(plan: Plan, count: int) -> list[Plan]:
    return [plan.hiding(np.arange(len(plan.outcome)) % count == i) for i in range(count)]


def the_same(one: dict[int, Draws], other: dict[int, Draws]) -> None:
    assert one.keys() == other.keys()
    for i, draws in one.items():
        np.testing.assert_array_equal(draws.flat, other[i].flat)
        assert draws.stats.keys() == other[i].stats.keys()
        for name, values in draws.stats.items():
            np.testing.assert_array_equal(values, other[i].stats[name])
        assert draws.diagnostics == other[i].diagnostics
        assert draws.seed == other[i].seed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "count", "kind", "chains"),
    [(None, TOGETHER, Affine, 2), (None, 1, Affine, 4), ("family", 1, Following, 2)],
)
def test_a_worker_has_one_thread_and_the_same_draws(family, count, kind, chains):
    """To the bit, of a law with powers, where rounding shows: several fits in one program, and one alone."""
    how = {**HOW, "chains": chains}
    plan = make_plan(POWER, simulated_runs(POWER, np.random.default_rng(1), 20, families=2), family)
    plans = folds(plan, TOGETHER)[:count]
    assert {suited(each) for each in plans} == {kind}
    with ThreadPoolExecutor(2) as threads:
        found = dict(infer_many(plans, range(count), executor=threads, **how))
    the_same(dict(infer_many(plans, range(count), **how)), found)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path):
    """Processes of a Dask cluster: spawned, one killed with work in hand, and the draws are those of one process."""
    distributed = pytest.importorskip("distributed", reason="needs distributed: install bayeslaw[distributed]")
    psutil = pytest.importorskip("psutil", reason="comes with distributed")
    plans = folds(make_plan(linear_law("line"), linear_runs()), 4 * TOGETHER)
    seeds, shards, killed = range(len(plans)), Shards(tmp_path), []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        opened(cluster.scheduler_address) as workers,
    ):
        pids = client.run(os.getpid)
        assert all("spawn_main" in " ".join(psutil.Process(pid).cmdline()) for pid in pids.values())

        def kill(done: int, total: int) -> None:
            if not killed:
                busy = max(client.processing().items(), key=lambda pair: len(pair[1]))
                assert busy[1], "nothing was left to do"
                killed.append(pids[busy[0]])
                os.kill(killed[0], signal.SIGKILL)

        found = dict(infer_many(plans, seeds, executor=workers, shards=shards, progress=kill, **HOW))
        assert killed[0] not in client.run(os.getpid).values()
    the_same(dict(infer_many(plans, seeds, **HOW)), found)
    the_same(dict(infer_many(plans, seeds, shards=shards, **HOW)), found)
    assert len(list(tmp_path.iterdir())) == len(plans)


class Postponing(Executor):
    """Does the first task when it is handed in, and no other."""

    def __init__(self) -> None:
        self.futures: list[Future] = []

    def submit(self, function, /, *args, **kwargs):
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_result(function(*args, **kwargs))
        return self.futures[-1]


def test_what_nobody_waits_for_is_called_off():
    executor = Postponing()
    found = done_by(executor, abs, [(-1,), (-2,), (-3,)])
    assert next(found) == (0, 1)
    found.close()
    assert [future.cancelled() for future in executor.futures] == [False, True, True]


def test_workers_that_fail_are_reported_in_a_sentence():
    with ThreadPoolExecutor(1) as threads, pytest.raises(ExecutorError, match=r"lost or failed \(ValueError: .+\)"):
        list(done_by(threads, math.sqrt, [(-1.0,)]))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(done_by(pool, abs, [(-1,)])) == [(0, 1)]
        with pytest.raises(
            ExecutorError, match=r"lost or failed \(BrokenProcessPool: .*finished fits in shards are kept"
        ):
            list(done_by(pool, os._exit, [(1,)]))


def test_all_who_ask_for_many_fits_hand_them_on():
    runs = simulated_runs(bl.law("kaplan"), np.random.default_rng(1), 60)
    for ask in (
        bl.backtest,
        partial(bl.sbc, simulations=96),
        lambda law, runs, **how: bl.learn_drift({"mine": runs}, law, **how),
        lambda law, runs, **how: bl.compare([law, "chinchilla"], runs, draws=200, allow_unconverged=True, **how),
    ):
        with ThreadPoolExecutor(1) as closed:
            pass
        with pytest.raises(ExecutorError, match="cannot schedule new futures"):
            ask("kaplan", runs, executor=closed)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pools do not fork")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_workers_that_were_forked_are_refused():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
        pytest.raises(ExecutorError, match=r"forked.*mp_context 'spawn'"),
    ):
        list(done_by(pool, abs, [(-1,)]))


def test_workers_of_other_versions_are_refused(monkeypatch):
    own = executors.versions()
    known = iter([{**own, "jax": "0.1"}, own])
    monkeypatch.setattr(executors, "versions", lambda: next(known))
    with ThreadPoolExecutor(1) as threads, pytest.raises(ExecutorError, match=rf"jax {own['jax']} for 0\.1"):
        list(done_by(threads, abs, [(-1,)]))


@pytest.fixture
def mute() -> Iterator[str]:
    """An address that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


def refused(executor: object, words: str) -> None:
    with pytest.raises(ExecutorError, match=words), opened(executor):
        pass


def test_a_scheduler_that_does_not_answer_is_reported_in_a_sentence(mute, monkeypatch):
    pytest.importorskip("distributed", reason="needs distributed: install bayeslaw[distributed]")
    monkeypatch.setattr(executors, "SECONDS", 0.5)
    for address in (mute, "tcp://127.0.0.1:1", "tcp://nowhere.invalid:1", "tls://127.0.0.1:1", "tcp://"):
        refused(address, f"executor {address}: no Dask scheduler answers there within 0.5 s")
    refused("localhost:8786", "'localhost:8786': is not an address; give it as tcp://HOST:PORT")


def test_a_scheduler_without_workers_is_reported_in_a_sentence(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs distributed: install bayeslaw[distributed]")
    monkeypatch.setattr(executors, "WORKERS_WITHIN", 0.1)
    with distributed.LocalCluster(n_workers=0, protocol="tcp", dashboard_address=":0", silence_logs=50) as cluster:
        refused(cluster.scheduler_address, r"has no workers.*start one for each core with `dask worker tcp://")


def test_what_is_no_executor_is_refused(monkeypatch):
    refused(3, r"int is not a concurrent.futures.Executor; .*get_executor\(\)")
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused("tcp://127.0.0.1:1", r"pip install 'bayeslaw\[distributed\]'")
