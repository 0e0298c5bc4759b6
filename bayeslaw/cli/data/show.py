"""``bayeslaw show``: all of one law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bayeslaw.cli.answer import answers, give
from bayeslaw.cli.data.laws import in_short
from bayeslaw.cli.options import find_law, priors_options
from bayeslaw.words import in_columns

if TYPE_CHECKING:
    from bayeslaw.language.law import Law


@click.command()
@click.argument("name", metavar="NAME[:SOURCE]|FILE")
@priors_options
@answers
def show(name: str, priors: str | None, prior: Sequence[str], as_json: bool) -> None:
    """Show all of one law.

    Shows its formula, inputs, parameters with priors and pooling, and published values: of all sources, or of the one
    that is named.
    """
    whose, colon, source = name.partition(":")
    if not colon or Path(name).exists():
        whose, source = name, ""
    law, key = find_law(whose, priors, prior), None
    if source:
        from bayeslaw.language.published import source_called

        key = source_called(law, source)
    facts = _in_full(law, key)
    give(facts, lambda: _page(facts), as_json)


def _in_full(law: Law, source: str | None) -> dict[str, Any]:
    """All of a law as plain values; of its published values those of one source, or of all."""
    from bayeslaw.language.formula.expression import to_text
    from bayeslaw.language.formula.latex import to_latex
    from bayeslaw.language.parts import STATUS

    output = law.output
    published = law.published
    return {
        **in_short(law),
        "status_means": STATUS[law.status],
        "cited": _citation(law.reference),
        "latex": to_latex(law.formula),
        "terms": _terms(law),
        "output": {
            "column": output.column, "units": output.units, "range": output.range, "meaning": output.meaning,
            "likelihood": str(output.likelihood), "best": output.best,
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
                 "values": dict(values), "as_our_parameters": law.published_parameters(key),
                 "errors": dict(published.errors.get(key, {})), "log_errors": dict(published.log_errors.get(key, {}))}
                for key, values in published.values.items() if source in (None, key)
            ],
        },
    }  # fmt: skip


def _citation(key: str) -> str:
    """Return authors, year, title and where to find it, or the key itself when the bibliography lacks it."""
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


def _page(facts: Mapping[str, Any]) -> str:
    output = facts["output"]
    lines = [f"{facts['title']} ({facts['name']})", f"  {facts['cited']}"]
    lines += [f"  topics: {', '.join(facts['topics'])}"]
    lines += [f"  also called: {', '.join(facts['aliases'])}"] if facts["aliases"] else []
    lines += [f"  {facts['status']}: {facts['status_means']}", ""]
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
            lines += [f"      errors: {_numbers(each['errors'])}"] if each["errors"] else []
            lines += [f"      errors of logs: {_numbers(each['log_errors'])}"] if each["log_errors"] else []
            lines += [f"      from: {each['source']}"] if each["source"] else []
    return "\n".join(lines)


def _range(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else f"{limits[0]:g} to {limits[1]:g}"


def _numbers(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in values.items())
