"""A TOML text into the fields of a law, with the file, line and column of every mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.files import LARGEST_FILE, with_base
from bayeslaw.language.formula import expression as expr
from bayeslaw.language.formula.expression import Call, Name, Node, Number
from bayeslaw.language.formula.likelihoods import LIKELIHOODS
from bayeslaw.language.formula.schedule import SCHEDULES
from bayeslaw.language.parts import BEST, STATUS, Input, Likelihood, Output, Parameter, Published, Root, names_used
from bayeslaw.language.toml_positions import offset_of_name
from bayeslaw.language.values import KEYS, Values, parse_call

# Between a tight exponent (0.1) and a free amplitude (0.5), on the log; files override it where it matters.
DEFAULT_SPREAD = "HalfNormal(0.3)"

TOP = (
    "title", "reference", "topics", "status", "aliases", "base", "formula", "terms", "output", "input", "parameter",
    "derived", "published", "variant",
)  # fmt: skip


def read_fields(text: str, name: str, source: str) -> dict[str, Any]:
    """Read the fields of a law from its text; see :meth:`bayeslaw.Law.parse`."""
    if len(text) > LARGEST_FILE:
        raise LawError(f"{source}: a law text of {len(text):,} characters; at most {LARGEST_FILE:,} are read.")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise LawError(f"{source}: not TOML: {reason[:1].lower()}{reason[1:]}.") from None
    return _Reader(text, name, source, table).fields()


class _Reader(Values):
    """One file being read, section by section."""

    def fields(self) -> dict[str, Any]:
        for key in self.table:
            if key not in TOP:
                raise self.wrong(f"unknown key '{key}'{did_you_mean(key, TOP)}; a law has: {', '.join(TOP)}", None, key)
        for key in ("title", "formula"):
            if key not in self.table:
                raise self.wrong(f"a law needs '{key} = \"...\"' at its top")
        text = self.text
        if "base" in self.table:
            try:
                text, self.table = with_base(self.text, self.table, self.name)
            except LawError as error:
                raise self.wrong(str(error).removesuffix("."), None, "base") from None
        status = self.one_of(STATUS, self.table.get("status", "published"), "status", None, "status")

        inputs = self.inputs()
        parameters = self.parameters(inputs)
        references = [f"{i.name}0" for i in inputs.values() if i.reference is not None]
        scope = [*inputs, *references, *parameters]
        terms = self.terms(scope)
        scope += list(terms)
        formula = self.formula(self.table["formula"], scope, "the formula", None, "formula")
        output = self.output([*scope, "mean"])
        derived = self.derived([*references, *parameters])
        # A root has no other form in which the paper could write it.
        roots = [name for name, term in terms.items() if isinstance(term, Root)]
        published = self.published([*inputs, *roots], [*references, *parameters, *derived], parameters)
        self.all_used(parameters, names_used(formula, terms).keys() | output.likelihood.names)
        return {
            "name": self.name,
            "title": self.string(self.table["title"], "title", None, "title"),
            "reference": self.string(self.table.get("reference", ""), "reference", None, "reference"),
            "topics": self.texts("topics"), "status": status, "aliases": self.texts("aliases"),
            "formula": formula, "terms": terms, "output": output, "inputs": inputs, "parameters": parameters,
            "derived": derived, "published": published, "text": text,
        }  # fmt: skip

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts at the top of the file."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(f"{key} must be a list of texts", None, key)
        return tuple(value)

    def inputs(self) -> dict[str, Input]:
        entries = self.entries("input")
        inputs: dict[str, Input] = {}
        for name, raw in entries.items():
            value = self.entry("input", name, raw)
            reference = value.get("reference")
            if reference is not None and self.number(reference, "reference", "input", name, "reference") <= 0:
                raise self.wrong("a reference scale must be positive", "input", name, "reference")
            default = value.get("default")
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
                default=None if default is None else self.number(default, "default", "input", name, "default"),
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
        reserved = {*inputs, *(f"{name}0" for name, each in inputs.items() if each.reference is not None), "mean"}
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
            self.check_name("terms", name)
            if name in known:
                raise self.wrong(f"'{name}' cannot name a term: it is taken", "terms", name)
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
                        offset_of_name(text, name),
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
            best=self.one_of(BEST, value.get("best", "lowest"), "best", "output", column, "best"),
        )

    def derived(self, scope: list[str]) -> dict[str, Node]:
        derived: dict[str, Node] = {}
        for name, value in self.entries("derived", required=False).items():
            self.check_name("derived", name)
            if name in scope:
                raise self.wrong(f"'{name}' cannot name a derived quantity: it is taken", "derived", name)
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
            inverse=inverse, values=values, source=source, **self.errors(table, values),
        )  # fmt: skip

    def errors(
        self, table: Mapping[str, Any], values: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, dict[str, float]]]:
        """The standard errors of published values: on their own scale, and on the log."""
        found: dict[str, dict[str, dict[str, float]]] = {"errors": {}, "log_errors": {}}
        for kind, sources in found.items():
            for key, numbers in self.subtable(table, kind).items():
                at = ("published", f"{kind}.{key}")
                if key not in values:
                    raise self.wrong(
                        f"[published] {kind} has '{key}', which has no values{did_you_mean(key, values)}", *at
                    )
                if not isinstance(numbers, dict):
                    raise self.wrong(f"[published] {kind}.{key} must be a table of numbers", *at)
                sources[key] = {name: self.number(v, f"the error of {name}", *at, name) for name, v in numbers.items()}
                for name, error in sources[key].items():
                    if name not in values[key]:
                        raise self.wrong(
                            f"[published] {kind}.{key} has '{name}', which has no value there"
                            f"{did_you_mean(name, values[key])}", *at, name,
                        )  # fmt: skip
                    if error <= 0:
                        raise self.wrong(f"the error of {name} must be positive, not {error:g}; leave out one that is "
                                         f"not known", *at, name)  # fmt: skip
                    if kind == "log_errors" and (values[key][name] <= 0 or name in found["errors"].get(key, ())):
                        raise self.wrong(
                            f"the error of {name} is on the log, so its value must be positive and it has no other",
                            *at, name,
                        )  # fmt: skip
        return found

    def subtable(self, table: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(f"[published] {key} must be a table {{ ... }}, not {value!r}", "published", key)
        return value

    def all_used(self, parameters: Collection[str], used: Collection[str]) -> None:
        """Every parameter must be used, or its posterior would silently be its prior."""
        for name in parameters:
            if name not in used:
                raise self.wrong(
                    f"parameter '{name}' is used neither in the formula nor in the likelihood", "parameter", name
                )
