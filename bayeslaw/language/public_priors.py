"""Priors learned from public sweeps or published by a paper, as an alternative to the weak ones of a law's file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.law import Law
from bayeslaw.language.published import priors, source_called
from bayeslaw.words import worded

FIELD = Path(__file__).parents[1] / "data" / "field.toml"
# The name by which a user asks for them.
NAME = "field"


@cache
def _learned() -> Mapping[str, Mapping[str, str]]:
    table: dict[str, Any] = tomllib.loads(FIELD.read_text(encoding="utf-8"))
    return {str(name): dict(priors) for name, priors in table["law"].items()}


def with_priors(law: Law, wanted: str | Mapping[str, str] | None) -> Law:
    """A law with its own weak priors, with others by name, or with other priors by parameter.

    Names are ``field`` for the published-sweep priors, and a law with a source of its published values, such as
    ``chinchilla:besiroglu2024chinchilla``, for priors about these.

    Raises
    ------
    LawError
        When there are no priors of that name, they are of another law, or one cannot be parsed.
    """
    if wanted is None:
        return law
    if not isinstance(wanted, str):
        return law.with_priors(**wanted) if wanted else law
    name, colon, source = wanted.partition(":")
    if colon and name == law.name:
        return law.with_priors(**priors(law, source_called(law, source)))
    if colon:
        raise LawError(
            f"priors: '{wanted}' are values of law '{name}', and the law here is '{law.name}'; give {law.name}:SOURCE."
        )
    if wanted != NAME:
        raise LawError(
            f"priors: there are none called '{wanted}'{did_you_mean(wanted, [NAME])}; give '{NAME}', or "
            f"LAW:SOURCE for published values, or leave it out."
        )
    return law.with_priors(**field_priors(law.name))


def with_priors_each(laws: Mapping[str, Law], wanted: str | Mapping[str, str] | None) -> dict[str, Law]:
    """Several laws with other priors, see :func:`with_priors`; each takes the priors of the parameters it has.

    Raises
    ------
    LawError
        As :func:`with_priors`, and when no law has a parameter.
    """
    if wanted is None or isinstance(wanted, str):
        return {called: with_priors(law, wanted) for called, law in laws.items()}
    known = {name for law in laws.values() for name in law.parameters}
    for name in wanted:
        if name not in known:
            raise LawError(f"priors: no law has a parameter '{name}'{did_you_mean(name, known)}.")
    return {
        called: with_priors(law, {name: prior for name, prior in wanted.items() if name in law.parameters})
        for called, law in laws.items()
    }


def field_priors(name: str) -> dict[str, str]:
    """The published-sweep priors of a law's parameters.

    Raises
    ------
    LawError
        When none were learned for the law.
    """
    if name not in _learned():
        raise LawError(
            f"there are no published-sweep priors for law '{name}', only for {listed(_learned())}; leave out "
            f"{worded(f'priors={NAME!r}', f'--priors {NAME}')}, or give priors of your own."
        )
    return dict(_learned()[name])
