"""Synthetic runs of any law, for tests that go through the whole catalogue."""

from collections.abc import Mapping

import numpy as np

from bayeslaw.inference.model.plan import bounded, unbounded
from bayeslaw.language.check import outcome_range
from bayeslaw.language.formula.expression import evaluate
from bayeslaw.language.formula.functions import NUMPY_WORDS
from bayeslaw.language.latin_hypercube import latin_hypercube
from bayeslaw.language.law import Law
from bayeslaw.runs.table import Runs

# Enough for every law of the catalogue many times over: a third of prior draws or more stay in range.
TRIES = 1000


def simulated_runs(
    law: Law,
    rng: np.random.Generator,
    rows: int,
    families: int | None = None,
    parameters: Mapping[str, float] | None = None,
) -> Runs:
    """Runs of a law at inputs spread over the middle of their ranges, with outcomes drawn from it.

    Parameters
    ----------
    families
        The number of model families, in a column ``family``; each has its own values of what the law pools over
        families, with a tenth of the spreads that their priors expect.
    parameters
        True values; drawn from the priors, until the mean stays in the outcome's range, where not given.
    """
    family = np.arange(rows) % (families or 1)
    inputs = latin_hypercube(law, rng, rows)
    values = law.with_computed_inputs(inputs)
    low, high = outcome_range(law)
    for _ in range(TRIES):
        drawn = {name: each[0] for name, each in law.draw_prior(rng, 1).items()}
        truth = _by_run(law, rng, {**drawn, **(parameters or {})}, family)
        mean = np.broadcast_to(law.mean(values, truth), (rows,))
        if (np.isfinite(mean) & (mean >= low) & (mean <= high)).all():
            break
    else:
        raise AssertionError(f"no prior draw of {law.name} stays in range")
    known = {**law.with_terms(values, truth), "mean": mean}
    arguments = [np.broadcast_to(evaluate(a, known, NUMPY_WORDS), (rows,)) for a in law.output.likelihood.arguments]
    outcome = law.output.likelihood.family.draw(rng, *arguments)
    table = {law.inputs[name].column: column for name, column in inputs.items()}
    table[law.output.column] = _inside(law, outcome)
    if families is not None:
        table["family"] = np.array([f"family {i + 1}" for i in family], dtype=object)
    return Runs.from_arrays(table, f"simulated {law.name}")


def _by_run(law: Law, rng: np.random.Generator, truth: Mapping[str, float], family: np.ndarray) -> dict:
    shifted = dict(truth)
    for name, parameter in law.parameters.items():
        if parameter.pool == "family" and family.any():
            spread = 0.1 * parameter.spread.median()
            shifts = rng.normal(0.0, spread, family.max() + 1)
            shifted[name] = bounded(parameter.prior, unbounded(parameter.prior, truth[name]) + shifts[family])
    return shifted


def _inside(law: Law, outcome: np.ndarray) -> np.ndarray:
    """Heavy tails drawn back into the range that a table is held to."""
    outcome = np.asarray(outcome, dtype=float)
    if law.output.likelihood.family.outcome == "unit":
        outcome = np.clip(outcome, 1e-6, 1.0 - 1e-6)
    return outcome if law.output.range is None else np.clip(outcome, *law.output.range)
