"""Averages in one NetCDF file each, with a group for each fit that looks like the file of that fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bayeslaw.inference.base.atomic_files import write
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.posterior.storage import SEVERAL, as_netcdf, put
from bayeslaw.note import Note


def save(posteriors: Mapping[str, Posterior], weights: Mapping[str, float], about: Sequence[Note], path: Path) -> Path:
    """Write an average; see :meth:`Average.save`.

    Raises
    ------
    FileError
        When the file cannot be written; an existing file stays.
    """

    def put_all(file: Any) -> None:
        file.attrs.update({
            "format": SEVERAL, "names": json.dumps(list(posteriors)),
            "weights": json.dumps([weights[name] for name in posteriors]),
            "notes": json.dumps([note.as_dict() for note in about]),
        })  # fmt: skip
        for i, posterior in enumerate(posteriors.values()):
            put(file.create_group(group_of(i)), posterior)

    write(path, as_netcdf(put_all))
    return path


def group_of(i: int) -> str:
    """The group of a fit, by its place among the fits."""
    return f"fit_{i + 1}"
