"""Whether answers can be trusted: forecasts against outcomes, and inference against known truths.

===============  ======================================================================
``backtest``     the largest runs hidden, and forecast from the others
``calibration``  whether posteriors are calibrated
``drift``        how far laws were wrong on earlier sweeps, learned
===============  ======================================================================
"""
