"""Before a fit: runs and laws.

==============  ==========================================================
``import_``     runs of a tracker or an evaluation as a table
``laws``        the laws of the catalogue
``runs``        a table of runs checked before a fit
``show``        all of one law
==============  ==========================================================
"""
