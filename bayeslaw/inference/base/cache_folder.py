"""The folder of compiled programs: private, since what is in it is run."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path

import bayeslaw
from bayeslaw.errors import FileError

CACHE_VARIABLE = "BAYESLAW_CACHE"
# What is kept in it: programs whole, what JAX keeps of them, and the scripts of pages.
PROGRAMS, JAX, PAGES = PARTS = "programs", "jax", "pages"
PRIVATE = 0o700
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path | None:
    """The folder of compiled programs: ``BAYESLAW_CACHE``, else the user's cache folder; None if it is "off"."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen is not None:
        return None if chosen.lower() in ("", "0", "off", "none") else Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bayeslaw" / "compiled"


def private_folder() -> Path | None:
    """The folder, made if it is not there; None if there is to be none, or it cannot be made.

    Raises
    ------
    FileError
        When somebody else could put a program into it.
    """
    folder = cache_folder()
    if folder is None:
        return None
    try:
        # A folder that is made on the way takes the permissions that new folders usually get.
        for each in (folder.parent, folder):
            each.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        own, above = folder.stat(), folder.resolve().parent.stat()
    except OSError:
        return None
    if os.name == "posix":
        if own.st_uid != os.getuid():
            raise _refused(folder, "belongs to somebody else", "set BAYESLAW_CACHE to a folder of your own")
        if own.st_mode & OTHERS:
            raise _refused(folder, "is open to others", f"run `chmod 700 {folder}`, or set BAYESLAW_CACHE=off")
        if above.st_mode & OTHERS_WRITE and not above.st_mode & stat.S_ISVTX:
            raise _refused(
                folder, f"can be replaced by others, who may write to {folder.resolve().parent}",
                "take that right from them, or set BAYESLAW_CACHE to a folder elsewhere, or to off",
            )  # fmt: skip
    return folder


@cache
def source() -> str:
    """A digest of this package's own code."""
    total, root = hashlib.sha256(), Path(bayeslaw.__file__).parent
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root)}".encode() + path.read_bytes())
    return total.hexdigest()


def _refused(folder: Path, why: str, remedy: str) -> FileError:
    return FileError(f"{folder}: this folder of compiled programs {why}, and what is in it is run; {remedy}.")
