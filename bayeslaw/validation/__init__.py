"""Whether answers can be trusted: forecasts against what happened, and inference against known truths.

===============  ======================================================================
``backtest``     the largest runs hidden, and forecast from the others
``calibration``  whether posteriors are those of their priors and noise
``drift``        how laws went astray on earlier sweeps, learned
===============  ======================================================================
"""
