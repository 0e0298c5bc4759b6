"""Pages and tables that follow from the law files and from the package: nothing of them is written by hand.

Run by mkdocs-gen-files.  Formulas become MathML here, so that a page needs neither JavaScript nor a network.
"""

from __future__ import annotations

import html
import importlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import latex2mathml.converter
import mkdocs_gen_files

import bayeslaw
from bayeslaw.ask.forecast.drift import learned_drifts, parts_in_averages
from bayeslaw.language.catalogue import bibliography, laws
from bayeslaw.language.check import check_law
from bayeslaw.language.formula.expression import names, to_text
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.latex import symbol, to_latex
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from bayeslaw.language.formula.priors import PRIORS
from bayeslaw.language.law import Law, Parameter, Published, Root
from bayeslaw.language.parts import STATUS
from bayeslaw.words import first_sentence

DOCS = Path(__file__).parent
ROOT = DOCS.parent
STUDIES = ROOT / "case_studies"
# Enough for every digit that a paper prints.
EXACT = 12
# What public names are for, by the folder they live in: the reference has a page for each, in this order.
TASKS = {
    "language": "Laws",
    "runs": "Runs",
    "examples": "Examples of runs",
    "inference": "Fits and posteriors",
    "ask.forecast": "Forecasts",
    "ask.threshold": "Thresholds and effective sizes",
    "ask.optimum": "Optima",
    "ask": "Comparing and averaging laws",
    "ask.plot": "Pictures",
    "decisions": "Decisions",
    "reporting": "Reports",
    "validation": "Trust",
    "errors": "Errors",
}
OPERATORS = {"neg": "-a", "+": "a + b", "-": "a - b", "*": "a * b", "/": "a / b", "**": "a ** b"}


def inline(latex: str) -> str:
    return latex2mathml.converter.convert(latex).replace("\n", "")


def block(*lines: str) -> str:
    """Formulas, each on a line of its own that scrolls when it is wider than the page."""
    shown = (latex2mathml.converter.convert(line, display="block") for line in lines)
    return "\n".join(f'<div class="formula">{each}</div>\n' for each in shown)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |" for line in lines) + "\n"


