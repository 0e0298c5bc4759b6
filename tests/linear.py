"""Laws that are linear in their parameters, with known noise: posterior, evidence and left-out densities are closed."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import multivariate_normal, norm

import bayeslaw as bl
from bayeslaw.inference.model.plan import make_plan
from bayeslaw.inference.posterior.posterior import Posterior
from tests.posteriors import with_draws

NOISE = 0.3
POWERS = {"level": ("1",), "line": ("1", "x"), "curve": ("1", "x", "x * x")}
WIDTHS = {"1": 2.0, "x": 1.0, "x * x": 0.5}


def linear_law(name: str) -> bl.Law:
    """A polynomial of ``x``."""
    terms = POWERS[name]
    formula = " + ".join(f"b{i} * {term}" if term != "1" else f"b{i} + 0 * x" for i, term in enumerate(terms))
    parameters = "\n".join(
        f'b{i} = {{ prior = "Normal(0, {WIDTHS[term]})", meaning = "of {term}" }}' for i, term in enumerate(terms)
    )
    return bl.Law.parse(
        f"""
        title = "{name}"
        reference = "none"
        formula = "{formula}"
        [output]
        y = {{ likelihood = "Normal(mean, noise)", units = "1", meaning = "outcome" }}
        [input]
        x = {{ column = "x", units = "1", meaning = "input" }}
        [parameter]
        {parameters}
        noise = {{ prior = "Constant({NOISE})", meaning = "scatter" }}
        """,
        name,
    )


def linear_runs(rows: int = 24, seed: int = 1) -> bl.Runs:
    """Runs about a line, with a bend too small to be sure of."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.5, 3.0, rows)
    return bl.read_runs({"x": x, "y": 0.4 + 0.8 * x + 0.05 * x**2 + NOISE * rng.standard_normal(rows)})


class Exact:
    """What is known of a linear law without sampling.

    Parameters
    ----------
    factor
        By which all priors are wider.
    error
        A known standard error of every outcome, beside the noise of the law.
    """

    def __init__(self, name: str, runs: bl.Runs, factor: float = 1.0, error: np.ndarray | float = 0.0) -> None:
        x, self.y = runs.column("x"), runs.column("y")
        columns: Mapping[str, np.ndarray] = {"1": np.ones_like(x), "x": x, "x * x": x * x}
        self.design = np.stack([columns[term] for term in POWERS[name]], axis=1)
        self.noise = np.full(len(self.y), NOISE**2) + np.square(error)
        self.prior = np.diag([(factor * WIDTHS[term]) ** 2 for term in POWERS[name]])

    @property
    def posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the coefficients, a normal distribution."""
        precision = self.design.T @ (self.design / self.noise[:, None]) + np.linalg.inv(self.prior)
        covariance = np.linalg.inv(precision)
        return covariance @ self.design.T @ (self.y / self.noise), covariance

    def draws(self, rng: np.random.Generator, chains: int = 4, draws: int = 1000) -> dict[str, np.ndarray]:
        """Independent draws of the coefficients by name, each of shape ``(chains, draws)``."""
        found = rng.multivariate_normal(*self.posterior, (chains, draws))
        return {f"b{i}": found[..., i] for i in range(found.shape[-1])}

    def _covariance(self) -> np.ndarray:
        return np.diag(self.noise) + self.design @ self.prior @ self.design.T

    @property
    def log_evidence(self) -> float:
        return float(multivariate_normal(np.zeros(len(self.y)), self._covariance()).logpdf(self.y))

    def log_densities(self, hidden: np.ndarray) -> np.ndarray:
        """Of each hidden outcome given those that are seen."""
        cov = self._covariance()
        seen = ~hidden
        gain = np.linalg.solve(cov[np.ix_(seen, seen)], cov[np.ix_(seen, hidden)]).T
        mean = gain @ self.y[seen]
        variance = np.diag(cov[np.ix_(hidden, hidden)] - gain @ cov[np.ix_(seen, hidden)])
        return norm(mean, np.sqrt(variance)).logpdf(self.y[hidden])

    def loo(self) -> np.ndarray:
        """Of each outcome given all others."""
        rows = np.arange(len(self.y))
        return np.array([self.log_densities(rows == i)[0] for i in rows])


def exact_fit(name: str, runs: bl.Runs, draws: int = 1000, seed: int = 0) -> Posterior:
    """The posterior of a linear law by independent draws, with no sampler in between."""
    return with_draws(make_plan(linear_law(name), runs), Exact(name, runs).draws(np.random.default_rng(seed), 4, draws))
