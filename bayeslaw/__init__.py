"""Neural scaling laws with honest uncertainty.

A law is a file.  Runs are a table.  Fitting a law to runs gives a posterior.  Everything else is a question asked
of it::

    import bayeslaw as bl

    runs = bl.read_runs("runs.csv").where("flops < 2e19")
    posterior = bl.fit("chinchilla", runs, family="family")
    print(bl.forecast(posterior, {"N": 6.9e9, "D": 1.4e11}, family="c4"))
    posterior.save("fit.nc")

The public names stand in ``__init__.pyi``, and nowhere else.  They are imported when first used, so that
``import bayeslaw`` takes no time and starts no JAX.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# By public name, the module it lives in; of lines such as "from MODULE import NAME as NAME".
_HOMES = {
    line.split()[3]: line.split()[1]
    for line in __spec__.loader.get_data(f"{__file__}i").decode().splitlines()
    if line.startswith("from ")
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name):
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bayeslaw' has no attribute '{name}'")
    if home == __name__:
        return importlib.import_module(f"{home}.{name}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__
