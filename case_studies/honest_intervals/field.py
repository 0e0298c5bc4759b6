"""What parameters of laws are in the field, learned from public sweeps: the priors that `priors="field"` takes.

    python case_studies/honest_intervals/field.py DATA

fits every law to all runs of every table in the folder DATA under its own weak priors (fits.csv; a table that is there
is not fitted again) and asks which values a table of another sweep would have.  That goes into bayeslaw/data/field.toml
and, with each sweep left out, into field_left_out.json, by which field_study.py judges.  Priors of laws
of scores are those that by_loss.py found.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tomli_w
from scipy import special
from sweeps import LAWS, SWEEPS, tables

import bayeslaw as bl
from bayeslaw.language.public_priors import FIELD

HERE = Path(__file__).parent
FITS, LEFT_OUT, OF_SCORES = HERE / "fits.csv", HERE / "field_left_out.json", HERE / "by_loss.json"
NOTE = (
    "# Parameters on a sweep, or of a task, that is not among the public ones; made by\n"
    "# case_studies/honest_intervals/field.py.\n"
)
# How heavy tails are, a single sweep says next to nothing of.
LEFT_ALONE = ("nu",)


def fitted(data: Path) -> pd.DataFrame:
    """Mean and standard deviation of the log of each parameter, a row a table, law and parameter."""
    rows = pd.read_csv(FITS).to_dict("records") if FITS.exists() else []
    known = {row["table"] for row in rows}
    for sweep in SWEEPS:
        for table, runs in tables(data, sweep):
            if table in known:
                continue
            print(table, file=sys.stderr, flush=True)
            for name in LAWS:
                posterior = bl.fit(name, runs, draws=500, patience=False)
                for parameter, law in posterior.law.parameters.items():
                    if law.prior.support == "positive" and not law.prior.is_constant and parameter not in LEFT_ALONE:
                        log = np.log(posterior.draws(parameter))
                        rows.append({"sweep": sweep, "table": table, "law": name, "parameter": parameter,
                                     "mean": log.mean(), "sd": log.std()})  # fmt: skip
            pd.DataFrame(rows).to_csv(FITS, index=False, float_format="%.6g")
    return pd.DataFrame(rows)


def weak(law: bl.Law, parameter: str) -> tuple[float, float]:
    """Mean and standard deviation of the log of a parameter under the law's own prior."""
    log = np.log(law.parameters[parameter].prior.draw(np.random.default_rng(0), 100_000))
    return float(log.mean()), float(log.std())


def foretold(mean: np.ndarray, sd: np.ndarray, sweep: np.ndarray, at: float, between: float) -> tuple[float, float]:
    """Mean and standard deviation of the log of a parameter on a table of a sweep that is not among these.

    Logs lie about those of their sweep, and these about that of the field: normal given two spreads, which have
    half-normal priors as wide as the law's own and are summed over on a grid.
    """
    same_sweep = (sweep[:, None] == sweep).astype(float)
    nodes = between * (np.arange(40) + 0.5) / 15.0
    weights, means, variances = [], [], []
    for of_sweeps, of_tables in itertools.product(nodes, nodes):
        covariance = np.diag(sd**2 + of_tables**2) + of_sweeps**2 * same_sweep
        solved = np.linalg.solve(covariance, np.column_stack([np.ones_like(mean), mean]))
        precision = solved[:, 0].sum() + between**-2
        middle = (solved[:, 1].sum() + at / between**2) / precision
        fit = mean @ solved[:, 1] + (at / between) ** 2 - precision * middle**2
        log_det = np.linalg.slogdet(covariance)[1] + np.log(precision)
        weights.append(-0.5 * (fit + log_det + (of_sweeps / between) ** 2 + (of_tables / between) ** 2))
        means.append(middle)
        variances.append(1.0 / precision + of_sweeps**2 + of_tables**2)
    weight = special.softmax(weights)
    expected = weight @ means
    return float(expected), float(np.sqrt(weight @ variances + weight @ (np.array(means) - expected) ** 2))


def learned(rows: pd.DataFrame) -> dict[str, dict[str, str]]:
    """A prior by law and parameter: what it is on a table of a sweep that is not there."""
    found: dict[str, dict[str, str]] = {}
    for (name, parameter), group in rows.groupby(["law", "parameter"], sort=False):
        at, between = weak(bl.law(name), parameter)
        # What the runs say, without the prior that the fit had.
        precision = group.sd**-2 - between**-2
        told = precision > 0.01 * between**-2
        group, precision = group[told], precision[told].to_numpy()
        mean = (group["mean"] / group.sd**2 - at / between**2).to_numpy() / precision
        middle, sd = foretold(mean, precision**-0.5, group.sweep.to_numpy(), at, between)
        found.setdefault(name, {})[parameter] = f"LogNormal(log({np.exp(middle):.4g}), {sd:.2g})"
    return found


def main() -> None:
    rows = fitted(Path(sys.argv[1]))
    of_scores = json.loads(OF_SCORES.read_text(encoding="utf-8"))["priors"]
    FIELD.write_text(NOTE + tomli_w.dumps({"law": learned(rows) | of_scores}), encoding="utf-8")
    left_out = {sweep: learned(rows[rows.sweep != sweep]) for sweep in SWEEPS}
    LEFT_OUT.write_text(json.dumps(left_out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
