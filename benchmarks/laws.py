"""Every law of the catalogue on simulated tables: leapfrogs a draw, seconds, and whether its chains converged.

    python benchmarks/laws.py [NAME ...]

Tables are drawn from the priors, of twelve runs a parameter and of few, and with three families where a law pools; the
defaults fit them.  Seconds are of the processor: with compiled programs at hand, and in brackets without.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import bayeslaw as bl
from bayeslaw.inference.fit import fit_plan
from bayeslaw.inference.model.plan import Plan
from bayeslaw.validation.calibration.simulation import simulated_plan

SEEDS = 2


def tables(law: bl.Law, seed: int) -> dict[str, Plan]:
    """Simulated tables of a law by their kind."""
    size = len(law.free_parameters)
    found = {"few": simulated_plan(law, 3 * size, seed=seed), "many": simulated_plan(law, 12 * size, seed=seed)}
    if any(parameter.pool for parameter in law.parameters.values()):
        found["families"] = simulated_plan(law, 12 * size, 3, seed=seed)
    return found


def fitted(plan: Plan) -> tuple[bl.Posterior, float]:
    """A fit, and its seconds of the processor."""
    begin = time.process_time()
    return fit_plan(plan), time.process_time() - begin


def main(names: list[str]) -> None:
    """Fit and print."""
    rows = []
    for law in [bl.law(name) for name in names] or bl.laws():
        for seed in range(SEEDS):
            for kind, plan in tables(law, seed).items():
                try:
                    posterior, first = fitted(plan)
                    _, again = fitted(plan) if seed == 0 else (posterior, first)
                except bl.errors.BayeslawError as error:
                    print(f"{law.name:24}{kind:10}{seed:3}  {error}", flush=True)
                    continue
                told, steps = posterior.diagnostics, float(np.mean(posterior.stats["n_steps"]))
                line = (
                    f"{law.name:24}{kind:10}{seed:3}{len(plan.runs):6}{steps:8.0f}{told.draws:7}{again:8.1f} "
                    f"[{first:.1f}]   R-hat {told.rhat:.3f}, ESS {told.ess:.0f}, {told.divergences} divergences"
                    f"{'' if told.converged else '   NOT converged'}"
                )
                print(line, flush=True)
                rows.append((again, line))
    print("\nslowest first\n" + "\n".join(line for _, line in sorted(rows, reverse=True)[:20]))


if __name__ == "__main__":
    main(sys.argv[1:])
