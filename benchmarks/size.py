"""100,000 synthetic runs in 200 families: time of a gradient against a hand-written function, and peak memory."""

from __future__ import annotations

import resource
import time

import numpy as np


def main() -> None:
    import jax
    import jax.numpy as jnp

    import bayeslaw as bl
    from bayeslaw.inference.base import devices
    from bayeslaw.inference.model.plan import make_plan
    from bayeslaw.inference.model.plan_model import plan_model

    rng = np.random.default_rng(0)
    rows, families = 100_000, 200
    family = rng.integers(0, families, rows)
    n, d = 10 ** rng.uniform(7, 10, rows), 10 ** rng.uniform(9, 11.5, rows)
    alpha, beta = 0.34 * np.exp(0.1 * rng.standard_normal((2, families)))
    mean = 1.8 + 0.35 * (n / 1e9) ** -alpha[family] + 0.35 * (d / 2e10) ** -beta[family]
    loss = mean * np.exp(0.004 * rng.standard_normal(rows))
    table = bl.Runs.from_arrays({"n_params": n, "n_tokens": d, "loss": loss, "family": [f"f{i}" for i in family]})
    plan = make_plan(bl.law("chinchilla"), table, family="family")

    def by_hand(x, data):
        """The same log density, written out: population, spreads, deviations, Student-t on the log."""
        values, at = [], 0
        for prior_mean, prior_sd, spread_sd in (
            (np.log(1.8), 0.3, 0.2), (np.log(0.35), 0.7, 0.5), (np.log(0.35), 0.7, 0.5),
            (np.log(0.35), 0.3, 0.1), (np.log(0.35), 0.3, 0.1),
        ):  # fmt: skip
            u, t, dev = x[at], x[at + 1], x[at + 2 : at + 2 + families]
            spread = jnp.exp(t)
            total = 0.5 * ((u - prior_mean) / prior_sd) ** 2 + 0.5 * (spread / spread_sd) ** 2 - t
            total += 0.5 * jnp.sum((dev / spread) ** 2) + families * t
            values.append((jnp.exp(u + dev)[data["family"]], total))
            at += 2 + families
        (e, p0), (a, p1), (b, p2), (al, p3), (be, p4) = values
        m = e + a * jnp.exp(-al * data["n"]) + b * jnp.exp(-be * data["d"])
        sigma, nu = jnp.exp(x[at]), jnp.exp(x[at + 1])
        r = (data["y"] - jnp.log(m)) / sigma
        lik = 0.5 * (nu + 1) * jnp.sum(jnp.log1p(r**2 / nu)) + rows * (
            x[at] + 0.5 * x[at + 1] + jax.lax.lgamma(nu / 2) - jax.lax.lgamma((nu + 1) / 2)
        )
        return p0 + p1 + p2 + p3 + p4 + lik + 0.5 * (sigma / 0.02) ** 2 - x[at] - 2 * x[at + 1] + 0.1 * nu

    with devices.float64():
        model = plan_model(plan.structure)
        data = jax.tree.map(jnp.asarray, plan.data())
        hand = {"n": np.log(n / 1e9), "d": np.log(d / 2e10), "y": np.log(loss), "family": family}
        hand = jax.tree.map(jnp.asarray, hand)
        x = jnp.asarray(np.concatenate([np.r_[0.5, -2.0, np.zeros(families)] for _ in range(5)] + [[-5.0, 1.5]]))
        ours = jax.jit(jax.grad(lambda x, a: model.potential(x, (a,))))
        theirs = jax.jit(jax.grad(by_hand))
        times = {"ours": [], "hand": []}
        jax.block_until_ready((ours(x, data), theirs(x, hand)))
        for _ in range(30):
            for name, call in (("ours", lambda: ours(x, data)), ("hand", lambda: theirs(x, hand))):
                begin = time.perf_counter()
                jax.block_until_ready(call())
                times[name].append(time.perf_counter() - begin)
    us, them = (1e3 * float(np.median(t)) for t in times.values())
    print(
        f"gradient of {rows:,} runs in {families} families: {us:.1f} ms, by hand {them:.1f} ms, ratio {us / them:.2f}"
    )
    begin = time.perf_counter()
    posterior = bl.fit("chinchilla", table, family="family", draws=100, warmup=100, progress=True, patience=False)
    print(posterior, f"{time.perf_counter() - begin:.0f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
