"""Files that a caller names: whether they are there, found out before what reads them is imported.

Importing NumPy takes longer than saying that a file is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bayeslaw.errors import FileError, listed

# What may stand before the path of runs, as in `mlflow:mlruns`, and what is then at the path.  The file of that name in
# the folder `runs/tracking` reads it.
SOURCES: Mapping[str, str] = {
    "lm-eval": "results of lm-eval: a file, or a folder of them",
    "mlflow": "an MLflow tracking store: an SQLite file, or a folder such as mlruns",
    "tensorboard": "a folder of TensorBoard event files",
    "trainer": "a trainer_state.json of Hugging Face, or a folder of them",
    "wandb": "a local wandb folder, or an exported CSV file of runs or of a chart",
}
# Longer than the letter of a drive.
_PREFIX = re.compile(r"([A-Za-z][\w-]+):(?!//)(.*)", re.DOTALL)


def source_of(path: str | Path) -> tuple[str | None, Path]:
    """The source that stands before a path of runs, if any does, and the path without it."""
    found = _PREFIX.fullmatch(str(path))
    return (found[1], Path(found[2]).expanduser()) if found and found[1] in SOURCES else (None, Path(path))


def runs_file(path: str | Path) -> Path:
    """The file or folder of runs, without the source that stands before it.

    Raises
    ------
    FileError
        When it is not there.
    """
    source, bare = source_of(path)
    unknown = _PREFIX.fullmatch(str(path)) if source is None else None
    hint = f"'{unknown[1]}' is no source, sources are {listed(SOURCES)}" if unknown else "check the path"
    return _there(bare, "this file of runs", f"; {hint}" if source is None else f"; expected {SOURCES[source]}")


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
