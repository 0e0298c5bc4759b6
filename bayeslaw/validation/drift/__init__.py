"""How laws went astray on earlier sweeps.

============  ======================================================================
``learning``  a distribution of slopes, from public sweeps and one's own
``slopes``    the slope of a law's errors against distance
============  ======================================================================
"""