def number(value: float, digits: int = 3) -> str:
    """A number with a power of ten where there would be many zeros."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10<sup>{int(exponent)}</sup>".replace("-", "−")
    return power if mantissa == "1" else f"{mantissa}·{power}"


def span(low: float, high: float) -> str:
    return f'<span class="number">{number(low)} – {number(high)}</span>'


def citation(key: str) -> str:
    """A paper with a link; a key may carry a suffix for one of several sets of its numbers."""
    entry = bibliography().get(key) or bibliography()[key.rsplit("_", 1)[0]]
    link = f", [arXiv:{entry['arxiv']}](https://arxiv.org/abs/{entry['arxiv']})" if "arxiv" in entry else ""
    return f"{entry['authors']} ({entry['year']}), *{entry['title']}*{link}"


def needed(law: Law) -> str:
    """The columns that a table must have: for the mean, for the noise, and for sums along a schedule."""
    used = law.noise_inputs | set(law.free_inputs)
    for name in used:
        one = law.inputs[name]
        if one.formula is not None and one.along_runs:
            used = (used - {name}) | set(names(one.formula))
    return ", ".join(f"`{one.column}`" for one in law.inputs.values() if one.name in used)


def prior_range(parameter: Parameter) -> str:
    if parameter.prior.is_constant:
        return "fixed"
    low, high = parameter.prior.scipy().ppf([0.05, 0.95])
    return span(float(low), float(high))


def terms(law: Law) -> list[str]:
    lines = []
    for name, term in law.terms.items():
        if isinstance(term, Root):
            where = rf"{to_latex(term.lower)} < {symbol(term.unknown)} < {to_latex(term.upper)}"
            lines.append(rf"{symbol(name)}:\quad {to_latex(term.equation)} = 0,\quad {where}")
        else:
            lines.append(rf"{symbol(name)} = {to_latex(term)}")
    return lines


def formula_section(law: Law) -> str:
    noise = law.output.likelihood
    text = "## Formula\n\n" + block(rf"{symbol(law.output.column)} = {to_latex(law.formula)}")
    if law.terms:
        text += "\nwith\n\n" + block(*terms(law))
    text += f"\nAn observed `{law.output.column}` ({law.output.meaning}, in {units(law.output.units)}) scatters about "
    return text + f"it as `{noise}`: {noise.family.meaning}.\n"


def units(text: str) -> str:
    return "units of 1" if text == "1" else html.escape(text)


def inputs_section(law: Law) -> str:
    rows = []
    for one in law.inputs.values():
        computed = "" if one.formula is None else f"; where there is no such column, `{to_text(one.formula)}`"
        rows.append((
            inline(symbol(one.name)), f"`{one.column}`", one.meaning + computed, one.units,
            "" if one.reference is None else f"{inline(symbol(one.name + '0'))} = {number(one.reference)}",
            "" if one.range is None else span(*one.range),
        ))  # fmt: skip
    return "## Inputs\n\n" + table(("", "column", "meaning", "units", "reference", "range"), rows)


def parameters_section(law: Law) -> str:
    """Five columns are what a page is wide; units stand with the meaning, and what a prior says under it."""
    rows = (
        (
            inline(symbol(p.name)), f"`{p.name}`", p.meaning + (f", in {p.units}" if p.units not in ("", "1") else ""),
            f"`{p.prior.text}`<br>{prior_range(p)}",
            f"partly, by {p.pool}<br>`{p.spread.text}`" if p.pool else "one value for all",
        )
        for p in law.parameters.values()
    )  # fmt: skip
    words = "\nBelow each prior is its central 90 %, below each pooling the prior of the spread between groups.\n"
    return "## Parameters\n\n" + table(("", "name", "meaning", "prior", "pooled"), rows) + words


def derived_section(law: Law) -> str:
    if not law.derived:
        return ""
    lines = (rf"{symbol(name)} = {to_latex(node)}" for name, node in law.derived.items())
    shown = ", ".join(f"`{name}`" for name in law.derived)
    return f"## Derived quantities\n\nA posterior also reports {shown}:\n\n{block(*lines)}"


def published_section(law: Law) -> str:
    paper = law.published
    if paper is None:
        return ""
    text = "## As published\n\n" + block(rf"{symbol(law.output.column)} = {to_latex(paper.formula)}")
    if paper.values:
        every = list(dict.fromkeys(name for values in paper.values.values() for name in values))
        rows = [
            (inline(symbol(name)), *(number(v[name], EXACT) if name in v else "" for v in paper.values.values()))
            for name in every
        ]
        text += "\n" + table(("", *(f"`{key}`" for key in paper.values)), rows)
        text += "\n" + "".join(
            f"- `{key}`: {citation(key)}"
            + (f"; {paper.source[key]}" if key in paper.source else "")
            + errors_of(paper, key)
            + ".\n"
            for key in paper.values
        )
    return text


def errors_of(paper: Published, key: str) -> str:
    """The published errors of a source, as words behind its citation."""
    said = [f"{name} ± {number(error, EXACT)}" for name, error in paper.errors.get(key, {}).items()]
    said += [f"log {name} ± {number(error, EXACT)}" for name, error in paper.log_errors.get(key, {}).items()]
    return f"; {', '.join(said)}" if said else ""


def checks_section(law: Law) -> str:
    lines = "".join(f"    - {r.name}: {html.escape(r.text)}\n" for r in check_law(law))
    return f'## What is checked\n\n??? note "What `bayeslaw check {law.name}` finds"\n\n{lines}'


def file_section(law: Law) -> str:
    return f'## The file\n\n```toml title="{law.name}.toml"\n{law.text.rstrip()}\n```\n'


def law_page(law: Law) -> str:
    topics = ", ".join(f"[{topic}](index.md#{topic})" for topic in law.topics)
    columns = needed(law)
    head = f"""# {law.title}

{law.summary}

`bl.law("{law.name}")` · needs {columns} · gives `{law.output.column}` · topics: {topics}

