"""Files that a caller names: whether they are there, found out before what reads them is imported.

Importing NumPy takes longer than saying that a file is not there.
"""

from __future__ import annotations

from pathlib import Path

from bayeslaw.errors import FileError


def runs_file(path: str | Path) -> Path:
    """The file of a table of runs.

    Raises
    ------
    FileError
        When it is not there.
    """
    return _there(path, "this file of runs", "; check the path")


def law_file(path: str | Path) -> Path:
    """The file of a law.

    Raises
    ------
    FileError
        When it is not there.
    """
    return _there(path, "this law file")


def fit_file(path: str | Path) -> Path:
    """The file of a saved fit.

    Raises
    ------
    FileError
        When it is a folder, or not there.
    """
    path = Path(path)
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give the file of a fit.")
    if not path.is_file():
        raise FileError(f"{path}: there is no such file; `bayeslaw fit RUNS --law NAME --out {path}` makes one.")
    return path


def _there(path: str | Path, what: str, remedy: str = "") -> Path:
    path = Path(path)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot read {what} ({why(error)}){remedy}.") from None
    return path


def why(error: Exception) -> str:
    """Why a file cannot be read, in the words of the system where it has some."""
    return str((isinstance(error, OSError) and error.strerror) or error)
