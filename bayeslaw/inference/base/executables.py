"""Compiled programs that are kept on disk: what was traced and compiled once is neither a second time.

JAX's own cache saves the compiling alone; tracing and lowering take as long again.  A program is found by what it was
traced from: the source of this package, a description that its maker gives (the law's text, the structure, shapes and
settings), the versions, the devices and the processor.  An entry that is damaged, or that another machine made, is a
program that is not there.

Entries hold machine code, and JAX stores it as a pickle.  So the folder must be private, and is refused otherwise.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import platform
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from bayeslaw.inference.base.cache_folder import PROGRAMS, private_folder, source
from bayeslaw.inference.base.versions import versions

SUFFIX = ".program"
# Settings of JAX that programs depend on and that users change.
SETTINGS = ("jax_default_matmul_precision", "jax_threefry_partitionable", "jax_debug_nans", "jax_disable_jit")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """The place of a program; None where none is kept.

    Attributes
    ----------
    path
        The file.
    options
        Of the compiler.
    """

    path: Path | None
    options: Mapping[str, Any] | None = None

    @staticmethod
    def of(*about: object, options: Mapping[str, Any] | None = None) -> Entry:
        """The entry of the program with a description, of which every part says all in its representation.

        A part that is None says that the program cannot be described.
        """
        folder = None if None in about else programs_folder()
        if folder is None:
            return Entry(None, options)
        described = repr((about, sorted((options or {}).items()), _surroundings()))
        return Entry(folder / f"{hashlib.sha256(described.encode()).hexdigest()}{SUFFIX}", options)

    def found(self) -> Any | None:
        """The compiled program, if it is there."""
        if self.path is None:
            return None
        _ready()
        try:
            sealed = self.path.read_bytes()
            digest, content = sealed[:32], sealed[32:]
            if hashlib.sha256(content).digest() != digest:
                return None
            (code, given, found), count = pickle.loads(zlib.decompress(content))  # noqa: S301 - see above
            return deserialize_and_load(code, given, found, execution_devices=jax.devices()[:count])
        except Exception:
            return None

    def compiled(self, lowered: Any) -> Any:
        """Compile a program, and keep it."""
        _listening()
        _compiling.from_cache = False
        program = lowered.compile(compiler_options=self.options)
        # What JAX's cache loaded has lost the names of its functions, and is of no use when it is stored again.
        if self.path is not None and not _compiling.from_cache:
            try:
                count = len(jax.tree.leaves(program.input_shardings)[0].device_set)
                content = zlib.compress(pickle.dumps((serialize(program), count)), 1)
                _put(self.path, hashlib.sha256(content).digest() + content)
            except OSError as error:
                _say_once(f"{self.path.parent}: compiled programs cannot be kept here ({error.strerror}).")
            except (ValueError, NotImplementedError, TypeError, pickle.PicklingError):
                pass  # programs for some devices have no form that can be kept
        return program


def kept(lower: Callable[[], Any], *about: object, options: Mapping[str, Any] | None = None) -> Any:
    """The program with a description; lowered and compiled if it is not there."""
    entry = Entry.of(*about, options=options)
    found = entry.found()
    return entry.compiled(lower()) if found is None else found


def programs_folder() -> Path | None:
    """The folder of the entries; None if there is none."""
    folder = private_folder()
    return None if folder is None else folder / PROGRAMS


def _put(path: Path, content: bytes) -> None:
    """Write a file as a whole; others may write the same one at the same time."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


class _Compiling(threading.local):
    """What a thread compiles: whether JAX's own cache had it."""

    from_cache = False


_compiling = _Compiling()


@cache
def _ready() -> None:
    """Let JAX look up the functions of LAPACK, which it does while it lowers: a program that is loaded calls them."""
    if jax.default_backend() == "cpu":
        jax.jit(jnp.linalg.cholesky).lower(jax.ShapeDtypeStruct((2, 2), jnp.float32))


@cache
def _listening() -> None:
    def heard(event: str, **_: Any) -> None:
        if event == "/jax/compilation_cache/cache_hits":
            _compiling.from_cache = True

    jax.monitoring.register_event_listener(heard)


@cache
def _say_once(message: str) -> None:
    _log.warning(message)


@cache
def _surroundings() -> tuple[object, ...]:
    """All that a program depends on beside its description."""
    client = jax.devices()[0].client
    hardware = client.platform, client.platform_version, *{device.device_kind for device in jax.devices()}
    settings = {name: getattr(jax.config, name, None) for name in SETTINGS}
    return source(), versions(), hardware, len(jax.devices()), _processor(), os.environ.get("XLA_FLAGS"), settings


@cache
def _processor() -> str:
    """The processor with its abilities, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = {line for line in lines if line.partition("\t")[0] in ("model name", "flags", "Features", "CPU part")}
    return f"{platform.machine()} {sorted(told)}"