{citation(law.reference)}.{f" Also called {', '.join(law.aliases)}." if law.aliases else ""}
{f"{chr(10)}This law is *{law.status}*: {STATUS[law.status]}.{chr(10)}" if law.notes else ""}"""
    sections = (formula_section, inputs_section, parameters_section, derived_section, published_section,
                checks_section, file_section)  # fmt: skip
    return "\n".join([head, *(section(law) for section in sections)])


def law_rows(every: Iterable[Law], folder: str = "") -> str:
    rows = (
        (
            f"[{law.title}]({folder}{law.name}.md)", f"`{law.name}`", first_sentence(law.summary),
            needed(law), f"`{law.output.column}`",
            str(len(law.free_parameters)),
        )
        for law in every
    )  # fmt: skip
    return table(("law", "name", "in one sentence", "needs", "gives", "parameters"), rows)


def index_page(every: tuple[Law, ...]) -> str:
    topics = sorted({topic for law in every for topic in law.topics})
    text = f"# Laws\n\n{len(every)} laws, each one file. A law appears under each of its topics.\n"
    for topic in topics:
        chosen = [law for law in every if topic in law.topics]
        text += f"\n## {topic.capitalize()} {{ #{topic} }}\n\n{law_rows(chosen)}"
    return text


def function_words() -> str:
    rows = (
        (f"`{OPERATORS.get(name) or name + '(' + ', '.join('ab'[: row.arity]) + ')'}`", row.meaning)
        for name, row in FUNCTIONS.items()
    )
    return table(("word", "what it is"), rows)


def distribution_words(words: Mapping[str, Any], last: str) -> str:
    return table(
        ("word", "what it is", last),
        ((f"`{name}({', '.join(row.arguments)})`", row.meaning, getattr(row, last)) for name, row in words.items()),
    )


def public_things() -> list[Any]:
    """What the public names are, the errors, and the records in which questions are answered, each once."""
    found: list[Any] = []
    for name in bayeslaw.__all__:
        thing = getattr(bayeslaw, name)
        if inspect.ismodule(thing):
            found += [
                each for _, each in inspect.getmembers(thing, inspect.isclass) if each.__module__ == thing.__name__
            ]
        elif inspect.isclass(thing):
            found.append(thing)
        elif inspect.isfunction(thing):
            answer = getattr(inspect.getmodule(thing), str(inspect.signature(thing).return_annotation), None)
            found += [thing] if answer is None else [thing, answer]
    return list(dict.fromkeys(found))


def public_names() -> dict[str, list[str]]:
    """The path of each public thing, by what it is for."""
    found: dict[str, list[str]] = {task: [] for task in TASKS}
    for thing in public_things():
        path = f"{thing.__module__}.{thing.__qualname__}".removeprefix("bayeslaw.")
        found[max((task for task in TASKS if path.startswith(f"{task}.")), key=len)].append(path)
    return {task: paths for task, paths in found.items() if paths}


def reference_pages(opening: str) -> dict[str, str]:
    """A table of all public names, and a page for each task with what their docstrings say."""
    pages = {}
    for task, paths in public_names().items():
        rows = []
        for path in paths:
            module, name = f"bayeslaw.{path}".rsplit(".", 1)
            said = first_sentence(inspect.getdoc(getattr(importlib.import_module(module), name)) or "")
            rows.append((f"[`{name}`][bayeslaw.{path}]", said))
        opening += f"\n## {TASKS[task]}\n\n{table(('name', 'what it is'), rows)}"
        details = "".join(f"::: bayeslaw.{path}\n\n" for path in paths)
        pages[reference_file(task)] = f"# {TASKS[task]}\n\n{details}"
    return {"reference.md": opening, **pages}


def reference_file(task: str) -> str:
    return f"reference/{TASKS[task].split()[0].lower()}.md"


def titled(path: Path) -> str:
    """The title at the top of a page."""
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def studies() -> list[Path]:
    """The folders of the case studies, by their titles."""
    return sorted((path.parent for path in STUDIES.glob("*/README.md")), key=lambda each: titled(each / "README.md"))


def gallery(opening: str) -> str:
    """A picture, a title and the question of each case study."""
    for folder in studies():
        text = (folder / "README.md").read_text(encoding="utf-8")
        link = f"{folder.name}/README.md"
        picture = next(folder.glob("*.png")).name
        asked = re.search(r"(?s)\*\*Question\.\*\* (.*?)\n\n", text)
        assert asked, f"{folder.name}/README.md does not say its question"
        opening += f"\n## [{titled(folder / 'README.md')}]({link})\n\n{asked[1]}\n\n"
        opening += f"[![{titled(folder / 'README.md')}]({folder.name}/{picture})]({link})\n"
    return opening


def calibration_rows(every: Iterable[Law]) -> str:
    """What the reports say, law by law, and which laws have none."""
    rows = []
    for law in every:
        path = DOCS / "calibration" / f"{law.name}.json"
        said = json.loads(path.read_text(encoding="utf-8"))["verdict"] if path.exists() else "Not calibrated yet."
        rows.append((f"[{law.title}](laws/{law.name}.md)", said))
    return table(("law", "what its report says"), rows)


def drift_rows() -> str:
    """What each law's slope was found to be, in nats of log outcome per e-fold of compute."""
    rows = [(f"`{name}`", f"{each.direction:.4f}", f"{each.scale:.4f}") for name, each in learned_drifts().items()]
    return table(("law", "direction", "scale"), rows)


