"""Loading saved fits and averages."""

from __future__ import annotations

import json
from pathlib import Path

from bayeslaw.ask.average import Average
from bayeslaw.ask.saving import group_of
from bayeslaw.inference.posterior.loading import law_of, opened, read, require_whole
from bayeslaw.inference.posterior.posterior import Posterior
from bayeslaw.inference.posterior.storage import SEVERAL
from bayeslaw.language.law import Law
from bayeslaw.note import read_note


def load(path: str | Path) -> Posterior | Average:
    """Read a fit or an average that was saved; its forecasts are the same to the bit.

    Parameters
    ----------
    path
        A file written by :meth:`Posterior.save`, :meth:`Average.save` or ``bayeslaw fit --out``.

    Raises
    ------
    FileError
        When the file is missing, truncated, damaged or something else.
    """
    with opened(path) as file:
        require_whole(file)
        if file.attrs["format"] != SEVERAL:
            return read(file)
        names, weights = (json.loads(file.attrs[key]) for key in ("names", "weights"))
        return Average(
            {name: read(file[group_of(i)]) for i, name in enumerate(names)},
            dict(zip(names, weights, strict=True)),
            tuple(read_note(note) for note in json.loads(file.attrs["notes"])),
        )


def load_laws(path: str | Path) -> list[Law]:
    """Read the laws of a fit or an average that was saved, and none of the draws.

    Raises
    ------
    FileError
        As for :func:`load`, except for errors in the draws.
    """
    with opened(path) as file:
        if file.attrs["format"] != SEVERAL:
            return [law_of(file)]
        return [law_of(file[group_of(i)]) for i, _ in enumerate(json.loads(file.attrs["names"]))]
