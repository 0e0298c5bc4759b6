"""How probable a law makes the runs: the marginal likelihood.

===============  ======================================================================
``evidence``     the question and its answer
``bridge``       bridge sampling
``ball``         saved draws mapped back to the whitened coordinates
``by_group``     each group's own coordinates averaged out
``nested``       an independent estimate: nested sampling
``comparable``   which evidences may be compared
``sensitivity``  how an evidence depends on the widths of the priors
===============  ======================================================================
"""
