"""Hierarchies: 529 runs in 6 families against nutpie and plain NumPyro; 15 and 66 runs in 3 families.

All five parameters of models/chinchilla.toml are partially pooled; all samplers see the same centred model.
"""

from __future__ import annotations

import functools
import json
import sys
import time

from common import SHARED, contend, least_ess


def runs(which: str):
    import bayeslaw as bl

    if which == "six":
        return bl.read_runs(SHARED / "loss_to_loss.csv").where("split == 'sweep'")
    condition = "fit_role == 'loss_fit'" if which == "few" else "flops <= 2.0e19"
    return bl.read_runs(SHARED / "gadre_overtraining.csv").where(condition)


def ours(which: str = "six", seed: int = 0) -> dict:
    start = time.perf_counter()
    import bayeslaw as bl

    table = runs(which)
    posterior = bl.fit("chinchilla", table, family="family", seed=seed)
    whole = time.perf_counter() - start
    begin = time.perf_counter()
    again = bl.fit("chinchilla", table, family="family", seed=seed + 1) if which == "six" else posterior
    second = time.perf_counter() - begin
    d = posterior.diagnostics
    return {
        "whole_process": whole, "rhat": d.rhat, "ess": d.ess, "divergences": d.divergences, "leapfrogs": d.leapfrogs,
        "ess_per_second_of_sampling": again.diagnostics.ess / second if which == "six" else None,
    }  # fmt: skip


def nutpie() -> dict:
    import nutpie as pie

    import bayeslaw as bl

    model = pie.compile_pymc_model(bl.to_pymc(bl.law("chinchilla"), runs("six"), family="family"))
    begin = time.perf_counter()
    trace = pie.sample(model, draws=2000, tune=1000, chains=4, progress_bar=False, seed=1)
    sampling = time.perf_counter() - begin
    return {"ess": least_ess(trace), "sampling": sampling, "ess_per_second_of_sampling": least_ess(trace) / sampling}


def numpyro() -> dict:
    import jax
    import numpyro as npy
    from arviz_base import from_dict

    import bayeslaw as bl
    from bayeslaw.fit.numpyro_model import numpyro_model
    from bayeslaw.fit.plan import make_plan

    npy.set_host_device_count(2)
    plan = make_plan(bl.law("chinchilla"), runs("six"), family="family")
    kernel = npy.infer.NUTS(numpyro_model(plan.structure))
    mcmc = npy.infer.MCMC(kernel, num_warmup=150, num_samples=150, num_chains=2, progress_bar=False)
    begin = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(1), plan.data())
    seconds = time.perf_counter() - begin
    ess = least_ess(from_dict({"posterior": mcmc.get_samples(group_by_chain=True)}))
    return {"ess": ess, "sampling": seconds, "ess_per_second_of_sampling": ess / seconds}


WEAK = {f"{which}_{seed}": (which, seed) for which in ("few", "some") for seed in (0, 1, 2)}
CONTENDERS = {
    "bayeslaw": ours,
    "nutpie": nutpie,
    "numpyro": numpyro,
    **{name: functools.partial(ours, *weak) for name, weak in WEAK.items()},
}


def main() -> None:
    print("529 runs in 6 families, five parameters partially pooled")
    results = contend(__file__, ["bayeslaw", "nutpie", "numpyro"])
    speed = results["bayeslaw"]["warm"][0]["ess_per_second_of_sampling"]
    for name in ("nutpie", "numpyro"):
        theirs = results[name]["warm"][0].get("ess_per_second_of_sampling")
        if theirs:
            print(f"ESS per second of sampling, bayeslaw / {name}: {speed:.0f} / {theirs:.2f} = {speed / theirs:.1f}")
    print("15 runs (few) and 66 runs (some) in 3 families")
    contend(__file__, list(WEAK))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(CONTENDERS[sys.argv[1]]()))
    else:
        main()
