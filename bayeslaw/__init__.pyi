"""The public names, one a line: read by ``__init__.py``, which imports them when first used, and by type checkers."""

from bayeslaw import errors as errors
from bayeslaw.ask.auto.fit import fit as fit
from bayeslaw.ask.average import Average as Average
from bayeslaw.ask.compare.averaging import average as average
from bayeslaw.ask.compare.compare import compare as compare
from bayeslaw.ask.evidence.evidence import log_evidence as log_evidence
from bayeslaw.ask.forecast.drift import Drift as Drift
from bayeslaw.ask.forecast.forecast import forecast as forecast
from bayeslaw.ask.forecast.prior import prior_predictive as prior_predictive
from bayeslaw.ask.forecast.risk import risk as risk
from bayeslaw.ask.loading import load as load
from bayeslaw.ask.optimum.optimum import optimum as optimum
from bayeslaw.ask.plot.comparison import plot_comparison as plot_comparison
from bayeslaw.ask.plot.forecast import plot_forecast as plot_forecast
from bayeslaw.ask.plot.optimum import plot_optimum as plot_optimum
from bayeslaw.ask.plot.parameters import plot_parameters as plot_parameters
from bayeslaw.ask.plot.prior import plot_prior as plot_prior
from bayeslaw.ask.plot.residuals import plot_residuals as plot_residuals
from bayeslaw.ask.plot.threshold import plot_threshold as plot_threshold
from bayeslaw.ask.threshold.effective_size import effective_size as effective_size
from bayeslaw.ask.threshold.frontier import frontier as frontier
from bayeslaw.ask.threshold.threshold import threshold as threshold
from bayeslaw.decisions.choice.decide import decide as decide
from bayeslaw.decisions.multiplier.multiplier import compute_multiplier as compute_multiplier
from bayeslaw.decisions.plot.decision import plot_decision as plot_decision
from bayeslaw.decisions.plot.multiplier import plot_multiplier as plot_multiplier
from bayeslaw.inference.base.work import Sampling as Sampling
from bayeslaw.inference.base.work import Work as Work
from bayeslaw.inference.fit import posterior_mode as posterior_mode
from bayeslaw.inference.model.pymc_model import to_pymc as to_pymc
from bayeslaw.inference.posterior.posterior import Posterior as Posterior
from bayeslaw.inference.posterior.published import published as published
from bayeslaw.language.catalogue import law as law
from bayeslaw.language.catalogue import laws as laws
from bayeslaw.language.catalogue import read_law as read_law
from bayeslaw.language.law import Law as Law
from bayeslaw.runs.table import Runs as Runs
from bayeslaw.runs.table import read_runs as read_runs
from bayeslaw.validation.backtest.backtest import backtest as backtest
from bayeslaw.validation.backtest.best_sizes import backtest_optimum as backtest_optimum
from bayeslaw.validation.backtest.plot import plot_backtest as plot_backtest
from bayeslaw.validation.calibration.sbc import sbc as sbc
from bayeslaw.validation.drift.learning import learn_drift as learn_drift

__version__: str
