"""JAX as this package wants it: host devices for chains, a compilation cache, float64 where we compute.

The number of host devices can only be set before JAX starts, so this is called before anything else touches it.
What the user set, in the environment or in ``jax.config``, always wins.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jax

from bayeslaw.inference.base.work import CHAINS

# What runs a few times is not worth XLA's care.
HASTY = {"xla_backend_optimization_level": 0}
CACHE_VARIABLE = "BAYESLAW_CACHE"


def cache_folder() -> Path | None:
    """Where compiled programs are kept: ``BAYESLAW_CACHE``, else the user's cache folder; None when it says off."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen is not None:
        return None if chosen.lower() in ("", "0", "off", "none") else Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bayeslaw" / "jax"


@cache
def start() -> None:
    """Set host devices and the compilation cache, once."""
    if "JAX_NUM_CPU_DEVICES" not in os.environ and "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        # JAX that already runs keeps its devices: chains are then vectorised on what there is.
        with contextlib.suppress(RuntimeError):
            if jax.config.jax_num_cpu_devices in (-1, None):
                jax.config.update("jax_num_cpu_devices", CHAINS)
    folder = cache_folder()
    if folder is not None and jax.config.jax_compilation_cache_dir is None:
        try:
            # Whoever can write to this folder can run code as this user: it is theirs alone.
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Double precision inside, the user's setting untouched outside."""
    start()
    with jax.enable_x64(True):
        yield


def chain_devices(chains: int) -> list[jax.Device]:
    """The devices to spread chains over: as many as divide their number evenly."""
    devices: list[jax.Device] = jax.local_devices()
    count = max(n for n in range(1, min(chains, len(devices)) + 1) if chains % n == 0)
    return devices[:count]
