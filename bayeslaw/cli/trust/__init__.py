"""How far a law, a fit or a forecast can be trusted.

==============  ==========================================================
``backtest``    how often intervals held, on the user's own runs
``check``       whether a law file and its inference can be trusted
``compare``     which of several laws the runs support
``drift``       how far laws drifted on the user's own earlier sweeps
``evidence``    how probable a law makes the runs
``prior``       what priors expect of the runs
==============  ==========================================================
"""
