"""From runs to a saved fit.

==============  ==========================================================
``demo``        a fit and a forecast of real runs, beside what happened
``fit``         a law fitted to a table of runs
``summary``     what was learned of every parameter
==============  ==========================================================
"""
