"""Saved fits that commands are asked of: one, or several as their average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bayeslaw.cli.answer import quick_imports
from bayeslaw.cli.options import together
from bayeslaw.errors import InputError, QuestionError
from bayeslaw.paths import fit_file

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law

WEIGHTS = "equal|evidence|stacking|forward"

fit_argument = click.argument("fit", metavar="FIT.nc")
fits_options = together(
    click.argument("fits", metavar="FIT.nc [FIT2.nc ...]", nargs=-1, required=True),
    click.option("--weights", metavar=WEIGHTS, help="How several fits are averaged (default: equal)."),
)


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


def load_fits(paths: Sequence[str], weights: str | None) -> Posterior | Average:
    """Load a saved fit, or several as their average."""
    for path in paths:
        fit_file(path)
    if len(paths) == 1:
        if weights is not None:
            raise InputError(f"--weights {weights}: there is one fit only; give two or more to average.")
        return load_any(paths[0])
    fits = [load_fit(path) for path in paths]

    from bayeslaw.ask.compare.averaging import average

    return average(fits) if weights is None else average(fits, weights)


def laws_of(paths: Sequence[str]) -> list[Law]:
    """Return the laws of saved fits, which takes a tenth of the time that loading the fits does."""
    for path in paths:
        fit_file(path)

    from bayeslaw.ask.loading import load_laws

    return [law for path in paths for law in load_laws(path)]
