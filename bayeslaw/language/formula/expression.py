"""The formula language: numbers, names, ``+ - * / **``, unary minus, and calls of known functions.

A text is parsed once by Python's own parser and then converted, node by node, through an allow-list: anything that is
not named here is rejected.  Nothing is ever evaluated by Python.  A condition (``--where``) is the same language with
comparisons, ``and``, ``or``, ``not``, ``is known`` and quoted text.

Bounds keep a file from hanging or crashing the reader: 4,000 characters and 40 levels per formula.  Constants are
folded as floats when they are read, so that ``9**9**9**9`` is an error and not an afternoon.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bayeslaw.errors import LawError, did_you_mean, listed
from bayeslaw.language.formula.functions import FUNCTIONS, Function
from bayeslaw.language.formula.naming import masked

LONGEST_TEXT = 4_000
DEEPEST_NESTING = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A finite constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """Quoted text; only in conditions."""

    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """An input, a parameter, a term or a reference scale."""

    id: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator (``+``, ``**``, ``<``, ``and``) or a function with its arguments."""

    function: str
    args: tuple[Node, ...]
    at: int = field(default=0, compare=False)


Node = Number | Text | Name | Call

OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
CONDITIONS: dict[type, str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "and", ast.Or: "or", ast.Not: "not",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands, for messages: its file or other source, line and column, counted from 1."""

    source: str = "formula"
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


def parse(text: str, place: Place | None = None, *, condition: bool = False, words: Collection[str] = ()) -> Node:
    """Read a formula, or a condition, into its tree.

    Parameters
    ----------
    text
        The formula, such as ``"E + A * (N/N0)**-alpha"``.
    place
        Where the text stands; positions in messages count from there.
    condition
        Allow comparisons, ``and`` / ``or`` / ``not`` and quoted text.
    words
        Names that need not be single words, such as ``val/loss``; see :func:`bayeslaw.language.formula.naming.masked`.

    Raises
    ------
    LawError
        With file, line, column and a caret under the fault.
    """
    place = place or Place("condition" if condition else "formula")
    if len(text) > LONGEST_TEXT:
        raise LawError(f"{place}: the formula has {len(text):,} characters; at most {LONGEST_TEXT:,} are read.")
    if not re.sub("#[^\n]*", "", text).strip():
        what, such = ("condition", "n_params >= 1e8") if condition else ("formula", "E + A * (N/N0)**-alpha")
        raise LawError(f'{place}: the {what} is empty; write one such as "{such}".')
    mask, named = masked(text, words)
    unpaired = _unpaired(mask)
    if unpaired is not None:
        raise fault(text, place, *unpaired)
    try:
        # Parentheses make a formula over several lines one expression.  Python only warns of spellings that it
        # deprecates, such as "1or 2"; here they are errors.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            body = ast.parse(f"({mask}\n)", mode="eval").body
    except (RecursionError, MemoryError):
        raise LawError(f"{place}: the formula is nested deeper than {DEEPEST_NESTING} levels.") from None
    except (SyntaxError, ValueError, Warning) as error:
        single = next((sign.start() for sign in _SIGNS.finditer(mask) if sign[0] == "="), None)
        if single is not None:
            other = "compare with '==', '<=' or '>='" if condition else "a formula is a value, without it"
            raise fault(text, place, single, f"'=' assigns; {other}") from None
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        # Python counts from 1, and on the first line our own '(' shifts its count; an error at the end is about our own
        # ')'.
        starts = [0, *(at.end() for at in re.finditer("\n", text))]
        column = max(column - (2 if line == 1 else 1), 0)
        offset = starts[line - 1] + column if line <= len(starts) else len(text)
        raise fault(
            text, place, min(offset, len(text.rstrip())), f"cannot read this formula ({_reason(error)})"
        ) from None
    return _Reader(text, place, condition, mask, named).read(body, 0)


# Quoted text to its closing quote or the end of its line, a comment, a parenthesis, a comparison, a single '='.
_SIGNS = re.compile(r"""'(?:\\.|[^'\\\n])*'?|"(?:\\.|[^"\\\n])*"?|#[^\n]*|[()]|[<>=!:]=|=""")


def _unpaired(text: str) -> tuple[int, str] | None:
    """The position of an unbalanced parenthesis or quote, and the message about it.

    Python does not notice it in a text that we put in parentheses, as in 'a) + (b'.
    """
    opened: list[int] = []
    for sign in _SIGNS.finditer(text):
        if sign[0] == "(":
            opened.append(sign.start())
        elif sign[0] == ")":
            if not opened:
                return sign.start(), "cannot read this formula (unmatched ')')"
            opened.pop()
        elif sign[0][0] in "'\"" and (len(sign[0]) == 1 or sign[0][-1] != sign[0][0]):
            return sign.start(), "cannot read this formula (this quote is never closed)"
    return (opened[-1], "cannot read this formula (this '(' is never closed)") if opened else None


