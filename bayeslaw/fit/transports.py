"""The transports by name: each from ``z``, its arrays, the model and its arguments to ``x`` and log |dx/dz|."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bayeslaw.fit.flat import FlatModel
from bayeslaw.fit.following import following
from bayeslaw.fit.geometry import Arrays, affine, conditional, piloted

Transport = Callable[[Any, Arrays, FlatModel, tuple[Any, ...]], tuple[Any, Any]]

TRANSPORTS: Mapping[str, Transport] = {
    "affine": lambda z, arrays, *_: affine(z, arrays),
    "conditional": lambda z, arrays, *_: conditional(z, arrays),
    "piloted": lambda z, arrays, *_: piloted(z, arrays),
    "following": lambda z, arrays, model, args: following(z, arrays, lambda x: model.deterministic("mean", x, args)),
}
