"""How probable a law makes the runs: the marginal likelihood.

===============  ======================================================================
``evidence``     the question and its answer
``bridge``       bridge sampling
``ball``         saved draws back to the ball they were sampled on
``by_group``     each group's own coordinates averaged out
``batched``      a function at many points as one program
``nested``       an independent opinion: nested sampling
``comparable``   which evidences may be compared
``sensitivity``  what an evidence owes to the widths of the priors
===============  ======================================================================
"""
