"""Families of straight lines with known noise, level and slope partially pooled: a posterior closed but for two."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import halfnorm

import bayeslaw as bl

NOISE = 0.3
LINES = bl.Law.parse(
    f"""
    title = "lines"
    reference = "none"
    formula = "b0 + b1 * x"
    [output]
    y = {{ likelihood = "Normal(mean, noise)", units = "1", meaning = "outcome" }}
    [input]
    x = {{ column = "x", units = "1", meaning = "input" }}
    [parameter]
    b0 = {{ prior = "Normal(0, 2)", pool = "family", spread = "HalfNormal(0.5)", meaning = "level" }}
    b1 = {{ prior = "Normal(0, 1)", pool = "family", spread = "HalfNormal(0.5)", meaning = "slope" }}
    noise = {{ prior = "Constant({NOISE})", meaning = "scatter" }}
    """,
    "lines",
)


def runs_of_families(families: int, each: int) -> bl.Runs:
    """Runs of families whose levels and slopes differ, one family after the other."""
    rng, family = np.random.default_rng(4), np.repeat(np.arange(families), each)
    x = rng.uniform(-1.0, 1.0, family.size)
    level, slope = np.array([[0.7], [0.4]]) + np.array([[0.3], [0.2]]) * rng.standard_normal((2, families))
    y = level[family] + slope[family] * x + NOISE * rng.standard_normal(family.size)
    return bl.Runs.from_arrays({"x": x, "y": y, "family": [f"family {i:02}" for i in family]})


@dataclass(frozen=True)
class ExactFamilies:
    """Normal given the two spreads, family by family up to two shared means; the spreads on a grid.

    Attributes
    ----------
    x, y
        The runs, of shape ``(families, runs of each)``.
    """

    x: np.ndarray
    y: np.ndarray

    @staticmethod
    def of(runs: bl.Runs) -> "ExactFamilies":
        """What is known of runs of families, of which each has as many."""
        families = len(runs.levels("family")[0])
        return ExactFamilies(*(runs.column(name).reshape(families, -1) for name in ("x", "y")))

    def given(self, spreads: np.ndarray) -> tuple[np.ndarray, ...]:
        """By pair of spreads ``(n, 2)``: precision and pull of the shared means, and the log density of all runs."""
        design = np.stack([np.ones_like(self.x), self.x], axis=-1)
        scaled = design * spreads[:, None, None, :]
        covariance = NOISE**2 * np.eye(self.x.shape[1]) + scaled @ np.swapaxes(scaled, -1, -2)
        known = np.broadcast_to(np.concatenate([design, self.y[..., None]], axis=-1), (*covariance.shape[:-1], 3))
        solved = np.linalg.solve(covariance, known)
        moments = np.einsum("nfpi,nfpj->nij", known, solved)
        precision, pull = np.diag([1 / 4.0, 1.0]) + moments[:, :2, :2], moments[:, :2, 2]
        constant = -np.log(2.0) - 0.5 * (moments[:, 2, 2] + np.linalg.slogdet(2 * np.pi * covariance)[1].sum(axis=1))
        found = constant - 0.5 * np.linalg.slogdet(precision)[1]
        found += 0.5 * (pull * np.linalg.solve(precision, pull[..., None])[..., 0]).sum(axis=1)
        return precision, pull, found + halfnorm(scale=0.5).logpdf(spreads).sum(axis=1)

    @property
    def log_evidence(self) -> float:
        nodes, weights = np.polynomial.legendre.leggauss(60)
        spreads, weights = 0.75 * (nodes + 1.0), np.log(0.75 * weights)
        pairs = np.stack(np.meshgrid(spreads, spreads, indexing="ij"), axis=-1).reshape(-1, 2)
        return float(logsumexp(self.given(pairs)[-1] + (weights[:, None] + weights).reshape(-1)))

    def draws(self, rng: np.random.Generator, size: tuple[int, int], spreads: np.ndarray) -> dict[str, np.ndarray]:
        """Spreads from the cells of a grid, all else from its normal.

        Parameters
        ----------
        spreads
            The lower ends of cells of one width, which hold nearly all of the posterior of both.
        """
        count, width = size[0] * size[1], spreads[1] - spreads[0]
        middles = spreads + width / 2
        pairs = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
        log_density = self.given(pairs)[-1]
        chosen = rng.choice(len(pairs), count, p=np.exp(log_density - logsumexp(log_density)))
        drawn = pairs[chosen] + width * (rng.random((count, 2)) - 0.5)
        precision, pull, _ = self.given(drawn)
        means = _normal(rng, precision, pull)
        design = np.stack([np.ones_like(self.x), self.x], axis=-1)
        own = np.einsum("fpi,fpj->fij", design, design) / NOISE**2
        residual = self.y - np.einsum("fpi,ni->nfp", design, means)
        tight = np.eye(2) * drawn[:, None, :] ** -2.0
        deviations = _normal(rng, own + tight[:, None], np.einsum("fpi,nfp->nfi", design, residual) / NOISE**2)
        found = {}
        for i in range(2):
            found[f"b{i}"], found[f"b{i}_spread_family"] = means[:, i], drawn[:, i]
            found[f"b{i}_deviation_family"] = deviations[..., i]
        return {name: each.reshape(*size, *each.shape[1:]) for name, each in found.items()}


def _normal(rng: np.random.Generator, precision: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """A draw of each normal distribution with a precision ``(..., k, k)`` and precision times mean ``(..., k)``."""
    root = np.swapaxes(np.linalg.cholesky(precision), -1, -2)
    noise = np.linalg.solve(root, rng.standard_normal((*pull.shape, 1)))
    return (np.linalg.solve(precision, pull[..., None]) + noise)[..., 0]
