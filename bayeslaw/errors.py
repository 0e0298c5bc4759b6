"""Everything this package raises on purpose.

::

    BayeslawError
    ├── InputError              the input cannot be used; the command line exits with 2
    │   ├── LawError            a law file or formula: syntax, unknown name, constant that overflows
    │   ├── RunsError           a table of runs: missing column, wrong unit, too few rows
    │   ├── PoolingError        a hierarchy that the runs or the law cannot carry
    │   ├── QuestionError       a question the posterior cannot answer: unknown family, input out of range
    │   ├── FileError           a file that cannot be read or written
    │   └── ExecutorError       workers that cannot be reached, or that cannot do the work
    └── ConvergenceError        the draws cannot be trusted; says what to do

Every message is one or two sentences: what was found, where, what was expected, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from bayeslaw.words import cut


class BayeslawError(Exception):
    """The root of all errors of this package."""


class InputError(BayeslawError, ValueError):
    """The input cannot be used; the message says what was expected and what to do."""


class LawError(InputError):
    """A law file or formula does not follow the law language."""


class RunsError(InputError):
    """A table of runs cannot be used by a law."""


class PoolingError(InputError):
    """A hierarchy asks for something that the runs or the law do not have."""


class QuestionError(InputError):
    """A question that the posterior cannot answer as asked."""


class FileError(InputError):
    """A file cannot be read or written."""


class ExecutorError(InputError):
    """Workers cannot be reached, are lost, or cannot do the work."""


class ConvergenceError(BayeslawError):
    """The chains have not converged, so no answer drawn from them can be trusted."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is closest to another, if one is close; case is ignored."""
    by_fold = {each.casefold(): each for each in sorted(known)}
    near = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The clause ``; did you mean 'x'``, or nothing when no known word is close; case is ignored."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean '{near}'"


def shown(value: object, limit: int = 60) -> str:
    """A caller's value as it is written in code, cut after `limit` characters."""
    return cut(repr(value), limit)


def listed(words: Iterable[str], limit: int = 8) -> str:
    """Words as a list for a message, cut after `limit`."""
    words = list(words)
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"
