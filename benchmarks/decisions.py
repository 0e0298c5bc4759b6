"""Decisions: how long they take, and how often they are right.

Simulated sweeps of two recipes, six budgets each, are drawn from the priors of `power_law` and fitted, all by one
program.  Each fit then answers a plan whose target is as likely as a random number says, at thirty times the largest
budget, and what the new recipe is worth at the largest.  Prints the share of targets met by bins of the chance, how
often 90 % intervals of the factor hold the true one, and the processor time of both questions on 4,000 draws.

    python benchmarks/decisions.py [--simulations 400] [--shards FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import bayeslaw as bl
from bayeslaw.inference.many import fit_many
from bayeslaw.inference.model.plan import Plan, make_plan
from bayeslaw.inference.model.values import by_run, draw_prior
from bayeslaw.inference.shards import Shards
from bayeslaw.validation.calibration.simulation import simulate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

BUDGETS = np.geomspace(1e17, 1e19, 6)
RECIPES = ("new", "old")
BEYOND, LEVEL, DRAWS = 30.0, 0.9, 250
BINS = ((0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))
POOL = {"E": "complete", "alpha": "complete", "A": "partial:recipe"}


def sweep() -> Plan:
    """Two recipes whose floor and exponent are the same, as yet without outcomes."""
    recipe = np.repeat(np.array(RECIPES, dtype=object), len(BUDGETS))
    table = {"recipe": recipe, "flops": np.tile(BUDGETS, 2), "loss": np.full(2 * len(BUDGETS), 3.0)}
    return make_plan(bl.law("power_law"), bl.Runs.from_arrays(table, "simulated"), "recipe", POOL)


def fraction(hits: list[bool]) -> str:
    """A share with its binomial error."""
    if not hits:
        return "none"
    share = np.mean(hits)
    return f"{share:.3f} ± {np.sqrt(share * (1.0 - share) / len(hits)):.3f} of {len(hits)}"


def calibrate(simulations: int, shards: str | None) -> None:
    plan, rng = sweep(), np.random.default_rng(7)
    truths = simulate(plan, lambda rng, size: draw_prior(plan, rng, size), simulations, rng)
    plans = [plan.with_outcome(outcome) for outcome in truths.outcomes]
    started = time.process_time()
    fits = fit_many(plans, draws=DRAWS, patient=True, shards=None if shards is None else Shards(Path(shards)))
    print(f"{simulations} fits in {time.process_time() - started:.0f} s of processor time", flush=True)
    ahead = BEYOND * BUDGETS[-1]
    met: dict[tuple[float, float], list[bool]] = {each: [] for each in BINS}
    held: list[bool] = []
    for i, fit in enumerate(fits):
        if not fit.diagnostics.converged:
            continue
        truth = {name: values[i] for name, values in truths.values.items()}
        parameters = {name: values[:1] for name, values in by_run(plan, {n: v[None] for n, v in truth.items()}).items()}
        new, old = ({name: np.broadcast_to(v, (1, 12))[0, at] for name, v in parameters.items()} for at in (0, 6))
        forecast = bl.forecast(fit, {"C": ahead}, "old", drift=False)
        target = float(np.quantile(forecast.draws[:, 0], rng.uniform(0.6, 1.0)))
        asked = {"target": f"loss below {target!r}", "family": "old", "option": {"ahead": {"C": ahead}}}
        chance = bl.decide(fit, asked, drift=False).options[0].probability.value
        outcome = plan.law.mean({"C": ahead}, old) * np.exp(old["sigma"] * rng.standard_t(old["nu"]))
        inside = next((each for each in BINS if each[0] <= chance < each[1]), BINS[-1])
        met[inside].append(bool(outcome < target))
        factor = bl.compute_multiplier(fit, RECIPES, {"C": BUDGETS[-1]}, level=LEVEL, drift=False).points[0].factor
        held.append(bool(factor.lower <= (old["A"] / new["A"]) ** (1.0 / old["alpha"]) <= factor.upper))
    print(f"{len(held)} fits converged")
    for (low, high), hits in met.items():
        print(f"chance {low:.1f} to {high:.1f}: met in {fraction(hits)}")
    print(f"{LEVEL:.0%} intervals of the factor hold the truth in {fraction(held)}", flush=True)


def seconds() -> None:
    """Processor time of warm questions on 4,000 draws."""
    from tests.posteriors import about

    recipe = np.repeat(np.array(RECIPES, dtype=object), len(BUDGETS))
    truth = {"E": 1.7, "A": 1.0, "alpha": 0.12, "sigma": 0.003, "nu": 10.0}
    loss = 1.7 + np.tile((BUDGETS / 1e20) ** -0.12, 2)
    table = bl.read_runs({"recipe": recipe, "flops": np.tile(BUDGETS, 2), "loss": loss})
    fit = about("power_law", table, truth, "recipe", noise=0.003, draws=1000)
    plan = {
        "target": "loss below 2.35", "cost": "2e-18 * flops", "utility": "1e4 * met - cost", "go": 0.8, "stop": 0.4,
        "family": "old", "option": {name: {"C": C} for name, C in (("small", 1e20), ("medium", 1e21), ("large", 1e22))},
    }  # fmt: skip
    questions = {"decide": lambda: bl.decide(fit, plan), "multiplier": lambda: bl.compute_multiplier(fit, RECIPES)}
    for name, ask in questions.items():
        ask()
        started = time.process_time()
        ask()
        print(f"{name}: {time.process_time() - started:.2f} s of processor time on {fit.size:,} draws (at most 1)")


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--simulations", type=int, default=400)
    reader.add_argument("--shards", metavar="FOLDER", help="Keep finished fits here.")
    given = reader.parse_args()
    seconds()
    calibrate(given.simulations, given.shards)
