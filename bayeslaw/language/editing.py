"""A law with other priors or other noise: its text is edited and parsed again, so the new law is self-contained.

New parts are parsed on their own first, because an error message that points into the edited text would point at lines
that nobody has seen.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.formula.expression import (
    Call,
    Name,
    Node,
    Number,
    Place,
    fault,
    names,
    parse,
    substitute,
    to_text,
)
from bayeslaw.language.parts import Input, names_used
from bayeslaw.language.values import NAME, parse_call, parse_prior
from bayeslaw.words import worded

if TYPE_CHECKING:
    from bayeslaw.language.law import Law


def with_priors(law: Law, priors: Mapping[str, str]) -> Law:
    """Change priors, and tie parameters; see :meth:`bayeslaw.Law.with_priors`."""
    held = set()
    for name in priors:
        if name not in law.parameters:
            raise LawError(f"law '{law.name}' has no parameter '{name}'{did_you_mean(name, law.parameters)}.")
    texts = {name: str(prior).strip() for name, prior in priors.items()}
    if ties := {name: text for name, text in texts.items() if NAME.match(text)}:
        return with_ties(with_priors(law, {name: prior for name, prior in priors.items() if name not in ties}), ties)
    if not priors:
        return law
    for name, prior in priors.items():
        if parse_prior(str(prior), "the prior", Place(worded(f"prior of {name}", f"--prior {name}"))).is_constant:
            held.add(name)

    def edit(table: dict[str, Any]) -> None:
        for name, prior in priors.items():
            table["parameter"][name]["prior"] = prior
        for name in held:
            # Beside a constant, a column in a file means shifts about it (see ``inference.model.pooling``).
            if table["parameter"][name].get("pool") != "family":
                table["parameter"][name].pop("pool", None)

    return _edited(law, edit)


def with_ties(law: Law, ties: Mapping[str, str]) -> Law:
    """Let parameters be others: these stand in their place, and they become derived quantities."""
    for name, other in ties.items():
        place = Place(worded(f"prior of {name}", f"--prior {name}"))
        if other not in law.parameters:
            raise fault(
                other, place, 0, f"'{other}' is neither a prior, such as LogNormal(log(0.4), 0.1), nor a parameter to "
                f"tie '{name}' to{did_you_mean(other, law.parameters)}",
            )  # fmt: skip
        if other == name or other in ties:
            which = "itself" if other == name else "a tied parameter"
            raise fault(other, place, 0, f"'{name}' cannot be tied to {which}")
        one, two = law.parameters[name], law.parameters[other]
        if (one.units, one.prior.support) != (two.units, two.prior.support):
            kinds = [f"{each.prior.support}{each.units and ', in '}{each.units}" for each in (one, two)]
            raise fault(other, place, 0, f"'{name}' ({kinds[0]}) and '{other}' ({kinds[1]}) cannot be one number")
    by: dict[str, Node] = {name: Name(other) for name, other in ties.items()}

    def tied(text: Any) -> Any:
        return to_text(substitute(parse(text), by)) if isinstance(text, str) else text

    def edit(table: dict[str, Any]) -> None:
        table["formula"] = tied(table["formula"])
        table["terms"] = {
            name: {key: [*map(tied, part)] if key == "between" else tied(part) for key, part in term.items()}
            if isinstance(term, dict) else tied(term)
            for name, term in table.get("terms", {}).items()
        }  # fmt: skip
        noise = law.output.likelihood
        arguments = tuple(substitute(argument, by) for argument in noise.arguments)
        next(iter(table["output"].values()))["likelihood"] = str(replace(noise, arguments=arguments))
        paper = table.get("published", {})
        for name in ties:
            del table["parameter"][name]
            paper.get("inverse", {}).pop(name, None)
        for key in [key for key in paper.get("values", ()) if not _agrees(law, key, ties)]:
            for part in ("values", "source", "errors", "log_errors"):
                paper.get(part, {}).pop(key, None)
        table["derived"] = {**ties, **table.get("derived", {})}

    return _edited(law, edit)


def _agrees(law: Law, key: str, ties: Mapping[str, str]) -> bool:
    """Whether published values are values of a tied law too."""
    values = law.published_parameters(key)
    return all(values.get(name) == values.get(other) for name, other in ties.items())


# What a parameter was expected to be for one scale is a weaker guide for another: its prior is so many times as wide.
WIDER_ELSEWHERE = 2.0


def with_input(law: Law, scale: Input) -> Law:
    """Let a law of one scale run along another; see :meth:`bayeslaw.Law.along`."""
    old = _only_scale(law)
    if scale.column == old.column:
        return law
    if scale.column == law.output.column:
        raise LawError(f"law '{law.name}' predicts '{scale.column}', so it cannot run along it.")
    if scale.reference is None or not scale.reference > 0:
        raise LawError(f"along {scale.column}: its reference scale is missing; give a usual value, above 0.")
    by = {old.name: scale.name, f"{old.name}0": f"{scale.name}0"}
    if taken := sorted(set(by.values()) & {*law.parameters, *law.terms, *law.inputs, law.output.column, "mean"}):
        raise LawError(
            f"along {scale.column}: law '{law.name}' has a '{taken[0]}' already; give the input another name."
        )
    moved, gone = _read_along(law, old.name), set(by)
    for name, node in law.derived.items():
        if gone & names(node).keys():
            gone.add(name)
    gone -= set(by)
    nodes: dict[str, Node] = {name: Name(new) for name, new in by.items()}

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: renamed(each) for key, each in part.items()}
        if isinstance(part, list):
            return [*map(renamed, part)]
        return to_text(substitute(parse(part), nodes)) if isinstance(part, str) else part

    def edit(table: dict[str, Any]) -> None:
        table["formula"], table["terms"] = renamed(table["formula"]), renamed(table.get("terms", {}))
        del table["input"][old.name]
        about = {"column": scale.column, "units": scale.units, "meaning": scale.meaning, "reference": scale.reference}
        table["input"][scale.name] = about | ({} if scale.range is None else {"range": list(scale.range)})
        for name, parameter in table["parameter"].items():
            if name in moved:
                parameter["prior"] = law.parameters[name].prior.widened(WIDER_ELSEWHERE).text
            parameter["meaning"] = re.sub(rf"\b{old.name}0\b", f"{scale.name}0", parameter.get("meaning", ""))
        table.pop("published", None)  # of the other scale, as are quantities that depend on its reference
        for name in gone:
            del table["derived"][name]

    return _edited(replace(law, name=f"{law.name.partition('@')[0]}@{scale.column}"), edit)


def _only_scale(law: Law) -> Input:
    """The one input of a law that can be exchanged for another.

    Raises
    ------
    LawError
        When it has several, or parameters that are values of it.
    """
    scales = [law.inputs[name] for name in law.inputs if name in law.mean_inputs]
    if len(scales) != 1 or scales[0].formula is not None or scales[0].name in law.output.likelihood.names:
        raise LawError(
            f"law '{law.name}' is of {listed(each.name for each in scales)}; only a law of one scale, such as "
            f"power_law, can run along another."
        )
    (old,) = scales
    own = [each.name for each in law.parameters.values() if each.units == old.units and each.units not in ("", "1")]
    if old.reference is None or own:
        what = f"'{own[0]}' is a number of {old.units}s" if own else f"it has no reference scale of '{old.name}'"
        raise LawError(
            f"law '{law.name}' cannot run along another scale, since {what}; copy its file and change the input and "
            f"the priors, or take power_law."
        )
    return old


def _read_along(law: Law, scale: str) -> set[str]:
    """The parameters of those summands of a formula in which an input occurs, directly or through terms."""
    inside: dict[str, set[str]] = {}
    for name, term in law.terms.items():
        inside[name] = set().union(*(inside.get(each, {each}) for each in names_used(Name(name), {name: term})))

    def read(node: Node) -> set[str]:
        if isinstance(node, Call) and node.function in ("+", "-"):
            return set().union(*map(read, node.args))
        found = set[str]().union(*(inside.get(name, {name}) for name in names(node)))
        return found if {scale, f"{scale}0"} & found else set()

    return read(law.formula) & set(law.free_parameters)


def with_wider_priors(law: Law, factor: float) -> Law:
    """Widen all priors; see :meth:`bayeslaw.Law.with_wider_priors`."""

    def edit(table: dict[str, Any]) -> None:
        for name, parameter in law.parameters.items():
            table["parameter"][name]["prior"] = parameter.prior.widened(factor).text
            table["parameter"][name]["spread"] = parameter.spread.widened(factor).text

    return _edited(law, edit)


def with_likelihood(law: Law, likelihood: str, priors: Mapping[str, str]) -> Law:
    """Change the noise; see :meth:`bayeslaw.Law.with_likelihood`."""
    for name, prior in priors.items():
        parse_prior(str(prior), "the prior", Place(f"prior of {name}"))

    def edit(table: dict[str, Any]) -> None:
        next(iter(table["output"].values()))["likelihood"] = likelihood
        for name, prior in priors.items():
            table["parameter"].setdefault(name, {})["prior"] = prior
        _, arguments = parse_call(likelihood)
        used = set(names_used(law.formula, law.terms)) | {name for argument in arguments for name in names(argument)}
        for name in set(table["parameter"]) - used - set(priors):
            del table["parameter"][name]

    return _edited(law, edit)


def with_noise_growth(law: Law, by: str, prior: str) -> Law:
    """Let the noise grow; see :meth:`bayeslaw.Law.with_noise_growth`."""
    if by not in law.inputs or law.inputs[by].reference is None:
        raise LawError(
            f"noise of law '{law.name}' can grow by an input with a reference scale "
            f"({', '.join(n.removesuffix('0') for n in law.references) or 'it has none'}), not by '{by}'."
        )
    likelihood = law.output.likelihood
    family = likelihood.family
    if family.scale is None:
        raise LawError(f"a {likelihood.name} likelihood has no scale that could grow.")
    growth = Call("**", (Call("/", (Name(by), Name(f"{by}0"))), Call("neg", (Name("noise_growth"),))))
    arguments = tuple(
        Call("*", (a, growth)) if role == family.scale else a
        for role, a in zip(family.arguments, likelihood.arguments, strict=True)
    )
    return with_likelihood(law, str(replace(likelihood, arguments=arguments)), {"noise_growth": prior})


def with_known_error(law: Law, column: str) -> Law:
    """Let known errors add to the noise; see :meth:`bayeslaw.Law.with_known_error`."""
    if any(each.column == column for each in law.inputs.values()):
        return law
    likelihood = law.output.likelihood
    family = likelihood.family
    if family.scale is None:
        raise LawError(f"a {likelihood.name} likelihood has no scale that a known error could add to.")
    mean = likelihood.arguments[family.arguments.index(family.location)]
    # To first order: an error over what the outcome changes by on the scale of the noise.
    error: Node = Name(column)
    if family.link == "log":
        error = Call("/", (error, mean))
    elif family.link == "logit":
        error = Call("/", (error, Call("*", (mean, Call("-", (Number(1.0), mean))))))
    arguments = tuple(
        Call("sqrt", (Call("+", (_squared(a), _squared(error))),)) if role == family.scale else a
        for role, a in zip(family.arguments, likelihood.arguments, strict=True)
    )

    def edit(table: dict[str, Any]) -> None:
        next(iter(table["output"].values()))["likelihood"] = str(replace(likelihood, arguments=arguments))
        table["input"][column] = {
            "column": column, "units": law.output.units, "default": 0, "meaning": "known standard error of the outcome",
        }  # fmt: skip

    return _edited(law, edit)


def _squared(node: Node) -> Node:
    return Call("**", (node, Number(2.0)))


def with_group_effect(law: Law, column: str, spread: str) -> Law:
    """Let groups of runs err together; see :meth:`bayeslaw.Law.with_group_effect`."""
    parse_prior(str(spread), "the spread", Place("spread of group_effect"))
    likelihood = law.output.likelihood
    at = likelihood.family.arguments.index(likelihood.family.location)
    mean, shift = likelihood.arguments[at], Name("group_effect")
    shifted: Node = {
        "identity": Call("+", (mean, shift)),
        "log": Call("*", (mean, Call("exp", (shift,)))),
        "logit": Call("sigmoid", (Call("+", (Call("logit", (mean,)), shift)),)),
    }[likelihood.family.link]
    arguments = tuple(shifted if i == at else a for i, a in enumerate(likelihood.arguments))

    def edit(table: dict[str, Any]) -> None:
        next(iter(table["output"].values()))["likelihood"] = str(replace(likelihood, arguments=arguments))
        table["parameter"]["group_effect"] = {
            "prior": "Constant(0)", "pool": f"partial:{column}", "spread": spread,
            "meaning": f"shift shared by runs of one {column}",
        }  # fmt: skip

    return _edited(law, edit)


def _edited(law: Law, edit: Callable[[dict[str, Any]], None]) -> Law:
    import tomli_w

    table = tomllib.loads(law.text)
    edit(table)
    # A paper's values belong to its own law; an edited law keeps only those whose names it still has.
    known = (
        set(table["parameter"])
        | set(table["input"])
        | {f"{i}0" for i in table["input"]}
        | set(table.get("derived", ()))
    )
    table["derived"] = {
        name: entry
        for name, entry in table.get("derived", {}).items()
        if set(names(parse(entry if isinstance(entry, str) else entry["formula"]))) <= known
    }
    return law.parse(tomli_w.dumps(table), law.name, f"{law.name} (edited)")
