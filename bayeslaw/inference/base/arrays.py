"""Arrays by name in a file: NumPy's ``.npz`` without pickle, so that nothing in it is ever executed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayeslaw.inference.base.atomic_files import write

# What a file that is damaged, or another one, raises when it is read and its arrays are taken.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file; one that is damaged raises any of :data:`UNREADABLE`."""
    # NumPy leaves the file of an archive open that it cannot read.
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
        return dict(file)


def write_arrays(path: Path, arrays: Mapping[str, Any], option: str) -> None:
    """Write arrays, whole or not at all; see :func:`bayeslaw.inference.base.atomic_files.write`."""
    made = io.BytesIO()
    np.savez(made, allow_pickle=False, **arrays)
    write(path, made.getvalue(), option)
