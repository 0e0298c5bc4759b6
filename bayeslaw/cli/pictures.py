"""Pictures beside an answer: found writable before the work, and written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

from bayeslaw.cli.answer import check_writable, say
from bayeslaw.errors import FileError
from bayeslaw.inference.base import atomic_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = ("png", "pdf", "svg")


@overload
def planned(out: str, sources: Sequence[str] = (), option: str = "--plot") -> Path: ...
@overload
def planned(out: None, sources: Sequence[str] = (), option: str = "--plot") -> None: ...
def planned(out: str | None, sources: Sequence[str] = (), option: str = "--plot") -> Path | None:
    """Find out before the work whether a picture can be written, where one is asked for.

    Parameters
    ----------
    sources
        Files that are read, which the picture must not replace.
    option
        The option that names the file, for a message.

    Raises
    ------
    FileError
        When the name does not end with a known format, or the file cannot be written.
    """
    if out is None:
        return None
    if Path(out).suffix[1:].lower() not in ENDINGS:
        endings = ", ".join(f".{ending}" for ending in ENDINGS)
        raise FileError(f"{option} {out}: which kind of picture? End its name with one of {endings}.")
    return check_writable(out, sources, option)


def write(path: Path, figure: Figure, option: str = "--plot") -> None:
    """Write a figure in the format that the name of its file ends with."""
    made = io.BytesIO()
    figure.savefig(made, format=path.suffix[1:].lower(), dpi=150)
    atomic_files.write(path, made.getvalue(), option)


def draw(path: Path, figure: Figure) -> None:
    """Write a figure beside an answer, and say where it is."""
    write(path, figure)
    say(f"picture saved in {path}")
