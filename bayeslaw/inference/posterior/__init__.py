"""The result of a fit.

==============  ======================================================================
``posterior``   draws with their law, runs and diagnostics
``summary``     every parameter as a table
``storage``     one NetCDF file per posterior: writing it
``loading``     and reading it back, every number checked
``datatree``    a posterior in ArviZ's format
``quantities``  parameters by group and derived quantities, for the data tree
``making``      a posterior from the draws of a plan
``published``   a posterior of published values, without runs
``noise``       new runs about the law
``best_sizes``  the best size of each fitted budget by the law, and by its runs
``residuals``   where the fitted runs lie to one side of the law
``pointwise``   the log density of every run's outcome under every draw
``densities``   densities of outcomes in NumPy
==============  ======================================================================
"""
