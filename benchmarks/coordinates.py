"""What coordinates do for a law: simulated tables sampled in affine ones, those that suit it, and the roundest.

uv run python benchmarks/coordinates.py bnsl                     # the first 16 of the tables that it is calibrated on
uv run python benchmarks/coordinates.py bnsl 8 24 37             # these of them
uv run python benchmarks/coordinates.py chinchilla 0 1 2 --runs 14  # tables of 14 runs, one a seed
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import bayeslaw as bl
from bayeslaw.inference.choice import Choice
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.coordinates.suited import roundest, suited
from bayeslaw.inference.infer import infer
from bayeslaw.inference.model.plan import Plan
from bayeslaw.validation.calibration.sbc import simulated_tables
from bayeslaw.validation.calibration.simulation import simulated_plan

TABLES, SIMULATIONS = 16, 200


def main() -> None:
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("law", type=bl.law)
    reading.add_argument("tables", nargs="*", type=int, default=range(TABLES))
    reading.add_argument("--runs", type=int)
    given = reading.parse_args()
    plans: dict[int, Plan]
    if given.runs:
        plans = {seed: simulated_plan(given.law, given.runs, seed=seed) for seed in given.tables}
    else:
        plans = dict(enumerate(simulated_tables(given.law, SIMULATIONS)))
    first = plans[given.tables[0]]
    for kind in dict.fromkeys((Affine, suited(first), roundest(first))):
        choice = Choice(kind, kind.settings)
        infer(first, choice, seed=0)  # so that no table waits for the compiler
        found = []
        for table in given.tables:
            start = time.process_time()
            each = infer(plans[table], choice, seed=table).diagnostics
            seconds = time.process_time() - start
            print(
                f"table {table:3}  {kind.__name__:11} {each.leapfrogs:6.1f} leapfrogs, smallest ESS {each.ess:5.0f}, "
                f"R-hat {each.rhat:.3f}, {each.divergences:3} divergences, {seconds:6.2f} processor s",
                flush=True,
            )
            found.append((each.leapfrogs, each.ess, seconds, each.converged))
        leapfrogs, sizes, times, converged = np.array(found).T
        print(
            f"{given.law.name}, {first.structure.size} coordinates, {len(first.outcome)} runs, {kind.__name__}: "
            f"{leapfrogs.min():.0f} to {leapfrogs.max():.0f} leapfrogs; smallest ESS in the middle "
            f"{np.median(sizes):.0f}; {times.mean():.2f} processor s in the mean; {converged.sum():.0f} of "
            f"{len(converged)} converged at once",
            flush=True,
        )


if __name__ == "__main__":
    main()
