"""Hierarchies: 529 runs in 6 families against nutpie and plain NumPyro; 15 and 66 runs in 3 families.

All five parameters of models/chinchilla.toml are partially pooled; the others are given the model in its centred form,
which suits them better here.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from typing import Any

import centred
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

    model = pie.compile_pymc_model(centred.pymc_model(centred.arrays(runs("six"))))
    begin = time.perf_counter()
    trace = pie.sample(model, draws=2000, tune=1000, chains=4, progress_bar=False, seed=1)
    return rate(trace, time.perf_counter() - begin)


def numpyro() -> dict:
    """Plain NUTS, few draws: a thousand of them take many minutes."""
    import numpyro as npy

    npy.set_host_device_count(2)
    import jax
    from arviz_base import from_dict

    kernel = npy.infer.NUTS(centred.numpyro_model)
    mcmc = npy.infer.MCMC(kernel, num_warmup=150, num_samples=150, num_chains=2, progress_bar=False)
    data = centred.arrays(runs("six"))
    begin = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(1), data)
    return rate(from_dict({"posterior": mcmc.get_samples(group_by_chain=True)}), time.perf_counter() - begin)


def rate(tree: Any, sampling: float) -> dict:
    ess = least_ess(tree)
    return {"ess": ess, "sampling": sampling, "ess_per_second_of_sampling": ess / sampling}


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
