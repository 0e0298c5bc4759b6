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

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bayeslaw.ask.average import Average
    from bayeslaw.ask.compare.averaging import average
    from bayeslaw.ask.compare.compare import compare
    from bayeslaw.ask.compare.comparison import Comparison
    from bayeslaw.ask.evidence.evidence import Evidence, log_evidence
    from bayeslaw.ask.forecast.drift import Drift
    from bayeslaw.ask.forecast.forecast import Forecast, forecast
    from bayeslaw.ask.forecast.risk import Risk, risk
    from bayeslaw.ask.optimum.optimum import Optimum, optimum
    from bayeslaw.ask.plot.comparison import plot_comparison
    from bayeslaw.ask.plot.forecast import plot_forecast
    from bayeslaw.ask.plot.optimum import plot_optimum
    from bayeslaw.ask.plot.parameters import plot_parameters
    from bayeslaw.ask.plot.residuals import plot_residuals
    from bayeslaw.ask.plot.threshold import plot_threshold
    from bayeslaw.ask.threshold.effective_size import EffectiveSizes, effective_size
    from bayeslaw.ask.threshold.frontier import Frontier, frontier
    from bayeslaw.ask.threshold.threshold import Threshold, threshold
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
    from bayeslaw.inference.fit import fit, posterior_mode
    from bayeslaw.inference.model.pymc_model import to_pymc
    from bayeslaw.inference.posterior.loading import load
    from bayeslaw.inference.posterior.posterior import Posterior
    from bayeslaw.inference.sampler.chains import Settings
    from bayeslaw.inference.sampler.sample import sample
    from bayeslaw.language.catalogue import law, laws, read_law
    from bayeslaw.language.check import check_law
    from bayeslaw.language.law import Law
    from bayeslaw.language.public_priors import field_priors
    from bayeslaw.runs.table import Runs, read_runs
    from bayeslaw.validation.backtest.backtest import backtest
    from bayeslaw.validation.backtest.plot import plot_backtest
    from bayeslaw.validation.backtest.report import Backtest
    from bayeslaw.validation.calibration.sbc import Calibration, sbc
    from bayeslaw.validation.drift.learning import learn_drift

# Public names by the module they live in.
_MODULES = {
    "language.catalogue": "law laws read_law",
    "language.law": "Law",
    "language.check": "check_law",
    "language.public_priors": "field_priors",
    "runs.table": "read_runs Runs",
    "inference.fit": "fit posterior_mode",
    "inference.posterior.posterior": "Posterior",
    "inference.posterior.loading": "load",
    "inference.sampler.sample": "sample",
    "inference.sampler.chains": "Settings",
    "inference.model.pymc_model": "to_pymc",
    "ask.forecast.forecast": "forecast Forecast",
    "ask.average": "Average",
    "ask.compare.averaging": "average",
    "ask.compare.compare": "compare",
    "ask.compare.comparison": "Comparison",
    "ask.plot.comparison": "plot_comparison",
    "ask.plot.forecast": "plot_forecast",
    "ask.plot.optimum": "plot_optimum",
    "ask.plot.parameters": "plot_parameters",
    "ask.plot.residuals": "plot_residuals",
    "ask.plot.threshold": "plot_threshold",
    "ask.evidence.evidence": "log_evidence Evidence",
    "validation.calibration.sbc": "sbc Calibration",
    "ask.optimum.optimum": "optimum Optimum",
    "ask.forecast.risk": "risk Risk",
    "ask.threshold.threshold": "threshold Threshold",
    "ask.threshold.effective_size": "effective_size EffectiveSizes",
    "ask.threshold.frontier": "frontier Frontier",
    "ask.forecast.drift": "Drift",
    "validation.drift.learning": "learn_drift",
    "validation.backtest.backtest": "backtest",
    "validation.backtest.report": "Backtest",
    "validation.backtest.plot": "plot_backtest",
    "errors": "BayeslawError InputError LawError RunsError PoolingError QuestionError FileError ExecutorError "
    "ConvergenceError",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bayeslaw' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"bayeslaw.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
