"""LaTeX of formulas: known answers, and balance whatever the formula."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayeslaw.language.formula.expression import Call, Name, Node, Number, parse
from bayeslaw.language.formula.functions import FUNCTIONS
from bayeslaw.language.formula.latex import symbol, to_latex

# The same examples every time: a test that fails by luck teaches nothing.
FIXED = settings(derandomize=True, database=None, deadline=None)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("N", "N"),
        ("alpha", r"\alpha"),
        ("lambda", r"\lambda"),
        ("N0", "N_{0}"),
        ("alpha_N", r"\alpha_{N}"),
        ("A_raw", r"A_{\mathrm{raw}}"),
        ("l_N", "l_{N}"),
        ("chance", r"\mathrm{chance}"),
        ("lr_best", r"lr_{\mathrm{best}}"),
        ("c1", "c_{1}"),
    ],
)
def test_symbols(name: str, shown: str) -> None:
    """Names become symbols with indices."""
    assert symbol(name) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("E + A * (N/N0)**-alpha", r"E + A \, \left(\frac{N}{N_{0}}\right)^{-\alpha}"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a - b - c", "a - b - c"),
        ("(a + b) * c", r"\left(a + b\right) \, c"),
        ("x**2", "x^{2}"),
        ("N0**2", r"\left(N_{0}\right)^{2}"),
        ("(a**b)**c", r"\left(a^{b}\right)^{c}"),
        ("exp(-x)", r"\exp\left(-x\right)"),
        ("sqrt(a / b)", r"\sqrt{\frac{a}{b}}"),
        ("maximum(a, b)", r"\max\left(a, b\right)"),
        ("1e9 * a", r"10^{9} \, a"),
        ("2.5e10 * a", r"2.5 \cdot 10^{10} \, a"),
        ("0.35 * a", r"0.35 \, a"),
        ("a * -b", r"a \, \left(-b\right)"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("x**-2", "x^{-2}"),
        ("log1p(x)", r"\log\left(1 + x\right)"),
    ],
)
def test_known_formulas(text: str, shown: str) -> None:
    """Formulas set as a paper would set them."""
    assert to_latex(parse(text)) == shown


@pytest.mark.parametrize("word", sorted(FUNCTIONS))
def test_every_word_sets_its_arguments(word: str) -> None:
    """Every word of the language has LaTeX, with all of its arguments in it."""
    args = (Name("p"), Name("q"))[: FUNCTIONS[word].arity]
    shown = to_latex(Call(word, args))
    assert all(arg.id in shown for arg in args)
    assert shown != args[0].id


leaf = st.one_of(
    st.sampled_from([Name("alpha"), Name("N0"), Name("lr_best")]),
    st.floats(allow_nan=False, allow_infinity=False).map(Number),
)
formulas = st.recursive(
    leaf,
    lambda inner: st.sampled_from(sorted(FUNCTIONS)).flatmap(
        lambda word: st.tuples(*[inner] * FUNCTIONS[word].arity).map(lambda args: Call(word, args))
    ),
    max_leaves=10,
)


@given(formulas)
@settings(FIXED)
def test_braces_always_balance(tree: Node) -> None:
    r"""No formula gives LaTeX with an open brace or a \left without its \right."""
    shown = to_latex(tree)
    depth = 0
    for letter in shown:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert shown.count(r"\left") == shown.count(r"\right")
