"""Files that are whole or not there: written beside their place, and moved there in one step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bayeslaw.errors import FileError
from bayeslaw.words import worded


@contextlib.contextmanager
def beside(path: Path, option: str | None = None) -> Iterator[Path]:
    """Make an empty file in the folder of another, which is gone afterwards.

    Parameters
    ----------
    option
        The argument that names the file, for a message; the path of a fit by default.

    Raises
    ------
    FileError
        When a file cannot be written there, now or by what is done with it.
    """
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
        raise FileError(f"{path}: cannot write here ({error.strerror or error}); choose another {another}.") from None


@contextlib.contextmanager
def replaced(path: Path, option: str | None = None) -> Iterator[Path]:
    """Give the file to write in place of another, which stays as it was unless all goes well; see :func:`beside`.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    path = path.resolve()  # a link stays one, and what it leads to is replaced
    with beside(path, option) as temporary:
        yield temporary
        # A temporary file is its owner's alone; a result is as open as any file the user makes.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
