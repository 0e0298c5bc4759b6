"""Where many fits are made: by whatever has the ``submit`` of Python's executors, in other processes or on machines.

A scheduler of Dask is one once it is connected to.  It hands the work of a worker that dies to another; since a fit
follows from its plan and its seed alone, nobody can tell afterwards.  Each worker has one thread, so as many workers
as cores are what a machine can do.
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

# What a scheduler that is there takes to answer, many times over.
SECONDS = 5
# Machines take their time to start workers.
WORKERS_WITHIN = 60

# A process that was forked has another number than the one in which this was imported.
_imported_by = os.getpid()
# NumPyro's stack of handlers is one for all threads of a process.
_one_at_a_time = threading.Lock()


@contextmanager
def opened(executor: Executor | str | None) -> Iterator[Executor | None]:
    """An executor, connected to if it is told by the address of a Dask scheduler.

    Parameters
    ----------
    executor
        As :func:`bayeslaw.backtest` takes it; what was handed in stays open.

    Raises
    ------
    ExecutorError
        When it is not one, or no scheduler answers.
    """
    if not isinstance(executor, str):
        if not isinstance(executor, Executor | None):
            raise ExecutorError(
                f"executor: {type(executor).__name__} is no concurrent.futures.Executor; a Dask client gives one by "
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
        raise ExecutorError(f"{argument('executor')} {executor!r}: is no address; give it as tcp://HOST:PORT.")
    try:
        # A client waits for ever for what takes its call and says nothing.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _called(executor)).result()
        client = Client(executor, timeout=SECONDS, set_as_default=False)
    except Exception as error:
        # Whatever else listens there may answer anything, which Dask then fails to read in one way or another.
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
        # Dask would name a task by what it is given, and look through all of it for that.
        yield client.get_executor(pure=False)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without the tracebacks that a library logs before it raises what is then said in a sentence."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


async def _called(address: str) -> None:
    """Hear a scheduler say what it is."""
    from distributed.core import rpc

    async with asyncio.timeout(SECONDS), rpc(address) as scheduler:
        if (answer := await scheduler.identity())["type"] != "Scheduler":
            raise ValueError(answer["type"])


def done_by[**P, T](
    executor: Executor, function: Callable[P, T], tasks: Sequence[tuple[object, ...]]
) -> Iterator[tuple[int, T]]:
    """Have tasks done, and give what each came to as soon as it is there; what nobody waits for is called off.

    Parameters
    ----------
    function
        One that the workers can import.
    tasks
        Its arguments, once a task.

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
        f"workers were lost or failed ({type(error).__name__}: {said}); what is in shards is kept, so ask again when "
        "that is mended."
    )


def _done[T](function: Callable[..., T], known: Mapping[str, str], task: tuple[object, ...]) -> T:
    """What a worker does, if its draws would be the same."""
    if os.getpid() != _imported_by:
        raise ExecutorError("a worker was forked, which JAX does not survive; give its pool mp_context 'spawn'.")
    own = versions()
    if own != known:
        differ = ", ".join(f"{name} {own[name]} for {known[name]}" for name in known if own[name] != known[name])
        raise ExecutorError(f"a worker has other versions ({differ}); install the same there.")
    with _one_at_a_time:
        return function(*task)
