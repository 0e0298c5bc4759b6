"""``bayeslaw check``: whether a law can be trusted with runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import ANSWER_IS_NO, answers, give, quick_imports, say
from bayeslaw.cli.fits import load_fit
from bayeslaw.cli.options import find_law, fitting_options, priors_options
from bayeslaw.errors import InputError
from bayeslaw.inference.sampler.settings import DRAWS_OF_MANY
from bayeslaw.note import by_name
from bayeslaw.words import in_columns

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law
    from bayeslaw.validation.calibration.sbc import Calibration


@click.command()
@click.argument("name", metavar="[FILE|NAME|FIT.nc]", required=False)
@click.option("--all", "every", is_flag=True, help="Check all laws of the catalogue.")
@click.option("--sbc", is_flag=True, help="Also calibrate the inference by simulation; takes minutes per law.")
@click.option("--simulations", type=int, default=200, show_default=True, help="Tables to simulate and fit, with --sbc.")
@priors_options
@fitting_options(DRAWS_OF_MANY)
@answers
def check(
    name: str | None,
    every: bool,
    sbc: bool,
    simulations: int,
    priors: str | None,
    prior: Sequence[str],
    as_json: bool,
    **fields: Any,
) -> None:
    """Check that a law can be trusted.

    Exits with 1 when a check fails. With --sbc and a saved fit, the inference is calibrated around this fit.
    """
    from bayeslaw.language import catalogue
    from bayeslaw.language.check import check_law

    if every == (name is not None):
        raise InputError("check one law, by FILE or NAME, or --all of them.")
    about: dict[str, Law | Posterior]
    chosen: tuple[Law, ...]
    if sbc and name is not None and name.endswith(".nc"):
        fit = load_fit(name)
        about = {fit.law.name: fit}
        chosen = (fit.law,)
    else:
        chosen = catalogue.laws() if name is None else (find_law(name, priors, prior),)
        about = {law.name: law for law in chosen}
    found = {law.name: check_law(law) for law in chosen}
    how = {"simulations": simulations, **fields}
    calibrated = {law: _calibrated(law, each, how) for law, each in about.items()} if sbc else {}
    passed = {law: all(r.passed for r in results) for law, results in found.items()}
    passed |= {law: passed[law] and each.passed for law, each in calibrated.items()}

    def text() -> str:
        lines = []
        for law, results in found.items():
            failed = [result for result in results if not result.passed]
            lines.append(f"{law}: {len(results) - len(failed)} of {len(results)} checks passed")
            # One law is shown in full; of many, only what fails.
            shown = failed if every else results
            rows = [("ok" if r.passed else "FAILED", r.name, r.text) for r in shown]
            if law in calibrated:
                each = calibrated[law]
                rows += [("ok" if each.passed else "FAILED", "calibrated", each.verdict)]
            lines += [in_columns(rows)] if rows else []
        return "\n".join(lines)

    answer = [
        {"law": law, "passed": passed[law],
         "checks": [{"name": r.name, "passed": r.passed, "text": r.text} for r in results],
         "sbc": calibrated[law].as_dict() if law in calibrated else None}
        for law, results in found.items()
    ]  # fmt: skip
    whole = {
        "passed": all(passed.values()), "laws": answer,
        "notes": [note.as_dict() for note in by_name({law: each.notes for law, each in calibrated.items()})],
        "converged": all(each.converged for each in calibrated.values()),
    }  # fmt: skip
    give(whole, text, as_json)
    if not all(passed.values()):
        sys.exit(ANSWER_IS_NO)


def _calibrated(law: str, about: Law | Posterior, how: Mapping[str, Any]) -> Calibration:
    with quick_imports():
        from bayeslaw.validation.calibration.sbc import sbc

    say(f"Calibrating law {law} by {how['simulations']} simulations.")
    return sbc(about, **how)
