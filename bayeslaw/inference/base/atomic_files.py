"""Files that are written whole or not at all: written beside their place, and moved there in one step.

Contents are made in memory first.  When a disk fills up beneath them, the writers of HDF5, of zip archives and of PDF
raise errors of their own, one after the other, and cannot close their files.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from bayeslaw.errors import FileError
from bayeslaw.words import worded

# The disk, or the user's quota, is full.
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def beside(path: Path, option: str | None = None) -> Iterator[Path]:
    """Make an empty file in the folder of another, and remove it afterwards.

    Parameters
    ----------
    option
        The argument that names the file, for a message; the path of a fit by default.

    Raises
    ------
    FileError
        When a file cannot be written there, now or within the context.
    """
    # It imports random numbers too, which no command needs that writes nothing.
    import tempfile

    another = option or worded("path", "--out")
    try:
        if path.is_dir():
            raise FileError(f"{path}: is a folder; give the name of a file to write.")
        if path.exists() and not path.is_file():
            raise FileError(f"{path}: is a device or a pipe and not a file; choose another {another}.")
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        room = "make room there, or " if error.errno in FULL else ""
        raise FileError(f"{path}: cannot write here ({reason(error)}); {room}choose another {another}.") from None


def reason(error: OSError) -> str:
    """The reason of a system error, as words within a sentence."""
    words = error.strerror or str(error)
    return f"{words[:1].lower()}{words[1:]}"


def write(path: Path, content: bytes, option: str | None = None) -> None:
    """Write a file in place of another, which stays as it was unless writing succeeds; see :func:`beside`.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    path = path.resolve()  # a link stays one, and what it leads to is replaced
    with beside(path, option) as temporary:
        temporary.write_bytes(content)
        # A temporary file is private; a result gets the usual permissions of the user's files.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
