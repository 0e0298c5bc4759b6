"""Terms given implicitly: the root of a rising equation between two bounds.

Newton's method with a shrinking bracket finds it: a step that would leave the bracket, or that is not half as long as
the one before, is replaced by a bisection (as `rtsafe` in Press et al. 2007, section 9.4).  No gradient passes through
these steps; two further Newton steps carry it.  Each doubles the order to which the derivatives of the result are
right, so the first and second derivatives are exact.  The same few lines serve NumPy, JAX and PyTensor; each library
only supplies its way to stop a gradient and to loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.parts import Root

# The search ends with a step shorter than this fraction of the bracket; the next Newton step leaves an error of its
# square.
CLOSE = 2.0**-30
# Five to eight are usual.  Of 200,000 rows of M4 with parameters far beyond its priors none took more than fifteen, and
# halvings alone would take thirty.
MOST_STEPS = 60
NEWTON_STEPS = 2

# Bounds of the root, the next point to try, and the length of the last step.
State = tuple[Any, Any, Any, Any]
Step = Callable[[State], State]


def loop(step: Step, unfinished: Callable[[State], Any], state: State) -> State:
    """Repeat a step, with arrays of NumPy's."""
    with np.errstate(divide="ignore", invalid="ignore"):  # where the slope is zero
        for _ in range(MOST_STEPS):
            if not unfinished(state):
                break
            state = step(state)
    return state


def solve(
    root: Root,
    values: Mapping[str, Any],
    words: Mapping[str, Callable[..., Any]],
    *,
    stop_gradient: Callable[[Any], Any] = lambda x: x,
    select: Callable[..., Any] = np.where,
    repeat: Callable[[Step, Callable[[State], Any], State], State] = loop,
) -> Any:
    """Return the value of an implicit term.

    Parameters
    ----------
    root
        The equation, rising in its unknown.
    values
        All names the equation uses except its unknown.
    stop_gradient, select, repeat
        How the array library hides a value from differentiation, chooses by a condition, and repeats a step while the
        state is unfinished.
    """

    def equation(x: Any, known: Mapping[str, Any]) -> Any:
        return evaluate(root.equation, {**known, root.unknown: x}, words)

    def slope(x: Any, known: Mapping[str, Any]) -> Any:
        return evaluate(root.slope, {**known, root.unknown: x}, words)

    hidden = {name: stop_gradient(value) for name, value in values.items()}
    low, high = evaluate(root.lower, hidden, words), evaluate(root.upper, hidden, words)
    # A root beyond a bound is searched for at the bound; the last steps move it outside.
    below, above = equation(low, hidden) >= 0, equation(high, hidden) <= 0
    middle = select(below, low, select(above, high, 0.5 * (low + high)))
    width = select(below | above, 0.0, high - low)
    close = CLOSE * (high - low)
    # Adding zeros gives all of the state the shape of the equation.
    start = 0.0 * width + low, 0.0 * width + high, middle, width

    def step(state: State) -> State:
        lower, upper, x, before = state
        value = equation(x, hidden)
        down = value / slope(x, hidden)
        lower, upper = select(value < 0, x, lower), select(value < 0, upper, x)
        # All of these are false where the slope is zero or NaN.
        ahead = (x - down >= lower) & (x - down <= upper) & (abs(down) < 0.5 * before)
        there = select(ahead, x - down, 0.5 * (lower + upper))
        # Roots that are found stay put while others are refined: rounding would send them back to a bisection.
        there = select(before > close, there, x)
        return lower, upper, there, abs(there - x)

    x = stop_gradient(repeat(step, lambda state: (state[3] > close).any(), start)[2])
    for _ in range(NEWTON_STEPS):
        x = x - equation(x, values) / slope(x, values)
    return x
