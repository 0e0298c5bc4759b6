"""Proof that answers can be trusted: forecasts held against what happened, and inference against what is known.

==============  ==========================================================
``backtest``    hide the dearest runs, forecast them, and count
``origins``     which runs an origin sees
``looks``       laws fitted to what it sees, and what they foretell
``rivals``      what is done today: Huber loss and a bootstrap
``scores``      coverage, interval score, CRPS, log score, by distance
``report``      what was found, and the verdict
``plot``        its picture
``sbc``         simulation-based calibration of a law or about a fit
``simulation``  tables drawn from priors, or from a fit
``ranks``       ranks of the truth, and the band that holds all of them
==============  ==========================================================
"""
