"""How far laws were wrong on earlier sweeps.

============  ======================================================================
``learning``  a distribution of slopes, from public sweeps and a user's own
``slopes``    the slope of a law's errors against distance
============  ======================================================================
"""
