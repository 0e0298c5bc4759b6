"""A formula as LaTeX, from its tree alone."""

from __future__ import annotations

from bayeslaw.language.formula.expression import BINDING, Call, Name, Node, Number, Text
from bayeslaw.language.formula.functions import FUNCTIONS

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega",
))  # fmt: skip


def symbol(name: str) -> str:
    """Return a name as a symbol: ``alpha_D`` as a Greek letter with an index, ``N0`` with index 0."""
    head, _, tail = name.partition("_")
    if not tail and len(head) > 1 and head[-1].isdigit() and head[:-1].isalpha():
        head, tail = head[:-1], head[-1]
    shown = rf"\{head}" if head.lower() in GREEK and head == head.lower() else head
    if head == "lambda":
        shown = r"\lambda"
    if len(head) > 2 and shown == head:
        shown = rf"\mathrm{{{head}}}"
    tail = ", ".join(rf"\mathrm{{{t}}}" if len(t) > 1 else t for t in tail.split("_") if t)
    return f"{shown}_{{{tail}}}" if tail else shown


def to_latex(node: Node, outer: int = 0, right: bool = False) -> str:
    """Return the formula as LaTeX math, without delimiters."""
    match node:
        case Number(value):
            if value != 0 and not 1e-3 <= abs(value) < 1e6:
                mantissa, exponent = f"{value:.6g}".split("e") if "e" in f"{value:.6g}" else (f"{value:.6g}", "")
                power = rf"10^{{{int(exponent)}}}" if exponent else ""
                shown = power if mantissa == "1" and power else rf"{mantissa} \cdot {power}" if power else mantissa
            else:
                shown = f"{value:.10g}"
            return rf"\left({shown}\right)" if value < 0 and outer > BINDING["+"] else shown
        case Text(value):
            return rf"\text{{{value}}}"
        case Name(id):
            return symbol(id)
        case Call("/", (above, below)):
            return rf"\frac{{{to_latex(above)}}}{{{to_latex(below)}}}"
        case Call("**", (base, exponent)):
            atom = isinstance(base, (Name, Number)) and "_" not in to_latex(base)
            shown = to_latex(base, 99) if atom else rf"\left({to_latex(base)}\right)"
            return f"{shown}^{{{to_latex(exponent)}}}"
        case Call("neg", (inner,)):
            shown = f"-{to_latex(inner, BINDING['neg'])}"
            return rf"\left({shown}\right)" if outer > BINDING["+"] else shown
        case Call(function, (left, other)) if function in ("+", "-", "*"):
            sign = r"\," if function == "*" else function
            binding = BINDING[function]
            shown = f"{to_latex(left, binding)} {sign} {to_latex(other, binding, True)}"
            loose = binding < outer or (right and binding == outer and function != "*")
            return rf"\left({shown}\right)" if loose else shown
        case Call(function, args):
            return FUNCTIONS[function].latex.format(*(to_latex(a) for a in args))
