"""Executors of many fits: anything with the ``submit`` of Python's executors, in other processes or on other machines.

A Dask scheduler is one, once connected.  It redoes the work of a worker that dies on another; since a fit depends on
its plan and its seed alone, the result is the same.  Each worker has one thread, so start one worker per core.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from bayeslaw.errors import BayeslawError, ExecutorError
from bayeslaw.inference.base.versions import versions
from bayeslaw.words import argument

# Many times what a running scheduler takes to answer.
SECONDS = 5
# Machines take their time to start workers.
WORKERS_WITHIN = 60

# A forked process has another id than the process that imported this module.
_imported_by = os.getpid()
# All threads of a process share NumPyro's stack of handlers.
_one_at_a_time = threading.Lock()


@contextmanager
def opened(executor: Executor | str | None) -> Iterator[Executor | None]:
    """An executor, connected to if it is given by the address of a Dask scheduler.

    Parameters
    ----------
    executor
        As for :func:`bayeslaw.backtest`; an executor that was passed in stays open.

    Raises
    ------
    ExecutorError
        When it is not one, or no scheduler answers.
    """
    if not isinstance(executor, str):
        if not isinstance(executor, Executor | None):
            raise ExecutorError(
                f"executor: {type(executor).__name__} is not a concurrent.futures.Executor; a Dask client gives one by "
                "its get_executor()."
            )
        yield executor
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ExecutorError(
            f"{argument('executor')} {executor}: a Dask scheduler needs distributed; install it with "
            "`pip install 'bayeslaw[distributed]'`."
        ) from None
    if "://" not in executor:
        raise ExecutorError(f"{argument('executor')} {executor!r}: is not an address; give it as tcp://HOST:PORT.")
    try:
        # A client would wait for ever for a server that accepts the connection and does not answer.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _called(executor)).result()
        client = Client(executor, timeout=SECONDS, set_as_default=False)
    except Exception as error:
        # Another server may answer anything, which makes Dask fail in one way or another.
        raise ExecutorError(
            f"{argument('executor')} {executor}: no Dask scheduler answers there within {SECONDS} s; start one with "
            "`dask scheduler`, or give the address that it prints."
        ) from error
    with _quiet("distributed.client"), client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_WITHIN)
        except TimeoutError:
            raise ExecutorError(
                f"{argument('executor')} {executor}: has no workers, and none came within {WORKERS_WITHIN} s; start "
                f"one for each core with `dask worker {executor} --nworkers -1 --nthreads 1`."
            ) from None
        # With pure tasks, Dask would hash all arguments to name a task.
        yield client.get_executor(pure=False)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Suppress the tracebacks that a library logs before it raises an error, which becomes a sentence here."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


async def _called(address: str) -> None:
    """Ask a scheduler for its identity."""
    from distributed.core import rpc

    async with asyncio.timeout(SECONDS), rpc(address) as scheduler:
        if (answer := await scheduler.identity())["type"] != "Scheduler":
            raise ValueError(answer["type"])


def done_by[**P, T](
    executor: Executor, function: Callable[P, T], tasks: Sequence[tuple[object, ...]]
) -> Iterator[tuple[int, T]]:
    """Run tasks on the executor and yield each result as it completes; cancel what is pending when the caller stops.

    Parameters
    ----------
    function
        A function that the workers can import.
    tasks
        The arguments of each task.

    Yields
    ------
    tuple
        The position of a task, and what the function returned.

    Raises
    ------
    ExecutorError
        When workers cannot do the work, or are lost.
    """
    known = versions()
    try:
        submitted = {executor.submit(_done, function, known, task): i for i, task in enumerate(tasks)}
    except RuntimeError as error:
        raise _failed(error) from error
    try:
        for future in as_completed(submitted):
            try:
                result = future.result()
            except BayeslawError:
                raise
            except Exception as error:
                raise _failed(error) from error
            yield submitted.pop(future), result
    finally:
        for future in submitted:
            future.cancel()


def _failed(error: Exception) -> ExecutorError:
    said = str(error).partition("\n")[0] or "the executor is gone"
    return ExecutorError(
        f"workers were lost or failed ({type(error).__name__}: {said}); finished fits in shards are kept, so ask again "
        "when that is fixed."
    )


def _done[T](function: Callable[..., T], known: Mapping[str, str], task: tuple[object, ...]) -> T:
    """Do the work of a worker, if its draws would be the same."""
    if os.getpid() != _imported_by:
        raise ExecutorError("a worker was forked, which JAX does not survive; give its pool mp_context 'spawn'.")
    own = versions()
    if own != known:
        differ = ", ".join(f"{name} {own[name]} for {known[name]}" for name in known if own[name] != known[name])
        raise ExecutorError(f"a worker has other versions ({differ}); install the same there.")
    with _one_at_a_time:
        return function(*task)
