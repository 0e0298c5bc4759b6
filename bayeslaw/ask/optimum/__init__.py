"""The best inputs, such as the split of a budget.

===========  ======================================================================
``optimum``  the question and its answer
``regret``   the regret of other choices
``place``    how the place of an optimum drifts
``trade``    which inputs are traded, fixed and tied by a budget
``budget``   a bound on a cost
``minimum``  the lowest point of a function, for all draws at once
===========  ======================================================================
"""
