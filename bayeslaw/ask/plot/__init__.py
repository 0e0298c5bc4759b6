"""Pictures that can go into a memo.

===============  =======================================================================
``forecast``     runs and forecasts against scale, one panel and colour per family
``optimum``      the regret of choices off the optimum
``parameters``   posterior against prior, the families and published values
``prior``        what priors expect, beside what was observed
``threshold``    the law along a scale, and the probability of having crossed a value
``families``     families beside their population
``residuals``    what the law leaves unexplained, and whether the noise fits it
``uncertainty``  how wide a forecast is and what makes it so, against distance
``risk``         the chance that a run ends above each value
``comparison``   how far laws are behind the best of them, and their weights
``canvas``       shared parts: figures, colours, scales
===============  =======================================================================

Each returns a matplotlib figure that is not registered with pyplot: nothing is shown, saved or kept open.
"""
