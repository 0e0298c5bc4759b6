"""Before a fit: runs and laws.

==============  ==========================================================
``laws``        the laws there are
``runs``        a table of runs looked over
``show``        all of one law
==============  ==========================================================
"""