def parts_rows() -> str:
    """How much of its own drift a law has within an average."""
    parts = parts_in_averages()
    head = ("part of the direction", "part of the scale", "power of the distance", "degrees of freedom")
    return table(head, [[f"{parts[name]:g}" for name in ("direction", "scale", "power", "df")]])


def main() -> None:
    every = laws()
    pages = {f"laws/{law.name}.md": law_page(law) for law in every}
    pages["laws/index.md"] = index_page(every)
    fills = {
        "laws": law_rows(every, "laws/"),
        "calibration": calibration_rows(every),
        "drifts": drift_rows(),
        "parts": parts_rows(),
        "intervals": (STUDIES / "honest_intervals" / "table.md").read_text(encoding="utf-8"),
        "averages": (STUDIES / "honest_intervals" / "averages.md").read_text(encoding="utf-8"),
        "scores": (STUDIES / "honest_intervals" / "scores.md").read_text(encoding="utf-8").replace("## ", "#### "),
        "field": (STUDIES / "honest_intervals" / "field.md").read_text(encoding="utf-8"),
        "functions": function_words(),
        "priors": distribution_words(PRIORS, "support"),
        "likelihoods": distribution_words(LIKELIHOODS, "outcome"),
        "example": file_section(next(law for law in every if law.name == "power_law")).split("\n", 2)[2],
    }
    for name in ("choosing.md", "adding.md", "calibration.md", "backtests.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        pages[name] = re.sub(r"<!-- (\w+) -->", lambda found: fills[found[1]], text)
    pages |= reference_pages((DOCS / "reference.md").read_text(encoding="utf-8"))
    pages["case_studies/index.md"] = gallery((DOCS / "case_studies/index.md").read_text(encoding="utf-8"))
    pages |= {f"case_studies/{each.name}/README.md": (each / "README.md").read_text("utf-8") for each in studies()}
    pages["changelog.md"] = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    pages["benchmarks.md"] = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
    for name, text in pages.items():
        with mkdocs_gen_files.open(name, "w", encoding="utf-8") as page:
            page.write(text)
    for picture in STUDIES.glob("*/*.png"):
        with mkdocs_gen_files.open(picture.relative_to(ROOT).as_posix(), "wb") as copy:
            copy.write(picture.read_bytes())
    fill_navigation(
        {
            "Laws": ["laws/index.md", *({law.title: f"laws/{law.name}.md"} for law in every)],
            "Case studies": [
                "case_studies/index.md",
                *({titled(each / "README.md"): f"case_studies/{each.name}/README.md"} for each in studies()),
            ],
            "Reference": [
                "reference.md",
                *({TASKS[task]: reference_file(task)} for task in public_names()),
                {"Glossary": "glossary.md"},
            ],
        }
    )


def fill_navigation(filled: Mapping[str, list[Any]]) -> None:
    """Put what follows from files into the places that mkdocs.yml names and leaves empty, at any depth."""

    def fill(entries: list[Any]) -> None:
        for entry in entries:
            for name, below in entry.items() if isinstance(entry, dict) else ():
                if below == []:
                    entry[name] = filled[name]
                elif isinstance(below, list):
                    fill(below)

    fill(mkdocs_gen_files.config["nav"])


main()
