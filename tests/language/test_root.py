"""Roots of rising equations, found by Newton's steps inside a bracket."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayeslaw import law
from bayeslaw.language.formula.expression import Number, derivative, parse
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.parts import Root
from bayeslaw.language.root import loop, solve


def rising(text, low=-60.0, high=60.0):
    equation = parse(text)
    return Root(equation, derivative(equation, "t"), "t", Number(low), Number(high))


def counting(steps):
    """NumPy's loop, which also says how many steps it took."""

    def repeat(step, unfinished, state):
        steps.append(0)

        def counted(state):
            steps[-1] += 1
            return step(state)

        return loop(counted, unfinished, state)

    return repeat


@given(
    st.lists(st.floats(-59, 59), min_size=1, max_size=5),
    st.floats(1e-3, 1e3),
    st.floats(0, 1e3),
)
def test_the_root_of_a_cubic_is_where_it_was_put(roots, line, cube):
    """Rows whose roots are far apart are solved together."""
    r = np.array(roots)
    found = solve(rising("a * (t - r) + b * (t - r)**3"), {"a": line, "b": cube, "r": r}, NUMPY_WORDS)
    np.testing.assert_allclose(found, r, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "text", ["softplus(1e3 * (t - 7)) - 1e-3", "sigmoid(t - 7) - 0.9999", "exp(t) - exp(7) + 0 * r"]
)
def test_where_newton_alone_would_run_away_it_is_kept_in(text):
    """From the middle of the bracket the slope is nearly zero, or next to nothing of that at the root."""
    equation = rising(text)
    with np.errstate(over="ignore"):
        t = solve(equation, {"r": np.zeros(2)}, NUMPY_WORDS)
    expected = {"soft": 7 + 1e-3 * np.log(np.expm1(1e-3)), "sigm": 7 + np.log(0.9999 / 0.0001), "exp(": 7}[text[:4]]
    np.testing.assert_allclose(t, expected, rtol=1e-9)


def test_a_root_at_a_bound_and_one_beyond_it_disturb_no_other():
    found = solve(rising("t - r", 0.0, 1.0), {"r": np.array([0.0, 0.3, 1.0, 1.7])}, NUMPY_WORDS)
    np.testing.assert_allclose(found, [0.0, 0.3, 1.0, 1.7], atol=1e-15)


def test_m4_takes_few_steps_whatever_its_parameters():
    """Halvings alone would take thirty; PyTensor, which cannot stop early, takes twenty."""
    rng, rows = np.random.default_rng(0), 20_000
    steps = []
    values = law("m4").with_terms(
        {"x": np.exp(rng.uniform(np.log(1e2), np.log(1e14), rows))},
        {
            "chance": 1.0, "floor": 0.1, "h": rng.beta(0.5, 0.5, rows).clip(1e-9, 1 - 1e-9),
            "c": np.exp(rng.normal(-1, 2, rows)), "gamma": np.exp(rng.normal(-1, 4, rows)),
        },
        root=lambda *known: solve(*known, repeat=counting(steps)),
    )  # fmt: skip
    inside = np.abs(values["s"]) < 60
    up, down = values["gamma"] * np.logaddexp(0, values["s"]), np.logaddexp(0, -values["s"])
    left = (up - down - values["t"]) / (up + down)
    np.testing.assert_allclose(left[inside], 0, atol=1e-13)
    assert max(steps) <= 16
