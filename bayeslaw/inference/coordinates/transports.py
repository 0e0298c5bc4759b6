"""The transports by name, each from ``z``, its arrays, the model and its arguments to ``x`` and log |dx/dz|."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bayeslaw.inference.coordinates.breaks.map import ridge
from bayeslaw.inference.coordinates.following import following
from bayeslaw.inference.coordinates.geometry import Arrays, affine, conditional
from bayeslaw.inference.model.flat_model import FlatModel

Transport = Callable[[Any, Arrays, FlatModel, tuple[Any, ...]], tuple[Any, Any]]

TRANSPORTS: Mapping[str, Transport] = {
    "affine": lambda z, arrays, *_: affine(z, arrays),
    "conditional": lambda z, arrays, *_: conditional(z, arrays),
    "following": lambda z, arrays, model, args: following(z, arrays, lambda x: model.deterministic("mean", x, args)),
    "ridge": lambda z, arrays, model, args: ridge(z, arrays, lambda x: model.deterministic("mean", x, args)),
}
# Those whose first coordinate slopes do not lead along.
JUMPED = {"ridge"}


def transported(kind: str, z: Any, arrays: Arrays, model: FlatModel, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """The transport of a kind, behind an affine one where a pilot has taught it."""
    if "pilot" not in arrays:
        return TRANSPORTS[kind](z, arrays, model, args)
    z, log_det = affine(z, arrays["pilot"])
    x, rest = TRANSPORTS[kind](z, arrays, model, args)
    return x, log_det + rest
