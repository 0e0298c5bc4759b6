"""What a run would tell, before it is made.

==============  ======================================================================
``next_runs``   the question: which candidate tells most about a target, for its cost
``candidates``  its answer
``screen``      information by normal scores: of many candidates, and of some together
``bounds``      information between bounds, by nested Monte Carlo
``value``       what information is worth to a decision
``worth``       what candidates are worth to a plan
==============  ======================================================================
"""
