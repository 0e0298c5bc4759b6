"""Hessians made positive, and the roots of their inverses."""

from __future__ import annotations

import numpy as np

from bayeslaw.inference.coordinates.block_arrow import Blocks

# The curvature of the weak default priors where data are uninformative: a standard deviation of 10 on unbounded scales,
# beyond which nothing is searched for.
FLATTEST = 1e-2
# A direction of a group that curves less than this part of the steepest is rounding: double precision keeps 16 digits,
# and a Hessian of a few hundred runs loses half a dozen of them.
LEAST_CURVATURE = 1e-9


def positive(matrix: np.ndarray, least: float) -> np.ndarray:
    """The nearest symmetric matrix with no eigenvalue below `least`."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vectors * np.maximum(values, least)) @ vectors.T)


def positive_arrow(groups: np.ndarray, cross: np.ndarray, shared: np.ndarray) -> Blocks:
    """The Hessian of a likelihood, an arrow, made positive as a Student-t's is not everywhere, and still an arrow.

    Directions of a group that curve the wrong way are dropped with their couplings; then what the groups leave of
    the shared part (its Schur complement) is made positive.
    """
    values, vectors = np.linalg.eigh(groups)
    kept = values > LEAST_CURVATURE * np.abs(values).max(axis=1, initial=1e-300, keepdims=True)
    inverse = np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)
    along = np.einsum("gik,gir->gkr", vectors, cross) * kept[:, :, None]
    explained = np.einsum("gkr,gk,gks->rs", along, inverse, along)
    return Blocks(
        np.einsum("gik,gk,gjk->gij", vectors, np.where(kept, values, 0.0), vectors),
        np.einsum("gik,gkr->gir", vectors, along),
        positive(shared - explained, 0.0) + explained,
    )


def root_of_inverse(hessian: np.ndarray, least: float) -> tuple[np.ndarray, float]:
    """A square root of the inverse of a Hessian, and its log determinant.

    Its axes are those of the Hessian, so that NUTS's own diagonal metric can stretch a ridge further than its curvature
    at one point says.
    """
    values, vectors = np.linalg.eigh(0.5 * (hessian + hessian.T))
    kept = np.maximum(values, least)
    return vectors / np.sqrt(kept), -0.5 * float(np.log(kept).sum())
