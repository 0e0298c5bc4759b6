"""A TOML text into a Law, with the file, line and column of every mistake.

``tomllib`` gives values without positions, so a mistake inside a value is located by a short scan of the text for
its key; that is all the scan is used for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bayeslaw.errors import FileError, LawError, did_you_mean, listed
from bayeslaw.law import expr
from bayeslaw.law.expr import Call, Name, Node, Number, Place
from bayeslaw.law.functions import LIKELIHOODS, PRIORS
from bayeslaw.law.law import Input, Law, Likelihood, Output, Parameter, Prior, Published, Root
from bayeslaw.law.schedule import SCHEDULES

LARGEST_FILE = 100_000
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
# Between a tight exponent (0.1) and a free amplitude (0.5), on the log; files say better where it matters.
DEFAULT_SPREAD = "HalfNormal(0.3)"

TOP = ("title", "reference", "topics", "formula", "terms", "output", "input", "parameter", "derived", "published")
KEYS = {
    "input": ("column", "units", "meaning", "reference", "range", "formula"),
    "output": ("likelihood", "units", "meaning", "range"),
    "parameter": ("prior", "pool", "spread", "units", "meaning"),
    "published": ("formula", "inverse", "values", "source"),
    "terms": ("root", "between"),
}


def read_law(path: str | Path) -> Law:
    """Read a law file; the law takes the file's name.

    Raises
    ------
    FileError
        When the file cannot be read.
    LawError
        When it is not a law.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise LawError(f"{path}: a law file of {size:,} bytes; at most {LARGEST_FILE:,} are read.")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LawError(f"{path}: not a text file in UTF-8, so not a law file.") from None
    except OSError as error:
        raise FileError(f"{path}: cannot read this law file ({error.strerror or error}).") from None
    return read_text(text, path.stem, str(path))


def read_text(text: str, name: str, source: str) -> Law:
    """Read a law from its text; see :meth:`bayeslaw.Law.parse`."""
    if len(text) > LARGEST_FILE:
        raise LawError(f"{source}: a law text of {len(text):,} characters; at most {LARGEST_FILE:,} are read.")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise LawError(f"{source}: not TOML: {reason[:1].lower()}{reason[1:]}.") from None
    return _Reader(text, name, source, table).law()


def parse_call(
    text: str, place: Place | None = None, known: Collection[str] = tuple(LIKELIHOODS)
) -> tuple[str, tuple[Node, ...]]:
    """``"LogNormal(mean, sigma)"`` as its word and its arguments."""
    place = place or Place("likelihood")
    match = re.fullmatch(r"\s*([A-Za-z]\w*)\s*\((.*)\)\s*", text, re.DOTALL)
    if match is None:
        raise expr.fault(text, place, 0, f"expected a call such as {next(iter(known))}(...)")
    word, inside = match[1], match[2]
    if word not in known:
        raise expr.fault(
            text, place, match.start(1), f"unknown word '{word}'{did_you_mean(word, known)}; known: {listed(known, 20)}"
        )
    pieces, start = _split(inside), match.start(2)
    arguments = []
    for piece in pieces:
        if not piece.strip():
            raise expr.fault(text, place, start, "an argument is missing")
        lead = len(piece) - len(piece.lstrip())
        arguments.append(expr.parse(piece.strip(), Place(place.source, place.line, place.column + start + lead)))
        start += len(piece) + 1
    return word, tuple(arguments)


def _split(inside: str) -> list[str]:
    """Split at the commas outside parentheses."""
    pieces, depth, start = [], 0, 0
    for i, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            pieces.append(inside[start:i])
            start = i + 1
    return [*pieces, inside[start:]]


