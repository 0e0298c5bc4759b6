"""What a posterior is for: questions, each a function of a posterior that returns a frozen record.

=============  ======================================================================
``auto``       the main verb, and the laws that suit a table
``forecast``   what a run will reach, how certain that is, and the risk of missing a target
``threshold``  the scale at which an outcome crosses a value; effective sizes, frontiers
``optimum``    the best inputs, and the regret of missing them
``evidence``   how probable a law makes the runs
``compare``    which of several laws the runs support
``average``    several posteriors as one, with weights
``saving``     averages in files
``loading``    fits and averages out of files
``interval``   medians with central intervals at one level or several
``where``      the points that are asked about, and how far they lie beyond the runs
``plot``       pictures that can go into a memo
=============  ======================================================================
"""
