"""What all commands share: one JSON object, exit codes, files found writable before the work."""

from __future__ import annotations

import contextlib
import functools
import gc
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bayeslaw.errors import BayeslawError, FileError, InputError
from bayeslaw.inference.base.atomic_files import beside, reason, write
from bayeslaw.words import at_a_terminal, strict_json

ANSWER_IS_NO = 1
BAD_INPUT = 2
INTERRUPTED = 130  # the exit code of shells for a program that Ctrl-C ended: 128 plus the number of the signal

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def answers[**P](command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command: errors of this package become a sentence and an exit code, and ``--json`` is an option."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with at_a_terminal():
                command(*args, **kwargs)
        except BayeslawError as error:
            say(f"Error: {error}")
            sys.exit(BAD_INPUT if isinstance(error, InputError) else ANSWER_IS_NO)
        except BrokenPipeError:
            raise  # of an answer that nobody reads on, as by `head`, which click ends without a word
        except OSError as error:
            # Errors that no reader foresees, such as a name that the file system cannot hold.
            say(f"Error: {error.filename or 'a file'}: {error.strerror or error}.")
            sys.exit(BAD_INPUT)
        except KeyboardInterrupt:
            say("Interrupted.")
            sys.exit(INTERRUPTED)

    return json_option(run)


def say(text: object = "") -> None:
    """Say something beside the answer, on standard error."""
    click.echo(str(text), err=True)


def give(answer: Mapping[str, Any], text: Callable[[], object], as_json: bool) -> None:
    """Print the answer, on standard output: as JSON, or as text.

    The JSON of every command has the keys ``notes`` and ``converged``, which say whether the answer can be trusted.
    Where nothing was sampled, they default to no notes and true.
    """
    kept = {"notes": answer.get("notes", []), "converged": answer.get("converged", True)}
    said = strict_json({**answer, **kept}) if as_json else str(text())
    try:
        click.echo(said)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(
            f"standard output: the answer cannot be written ({reason(error)}); send it to a place that has room."
        ) from None


def assignments(given: Sequence[str], option: str, such: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` options, one per entry or several with commas between them.

    Parameters
    ----------
    such
        An example, for a message.

    Raises
    ------
    InputError
        When there is no ``=``, or a name is given twice.
    """
    found: dict[str, str] = {}
    # A comma that no name follows is part of a value.
    for text in (each for entry in given for each in re.split(r",(?=\s*\w+\s*=(?!=))", entry)):
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise InputError(f"{option}: '{text}' is not of the form NAME=VALUE, such as {such}.")
        if name in found:
            raise InputError(f"{option}: '{name}' is given twice; give it once.")
        found[name] = value
    return found


def check_writable(out: str, sources: Sequence[str] = (), option: str = "--out") -> Path:
    """Find out before the work whether its result can be written, and leave no trace of having tried.

    Parameters
    ----------
    sources
        Files that are read, which the result must not replace.
    option
        The option that names the file, for a message.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    path = Path(out)
    with beside(path, option):
        if path.exists() and any(Path(source).exists() and path.samefile(source) for source in sources):
            raise FileError(f"{path}: is the file that is read; choose another {option}.")
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write(path, text.encode())


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Import the fitting stack in less time.

    Importing JAX and NumPyro creates millions of objects, nearly all of them permanent, and Python's garbage collector
    walks over them again and again, which takes a tenth of the time of the imports.  Afterwards they are frozen, so
    that it skips them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def folder_at(out: str) -> Path:
    """Make the folder, before the work."""
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{folder}: cannot make this folder ({error.strerror or error}); choose another --out."
        ) from None
    return folder
