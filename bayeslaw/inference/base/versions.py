"""The versions that the numbers of a fit depend on."""

from __future__ import annotations

import importlib.metadata

from bayeslaw import __version__

VERSIONED = ("jax", "numpyro", "numpy")


def versions() -> dict[str, str]:
    """The versions of everything that draws depend on, by name."""
    return {"bayeslaw": __version__, **{name: importlib.metadata.version(name) for name in VERSIONED}}
