"""Neural scaling laws with honest uncertainty.

A law is a file.  Runs are a table.  Fitting a law to runs gives a posterior.  Everything else is a question asked
of it::

    import bayeslaw as bl

    runs = bl.read_runs("runs.csv").where("flops < 2e19")
    posterior = bl.fit("chinchilla", runs, family="family")
    print(bl.forecast(posterior, {"N": 6.9e9, "D": 1.4e11}, family="c4"))
    posterior.save("fit.nc")

Names are imported when first used, so that ``import bayeslaw`` takes no time and starts no JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# At once, and not when first used: `law` and `fit` are also folders, and importing anything from those would
# otherwise put the folder in the place of the function.  Neither imports more than NumPy.
from bayeslaw.fit.fitting import fit
from bayeslaw.law.catalogue import law, laws

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average, average
    from bayeslaw.ask.compare import compare
    from bayeslaw.ask.comparison import Comparison
    from bayeslaw.ask.drift import Drift
    from bayeslaw.ask.effective import EffectiveSizes, effective_size
    from bayeslaw.ask.evidence import Evidence, log_evidence
    from bayeslaw.ask.forecast import Forecast, forecast
    from bayeslaw.ask.frontier import Frontier, frontier
    from bayeslaw.ask.optimum import Optimum, optimum
    from bayeslaw.ask.plot import (
        plot_comparison,
        plot_forecast,
        plot_optimum,
        plot_parameters,
        plot_residuals,
        plot_threshold,
    )
    from bayeslaw.ask.risk import Risk, risk
    from bayeslaw.ask.threshold import Threshold, threshold
    from bayeslaw.errors import (
        BayeslawError,
        ConvergenceError,
        ExecutorError,
        FileError,
        InputError,
        LawError,
        PoolingError,
        QuestionError,
        RunsError,
    )
    from bayeslaw.fit.chains import Settings
    from bayeslaw.fit.fitting import posterior_mode
    from bayeslaw.fit.posterior import Posterior
    from bayeslaw.fit.pymc_model import to_pymc
    from bayeslaw.fit.runs import Runs, read_runs
    from bayeslaw.fit.sample import sample
    from bayeslaw.fit.storage import load
    from bayeslaw.law.check import check_law
    from bayeslaw.law.field import field_priors
    from bayeslaw.law.law import Law
    from bayeslaw.law.reading import read_law
    from bayeslaw.proof.backtest import backtest
    from bayeslaw.proof.learning import learn_drift
    from bayeslaw.proof.plot import plot_backtest
    from bayeslaw.proof.report import Backtest
    from bayeslaw.proof.sbc import Calibration, sbc

_HOMES = {
    "read_law": "law.reading", "Law": "law.law",
    "check_law": "law.check", "field_priors": "law.field",
    "read_runs": "fit.runs", "Runs": "fit.runs",
    "posterior_mode": "fit.fitting", "Posterior": "fit.posterior", "load": "fit.storage",
    "sample": "fit.sample", "Settings": "fit.chains", "to_pymc": "fit.pymc_model",
    "forecast": "ask.forecast", "Forecast": "ask.forecast", "average": "ask.average", "Average": "ask.average",
    "compare": "ask.compare", "Comparison": "ask.comparison", "plot_comparison": "ask.plot",
    "log_evidence": "ask.evidence", "Evidence": "ask.evidence",
    "sbc": "proof.sbc", "Calibration": "proof.sbc",
    "optimum": "ask.optimum", "Optimum": "ask.optimum",
    "risk": "ask.risk", "Risk": "ask.risk",
    "threshold": "ask.threshold", "Threshold": "ask.threshold",
    "effective_size": "ask.effective", "EffectiveSizes": "ask.effective",
    "frontier": "ask.frontier", "Frontier": "ask.frontier",
    "plot_forecast": "ask.plot", "plot_parameters": "ask.plot", "plot_residuals": "ask.plot",
    "plot_threshold": "ask.plot", "plot_optimum": "ask.plot",
    "Drift": "ask.drift",
    "learn_drift": "proof.learning",
    "backtest": "proof.backtest", "Backtest": "proof.report", "plot_backtest": "proof.plot",
    "BayeslawError": "errors", "InputError": "errors", "LawError": "errors", "RunsError": "errors",
    "PoolingError": "errors", "QuestionError": "errors", "FileError": "errors", "ExecutorError": "errors",
    "ConvergenceError": "errors",
}  # fmt: skip

__all__ = sorted([*_HOMES, "fit", "law", "laws", "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bayeslaw' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"bayeslaw.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
