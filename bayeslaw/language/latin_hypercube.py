"""Points at which to try a law: a Latin hypercube over the inputs that a table must give."""

from __future__ import annotations

import numpy as np

from bayeslaw.language.law import Input, Law


def latin_hypercube(law: Law, rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Values of each input that a table must give, spread over the middle of its range and shuffled; ``(rows,)``."""
    needed = [name for name in law.inputs if name in {*law.free_inputs, *law.noise_inputs}]
    counts = law.output.likelihood.names if law.output.likelihood.family.outcome == "count" else ()
    return {name: rng.permutation(_spread(law.inputs[name], rows, name in counts)) for name in needed}


def _spread(one: Input, rows: int, whole: bool) -> np.ndarray:
    """The middle half of the range, on the log where it is positive; whole numbers of trials."""
    low, high = one.range or ((one.reference or 1.0) / 1e2, (one.reference or 1.0) * 1e2)
    positive = low > 0
    if positive:
        low, high = np.log(low), np.log(high)
    values = np.linspace(low + (high - low) / 4, high - (high - low) / 4, rows)
    values = np.exp(values) if positive else values
    return np.round(values) if whole else values
