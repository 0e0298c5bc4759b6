"""models/chinchilla.toml with all five parameters partially pooled, written by hand in its centred form.

The logs of a family's parameters are sampled themselves, normal around the population's; the package samples their
deviations in coordinates of its own.  The priors are the law file's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Median and log-scale standard deviation of the population, and the scale of the half-normal spread between families.
PRIORS = {
    "E": (1.8, 0.3, 0.2), "A": (0.35, 0.7, 0.5), "B": (0.35, 0.7, 0.5), "alpha": (0.35, 0.3, 0.1),
    "beta": (0.35, 0.3, 0.1),
}  # fmt: skip


def arrays(runs: Any) -> dict[str, np.ndarray]:
    """Columns of a table of runs as both models take them."""
    labels, family = runs.levels("family")
    return {
        "n": np.log(runs.column("n_params") / 1e9), "d": np.log(runs.column("n_tokens") / 2e10),
        "y": np.log(runs.column("loss")), "family": family, "labels": np.array(labels),
    }  # fmt: skip


def pymc_model(data: dict[str, np.ndarray]) -> Any:
    """The model in PyMC."""
    import pymc as pm

    family = data["family"]
    with pm.Model(coords={"family": data["labels"]}) as model:
        own = {}
        for name, (median, sd, scale) in PRIORS.items():
            population = pm.Normal(f"log_{name}", np.log(median), sd)
            spread = pm.HalfNormal(f"{name}_spread", scale)
            own[name] = pm.math.exp(pm.Normal(f"log_{name}_family", population, spread, dims="family"))
        mean = (
            own["E"][family]
            + own["A"][family] * pm.math.exp(-own["alpha"][family] * data["n"])
            + own["B"][family] * pm.math.exp(-own["beta"][family] * data["d"])
        )
        sigma, nu = pm.HalfNormal("sigma", 0.02), pm.Gamma("nu", 2, 0.1)
        pm.StudentT("log_loss", nu=nu, mu=pm.math.log(mean), sigma=sigma, observed=data["y"])
    return model


def numpyro_model(data: dict[str, np.ndarray]) -> None:
    """The model in NumPyro."""
    import jax.numpy as jnp
    import numpyro as npy
    import numpyro.distributions as dist

    own = {}
    for name, (median, sd, scale) in PRIORS.items():
        population = npy.sample(f"log_{name}", dist.Normal(np.log(median), sd))
        spread = npy.sample(f"{name}_spread", dist.HalfNormal(scale))
        each = dist.Normal(population, spread).expand((len(data["labels"]),)).to_event(1)
        own[name] = jnp.exp(npy.sample(f"log_{name}_family", each))[data["family"]]
    mean = own["E"] + own["A"] * jnp.exp(-own["alpha"] * data["n"]) + own["B"] * jnp.exp(-own["beta"] * data["d"])
    sigma, nu = npy.sample("sigma", dist.HalfNormal(0.02)), npy.sample("nu", dist.Gamma(2, 0.1))
    npy.sample("log_loss", dist.StudentT(nu, jnp.log(mean), sigma), obs=data["y"])
