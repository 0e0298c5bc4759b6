"""``bayeslaw laws``, ``show`` and ``check``: what laws there are, what one says, and whether it can be trusted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import ANSWER_IS_NO, answers, give, in_columns, quick_imports, say
from bayeslaw.cli.fitting import executor_option, shards_option
from bayeslaw.cli.tables import find_law
from bayeslaw.errors import InputError

if TYPE_CHECKING:
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.language.law import Law
    from bayeslaw.validation.calibration.sbc import Calibration

LONGEST_FORMULA = 60


@click.command()
@click.option("--topic", help="Only the laws about this.")
@answers
def laws(topic: str | None, as_json: bool) -> None:
    """List the laws: name, title, formula, topics, reference.

    Folders of your own law files are named by the environment variable BAYESLAW_LAWS.
    """
    from bayeslaw.language import catalogue

    found = catalogue.laws(topic)
    rows = [_in_short(law) for law in found]

    def text() -> str:
        head = ("law", "title", "formula", "topics", "reference")
        cells = [(r["name"], r["title"], _cut(r["formula"]), ", ".join(r["topics"]), r["reference"]) for r in rows]
        return f"{in_columns([head, *cells], '')}\n\n`bayeslaw show NAME` says all about one."

    give({"laws": rows}, text, as_json)


def _in_short(law: Law) -> dict[str, Any]:
    from bayeslaw.language.formula.expression import to_text

    return {
        "name": law.name, "title": law.title, "formula": to_text(law.formula), "topics": list(law.topics),
        "reference": law.reference,
    }  # fmt: skip


def _cut(formula: str) -> str:
    return formula if len(formula) <= LONGEST_FORMULA else formula[: LONGEST_FORMULA - 3] + "..."


@click.command()
@click.argument("name", metavar="NAME|FILE")
@answers
def show(name: str, as_json: bool) -> None:
    """Show a law: formula, inputs, parameters with priors and pooling, published values."""
    law = find_law(name)
    give(_in_full(law), lambda: _page(law), as_json)


def _in_full(law: Law) -> dict[str, Any]:
    from bayeslaw.language.formula.expression import to_text
    from bayeslaw.language.formula.latex import to_latex

    output = law.output
    published = law.published
    return {
        **_in_short(law),
        "cited": _citation(law.reference),
        "latex": to_latex(law.formula),
        "terms": _terms(law),
        "output": {
            "column": output.column, "units": output.units, "range": output.range, "meaning": output.meaning,
            "likelihood": str(output.likelihood),
        },
        "inputs": [
            {"name": i.name, "column": i.column, "units": i.units, "range": i.range, "reference": i.reference,
             "meaning": i.meaning, "formula": None if i.formula is None else to_text(i.formula)}
            for i in law.inputs.values()
        ],
        "parameters": [
            {"name": p.name, "units": p.units, "prior": p.prior.text, "pool": p.pool,
             "spread": p.spread.text if p.pool else None, "meaning": p.meaning}
            for p in law.parameters.values()
        ],
        "derived": {name: to_text(node) for name, node in law.derived.items()},
        "published": None if published is None else {
            "formula": to_text(published.formula),
            "values": [
                {"reference": key, "cited": _citation(key), "source": published.source.get(key, ""),
                 "values": dict(values), "as_our_parameters": law.published_parameters(key)}
                for key, values in published.values.items()
            ],
        },
    }  # fmt: skip


def _citation(key: str) -> str:
    """Return authors, year, title and where to find it; a key stands for itself when the bibliography has it not."""
    from bayeslaw.language.catalogue import bibliography

    known = bibliography()
    entry = known.get(key) or known.get(key.rpartition("_")[0])
    if entry is None:
        return key
    where = f", arXiv {entry['arxiv']}" if "arxiv" in entry else ""
    return f"{entry['authors']} ({entry['year']}). {entry['title']}{where}"


def _terms(law: Law) -> dict[str, str]:
    from bayeslaw.language.formula.expression import to_text
    from bayeslaw.language.law import Root

    return {
        name: f"the {term.unknown} between {to_text(term.lower)} and {to_text(term.upper)} at which "
        f"{to_text(term.equation)} = 0"
        if isinstance(term, Root)
        else to_text(term)
        for name, term in law.terms.items()
    }


def _page(law: Law) -> str:
    facts = _in_full(law)
    output = facts["output"]
    lines = [f"{law.title} ({law.name})", f"  {facts['cited']}", f"  topics: {', '.join(law.topics)}", ""]
    lines += [f"  {output['column']} = {facts['formula']}"]
    lines += [f"    {name} = {text}" for name, text in facts["terms"].items()]
    lines += [f"  noise: {output['likelihood']}", ""]
    rows = [("outcome", "column", "units", "range", "", "meaning")]
    rows += [("", output["column"], output["units"], _range(output["range"]), "", output["meaning"])]
    rows += [("input", "column", "units", "range", "reference", "meaning")]
    rows += [
        (i["name"], i["column"], i["units"], _range(i["range"]),
         "" if i["reference"] is None else f"{i['reference']:g}",
         i["meaning"] + (f"; {i['formula']}" if i["formula"] else ""))
        for i in facts["inputs"]
    ]  # fmt: skip
    lines += [in_columns(rows), ""]
    learned = [("parameter", "prior", "pool", "spread", "units", "meaning")]
    learned += [
        (p["name"], p["prior"], p["pool"] or "", p["spread"] or "", p["units"], p["meaning"])
        for p in facts["parameters"]
    ]
    lines += [in_columns(learned)]
    if facts["derived"]:
        lines += ["", "  derived", *(f"    {name} = {text}" for name, text in facts["derived"].items())]
    if facts["published"] is not None:
        lines += ["", f"  published as {facts['published']['formula']}"]
        for each in facts["published"]["values"]:
            lines += [f"    {each['reference']}: {_numbers(each['values'])}"]
            lines += [f"      here: {_numbers(each['as_our_parameters'])}"]
            lines += [f"      from: {each['source']}"] if each["source"] else []
    return "\n".join(lines)


def _range(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else f"{limits[0]:g} to {limits[1]:g}"


def _numbers(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in values.items())


@click.command()
@click.argument("name", metavar="[FILE|NAME|FIT.nc]", required=False)
@click.option("--all", "every", is_flag=True, help="Check all laws of the catalogue.")
@click.option("--sbc", is_flag=True, help="Calibrate the inference too, by simulation: minutes a law.")
@click.option("--simulations", type=int, default=200, show_default=True, help="Tables to simulate and fit.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the simulations.")
@shards_option
@executor_option
@answers
def check(
    name: str | None,
    every: bool,
    sbc: bool,
    simulations: int,
    seed: int,
    shards: str | None,
    executor: str | None,
    as_json: bool,
) -> None:
    """Check that a law file can be trusted with runs; exits with 1 when a check fails.

    With --sbc and a saved fit, the inference is calibrated about this fit.
    """
    from bayeslaw.language import catalogue
    from bayeslaw.language.check import check_law

    if every == (name is not None):
        raise InputError("check one law, by FILE or NAME, or --all of them.")
    about: dict[str, Law | Posterior]
    chosen: tuple[Law, ...]
    if sbc and name is not None and name.endswith(".nc"):
        fit = _loaded(name)
        about = {fit.law.name: fit}
        chosen = (fit.law,)
    else:
        chosen = catalogue.laws() if name is None else (find_law(name),)
        about = {law.name: law for law in chosen}
    found = {law.name: check_law(law) for law in chosen}
    how = {"simulations": simulations, "seed": seed, "shards": shards, "executor": executor}
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
    give({"passed": all(passed.values()), "laws": answer}, text, as_json)
    if not all(passed.values()):
        sys.exit(ANSWER_IS_NO)


def _loaded(path: str) -> Posterior:
    with quick_imports():
        from bayeslaw.inference.posterior.loading import load

    return load(path)


def _calibrated(law: str, about: Law | Posterior, how: Mapping[str, Any]) -> Calibration:
    with quick_imports():
        from bayeslaw.validation.calibration.sbc import sbc

    say(f"Calibrating law {law} by {how['simulations']} simulations.")
    return sbc(about, progress=sys.stderr.isatty(), **how)