def _reason(error: Exception) -> str:
    message = str(error.args[0]) if error.args else "syntax"
    return re.split(r"\(<unknown>| Perhaps| Maybe", message)[0].strip().rstrip(".")


def fault(text: str, place: Place, offset: int, message: str) -> LawError:
    """Return an error that points at a character of a formula."""
    lines = text.split("\n")
    line = text.count("\n", 0, offset)
    column = offset - (text.rfind("\n", 0, offset) + 1)
    line = min(line, len(lines) - 1)
    shown, at = lines[line], column
    if len(shown) > 100:  # a long line: the part around the fault
        start = max(at - 50, 0)
        shown, at = shown[start : start + 100], at - start
    where = Place(place.source, place.line + line, (place.column if line == 0 else 1) + column)
    return LawError(f"{where}: {message}.\n    {shown}\n    {' ' * at}^")


class _Reader:
    """Converts Python's tree into ours and rejects every node that is not listed."""

    def __init__(self, text: str, place: Place, condition: bool, mask: str, named: Mapping[str, str]) -> None:
        self.text, self.place, self.condition, self.named = text, place, condition, named
        self.starts = [0]
        for line in text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.lines = mask.split("\n")

    def offset(self, node: Any) -> int:
        """Return the character of the text at which a node starts; Python counts bytes, and our own '('."""
        line = node.lineno - 1
        column = max(node.col_offset - (1 if line == 0 else 0), 0)
        before = self.lines[line].encode()[:column] if line < len(self.lines) else b""
        return int(self.starts[min(line, len(self.starts) - 1)]) + len(before.decode(errors="ignore"))

    def refuse(self, node: Any, message: str) -> LawError:
        return fault(self.text, self.place, self.offset(node), message)

    def read(self, node: ast.expr, depth: int) -> Node:
        if depth > DEEPEST_NESTING:
            raise self.refuse(node, f"the formula is nested deeper than {DEEPEST_NESTING} levels")
        at = self.offset(node)
        match node:
            case ast.Constant(value=bool()):
                raise self.refuse(node, "True and False are not words of this language")
            case ast.Constant(value=int() | float() as value):
                return self.number(node, lambda: float(value))
            case ast.Constant(value=str() as text) if self.condition:
                return Text(text)
            case ast.Name(id=name):
                return Name(self.named.get(name, name), at)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.fold(node, "neg", (self.read(operand, depth + 1),), at)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                args = (self.read(left, depth + 1), self.read(right, depth + 1))
                return self.fold(node, OPERATORS[type(op)], args, at)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                self.word(node, name)
                return self.fold(node, name, tuple(self.read(a, depth + 1) for a in args), at)
            case ast.UnaryOp(op=ast.Not(), operand=operand) if self.condition:
                return Call("not", (self.read(operand, depth + 1),), at)
            case ast.BoolOp(op=op, values=values) if self.condition:
                return Call(CONDITIONS[type(op)], tuple(self.read(v, depth + 1) for v in values), at)
            case ast.Compare(
                left=ast.Name() as name, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Name(id="known")]
            ) if self.condition:
                known = Call("known", (self.read(name, depth + 1),), at)
                return known if isinstance(op, ast.Is) else Call("not", (known,), at)
            case ast.Compare(left=left, ops=ops, comparators=right) if self.condition:
                if any(type(op) not in CONDITIONS for op in ops):
                    raise self.refuse(node, "compare with <, <=, >, >=, == or !=, or ask whether a column 'is known'")
                sides = [self.read(side, depth + 1) for side in (left, *right)]
                pairs = tuple(
                    Call(CONDITIONS[type(op)], (a, b), at) for op, a, b in zip(ops, sides[:-1], sides[1:], strict=True)
                )
                return pairs[0] if len(pairs) == 1 else Call("and", pairs, at)
        what = "comparisons, and, or, not, quoted text" if self.condition else "+ - * / **"
        raise self.refuse(
            node,
            f"{_spoken(node)} is not part of the law language (numbers, names, {what}, and calls of "
            f"{listed(sorted(set(FUNCTIONS) - ARITHMETIC), 6)})",
        )

    def word(self, node: ast.expr, function: str) -> Function:
        """Return the row of a known function."""
        if function not in FUNCTIONS:
            raise self.refuse(node, f"unknown function '{function}'{did_you_mean(function, FUNCTIONS)}")
        return FUNCTIONS[function]

    def fold(self, node: ast.expr, function: str, args: tuple[Node, ...], at: int) -> Node:
        """Return a call of known arity; a number at once where its arguments are numbers."""
        word = self.word(node, function)
        if len(args) != word.arity:
            raise self.refuse(node, f"'{function}' takes {word.arity} arguments, not {len(args)}")
        found = folded(function, args, at)
        if isinstance(found, Call) and all(isinstance(a, Number) for a in args):
            raise self.refuse(node, NOT_FINITE)
        return found

    def number(self, node: ast.expr, value: Callable[[], float]) -> Number:
        try:
            result = value()
        except OverflowError:
            result = math.inf
        if not math.isfinite(result):
            raise self.refuse(node, NOT_FINITE)
        return Number(result)


