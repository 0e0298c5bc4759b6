"""Finished fits in a folder, so that interrupted work resumes where it stopped.

A fit is one file, written whole or not at all.  Its name is the hash of everything that its draws depend on: the law,
the data, the settings, the seed, the start and the versions of the software.  If any of these differs, the file is
another one.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import jax
import numpy as np

from bayeslaw.errors import FileError
from bayeslaw.inference.base.arrays import UNREADABLE, read_arrays, write_arrays
from bayeslaw.inference.base.atomic_files import beside
from bayeslaw.inference.base.versions import versions
from bayeslaw.inference.choice import Choice
from bayeslaw.inference.model.plan import Plan
from bayeslaw.inference.sampler.draws import Draws
from bayeslaw.words import argument

# Flat draws, and the sampler's statistics.
Kept = tuple[np.ndarray, dict[str, np.ndarray]]
FLAT = "flat"
# The argument that names the folder.
ARGUMENT = "shards"


@dataclass(frozen=True)
class Shards:
    """A folder of finished fits, created if necessary.

    NumPy's ``.npz`` without pickle: nothing in such a folder is ever executed.

    Raises
    ------
    FileError
        When nothing can be written there; this is found before the work.
    """

    folder: Path

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{self.folder}: cannot be a folder ({error.strerror}); choose another {argument(ARGUMENT)}."
            ) from None
        with beside(self.folder / "fit", argument(ARGUMENT)):
            pass

    def path(self, plan: Plan, choice: Choice, seed: int, start: np.ndarray | None) -> Path:
        """The file of a fit."""
        # The time limit is not part of a fit's identity.
        kind, settings = choice.coordinates.__name__, asdict(replace(choice.settings, seconds=math.inf))
        about = [plan.law.text, repr(plan.structure.poolings), kind, settings, seed, versions()]
        total = hashlib.sha256(json.dumps(about).encode())
        for where, values in jax.tree_util.tree_flatten_with_path((plan.data(), start))[0]:
            total.update(f"{where}{np.shape(values)}".encode())
            total.update(np.ascontiguousarray(values).tobytes())
        return self.folder / f"{total.hexdigest()}.npz"

    def get(self, path: Path) -> Kept | None:
        """The draws in a file; None where there is none.

        Raises
        ------
        FileError
            When it cannot be read.
        """
        try:
            values = read_arrays(path)
            return values.pop(FLAT), values
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise FileError(f"{path}: is not a finished fit ({error}); delete it to repeat the fit.") from None

    def put(self, path: Path, draws: Draws) -> None:
        """Keep a fit, unless it was given up: whether a fit crawls depends on the machine, and a file on the fit alone.

        Raises
        ------
        FileError
            When it cannot be written; existing files stay.
        """
        if draws.crawl is None:
            write_arrays(path, {FLAT: draws.flat, **draws.stats}, argument(ARGUMENT))
