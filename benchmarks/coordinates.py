"""What coordinates do for a law: simulated tables sampled in those that suit it and in affine ones, table by table.

uv run python benchmarks/coordinates.py bnsl            # the first 16 of the tables that it is calibrated on
uv run python benchmarks/coordinates.py bnsl 8 24 37    # these of them
"""

from __future__ import annotations

import argparse

import numpy as np

import bayeslaw as bl
from bayeslaw.inference.choice import Choice, choice_for
from bayeslaw.inference.coordinates.affine import Affine
from bayeslaw.inference.infer import infer
from bayeslaw.inference.sampler.settings import Settings
from bayeslaw.validation.calibration.sbc import DRAWS, simulated_tables

TABLES, SIMULATIONS = 16, 200


def main() -> None:
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("law", type=bl.law)
    reading.add_argument("tables", nargs="*", type=int, default=range(TABLES))
    given = reading.parse_args()
    plans = simulated_tables(given.law, SIMULATIONS)
    suited = choice_for(plans[0], draws=DRAWS)
    choices = {choice.coordinates.__name__: choice for choice in (Choice(Affine, Settings(draws=DRAWS)), suited)}
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in choices}
    for table in given.tables:
        for kind, choice in choices.items():
            draws = infer(plans[table], choice, seed=table)
            each, seconds = draws.diagnostics, draws.seconds["sampling"]
            found[kind].append((each.leapfrogs, each.ess))
            print(
                f"table {table:3}  {kind:9} {each.leapfrogs:6.1f} leapfrogs, smallest ESS {each.ess:5.0f}, "
                f"R-hat {each.rhat:.3f}, {each.divergences:3} divergences, {seconds:5.1f} s",
                flush=True,
            )
    for kind, values in found.items():
        leapfrogs, sizes = np.array(values).T
        print(
            f"{kind}: {leapfrogs.mean():.0f} leapfrogs in the mean; smallest ESS in the middle {np.median(sizes):.0f}"
        )


if __name__ == "__main__":
    main()
