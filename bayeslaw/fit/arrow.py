"""Linear algebra of block-arrow matrices: groups that meet only through what they share.

Runs of two groups have no parameter in common but the shared ones, so the precision of a hierarchy is an arrow,

    Q = [ B_1        C_1 ]
        [     ...    ... ]        B_g: (groups, k, k)   C_g: (groups, k, r)   R: (r, r)
        [ C_1' ... C_G' R ]

and its Cholesky factor is found group by group: the cost grows with the number of groups, not with its cube.  Blocks
are a handful of rows, for which unrolled arithmetic, fused by XLA into the gradient around it, is several times
faster than calls of LAPACK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

# Unrolled arithmetic grows with the cube of this; beyond it LAPACK is faster and compiles faster.
UNROLLED_UP_TO = 8

Factor = Any  # rows of a lower triangle as nested lists of arrays, or one array


def cholesky(matrix: Any) -> Factor:
    """The lower Cholesky factor of matrices of shape ``(..., k, k)``."""
    size = matrix.shape[-1]
    if size > UNROLLED_UP_TO:
        return jnp.linalg.cholesky(matrix)
    rows: list[list[Any]] = [[] for _ in range(size)]
    for j in range(size):
        rest = matrix[..., j, j] - sum((rows[j][m] ** 2 for m in range(j)), jnp.zeros(()))
        pivot = jnp.sqrt(rest)
        for i in range(j + 1, size):
            known = sum((rows[i][m] * rows[j][m] for m in range(j)), jnp.zeros(()))
            rows[i].append((matrix[..., i, j] - known) / pivot)
        rows[j].append(pivot)
    return rows


def forward(factor: Factor, right: Any) -> Any:
    """``L^-1 right`` for vectors ``(..., k)`` or, with one more axis than the factor's rows, matrices ``(..., k, r)``."""
    if not isinstance(factor, list):
        vector = right.ndim == factor.ndim - 1
        solved = solve_triangular(factor, right[..., None] if vector else right, lower=True)
        return solved[..., 0] if vector else solved
    size = len(factor)
    if size == 0:
        return right
    extra = right.ndim - factor[0][0].ndim - 1  # 0 for vectors, 1 for matrices
    parts: list[Any] = []
    for i in range(size):
        part = right[..., i] if extra == 0 else right[..., i, :]
        for m in range(i):
            part = part - _spread(factor[i][m], extra) * parts[m]
        parts.append(part / _spread(factor[i][i], extra))
    return jnp.stack(parts, axis=-1 - extra)


def backward(factor: Factor, right: Any) -> Any:
    """``L^-T right`` for vectors of shape ``(..., k)``."""
    if not isinstance(factor, list):
        return solve_triangular(factor, right[..., None], lower=True, trans=1)[..., 0]
    size = len(factor)
    if size == 0:
        return right
    parts: list[Any] = [None] * size
    for i in reversed(range(size)):
        part = right[..., i]
        for m in range(i + 1, size):
            part = part - factor[m][i] * parts[m]
        parts[i] = part / factor[i][i]
    return jnp.stack(parts, axis=-1)


def log_diagonal(factor: Factor) -> Any:
    """The sum of the logarithms of the diagonal, over all matrices."""
    if not isinstance(factor, list):
        return jnp.sum(jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)))
    return sum((jnp.sum(jnp.log(row[-1])) for row in factor), jnp.zeros(()))


def _spread(value: Any, extra: int) -> Any:
    return value[..., None] if extra else value


@dataclass(frozen=True)
class Arrow:
    """The Cholesky factor of a block-arrow matrix, groups first."""

    groups: Factor
    cross: Any
    shared: Factor

    @staticmethod
    def of(groups: Any, cross: Any, shared: Any) -> Arrow:
        """Factorise ``B (groups, k, k)``, ``C (groups, k, r)``, ``R (r, r)``."""
        factor = cholesky(groups)
        moved = forward(factor, cross)
        return Arrow(factor, moved, cholesky(shared - jnp.einsum("gkr,gks->rs", moved, moved)))

    def solve_root(self, groups: Any, shared: Any) -> tuple[Any, Any]:
        """``L^-1`` times a vector given by groups ``(groups, k)`` and shared part ``(r,)``."""
        above = forward(self.groups, groups)
        return above, forward(self.shared, shared - jnp.einsum("gkr,gk->r", self.cross, above))

    def solve_root_transposed(self, groups: Any, shared: Any) -> tuple[Any, Any]:
        """``L^-T`` times a vector."""
        below = backward(self.shared, shared)
        return backward(self.groups, groups - jnp.einsum("gkr,r->gk", self.cross, below)), below

    @property
    def half_log_det(self) -> Any:
        """Half the log determinant of the matrix."""
        return log_diagonal(self.groups) + log_diagonal(self.shared)
