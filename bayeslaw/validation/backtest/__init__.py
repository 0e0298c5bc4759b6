"""The back-test: the largest runs hidden, and forecast from the others.

============  ======================================================================
``backtest``  the verb
``origins``   which runs are seen and which are hidden
``ahead``     laws fitted to what an origin sees, and asked about the rest
``rivals``    what is done today: Huber loss and a bootstrap
``scores``    how good forecasts were
``report``    what was found, and what follows
``plot``      the picture of it
============  ======================================================================
"""
