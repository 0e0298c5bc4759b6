"""The log that Weights & Biases keeps of a run: ``run-ID.wandb``.

It is a log of LevelDB (blocks of 32 KiB; a record is cut where a block ends) whose records are messages of Protocol
Buffers, with values in JSON.  Of a run that is not synchronised it is the only file that has the settings and the
history, and the library has no reader of it in Python.  Numbers of fields never change their meaning in Protocol
Buffers, so unknown ones are skipped.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bayeslaw.errors import FileError
from bayeslaw.paths import why
from bayeslaw.runs.tracking.histories import Run, number, settings
from bayeslaw.runs.tracking.stored import flat

LOG = "run-*.wandb"
MAGIC, HEADER, BLOCK = b":W&B", 7, 1 << 15
# Checksum, length, and whether a record is whole (1), or begins (2), goes on (3) or ends (4) here.
PIECE = struct.Struct("<IHB")
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
# Numbers of fields: of a record, of its changes (a history has none that removes), of an item, and of a run.
HISTORY, SUMMARY, CONFIG, RUN = 2, 3, 5, 17
ITEM, REMOVED = 1, 2
KEY, NESTED_KEY, BOOLEAN, INTEGER, NUMBER, TEXT, JSON_OF, VALUE_JSON = 1, 2, 4, 5, 6, 7, 8, 16
RUN_ID, RUN_CONFIG, RUN_SUMMARY, GROUP, DISPLAY_NAME = 1, 4, 5, 6, 8


class _NotALogError(Exception):
    """Bytes that are no log."""


def runs_of(files: Iterable[Path]) -> list[Run]:
    """The runs of several logs; a run that was resumed has several.

    Raises
    ------
    FileError
        When a file is no log, or cannot be read.
    """
    runs: dict[str, Run] = {}
    for file in files:
        try:
            _add(file, runs)
        except OSError as error:
            raise FileError(f"{file}: cannot read this file ({why(error)}).") from None
        except (_NotALogError, ValueError, RecursionError, TypeError, struct.error):  # a field of another kind
            raise FileError(f"{file}: is not a log of Weights & Biases, or is damaged; leave it out.") from None
    return list(runs.values())


def _add(file: Path, runs: dict[str, Run]) -> None:
    """Add what a log has recorded to its run."""
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    about: dict[int, Any] = {}
    for record in _records(file.read_bytes()):
        for kind, content in _fields(record):
            if kind == HISTORY:
                history.append(_updated({}, content, changes=(ITEM,)))
            elif kind == CONFIG:
                _updated(config, content)
            elif kind == SUMMARY:
                _updated(summary, content)
            elif kind == RUN:
                about = dict(_fields(content))
                _updated(config, about.get(RUN_CONFIG, b""))
                _updated(summary, about.get(RUN_SUMMARY, b""))
    uuid = _text(about.get(RUN_ID, b"")) or file.stem.removeprefix("run-")
    run = runs.setdefault(uuid, Run(_text(about.get(DISPLAY_NAME, b"")) or uuid, uuid))
    for entry in history:
        step = number(entry.get("_step"))
        for metric, value in _metrics(entry):
            run.record(metric, float(len(run.metrics.get(metric, ()))) if step is None else step, value)
    summed = {key: value for key, value in summary.items() if key not in run.metrics and not key.startswith("_")}
    group = _text(about.get(GROUP, b""))
    run.constants |= {"group": group} if group else {}
    run.constants |= settings("config.", {key: value for key, value in config.items() if not key.startswith("_")})
    run.constants |= {key: value for key, value in settings("summary.", summed).items() if number(value) is not None}


def _metrics(entry: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for metric, value in flat(entry, ""):
        found = number(value)
        if found is not None and not metric.startswith("_"):
            yield metric, found


def _records(raw: bytes) -> Iterator[bytes]:
    """The records of a log; the last is left out where the run was cut off within it."""
    if raw[: len(MAGIC)] != MAGIC:
        raise _NotALogError
    at, begun = HEADER, b""
    while at + PIECE.size <= len(raw):
        left = BLOCK - at % BLOCK
        if left < PIECE.size:
            at += left
            continue
        _, length, kind = PIECE.unpack_from(raw, at)
        at += PIECE.size
        piece, at = raw[at : at + length], at + length
        if at > len(raw):
            return
        if kind in (WHOLE, FIRST):
            begun = b""
        elif kind not in (MIDDLE, LAST):
            raise _NotALogError
        begun += piece
        if kind in (WHOLE, LAST):
            yield begun


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message of Protocol Buffers by number: integers, and bytes of anything else."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            length, at = _varint(message, at)
        if length is None or at + length > len(message):
            raise _NotALogError
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise _NotALogError


def _updated(values: dict[str, Any], message: bytes, changes: tuple[int, ...] = (ITEM, REMOVED)) -> dict[str, Any]:
    """Values after a message that sets and removes some of them."""
    for change, item in _fields(message):
        if change not in changes:
            continue
        fields = list(_fields(item))
        keys = [_text(key) for number, key in fields if number == NESTED_KEY]
        keys = keys or [_text(key) for number, key in fields if number == KEY]
        if not keys:
            continue
        *above, last = keys
        place = values
        for key in above:
            inner = place.get(key)
            place[key] = inner if isinstance(inner, dict) else {}
            place = place[key]
        if change == REMOVED:
            place.pop(last, None)
        else:
            place[last] = next((_value(number, value) for number, value in fields if number >= BOOLEAN), None)
    return values


def _value(field: int, value: Any) -> Any:
    if field in (VALUE_JSON, JSON_OF):
        return json.loads(value)
    if field == NUMBER:
        return struct.unpack("<d", value)[0]
    if field == INTEGER:
        return value - (1 << 64) if value >> 63 else value
    return bool(value) if field == BOOLEAN else _text(value) if field == TEXT else None


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise _NotALogError
    return value.decode("utf-8", "replace")
