"""What a run will reach.

==================  ======================================================================
``forecast``        the question and its answer
``draws``           the draws behind it, under one posterior
``mixture``         the draws of an average
``chain``           what one law forecasts as an input of the next
``variance_parts``  what each source of uncertainty adds to the variance
``drift``           how far a law may be wrong beyond the runs
``disagreement``    how far laws disagree there, which is part of the drift
``prior``           what a law expects before it sees an outcome
``risk``            how likely a run misses a target, and by how much
==================  ======================================================================
"""
