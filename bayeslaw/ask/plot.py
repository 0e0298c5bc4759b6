"""Pictures that can go into a memo.

======================  =======================================================================
``plot_forecast``       runs and forecasts against scale, one panel and colour a family
``plot_optimum``        what choices off the optimum give up
``plot_parameters``     posterior against prior, the families and published values
``plot_threshold``      the law along a scale, and the probability of having crossed a value
``plot_residuals``      what the law leaves unexplained, and whether the noise fits it
``plot_comparison``     how far laws are behind the best of them, and their weights
======================  =======================================================================

Each returns a matplotlib figure that pyplot does not know of: nothing is shown, saved or kept open.
"""

from bayeslaw.ask.fan import plot_forecast
from bayeslaw.ask.marginals import plot_parameters
from bayeslaw.ask.missed import plot_optimum
from bayeslaw.ask.onset import plot_threshold
from bayeslaw.ask.residuals import plot_residuals
from bayeslaw.ask.standings import plot_comparison

__all__ = [
    "plot_comparison", "plot_forecast", "plot_optimum", "plot_parameters", "plot_residuals", "plot_threshold",
]  # fmt: skip
