"""A function of one point at each of many, as one compiled program for any number of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from bayeslaw.inference.base import devices
from bayeslaw.inference.base.executables import kept
from bayeslaw.inference.base.program_shapes import PROGRAMS_KEPT, Shapes

# Points that a compiled program takes at once, and how many of them it works on together, so that intermediate arrays
# stay in the cache.
CHUNK, TOGETHER = 512, 64


def in_chunks(
    function: Callable[[Any, Any], Any],
    points: np.ndarray,
    constants: Any,
    *,
    about: tuple[object, ...] = (None,),
    hasty: bool = False,
) -> Any:
    """A function of one point, with one or several arrays as its value, at each of many.

    Parameters
    ----------
    about
        A description of the function, by which its program is kept; see :class:`Entry`.  By default it is not.
    hasty
        Whether the function is so cheap that compiling it matters more than its time: it is then hardly optimised and,
        on a CPU, evaluated at one point after another.
    """
    count = len(points)
    points = np.concatenate([points, np.repeat(points[-1:], -count % CHUNK, axis=0)])
    with devices.float64(), devices.one_thread():
        program = _mapped(function, Shapes.of((points[:CHUNK], constants)), about, hasty)
        found = [program(points[i : i + CHUNK], constants) for i in range(0, len(points), CHUNK)]
    return jax.tree.map(lambda *each: np.concatenate(each)[:count], *found)


@lru_cache(maxsize=PROGRAMS_KEPT)
def _mapped(function: Callable[[Any, Any], Any], shapes: Shapes, about: tuple[object, ...], hasty: bool) -> Any:
    together = None if hasty and jax.default_backend() == "cpu" else TOGETHER

    def mapped(points: Any, constants: Any) -> Any:
        return jax.lax.map(lambda point: function(point, constants), points, batch_size=together)

    return kept(
        lambda: jax.jit(mapped).lower(*shapes.structs()), "chunks", *about, shapes, CHUNK, together or "one by one",
        options=devices.HASTY if hasty else None,
    )  # fmt: skip
