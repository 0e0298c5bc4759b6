"""The text of a file: plain or compressed, in UTF-8 or UTF-16, with or without a byte order mark.

What is neither, but has its letters beyond ASCII one at a time, is the Windows-1252 (and so Latin-1) of European
spreadsheets.  Numbers are the same in both; the text of other encodings comes in runs of such bytes, and is refused.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from bayeslaw.errors import FileError
from bayeslaw.paths import why

# While a table is read, it is in memory several times over: a larger file is a mistake.
LARGEST_FILE = 2 * 1024**3 - 2**16  # just below what one array of Arrow can hold
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

# More bytes beyond ASCII in a row than any word or dash of European text has, and those that Windows-1252 has not.
_FOREIGN = re.compile(rb"[\x80-\xff]{4}|[\x81\x8d\x8f\x90\x9d]")


def text_of(path: Path, *, compressed: bool) -> bytes:
    """The text of a file in UTF-8, with line feeds as the only line breaks.

    Raises
    ------
    FileError
        When it cannot be read, is too large, or is not text.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise _too_large(path)
    try:
        with gzip.open(path) if compressed else path.open("rb") as handle:
            raw = handle.read(LARGEST_FILE + 1) if compressed else handle.read()
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot read this file of runs ({why(error)}).") from None
    if len(raw) > LARGEST_FILE:
        raise _too_large(path)
    mark = next((mark for mark in MARKS if raw.startswith(mark)), b"")
    encoding = MARKS[mark] if mark else _unmarked(raw)
    if encoding == "utf-8" and not mark and _is_western(raw):
        encoding = "cp1252"
    raw = raw[len(mark) :]
    try:
        if encoding != "utf-8":
            raw = raw.decode(encoding).encode("utf-8")
        elif not raw.isascii():
            raw.decode(encoding)
    except UnicodeError as error:
        row = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise FileError(
            f"{path}: not text in {encoding.upper()} (row {row}); save the table as CSV in UTF-8, or as Parquet."
        ) from None
    if b"\0" in raw:
        raise FileError(f"{path}: binary data, not a table of text; save it as CSV in UTF-8, or as Parquet.")
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def _unmarked(raw: bytes) -> str:
    """The encoding of a file without a mark: in UTF-16, every other byte of numbers and Latin letters is zero."""
    start = raw[:400]
    for encoding, zero, sign in (("utf-16-le", start[1::2], start[::2]), ("utf-16-be", start[::2], start[1::2])):
        if len(start) >= 8 and len(raw) % 2 == 0 and not any(zero) and all(sign):
            return encoding
    return "utf-8"


def _is_western(raw: bytes) -> bool:
    if raw.isascii():
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # A file in UTF-8 that is damaged in one place is not in another encoding.
        return not _FOREIGN.search(raw) and raw[: error.start].isascii()
    return False


def _too_large(path: Path) -> FileError:
    return FileError(
        f"{path}: the file holds more than {LARGEST_FILE / 1024**3:.2g} GB; a table of runs has one row per run or "
        "checkpoint: leave out the rows that are not needed."
    )
