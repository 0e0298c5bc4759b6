"""Notes on what a table of runs can and cannot identify, before a fit.

===========  ======================================================================
``checks``   all of them
``design``   what they examine
``axes``     inputs that do not vary enough, or only together
``cells``    empty cells
``families``  groups
``repeats``  rows of one run
``isoflop``  runs of one budget
``outcome``  what the outcome is, and how far runs lie from a smooth surface
===========  ======================================================================
"""
