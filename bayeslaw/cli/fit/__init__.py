"""From runs to a saved fit.

==============  ==========================================================
``cache``       the programs that were compiled
``demo``        a fit and a forecast of real runs, compared with outcomes
``fit``         a law fitted to a table of runs
``predict``     from a table to a forecast, in one command
``summary``     what was learned about every parameter
``warm``        laws compiled ahead of their first fit
==============  ==========================================================
"""