NOT_FINITE = "this constant is not a finite number"


def folded(function: str, args: tuple[Node, ...], at: int = 0) -> Node:
    """A call, or the number that it is where its arguments are numbers and it is a finite one."""
    values = [a.value for a in args if isinstance(a, Number)]
    if len(values) == len(args) and function in FUNCTIONS:
        result = float(FUNCTIONS[function].numpy(*values))
        if math.isfinite(result):
            return Number(result)
    return Call(function, args, at)


ARITHMETIC = frozenset({*OPERATORS.values(), "neg"})


def _spoken(node: ast.expr) -> str:
    spoken = {
        ast.Attribute: "an attribute ('.')", ast.Subscript: "indexing ('[...]')", ast.Lambda: "lambda",
        ast.IfExp: "if ... else (use sigmoid or softplus with a width)", ast.Compare: "a comparison",
        ast.BoolOp: "and / or", ast.Call: "this call", ast.JoinedStr: "an f-string", ast.Tuple: "a comma",
        ast.Constant: "this constant", ast.List: "a list", ast.BinOp: "this operator", ast.NamedExpr: "':='",
    }  # fmt: skip
    return spoken.get(type(node), "this")


def walk(node: Node) -> Iterator[Node]:
    """Every node of a tree, the root first."""
    yield node
    if isinstance(node, Call):
        for arg in node.args:
            yield from walk(arg)


def names(node: Node) -> dict[str, int]:
    """Return the names in a formula, each with the character at which it first stands."""
    found: dict[str, int] = {}
    for part in walk(node):
        if isinstance(part, Name):
            found.setdefault(part.id, part.at)
    return found


def evaluate(node: Node, values: Mapping[str, Any], words: Mapping[str, Callable[..., Any]]) -> Any:
    """Return the value of a formula from the values of its names and an implementation of each word (``functions``)."""
    match node:
        case Number(value) | Text(value):
            return value
        case Name(id):
            return values[id]
        case Call(function, args):
            return words[function](*(evaluate(a, values, words) for a in args))


def derivative(node: Node, name: str) -> Node:
    """Return the derivative of a formula with respect to one of its names, from the rows of ``FUNCTIONS``."""
    match node:
        case Name(id) if id == name:
            return Number(1.0)
        case Call(function, args):
            total: Node = Number(0.0)
            for i, arg in enumerate(args):
                inner = derivative(arg, name)
                if inner != Number(0.0):
                    outer = substitute(_rule(function, i), dict(zip(("a", "b"), args, strict=False)))
                    total = _plus(total, outer if inner == Number(1.0) else folded("*", (outer, inner)))
            return total
        case _:
            return Number(0.0)


@cache
def _rule(function: str, argument: int) -> Node:
    return parse(FUNCTIONS[function].derivatives[argument])


def _plus(left: Node, right: Node) -> Node:
    return right if left == Number(0.0) else folded("+", (left, right))


def substitute(node: Node, by: Mapping[str, Node]) -> Node:
    """Return the tree with some names replaced by trees; constants are folded, as where a text is read."""
    match node:
        case Name(id):
            return by.get(id, node)
        case Call(function, args, at):
            return folded(function, tuple(substitute(a, by) for a in args), at)
        case _:
            return node


BINDING = {"or": 1, "and": 2, "not": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4,
           "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "**": 8}  # fmt: skip


def to_text(node: Node, outer: int = 0, right: bool = False) -> str:
    """Return the formula as text that parses back to the same tree."""
    match node:
        case Number(value):
            shown = repr(int(value)) if value.is_integer() and abs(value) < 1e6 else repr(value)
            return f"({shown})" if value < 0 and outer > BINDING["+"] else shown
        case Text(value):
            return repr(value)
        case Name(id):
            return id
        case Call(function, args):
            if function not in BINDING:
                return f"{function}({', '.join(to_text(a) for a in args)})"
            binding = BINDING[function]
            if function in ("neg", "not"):
                shown = ("-" if function == "neg" else "not ") + to_text(args[0], binding)
            elif function == "**":
                shown = f"{to_text(args[0], binding + 1)}**{to_text(args[1], BINDING['neg'])}"
            else:
                parts = [to_text(args[0], binding), *(to_text(a, binding, True) for a in args[1:])]
                shown = f" {function} ".join(parts)
            loose = binding < outer or (right and binding == outer)
            return f"({shown})" if loose else shown
