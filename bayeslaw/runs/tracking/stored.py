"""Files of a store, as text and as JSON; read, and never written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bayeslaw.errors import FileError
from bayeslaw.paths import why

# Nested deeper than this, a value is no setting of a run.
DEEPEST = 20


def text_at(path: Path) -> str:
    """The text of a file.

    Raises
    ------
    FileError
        When it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = "it is not text in UTF-8" if isinstance(error, ValueError) else why(error)
        raise FileError(f"{path}: cannot read this file ({reason}).") from None


def object_at(path: Path, what: str) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises
    ------
    FileError
        When it holds something else than `what`.
    """
    try:
        found = json.loads(text_at(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        found = None
    if not isinstance(found, dict):
        raise FileError(f"{path}: holds no JSON object, as expected of {what}; check the path.")
    return found


def files_at(path: Path, pattern: str, what: str) -> list[Path]:
    """The file at a path, or all below a folder whose names match, sorted; links to folders are not followed.

    Raises
    ------
    FileError
        When there is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.rglob(pattern) if each.is_file())
    if not found:
        raise FileError(f"{path}: there is no {what} in this folder (no file {pattern}); check the path.")
    return found


def run_name(file_or_folder: Path, root: Path) -> str:
    """The name of a run by its place below a folder; of the folder itself, by its own name."""
    place = file_or_folder.relative_to(root) if file_or_folder.is_relative_to(root) else Path()
    return place.as_posix() if place.parts else file_or_folder.resolve().name


def flat(settings: Mapping[Any, Any], prefix: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Nested settings under dotted names; a list as text."""
    for key, value in settings.items():
        name = f"{prefix}{str(key).strip()}"
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from flat(value, f"{name}.", depth + 1)
        else:
            yield name, value if value is None or isinstance(value, str | bool | int | float) else text_of(value)


def text_of(value: Any) -> str:
    """A value that is no number or text, as text."""
    try:
        return json.dumps(value, default=str)
    except (ValueError, RecursionError):
        return ""
