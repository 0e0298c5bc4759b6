"""What a question is asked of: saved fits, published values, or several of them as their average."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bayeslaw.cli.answer import quick_imports
from bayeslaw.cli.options import together
from bayeslaw.errors import FileError, InputError, QuestionError, did_you_mean
from bayeslaw.paths import fit_file

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law

WEIGHTS = "equal|evidence|stacking|forward"

fit_argument = click.argument("fit", metavar="FIT.nc")
asked_argument = click.argument("fit", metavar="FIT.nc|LAW:SOURCE")
fits_options = together(
    click.argument("fits", metavar="FIT.nc|LAW:SOURCE ...", nargs=-1, required=True),
    click.option("--weights", metavar=WEIGHTS, help="How several are averaged (default: equal)."),
)


def is_published(asked: str) -> bool:
    """Whether this names published values, ``LAW:SOURCE`` or ``LAW``, and not the file of a fit."""
    return not Path(asked).exists() and re.fullmatch(r"\w+(:\S+)?", asked) is not None


def check_there(asked: Sequence[str]) -> None:
    """Refuse files of fits, and published values, that are not there.

    Raises
    ------
    FileError, LawError
        With the first one.
    """
    for each in asked:
        if not is_published(each):
            fit_file(each)
    for each in asked:
        if is_published(each):
            _named(each)


def _named(asked: str) -> tuple[Law, str]:
    """The law and the source that ``LAW:SOURCE`` or ``LAW`` names."""
    from bayeslaw.language import catalogue
    from bayeslaw.language.files import entries
    from bayeslaw.language.published import source_called

    name, colon, source = asked.partition(":")
    known = entries()
    if not colon and name not in known:
        raise FileError(
            f"{asked}: there is no such file, and no law of that name{did_you_mean(name, known)}; "
            f"`bayeslaw fit RUNS --law NAME --out {asked}.nc` makes a fit."
        )
    law = catalogue.law(name)
    return law, source_called(law, source or None)


def load_one(asked: str) -> Posterior:
    """Load a saved fit of one law, or published values."""
    if not is_published(asked):
        return load_fit(asked)

    from bayeslaw.inference.posterior.published import published

    return published(*_named(asked))


def load_fit(path: str) -> Posterior:
    """Load a saved fit of one law.

    Raises
    ------
    QuestionError
        When it is an average.
    """
    fit_file(path)
    with quick_imports():
        from bayeslaw.inference.posterior.posterior import Posterior
    found = load_any(path)
    if isinstance(found, Posterior):
        return found
    raise QuestionError(
        f"{path}: is an average of {', '.join(found.posteriors)}, and this command takes the fit of one law; make one "
        f"with `bayeslaw fit RUNS --law {next(iter(found.posteriors))}`."
    )


def load_any(path: str) -> Posterior | Average:
    """Load a saved fit or average."""
    fit_file(path)
    with quick_imports():
        from bayeslaw.ask.loading import load
    return load(path)


def load_fits(asked: Sequence[str], weights: str | None) -> Posterior | Average:
    """Load a saved fit or average or published values, or several as their average."""
    check_there(asked)
    if len(asked) == 1:
        if weights is not None:
            raise InputError(f"--weights {weights}: there is one fit only; give two or more to average.")
        return load_one(asked[0]) if is_published(asked[0]) else load_any(asked[0])
    fits = [load_one(each) for each in asked]

    from bayeslaw.ask.compare.averaging import average

    return average(fits) if weights is None else average(fits, weights)


def laws_of(asked: Sequence[str]) -> list[Law]:
    """Return the laws of saved fits or published values, a tenth of the time that loading fits takes."""
    check_there(asked)
    return [law for each in asked for law in ([_named(each)[0]] if is_published(each) else _laws_of_fit(each))]


def _laws_of_fit(path: str) -> list[Law]:
    from bayeslaw.ask.loading import load_laws

    return load_laws(path)
