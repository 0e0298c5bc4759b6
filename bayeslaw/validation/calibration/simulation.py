"""Simulated tables of runs of a plan: from its priors, or from draws of its posterior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bayeslaw.errors import QuestionError
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.values import Random, Values, draw_prior
from bayeslaw.inference.posterior.noise import new_tables, placeholder
from bayeslaw.language.formula.likelihoods import OUTCOMES
from bayeslaw.language.latin_hypercube import latin_hypercube
from bayeslaw.language.law import Law
from bayeslaw.runs.table import Runs

# Draws per lot, and the number of lots before giving up.
LOT, LOTS = 256, 400


@dataclass(frozen=True)
class Simulated:
    """Simulated outcomes with the parameters behind them.

    Attributes
    ----------
    values
        True values of everything sampled, by name, each of shape ``(simulations, ...)``.
    outcomes
        Shape ``(simulations, runs)``.
    """

    values: Values
    outcomes: np.ndarray


def simulate(plan: Plan, draw: Callable[[Random, int], Values], count: int, rng: Random) -> Simulated:
    """Outcomes of a plan's runs, from the law's noise about its means.

    Tables with an outcome outside the range of the law are left out.  This selection depends on the outcomes alone, so
    it does not change the posterior given any other table.

    Parameters
    ----------
    draw
        A function from a number to that many draws of everything sampled.

    Raises
    ------
    QuestionError
        When too few tables are left.
    """
    law, lots = plan.law, []
    for _ in range(LOTS):
        values = draw(rng, LOT)
        outcomes = new_tables(plan, values, rng)
        good = _allowed(law, outcomes)
        lots.append(Simulated({name: each[good] for name, each in values.items()}, outcomes[good]))
        if sum(len(lot.outcomes) for lot in lots) >= count:
            together = {name: np.concatenate([lot.values[name] for lot in lots])[:count] for name in values}
            return Simulated(together, np.concatenate([lot.outcomes for lot in lots])[:count])
    raise QuestionError(
        f"of {LOT * LOTS:,} tables drawn from law '{law.name}' only {sum(len(lot.outcomes) for lot in lots)} hold "
        f"outcomes that its output allows, and {count} are needed; narrow its priors or widen the range of its output."
    )


def _allowed(law: Law, outcomes: np.ndarray) -> np.ndarray:
    """Whether each table has possible outcomes only."""
    low, high = law.output.range or (-np.inf, np.inf)
    inside = np.isfinite(outcomes) & (outcomes >= low) & (outcomes <= high)
    inside &= OUTCOMES[law.output.likelihood.family.outcome].holds(outcomes)
    return np.asarray(inside.all(axis=1))


def spread_plan(law: Law, rows: int, rng: Random, families: int | None = None) -> Plan:
    """Runs at inputs spread over their ranges, with placeholders for the outcomes to be drawn."""
    inputs = law.with_computed_inputs(latin_hypercube(law, rng, rows))
    table = {law.inputs[name].column: values for name, values in inputs.items()}
    table[law.output.column] = placeholder(law, rows)
    if families is not None:
        table["family"] = np.array([f"family {1 + i % families}" for i in range(rows)], dtype=object)
    return make_plan(law, Runs.from_arrays(table, f"simulated {law.name}"), None if families is None else "family")


def simulated_plan(law: Law, rows: int, families: int | None = None, seed: int = 0) -> Plan:
    """A table that is drawn from the priors of a law."""
    rng = np.random.default_rng(seed)
    plan = spread_plan(law, rows, rng, families)
    outcome = simulate(plan, lambda rng, size: draw_prior(plan, rng, size), 1, rng).outcomes[0]
    return replace(plan, runs=plan.runs.with_columns({law.output.column: outcome}))
