"""JAX as this package needs it: host devices for chains, a compilation cache, float64 where we compute.

The number of host devices can only be set before JAX starts, so this is called before anything else touches it.
Settings of the user, in the environment or in ``jax.config``, take precedence.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache

import jax
import scipy.linalg  # noqa: F401 - its BLAS, which JAX calls, is to be among those that are loaded
from threadpoolctl import ThreadpoolController

from bayeslaw.inference.base.cache_folder import JAX, private_folder, source
from bayeslaw.inference.base.work import CHAINS

# Programs that run only a few times are not worth optimising.
HASTY = {"xla_backend_optimization_level": 0}


@cache
def start() -> None:
    """Set host devices and the compilation cache, once.

    Raises
    ------
    FileError
        When the folder of the cache is open to others.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ and "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        # If JAX is already running, its devices are fixed: chains are then vectorised on those.
        with contextlib.suppress(RuntimeError):
            if jax.config.jax_num_cpu_devices in (-1, None):
                jax.config.update("jax_num_cpu_devices", CHAINS)
    folder = private_folder()
    # A folder for each state of the code: a program that JAX finds in its cache is not one that can be kept whole.
    if folder is not None and jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(folder / JAX / source()[:16]))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Use double precision within this context, and leave the user's setting alone outside."""
    start()
    with jax.enable_x64(True):
        yield


def one_thread() -> AbstractContextManager[object]:
    """Let BLAS work in one thread within this context.

    Its rounding depends on its number of threads, which differs between machines, and on small matrices its threads
    only compete with those of JAX.
    """
    limited: AbstractContextManager[object] = _blas().limit(limits=1)
    return limited


@cache
def _blas() -> ThreadpoolController:
    """The libraries with threads of their own: to look for them takes as long as a thousand evaluations of a law."""
    return ThreadpoolController()


def chain_devices(chains: int) -> list[jax.Device]:
    """The devices to spread chains over: as many as divide their number evenly."""
    devices: list[jax.Device] = jax.local_devices()
    count = max(n for n in range(1, min(chains, len(devices)) + 1) if chains % n == 0)
    return devices[:count]
