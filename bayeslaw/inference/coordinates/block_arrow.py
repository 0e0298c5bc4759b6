"""Linear algebra of block-arrow matrices: groups that are coupled only through shared coordinates.

Runs of two groups have no parameter in common but the shared ones, so the precision of a hierarchy is an arrow,

    Q = [ B_1            C_1 ]
        [      ...       ... ]        B_g: (groups, k, k)   C_g: (groups, k, r)   R: (r, r)
        [           B_G  C_G ]
        [ C_1' ...  C_G'  R  ]

and its Cholesky factor is computed group by group: the cost grows with the number of groups, not with its cube.
(Unrolled arithmetic runs a fifth faster than these calls of LAPACK and takes three times as long to compile.) Without
groups it is the dense matrix ``R``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular


class Blocks(NamedTuple):
    """A symmetric block-arrow matrix: ``B (groups, k, k)``, ``C (groups, k, r)``, ``R (r, r)``."""

    groups: Any
    cross: Any
    shared: Any


@dataclass(frozen=True)
class Partition:
    """The coordinates of a flat vector that form an arrow; others are left out.

    Attributes
    ----------
    groups
        Positions of the coordinates of each group; shape ``(groups, k)``.
    shared
        Positions of the shared coordinates; shape ``(r,)``.
    """

    groups: np.ndarray
    shared: np.ndarray

    @staticmethod
    def dense(size: int) -> Partition:
        """All coordinates, with no groups among them."""
        return Partition(np.zeros((0, 0), dtype=int), np.arange(size))

    @property
    def positions(self) -> np.ndarray:
        """All positions, groups first; shape ``(groups k + r,)``."""
        return np.concatenate([self.groups.reshape(-1), self.shared])

    def directions(self, size: int) -> np.ndarray:
        """Vectors whose products with a Hessian determine the whole arrow; shape ``(k + r, size)``.

        Groups are not coupled, so one vector yields a column of every group at once (Curtis, Powell & Reid 1974).
        """
        count, each = len(self.shared), self.groups.shape[1]
        found = np.zeros((each + count, size))
        found[np.arange(each), self.groups] = 1.0
        found[each + np.arange(count), self.shared] = 1.0
        return found

    def blocks(self, products: np.ndarray) -> Blocks:
        """The arrow from its products with :meth:`directions`, shape ``(k + r, size)``."""
        each = self.groups.shape[1]
        own, rest = products[:each], products[each:]
        return Blocks(
            np.moveaxis(own[:, self.groups], 0, -1), np.moveaxis(rest[:, self.groups], 0, -1), rest[:, self.shared]
        )


@dataclass(frozen=True)
class Arrow:
    """The Cholesky factor of a block-arrow matrix, groups first.

    Attributes
    ----------
    groups, shared
        Lower triangles, shapes ``(groups, k, k)`` and ``(r, r)``.
    cross
        The blocks below the groups, transposed; shape ``(groups, k, r)``.
    """

    groups: Any
    cross: Any
    shared: Any

    @staticmethod
    def of(groups: Any, cross: Any, shared: Any) -> Arrow:
        """Factorise ``B (groups, k, k)``, ``C (groups, k, r)``, ``R (r, r)``."""
        factor = jnp.linalg.cholesky(groups)
        moved = solve_triangular(factor, cross, lower=True)
        return Arrow(factor, moved, jnp.linalg.cholesky(shared - jnp.einsum("gkr,gks->rs", moved, moved)))

    def solve_root(self, groups: Any, shared: Any) -> tuple[Any, Any]:
        """``L^-1`` times a vector given by groups ``(groups, k)`` and shared part ``(r,)``."""
        above = solve_triangular(self.groups, groups[..., None], lower=True)[..., 0]
        rest = shared - jnp.einsum("gkr,gk->r", self.cross, above)
        return above, solve_triangular(self.shared, rest, lower=True)

    def solve_root_transposed(self, groups: Any, shared: Any) -> tuple[Any, Any]:
        """``L^-T`` times a vector."""
        below = solve_triangular(self.shared, shared, lower=True, trans=1)
        rest = groups - jnp.einsum("gkr,r->gk", self.cross, below)
        return solve_triangular(self.groups, rest[..., None], lower=True, trans=1)[..., 0], below

    def root_transposed(self, groups: Any, shared: Any) -> tuple[Any, Any]:
        """``L^T`` times a vector."""
        above = jnp.einsum("gik,gi->gk", self.groups, groups) + self.cross @ shared
        return above, self.shared.T @ shared

    @property
    def half_log_det(self) -> Any:
        """Half the log determinant of the matrix."""
        diagonals = jnp.diagonal(self.groups, axis1=-2, axis2=-1), jnp.diagonal(self.shared)
        return sum(jnp.sum(jnp.log(d)) for d in diagonals)
