"""Terms given implicitly: the root of a rising equation between two bounds.

The root is bracketed by bisection, which no gradient passes through, and finished by three Newton steps, which
carry the gradient: each step doubles the order to which the derivatives of the result are right, so the last two
make first and second derivatives exact.  The same few lines serve NumPy, JAX and PyTensor; a library only says
how it stops a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayeslaw.law.expr import evaluate
from bayeslaw.law.parts import Root

# 2**-30 of the bracket: close enough for Newton's steps to be quadratic, whatever the equation.
BISECTIONS = 30
NEWTON_STEPS = 3


def solve(
    root: Root,
    values: Mapping[str, Any],
    words: Mapping[str, Callable[..., Any]],
    *,
    stop_gradient: Callable[[Any], Any] = lambda x: x,
    select: Callable[..., Any] = np.where,
    repeat: Callable[[int, Callable[..., Any], Any], Any] | None = None,
) -> Any:
    """Return the value of an implicit term.

    Parameters
    ----------
    root
        The equation, rising in its unknown.
    values
        All names the equation uses except its unknown.
    stop_gradient, select, repeat
        How the array library hides a value from differentiation, chooses by a condition and loops.
    """

    def equation(x: Any, known: Mapping[str, Any]) -> Any:
        return evaluate(root.equation, {**known, root.unknown: x}, words)

    hidden = {name: stop_gradient(value) for name, value in values.items()}

    def halve(bracket: tuple[Any, Any]) -> tuple[Any, Any]:
        lower, upper = bracket
        middle = 0.5 * (lower + upper)
        low = equation(middle, hidden) < 0
        return select(low, middle, lower), select(low, upper, middle)

    # Both bounds take the shape of the equation, so that a loop carries arrays of one shape.
    shape = 0.0 * equation(evaluate(root.lower, hidden, words), hidden)
    bracket = (shape + evaluate(root.lower, hidden, words), shape + evaluate(root.upper, hidden, words))
    if repeat is None:
        for _ in range(BISECTIONS):
            bracket = halve(bracket)
    else:
        bracket = repeat(BISECTIONS, halve, bracket)
    x = stop_gradient(0.5 * (bracket[0] + bracket[1]))
    for _ in range(NEWTON_STEPS):
        x = x - equation(x, values) / evaluate(root.slope, {**values, root.unknown: x}, words)
    return x
