"""Before a fit: runs and laws.

==============  ==========================================================
``laws``        the laws of the catalogue
``runs``        a table of runs checked before a fit
``show``        all of one law
==============  ==========================================================
"""
