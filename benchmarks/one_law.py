"""One law, 240 runs: seconds from the table to a smallest bulk ESS of 4,000, against what a user would pick instead.

The model and priors are the same for all: models/chinchilla.toml on the runs of chinchilla_epoch.csv.
"""

from __future__ import annotations

import json
import sys
import time

from common import SHARED, contend, least_ess, until

TARGET = 4_000


def runs():
    import bayeslaw as bl

    return bl.read_runs(SHARED / "chinchilla_epoch.csv").where("excluded_in_source_fit == 0")


def ours() -> dict:
    import bayeslaw as bl
    import bayeslaw.inference.infer

    table = runs()
    begin = time.perf_counter()
    posterior = bl.fit("chinchilla", table, draws=1600)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    again = bl.fit("chinchilla", table, draws=1600, seed=1)
    second = time.perf_counter() - begin
    ess = least_ess(posterior.to_datatree())
    return {
        "seconds": first * max(1.0, TARGET / ess), "ess": ess, "leapfrogs": posterior.diagnostics.leapfrogs,
        "second_fit": second, "ess_per_second_of_sampling": least_ess(again.to_datatree()) / second,
    }  # fmt: skip


def nutpie() -> dict:
    import nutpie

    import bayeslaw as bl

    table = runs()
    begin = time.perf_counter()
    model = nutpie.compile_pymc_model(bl.to_pymc(bl.law("chinchilla"), table))
    fixed = time.perf_counter() - begin
    begin = time.perf_counter()
    trace = nutpie.sample(model, draws=4000, tune=500, chains=4, progress_bar=False, seed=1)
    sampling = time.perf_counter() - begin
    ess = least_ess(trace)
    return {
        "seconds": until(ess, fixed, sampling, TARGET), "ess": ess, "compile": fixed, "sampling": sampling,
        "ess_per_second_of_sampling": ess / sampling,
    }  # fmt: skip


def pymc_numpyro() -> dict:
    import pymc as pm

    import bayeslaw as bl

    table = runs()
    begin = time.perf_counter()
    with bl.to_pymc(bl.law("chinchilla"), table):
        trace = pm.sample(
            nuts_sampler="numpyro", draws=1000, tune=1000, chains=4, random_seed=1, progressbar=False,
            compute_convergence_checks=False,
        )  # fmt: skip
    seconds = time.perf_counter() - begin
    ess = least_ess(trace)
    return {"seconds": seconds * max(1.0, TARGET / ess), "ess": ess, "ess_per_second_of_sampling": ess / seconds}


def numpyro() -> dict:
    import jax
    import numpyro as npy
    from arviz_base import from_dict

    import bayeslaw as bl
    from bayeslaw.inference.model.numpyro_model import numpyro_model
    from bayeslaw.inference.model.plan import make_plan

    npy.set_host_device_count(4)
    plan = make_plan(bl.law("chinchilla"), runs())
    begin = time.perf_counter()
    mcmc = npy.infer.MCMC(
        npy.infer.NUTS(numpyro_model(plan.structure)), num_warmup=1000, num_samples=1000, num_chains=4,
        progress_bar=False,
    )  # fmt: skip
    mcmc.run(jax.random.PRNGKey(1), plan.data())
    seconds = time.perf_counter() - begin
    ess = least_ess(from_dict({"posterior": mcmc.get_samples(group_by_chain=True)}))
    return {"seconds": seconds * max(1.0, TARGET / ess), "ess": ess, "ess_per_second_of_sampling": ess / seconds}


def bootstrap() -> dict:
    """Huber loss on log residuals (delta 1e-3), 4,000 resamples: what notebooks do; no ESS, so 4,000 refits."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import huber, logsumexp

    table = runs()
    n, d, loss = (np.log(table.column(c)) for c in ("n_params", "n_tokens", "loss"))

    def objective(p, rows):
        terms = np.stack([p[0] - p[3] * n[rows], p[1] - p[4] * d[rows], np.full(len(rows), p[2])])
        return huber(1e-3, logsumexp(terms, axis=0) - loss[rows]).sum()

    begin, rng = time.perf_counter(), np.random.default_rng(0)
    best = minimize(objective, [6.0, 7.5, 0.6, 0.35, 0.37], args=(np.arange(len(n)),), method="L-BFGS-B").x
    for _ in range(40):
        minimize(objective, best, args=(rng.integers(0, len(n), len(n)),), method="L-BFGS-B")
    return {"seconds": (time.perf_counter() - begin) * 100, "refits": TARGET, "estimated_from": 40}


CONTENDERS = {
    "bayeslaw": ours,
    "nutpie": nutpie,
    "pymc_numpyro": pymc_numpyro,
    "numpyro": numpyro,
    "bootstrap": bootstrap,
}


def main() -> None:
    print(f"one law, 240 runs: seconds to a smallest bulk ESS of {TARGET:,}, imports apart")
    results = contend(__file__, list(CONTENDERS), seeds=2)
    us = {state: min(r["seconds"] for r in results["bayeslaw"][state]) for state in ("cold", "warm")}
    for name in list(CONTENDERS)[1:]:
        for state in ("cold", "warm"):
            them = [r["seconds"] for r in results[name][state] if "seconds" in r]
            if them:
                print(
                    f"bayeslaw / {name}, {state}: {us[state]:.2f} s / {min(them):.2f} s = {us[state] / min(them):.3f}"
                )
    speed = max(r["ess_per_second_of_sampling"] for r in results["bayeslaw"]["warm"])
    theirs = max(r["ess_per_second_of_sampling"] for r in results["nutpie"]["warm"] if "ess" in r)
    print(f"ESS per second of sampling, bayeslaw / nutpie: {speed:.0f} / {theirs:.0f} = {speed / theirs:.1f}")
    best = results["bayeslaw"]["warm"][0]
    print(f"leapfrogs a draw: {best['leapfrogs']:.1f}; second fit in one process: {best['second_fit']:.2f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(CONTENDERS[sys.argv[1]]()))
    else:
        main()