class _Reader:
    """One file being read: its text for positions, its table for values."""

    def __init__(self, text: str, name: str, source: str, table: dict[str, Any]) -> None:
        self.text, self.name, self.source, self.table = text, name, source, table

    # ------------------------------------------------------------------ places and mistakes

    def place(self, section: str | None, key: str | None = None, field: str | None = None) -> Place:
        """Where a value stands: the column of the first character after its quote."""
        lines = self.text.split("\n")
        current, within, found = None, False, None
        for number, line in enumerate(lines, start=1):
            header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
            if header and not re.match(r"\s*[\w.\"-]+\s*=", line):
                current = header[1].strip().strip('"')
                within = key is not None and current == f"{section}.{key}"
                # A table that stands where no table of this name is known is itself what is looked for.
                if current == (section or key) or within:
                    found = found or Place(self.source, number, 1)
                continue
            wanted = (field if within else key) if section is not None or key is not None else None
            if wanted is None or not (within or current == section):
                continue
            # A dotted key (values.hoffmann2022training = ...) stands for its first part too.
            at = re.match(rf"\s*\"?{re.escape(wanted)}\"?(?:\s*\.[\w.\"\s-]+)?\s*=\s*", line)
            if at is None:
                continue
            found = Place(self.source, number, at.end() + 1)
            if field is not None and not within:
                inner = re.compile(rf"[{{,]\s*\"?{re.escape(field)}\"?\s*=\s*").search(line, at.end())
                found = Place(self.source, number, inner.end() + 1) if inner else found
                at = inner or at
            if line[at.end() : at.end() + 1] in ("'", '"'):
                quotes = 3 if line[at.end() : at.end() + 3] in ("'''", '"""') else 1
                found = Place(self.source, found.line, found.column + quotes)
            return found
        return found or Place(self.source, 1, 1)

    def wrong(
        self, message: str, section: str | None = None, key: str | None = None, field: str | None = None
    ) -> LawError:
        return LawError(f"{self.place(section, key, field)}: {message}.")

    # ------------------------------------------------------------------ values of a kind

    def entries(self, section: str, required: bool = True) -> dict[str, Any]:
        table = self.table.get(section, {})
        if not isinstance(table, dict) or (required and not table):
            raise self.wrong(f"a law needs a table [{section}] with at least one entry", section)
        return table

    def entry(self, section: str, key: str, value: Any) -> dict[str, Any]:
        if not NAME.match(key):
            raise self.wrong(f"'{key}' is not a name (letters, digits and '_', a letter first)", section, key)
        if not isinstance(value, dict):
            raise self.wrong(f"[{section}] {key} must be a table {{ ... }}, not {value!r}", section, key)
        for field in value:
            if field not in KEYS[section]:
                raise self.wrong(
                    f"unknown key '{field}' in [{section}] {key}{did_you_mean(field, KEYS[section])}; "
                    f"known: {', '.join(KEYS[section])}",
                    section,
                    key,
                    field,
                )
        return value

    def string(self, value: Any, what: str, *at: str | None) -> str:
        if not isinstance(value, str):
            raise self.wrong(f"{what} must be a text in quotes, not {value!r}", *at)
        return value

    def number(self, value: Any, what: str, *at: str | None) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300 or value != value:
            raise self.wrong(f"{what} must be a finite number, not {value!r}", *at)
        return float(value)

    def interval(self, value: Any, what: str, *at: str | None) -> tuple[float, float] | None:
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(f"{what} must be two numbers [low, high], not {value!r}", *at)
        low, high = (self.number(v, what, *at) for v in value)
        if not low < high:
            raise self.wrong(f"{what} must rise, but is [{low:g}, {high:g}]", *at)
        return low, high

    def formula(self, value: Any, allowed: Collection[str], what: str, *at: str | None) -> Node:
        text, place = self.string(value, what, *at), self.place(*at)
        node = expr.parse(text, place)
        for name, offset in expr.names(node).items():
            if name not in allowed:
                raise expr.fault(
                    text,
                    place,
                    offset,
                    f"unknown name '{name}' in {what}{did_you_mean(name, allowed)}; known: {listed(allowed, 20)}",
                )
        return node

    def prior(self, value: Any, what: str, *at: str | None) -> Prior:
        text, place = self.string(value, what, *at), self.place(*at)
        word, arguments = parse_call(text, place, (*PRIORS, "Constant"))
        numbers = []
        for argument in arguments:
            if not isinstance(argument, Number):
                raise expr.fault(text, place, 0, f"the arguments of {what} must be numbers")
            numbers.append(argument.value)
        expected = ("value",) if word == "Constant" else PRIORS[word].arguments
        if len(numbers) != len(expected):
            raise expr.fault(
                text, place, 0, f"{word} takes {len(expected)} numbers ({', '.join(expected)}), not {len(numbers)}"
            )
        positive = () if word == "Constant" else PRIORS[word].positive_arguments
        for role, number in zip(expected, numbers, strict=True):
            if role in positive and number <= 0:
                raise expr.fault(text, place, 0, f"the {role} of {word} must be positive, not {number:g}")
        return Prior(
            word,
            tuple(numbers),
            f"{word}({', '.join(_short(a) for a in _split(text[text.index('(') + 1 : text.rindex(')')]))})",
        )

    # ------------------------------------------------------------------ the law

    def law(self) -> Law:
        for key in self.table:
            if key not in TOP:
                raise self.wrong(f"unknown key '{key}'{did_you_mean(key, TOP)}; a law has: {', '.join(TOP)}", None, key)
        for key in ("title", "formula"):
            if key not in self.table:
                raise self.wrong(f"a law needs '{key} = \"...\"' at its top")
        topics = self.table.get("topics", [])
        if not isinstance(topics, list) or not all(isinstance(t, str) for t in topics):
            raise self.wrong("topics must be a list of texts", None, "topics")

        inputs = self.inputs()
        parameters = self.parameters(inputs)
        references = [f"{i.name}0" for i in inputs.values() if i.reference is not None]
        scope = [*inputs, *references, *parameters]
        terms = self.terms(scope)
        scope += list(terms)
        formula = self.formula(self.table["formula"], scope, "the formula", None, "formula")
        output = self.output([*scope, "mean"])
        derived = self.derived([*references, *parameters])
        published = self.published([*inputs, *references], [*references, *parameters, *derived], parameters)
        law = Law(
            name=self.name,
            title=self.string(self.table["title"], "title", None, "title"),
            reference=self.string(self.table.get("reference", ""), "reference", None, "reference"),
            topics=tuple(topics),
            formula=formula, terms=terms, output=output, inputs=inputs, parameters=parameters, derived=derived,
            published=published, text=self.text,
        )  # fmt: skip
        self.all_used(law)
        return law

    def inputs(self) -> dict[str, Input]:
        entries = self.entries("input")
        inputs: dict[str, Input] = {}
        for name, raw in entries.items():
            value = self.entry("input", name, raw)
            reference = value.get("reference")
            if reference is not None and self.number(reference, "reference", "input", name, "reference") <= 0:
                raise self.wrong("a reference scale must be positive", "input", name, "reference")
            formula = None
            if "formula" in value:
                formula = self.input_formula(value["formula"], list(inputs), name)
            inputs[name] = Input(
                name=name,
                column=self.string(value.get("column", name), "column", "input", name, "column"),
                units=self.string(value.get("units", ""), "units", "input", name, "units"),
                meaning=self.string(value.get("meaning", ""), "meaning", "input", name, "meaning"),
                reference=None if reference is None else float(reference),
                range=self.interval(value.get("range"), "range", "input", name, "range"),
                formula=formula,
            )
        for name in inputs:
            if name.endswith("0") and name[:-1] in inputs:
                raise self.wrong(
                    f"input '{name}' would be taken for the reference scale of '{name[:-1]}'", "input", name
                )
        return inputs

    def input_formula(self, value: Any, earlier: list[str], name: str) -> Node:
        """Return a formula of earlier inputs, or one call of a schedule word."""
        at = ("input", name, "formula")
        text, place = self.string(value, "the formula of an input", *at), self.place(*at)
        word = text.split("(")[0].strip()
        if word not in SCHEDULES:
            return self.formula(value, earlier, f"the formula of input '{name}' (it may use inputs above it)", *at)
        word, arguments = parse_call(text, place, tuple(SCHEDULES))
        if len(arguments) != SCHEDULES[word][1]:
            raise expr.fault(text, place, 0, f"'{word}' takes {SCHEDULES[word][1]} arguments, not {len(arguments)}")
        for argument in arguments:
            if not (isinstance(argument, Number) or (isinstance(argument, Name) and argument.id in earlier)):
                raise expr.fault(text, place, 0, f"'{word}' takes inputs named above ({listed(earlier)}) and numbers")
        return Call(word, arguments)

    def parameters(self, inputs: Mapping[str, Input]) -> dict[str, Parameter]:
        parameters = {}
        reserved = {*inputs, *(f"{i}0" for i in inputs), "mean"}
        for name, raw in self.entries("parameter").items():
            value = self.entry("parameter", name, raw)
            if name in reserved:
                raise self.wrong(
                    f"parameter '{name}' has the name of an input, a reference scale or 'mean'", "parameter", name
                )
            if "prior" not in value:
                raise self.wrong(
                    f"parameter '{name}' needs a prior, such as prior = \"LogNormal(0, 1)\"", "parameter", name
                )
            spread = self.prior(value.get("spread", DEFAULT_SPREAD), "spread", "parameter", name, "spread")
            if spread.support != "positive":
                raise self.wrong(
                    f"the spread of '{name}' is a standard deviation: its prior must be positive, "
                    f"such as {DEFAULT_SPREAD}",
                    "parameter",
                    name,
                    "spread",
                )
            pool = value.get("pool")
            parameters[name] = Parameter(
                name=name,
                prior=self.prior(value["prior"], "prior", "parameter", name, "prior"),
                pool=None if pool is None else self.string(pool, "pool", "parameter", name, "pool"),
                spread=spread,
                units=self.string(value.get("units", ""), "units", "parameter", name, "units"),
                meaning=self.string(value.get("meaning", ""), "meaning", "parameter", name, "meaning"),
            )
        return parameters

    def terms(self, scope: list[str]) -> dict[str, Node | Root]:
        terms: dict[str, Node | Root] = {}
        for name, value in self.entries("terms", required=False).items():
            known = [*scope, *terms]
            if not NAME.match(name) or name in known:
                raise self.wrong(f"'{name}' cannot name a term: it is taken or not a name", "terms", name)
            if not isinstance(value, dict):
                terms[name] = self.formula(value, known, f"term '{name}'", "terms", name)
                continue
            self.entry("terms", name, value)
            bounds = value.get("between")
            if "root" not in value or not isinstance(bounds, list) or len(bounds) != 2:
                raise self.wrong(
                    f'an implicit term is {{ root = "rising in {name}", between = [low, high] }}', "terms", name
                )
            equation = self.formula(value["root"], [*known, name], f"the equation of '{name}'", "terms", name, "root")
            if name not in expr.names(equation):
                raise self.wrong(f"the equation of '{name}' does not contain '{name}'", "terms", name, "root")
            lower, upper = (self.bound(b, known, name) for b in bounds)
            terms[name] = Root(equation, expr.derivative(equation, name), name, lower, upper)
        return terms

    def bound(self, value: Any, known: Collection[str], name: str) -> Node:
        """Return a bound of a root: a number, or a formula of what stands above."""
        what, at = f"a bound of '{name}'", ("terms", name, "between")
        return (
            self.formula(value, known, what, *at) if isinstance(value, str) else Number(self.number(value, what, *at))
        )

    def output(self, scope: list[str]) -> Output:
        entries = self.entries("output")
        if len(entries) != 1:
            raise self.wrong(f"a law has one output, not {len(entries)}", "output")
        ((column, raw),) = entries.items()
        value = self.entry("output", column, raw)
        if "likelihood" not in value:
            raise self.wrong('the output needs a likelihood, such as "LogNormal(mean, sigma)"', "output", column)
        at = ("output", column, "likelihood")
        text, place = self.string(value["likelihood"], "likelihood", *at), self.place(*at)
        word, arguments = parse_call(text, place)
        expected = LIKELIHOODS[word].arguments
        if len(arguments) != len(expected):
            raise expr.fault(
                text, place, 0, f"{word} takes {len(expected)} arguments ({', '.join(expected)}), not {len(arguments)}"
            )
        for argument in arguments:
            for name in expr.names(argument):
                if name not in scope:
                    raise expr.fault(
                        text,
                        place,
                        _place_of_name(text, name),
                        f"unknown name '{name}' in the likelihood{did_you_mean(name, scope)}",
                    )
        if not any("mean" in expr.names(a) for a in arguments):
            raise expr.fault(text, place, 0, "the likelihood must use 'mean', the value of the formula")
        return Output(
            column=column,
            likelihood=Likelihood(word, arguments),
            units=self.string(value.get("units", ""), "units", "output", column, "units"),
            meaning=self.string(value.get("meaning", ""), "meaning", "output", column, "meaning"),
            range=self.interval(value.get("range"), "range", "output", column, "range"),
        )

    def derived(self, scope: list[str]) -> dict[str, Node]:
        derived: dict[str, Node] = {}
        for name, value in self.entries("derived", required=False).items():
            if not NAME.match(name) or name in scope:
                raise self.wrong(f"'{name}' cannot name a derived quantity: it is taken or not a name", "derived", name)
            derived[name] = self.formula(value, [*scope, *derived], f"derived '{name}'", "derived", name)
        return derived

    def published(self, inputs: list[str], ours: list[str], parameters: Mapping[str, Parameter]) -> Published | None:
        table = self.entries("published", required=False)
        if not table:
            return None
        for key in table:
            if key not in KEYS["published"]:
                raise self.wrong(
                    f"unknown key '{key}' in [published]{did_you_mean(key, KEYS['published'])}", "published", key
                )
        values: dict[str, dict[str, float]] = {}
        for key, numbers in self.subtable(table, "values").items():
            at = f"values.{key}"
            if not isinstance(numbers, dict):
                raise self.wrong(f"[published] values.{key} must be a table of numbers", "published", at)
            for name in numbers:
                if name not in ours:
                    raise self.wrong(
                        f"published value '{name}' of {key} is neither a parameter nor derived"
                        f"{did_you_mean(name, ours)}",
                        "published",
                        at,
                        name,
                    )
            values[key] = {n: self.number(v, f"published {n}", "published", at, n) for n, v in numbers.items()}
        if "formula" not in table:
            raise self.wrong("[published] needs the paper's formula", "published")
        inverse = {}
        for name, text in self.subtable(table, "inverse").items():
            if name not in parameters:
                raise self.wrong(
                    f"[published] inverse gives '{name}', which is not a parameter{did_you_mean(name, parameters)}",
                    "published",
                    "inverse",
                )
            inverse[name] = self.formula(text, ours, f"the inverse for '{name}'", "published", "inverse", name)
        source = self.subtable(table, "source")
        if not set(source) <= set(values) or not all(isinstance(text, str) for text in source.values()):
            raise self.wrong("[published] source must give a text for keys of values", "published", "source")
        return Published(
            formula=self.formula(table["formula"], [*inputs, *ours], "the published formula", "published", "formula"),
            inverse=inverse, values=values, source=source,
        )  # fmt: skip

    def subtable(self, table: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"[published] {key} must be a table {{ ... }}, not {value!r}", "published", key)
        return value

    def all_used(self, law: Law) -> None:
        """Every parameter must matter, or its posterior is its prior without a word."""
        used = set(law._names_used()) | {n for a in law.output.likelihood.arguments for n in expr.names(a)}
        for name in law.parameters:
            if name not in used:
                raise self.wrong(
                    f"parameter '{name}' is used neither in the formula nor in the likelihood", "parameter", name
                )


def _place_of_name(text: str, name: str) -> int:
    """Where a name stands among the arguments of a call, whose word may contain it."""
    found = re.compile(rf"\b{re.escape(name)}\b").search(text, text.index("("))
    return found.start() if found else 0


def _short(argument: str) -> str:
    return " ".join(argument.split())
