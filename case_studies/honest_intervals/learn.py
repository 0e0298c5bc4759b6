"""How laws drift beyond their runs, learned from public sweeps.

    python case_studies/honest_intervals/learn.py DATA

fits every law to the cheaper runs of every sweep in the folder DATA and asks how its forecasts err.  The slopes of the
errors go into slopes.csv (a table that is there is not fitted again), and the drift that follows from them into
bayeslaw/data/drift.toml and, with each sweep left out, into left_out.json, by which study.py judges.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w
from scipy import stats
from sweeps import LAWS, SWEEPS, origins, tables

import bayeslaw as bl
from bayeslaw.ask.drift import OTHER, TAILS
from bayeslaw.proof.looks import looks
from bayeslaw.proof.origins import COMPUTE, origins_along

HERE = Path(__file__).parent
SLOPES, LEFT_OUT = HERE / "slopes.csv", HERE / "left_out.json"
DRIFT = Path(bl.__file__).parent / "data" / "drift.toml"
NOTE = "# Nats of log outcome per e-fold of compute; made by case_studies/honest_intervals/learn.py from its sweeps.\n"
# Part of the direction that is believed; the rest is added to the scale.  Sweeps were not drawn at random, and with
# seven of them a direction is as good as it looks only if the next one is like these.  Of 0, .3, .5 and 1 chosen for
# the interval scores of averages and single laws, each sweep foretold from the others.
BELIEVED = 0.5


def slope(look, name: str) -> tuple[float, float, float]:
    """The slope of a law's errors against distance, its standard error, and the distance reached."""
    drawn = look.drawn[name]
    far = np.log(np.fmax(look.ratio, 1.0))
    with np.errstate(all="ignore"):
        run, mean = np.log(drawn.run), np.log(drawn.mean)
    error = np.log(look.observed) - np.median(run, axis=0)
    low, high = np.quantile(run, [0.158655, 0.841345], axis=0)
    weight = far / ((high - low) / 2.0) ** 2
    found = (weight @ error) / (weight @ far)
    # Errors of the law are shared by all points, those of single runs are not.
    shared, own = (weight @ mean.std(axis=0)) / (weight @ far), 1.0 / np.sqrt(weight @ far)
    return float(found), float(np.hypot(shared, own)), float(far.max())


def slopes(data: Path) -> pd.DataFrame:
    """A row a sweep, table, law and origin."""
    rows = pd.read_csv(SLOPES).to_dict("records") if SLOPES.exists() else []
    known = {row["table"] for row in rows}
    for sweep in SWEEPS:
        for table, runs in tables(data, sweep):
            if table in known:
                continue
            print(table, file=sys.stderr, flush=True)
            laws = {name: bl.law(name) for name in LAWS}
            places = origins_along(runs, COMPUTE, origins(runs))
            for look in looks(laws, runs, places, drift=False, draws=500):
                for name in LAWS:
                    found, error, far = slope(look, name)
                    rows.append({"sweep": sweep, "table": table, "law": name, "origin": look.origin.name,
                                 "slope": found, "error": error, "distance": far})  # fmt: skip
            pd.DataFrame(rows).to_csv(SLOPES, index=False, float_format="%.6g")
    return pd.DataFrame(rows)


def learned(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The slope of a law on a sweep that is not in the table: its direction and scale, by law.

    Slopes differ between laws, between sweeps and, less, between origins; a law that is not in the table has a
    direction like those that are.
    """
    import numpyro
    import numpyro.distributions as dist

    sweep, _ = pd.factorize(table.sweep)
    law, names = pd.factorize(table.law)

    def model(slope, error):
        middle = numpyro.sample("middle", dist.Normal(0.0, 0.01))
        between = numpyro.sample("between", dist.HalfNormal(0.01))
        direction = middle + between * numpyro.sample("law", dist.Normal(0.0, 1.0).expand([len(names)]))
        log_scale = numpyro.sample("log_scale", dist.Normal(np.log(0.005), 0.7))
        scale = np.e ** (log_scale + 0.5 * numpyro.sample("law_scale", dist.Normal(0.0, 1.0).expand([len(names)])))
        raw = numpyro.sample("sweep", dist.Normal(0.0, 1.0).expand([sweep.max() + 1, len(names)]))
        origin = numpyro.sample("origin", dist.HalfNormal(0.01))
        at = (direction + scale * raw)[sweep, law]
        numpyro.sample("slope", dist.StudentT(4.0, at, (origin**2 + error**2) ** 0.5), obs=slope)

    # Laws and sweeps are few, so their spreads are funnels, which are walked in small steps.
    settings = bl.Settings(warmup=1000, draws=2000, target_accept=0.98)
    found = bl.sample(model, (table.slope.to_numpy(), table.error.to_numpy()), settings)
    if found.diagnostics.rhat > 1.05:
        raise SystemExit(f"the chains disagree: {found.diagnostics.complaints}")
    draws = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.values.items()}
    rng = np.random.default_rng(0)
    size = len(draws["middle"])

    def foretold(offset, offset_of_scale) -> dict[str, float]:
        direction = draws["middle"] + draws["between"] * offset
        scale = np.hypot(np.exp(draws["log_scale"] + 0.5 * offset_of_scale), draws["origin"])
        slope = direction + scale * rng.standard_normal(size)
        mean, sd = slope.mean(), np.hypot(slope.std(), (1 - BELIEVED) * slope.mean())
        # With tails this heavy, the scale that has the 95 % interval of a normal one.
        scale = sd * stats.norm.ppf(0.975) / stats.t.ppf(0.975, TAILS)
        return {"direction": round(float(BELIEVED * mean), 5), "scale": round(float(scale), 5)}

    by_law = {name: foretold(draws["law"][:, i], draws["law_scale"][:, i]) for i, name in enumerate(names)}
    return {**by_law, OTHER: foretold(rng.standard_normal(size), rng.standard_normal(size))}


def main() -> None:
    table = slopes(Path(sys.argv[1]))
    table = table[table.distance > 1.0]  # nearer than an e-fold, noise is all there is
    DRIFT.write_text(NOTE + tomli_w.dumps({"law": learned(table)}), encoding="utf-8")
    left_out = {sweep: learned(table[table.sweep != sweep]) for sweep in SWEEPS}
    LEFT_OUT.write_text(json.dumps(left_out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
